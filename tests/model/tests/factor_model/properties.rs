//! The properties, as inductive invariants over every state: so they hold for sequences of every length.

use std::collections::{BTreeMap, HashSet};

use crate::premises::{is_protected, is_told};
use crate::rules::{Fault, Rules};
use crate::states::{Dimension, runs, users};
use crate::steps::YIELDS;
use crate::user::{ACTOR, BOTH, Boxes, OWNER, User, X, Y};

/// A state in which a property does not hold, and how it came there.
pub(crate) type Checked = Result<usize, String>;

/// A: who holds only X never gets a session of a user who holds a second factor outside X, or whose first factor is.
pub(crate) fn a(rules: Rules, users: &[User]) -> Checked {
    let mut count = 0;
    for user in users.iter().filter(|user| is_protected(rules, user)) {
        count += 1;
        if let Some(proved) = rules.sessions(user, ACTOR, X).first() {
            return Err(format!("A: {user:?}: the actor gets in with {proved:b}"));
        }
        for (step, after) in rules.outside(user, ACTOR, X) {
            if !is_protected(rules, &after) {
                return Err(format!(
                    "A: {user:?}: the actor's {step:?} takes the protection away: {after:?}"
                ));
            }
        }
        let by_cover: BTreeMap<Boxes, u16> = rules
            .sessions(user, OWNER, BOTH)
            .into_iter()
            .map(|proved| (rules.cover(user, proved), proved))
            .collect();
        for proved in by_cover.into_values() {
            let mut steps = rules.inside(user, OWNER, BOTH, proved);
            steps.extend(rules.outside(user, OWNER, BOTH));
            for (step, after) in steps {
                let knowingly = step.starts_with("unlink")
                    || step.starts_with("remove")
                    || (step == "link sX" && (user.password | user.passkey) & ACTOR != 0);
                if !knowingly && !is_protected(rules, &after) {
                    return Err(format!(
                        "A: {user:?}: the owner's {step:?} loses the protection: {after:?}"
                    ));
                }
            }
        }
    }
    Ok(count)
}

fn gets_in(rules: Rules, user: &User, recoveries: u8) -> bool {
    !rules.sessions(user, OWNER, BOTH).is_empty()
        || (recoveries > 0
            && rules
                .outside(user, OWNER, BOTH)
                .iter()
                .any(|(_, after)| gets_in(rules, after, recoveries - 1)))
}

/// B: an owner who proves all he has gets in, now or after recovering, whatever the holder of X did before.
pub(crate) fn b(rules: Rules, users: &[User]) -> Checked {
    let mut count = 0;
    for user in users {
        let planted = (user.totp | user.passkey | user.pin | user.password) & ACTOR != 0;
        let cannot_arise = !rules.sides_part(user)
            || (user.unproved() != 0 && rules.holds(user) && !rules.may_be_left(user, None));
        if planted || cannot_arise {
            continue;
        }
        count += 1;
        let mut after = vec![*user];
        for _ in 0..2 {
            let next = after.iter().flat_map(|user| rules.outside(user, ACTOR, X));
            let next: Vec<User> = next.map(|(_, user)| user).collect();
            after.extend(next);
        }
        for left in &after {
            if !gets_in(rules, left, 2) && !is_told(rules, left) {
                return Err(format!("B: {user:?} -> {left:?}: the owner is locked out"));
            }
        }
    }
    Ok(count)
}

/// C: additions commute, but for what is stated.
pub(crate) fn c(rules: Rules, users: &[User]) -> Checked {
    let mut pairs = 0;
    for user in users.iter().filter(|user| rules.sides_part(user)) {
        let Some(&proved) = rules.sessions(user, OWNER, BOTH).first() else {
            continue;
        };
        let inside = |user: &User| rules.inside(user, OWNER, BOTH, proved);
        let is_addition = |step: &str| {
            ["enroll", "link", "prove"]
                .iter()
                .any(|word| step.starts_with(word))
        };
        let additions: Vec<_> = inside(user)
            .into_iter()
            .filter(|(step, _)| is_addition(step))
            .collect();
        let after: Vec<Vec<_>> = additions.iter().map(|(_, after)| inside(after)).collect();
        let find = |from: usize, step: &str| {
            after[from]
                .iter()
                .find(|(name, _)| *name == step)
                .map(|(_, user)| *user)
        };
        for (i, (one, _)) in additions.iter().enumerate() {
            for (j, (other, _)) in additions.iter().enumerate().skip(i + 1) {
                pairs += 1;
                let (ab, ba) = (find(i, other), find(j, one));
                let either = |is: &dyn Fn(&str) -> bool| is(one) || is(other);
                // A second factor waits until each address is proved.
                let waits = ab.is_some() != ba.is_some() && either(&|step| step.ends_with("unproved"));
                // An address that is proved once is proved for each name.
                let proved_once = either(&|step| step.starts_with("prove") || step.ends_with("unproved"))
                    && either(&|step| step.starts_with("link m"));
                if ab != ba && !waits && !proved_once {
                    return Err(format!("C: {user:?}: {one} / {other}: {ab:?} != {ba:?}"));
                }
            }
        }
    }
    Ok(pairs)
}

/// P: the actor makes an account with the victim's address X, and does anything. The victim recovers or clicks: the
/// account is the victim's alone from then on.
pub(crate) fn p(rules: Rules) -> Checked {
    let mut start = User {
        password: ACTOR,
        ..User::default()
    };
    start.email[0] = 1;
    let mut seen = HashSet::from([start]);
    let mut todo = vec![start];
    let mut takeovers = 0;
    while let Some(user) = todo.pop() {
        let mut next = rules.outside(&user, ACTOR, Y);
        if let Some(&proved) = rules.sessions(&user, ACTOR, Y).first() {
            next.extend(rules.inside(&user, ACTOR, Y, proved));
        }
        todo.extend(
            next.into_iter()
                .map(|(_, after)| after)
                .filter(|after| seen.insert(*after)),
        );
        for (step, after) in rules.outside(&user, OWNER, X) {
            // There the victim has the address in an account of his own.
            if step == YIELDS {
                continue;
            }
            takeovers += 1;
            if rules.sessions(&after, OWNER, X).is_empty() {
                return Err(format!("P: {user:?} -{step}-> {after:?}: the victim is not in"));
            }
            stays_out(rules, after)
                .map_err(|left| format!("P: {user:?} -{step}-> {left:?}: the actor is in"))?;
        }
    }
    Ok(takeovers)
}

/// Whatever the actor does from outside, no session is had; else the state in which one is.
fn stays_out(rules: Rules, from: User) -> Result<(), User> {
    let mut seen = HashSet::from([from]);
    let mut todo = vec![from];
    while let Some(user) = todo.pop() {
        if !rules.sessions(&user, ACTOR, Y).is_empty() {
            return Err(user);
        }
        let next = rules.outside(&user, ACTOR, Y).into_iter().map(|(_, after)| after);
        todo.extend(next.filter(|after| seen.insert(*after)));
    }
    Ok(())
}

/// What a run over all policies has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) c: usize,
    pub(crate) p: usize,
}

/// All properties under all policies.
pub(crate) fn check(fault: Option<Fault>) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for (second, dimensions) in runs() {
        let users = users(&dimensions);
        let passkeys = dimensions.contains(&Dimension::Passkey);
        for (require, verified) in [(false, true), (true, true), (false, false), (true, false)] {
            if !verified && !passkeys {
                continue;
            }
            let rules = Rules {
                second,
                require,
                verified,
                fault,
            };
            let told = |why: String| format!("{why}\nunder {rules:?}");
            seen.a += a(rules, &users).map_err(told)?;
            seen.b += b(rules, &users).map_err(told)?;
            seen.p += p(rules).map_err(told)?;
            if verified {
                seen.c += c(rules, &users).map_err(told)?;
            }
        }
    }
    Ok(seen)
}
