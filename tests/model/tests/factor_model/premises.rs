//! What the properties are about: whom they protect, and which lock-outs have a way out of their own.

use crate::rules::{Decision, Refused, Rules};
use crate::user::{ACTOR, BOTH, Boxes, OWNER, PASSKEY, PASSWORD, PIN, Parties, TOTP, User, X, each, starts};

/// One half of A's premise: a second factor of the owner's outside the mailbox, and none that the actor planted.
fn has_second_outside(rules: Rules, user: &User, mailbox: Boxes) -> bool {
    let planted = |set, holders: Parties| rules.is_second(set) && holders & ACTOR != 0;
    if planted(TOTP, user.totp) || planted(PASSKEY, user.passkey) || planted(PIN, user.pin) {
        return false;
    }
    let seconds = || each(user.methods() & rules.second);
    let is_owners = |one| match one {
        TOTP => user.totp & OWNER != 0,
        PASSKEY => user.passkey & OWNER != 0,
        PIN => user.pin & OWNER != 0,
        _ => true,
    };
    let own = seconds().any(|one| rules.reach(user, one) & mailbox == 0 && is_owners(one));
    // Expired or spent is not absent.
    let unusable = user.dead && rules.is_second(TOTP);
    // What he holds beside the mailbox from before: then every second factor must be outside it.
    let plants = (user.password & ACTOR != 0 && user.over != mailbox) || user.passkey & ACTOR != 0;
    let within = seconds().any(|one| rules.reach(user, one) & mailbox != 0);
    (own || unusable) && !(plants && within)
}

/// The other half: the actor reads a second factor's mailbox, and no first factor can be had through it.
fn has_firsts_outside(rules: Rules, user: &User, mailbox: Boxes) -> bool {
    let methods = user.methods();
    let planted = (user.totp | user.passkey | user.pin | user.password) & ACTOR != 0;
    methods & rules.second != 0
        && each(methods).any(|one| starts(one) && !rules.is_second(one))
        && !planted
        && rules.first_side(user) & mailbox == 0
        && user.over != mailbox
}

/// What A and its converse protect.
pub(crate) fn is_protected(rules: Rules, user: &User) -> bool {
    has_second_outside(rules, user, X) || has_firsts_outside(rules, user, X)
}

/// The exceptions of B, each with its way out; everything else is a lock-out.
pub(crate) fn is_told(rules: Rules, user: &User) -> bool {
    let mut from = vec![*user];
    from.extend(
        rules
            .outside(user, OWNER, BOTH)
            .into_iter()
            .map(|(_, after)| after),
    );
    let reasons: Vec<Refused> = from
        .iter()
        .flat_map(|user| rules.ends(user, OWNER, BOTH))
        .filter_map(|(_, end)| match end {
            Decision::Refuse(why) => Some(why),
            _ => None,
        })
        .collect();
    let only_unusable =
        !reasons.is_empty() && reasons.iter().all(|why| *why == Refused::SecondFactorUnusable);
    // The operator resets the factors.
    (user.dead && only_unusable)
        // A password that somebody else made, and no proved address: it was never his account.
        || (user.password == ACTOR
            && user.proved() == 0
            && !each(user.methods()).any(|one| one != PASSWORD && starts(one)))
        // `open` refuses such a policy.
        || (rules.require && reasons.contains(&Refused::NoDistinctFactorPossible))
}
