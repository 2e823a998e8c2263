//! The steps: what recovery and first proofs do, what may be added and removed.

use crate::rules::{Fault, Rules};
use crate::user::{
    ACTOR, Boxes, EACH, ISSUER, Issuer, MAIL, Methods, NONE, OWNER, PASSKEY, PASSWORD, PROVED, Parties,
    SECOND, TOTP, UNPROVED, User, each, starts,
};

/// The name of the step by which an address goes to an account of its owner.
pub(crate) const YIELDS: &str = "yields";

/// A step that somebody may take, by name, and the user after it.
pub(crate) type Step = (&'static str, User);

impl Rules {
    /// Somebody has shown whose the account is.
    pub(crate) fn is_established(self, user: &User) -> bool {
        user.proved() != 0 || user.second != [false; 2] || user.issuer.is_linked() || self.holds(user)
    }

    /// What is left after recovery over this address has taken what nobody proved.
    fn taken(self, user: &User, keep: usize) -> User {
        let mut left = *user;
        for at in (0..2).filter(|at| *at != keep) {
            if left.email[at] == UNPROVED {
                left.email[at] = NONE;
            }
        }
        if !self.is_second(ISSUER) {
            left.issuer = Issuer::Absent;
        }
        if !self.is_second(PASSKEY) {
            left.passkey = 0;
        }
        if self.broken(Fault::RecoveryTakesSeconds) {
            left.second = [false; 2];
        }
        left
    }

    fn recoveries(self, user: &User, who: Parties, boxes: Boxes) -> Vec<Step> {
        let mut steps = Vec::new();
        if user.password == 0 {
            return steps;
        }
        for (at, _) in EACH.into_iter().filter(|(_, one)| boxes & one != 0) {
            let by_second = self.broken(Fault::SecondsRecover) && user.second[at];
            if user.email[at] == NONE && !user.mail[at] && !by_second {
                continue;
            }
            let proved = user.proved() & EACH[at].1 != 0;
            let unproved = self.broken(Fault::UnprovedRecovers) && user.proved() == 0;
            if !(proved || by_second || unproved) {
                continue;
            }
            let mut after = self.taken(user, at);
            (after.password, after.over) = (who, EACH[at].1);
            if after.email[at] != NONE {
                after.email[at] = PROVED;
            }
            steps.push((["recover over X", "recover over Y"][at], after));
            if self.broken(Fault::RecoveryAnyGroup) && user.pin != 0 {
                steps.push(("recover the PIN", User { pin: who, ..*user }));
            }
        }
        steps
    }

    /// The first proof of an address without a session of the user: the account changes owners.
    fn first_proofs(self, user: &User, who: Parties, boxes: Boxes) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, one) in EACH.into_iter().filter(|(_, one)| boxes & one != 0) {
            if user.email[at] != UNPROVED || user.mail[at] {
                continue;
            }
            let mut after = *user;
            if self.is_established(user) {
                if self.broken(Fault::VerifyEstablished) {
                    after.email[at] = PROVED;
                    steps.push(("prove without session", after));
                    continue;
                }
                // It yields to who proves it for an account of his own, unless it would be the last way in.
                after.email[at] = NONE;
                if self.may_be_left(&after, Some(user)) {
                    steps.push((YIELDS, after));
                }
                continue;
            }
            after.email[at] = PROVED;
            if !self.broken(Fault::FirstKeeps) {
                after = User {
                    password: who,
                    over: one,
                    ..User::default()
                };
                after.email[at] = PROVED;
            }
            steps.push(("first proof", after));
        }
        steps
    }

    /// What anybody with these mailboxes can do without a session.
    pub(crate) fn outside(self, user: &User, who: Parties, boxes: Boxes) -> Vec<Step> {
        let mut steps = self.recoveries(user, who, boxes);
        steps.extend(self.first_proofs(user, who, boxes));
        steps
    }

    /// What is left may stay: it starts a sign-in, not by a second factor alone where there was a first one, and not
    /// only by addresses that nobody proved, where the user is established.
    pub(crate) fn may_be_left(self, user: &User, before: Option<&User>) -> bool {
        let starting =
            |user: &User| -> Vec<Methods> { each(user.methods()).filter(|one| starts(*one)).collect() };
        let ways = starting(user);
        if ways.is_empty() {
            return false;
        }
        if self.broken(Fault::SingleLeft) {
            return true;
        }
        let has_first = |ways: &[Methods]| ways.iter().any(|one| !self.is_second(*one));
        if let Some(before) = before
            && self.holds(user)
            && !ways.iter().any(|one| self.is_multi(*one))
            && !has_first(&ways)
            && has_first(&starting(before))
        {
            return false;
        }
        !self.is_established(user)
            || ways
                .iter()
                .any(|one| *one != PASSWORD || user.username || user.proved() != 0)
    }

    /// What a party with a fresh full proof can do.
    pub(crate) fn inside(self, user: &User, who: Parties, boxes: Boxes, proved: Methods) -> Vec<Step> {
        let mut steps = self.enrollments(user, who, boxes);
        for (at, one) in EACH {
            if user.email[at] == NONE && user.password != 0 {
                let mut after = *user;
                after.email[at] = if user.proved() & one == 0 {
                    UNPROVED
                } else {
                    PROVED
                };
                if self.sides_part(&after) {
                    steps.push((["link eX unproved", "link eY unproved"][at], after));
                }
            }
        }
        if user.password != 0 {
            if !user.username {
                steps.push((
                    "link u",
                    User {
                        username: true,
                        ..*user
                    },
                ));
            }
            // The address is forgotten unless it alone could have made this very proof.
            let over = user.over & self.cover(user, proved);
            steps.push((
                "change password",
                User {
                    password: who,
                    over,
                    ..*user
                },
            ));
        }
        steps.extend(self.removals(user));
        steps
    }

    fn enrollments(self, user: &User, who: Parties, boxes: Boxes) -> Vec<Step> {
        let mut steps = Vec::new();
        let may = self.broken(Fault::EnrollUnproved) || user.unproved() == 0;
        if user.totp & who == 0 && (!self.is_second(TOTP) || may) {
            steps.push((
                "enroll totp",
                User {
                    totp: user.totp | who,
                    ..*user
                },
            ));
        }
        if user.passkey & who == 0 && (!self.is_second(PASSKEY) || may) {
            steps.push((
                "enroll passkey",
                User {
                    passkey: user.passkey | who,
                    ..*user
                },
            ));
        }
        if user.pin == 0 && may {
            steps.push(("enroll pin", User { pin: who, ..*user }));
        }
        for (at, _) in EACH.into_iter().filter(|(_, one)| boxes & one != 0) {
            let mut mail = *user;
            mail.mail[at] = true;
            let mut second = *user;
            second.second[at] = true;
            for (set, name, after) in [
                (MAIL[at], ["link mX", "link mY"][at], mail),
                (SECOND[at], ["link sX", "link sY"][at], second),
            ] {
                if after != *user && (!self.is_second(set) || may) && self.sides_part(&after) {
                    steps.push((name, after));
                }
            }
            if user.email[at] == UNPROVED {
                let mut after = *user;
                after.email[at] = PROVED;
                steps.push((["prove eX with session", "prove eY with session"][at], after));
            }
        }
        steps
    }

    fn removals(self, user: &User) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for (at, _) in EACH {
            let (mut email, mut mail, mut second) = (*user, *user, *user);
            email.email[at] = NONE;
            mail.mail[at] = false;
            second.second[at] = false;
            steps.push(("unlink email", email));
            steps.push(("unlink mail", mail));
            steps.push(("unlink second", second));
        }
        steps.push((
            "unlink u",
            User {
                username: false,
                ..*user
            },
        ));
        steps.push((
            "unlink issuer",
            User {
                issuer: Issuer::Absent,
                ..*user
            },
        ));
        for who in [OWNER, ACTOR] {
            let dead = user.dead && who != OWNER;
            if user.totp & who != 0 {
                steps.push((
                    "remove totp",
                    User {
                        totp: user.totp & !who,
                        dead,
                        ..*user
                    },
                ));
            }
            if user.passkey & who != 0 {
                steps.push((
                    "remove passkey",
                    User {
                        passkey: user.passkey & !who,
                        ..*user
                    },
                ));
            }
        }
        steps.retain(|(_, after)| after != user && self.may_be_left(after, Some(user)));
        if user.pin != 0 {
            steps.push(("remove pin", User { pin: 0, ..*user }));
        }
        steps
    }
}
