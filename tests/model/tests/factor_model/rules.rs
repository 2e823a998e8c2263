//! The rules: what each method is worth, and the one function that says what is asked for.

use crate::user::{
    BOTH, Boxes, GROUPS, ISSUER, KNOWLEDGE, MAILS, Methods, NONE, PASSKEY, PASSWORD, Parties, SECONDS, TOTP,
    User, boxes_where, each, mailbox, starts,
};

/// A rule that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Every second factor that is held is offered, one at the proved mailbox too, and any two are enough.
    AnyOfAll,
    /// A second factor at the first one's mailbox is not asked for.
    BothSidesIsNone,
    /// Two mailboxes are one channel: refused.
    ChannelNotAddress,
    /// A second factor that is expired or spent counts as none.
    DeadIsAbsent,
    /// A second factor may be enrolled beside an unproved address.
    EnrollUnproved,
    /// The first proof of an address takes nothing away.
    FirstKeeps,
    /// Two in one counts for names that are not second, too.
    MultiAnywhere,
    /// The address over which a password was set is forgotten.
    NoOver,
    /// One address may serve first and second factors.
    NoSides,
    /// A recovery token replaces a second factor's credentials.
    RecoveryAnyGroup,
    /// Recovery removes the identities of second factors.
    RecoveryTakesSeconds,
    /// A second factor of the class that was proved is not asked for.
    SameClassIsNothing,
    /// Only second factors complete a set: a passkey first is stuck.
    SecondsOnlyNext,
    /// Names of second factors take recovery tokens.
    SecondsRecover,
    /// A way in may be removed although only unproved ones are left.
    SingleLeft,
    /// An address that nobody proved recovers where a second factor is held.
    UnprovedRecovers,
    /// A further address is proved without a session of the user.
    VerifyEstablished,
}

/// What is still asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Accept,
    Verify(Methods),
    Enroll(Methods),
    Refuse(Refused),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoDistinctFactorPossible,
    NoIndependentFactor,
    SecondFactorUnusable,
}

/// The policy, and the rule that is broken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// The groups of `policy.second_factor`.
    pub(crate) second: Methods,
    pub(crate) require: bool,
    /// Passkeys verify their user.
    pub(crate) verified: bool,
    pub(crate) fault: Option<Fault>,
}

impl Rules {
    pub(crate) fn broken(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) const fn is_second(self, one: Methods) -> bool {
        self.second & one != 0
    }

    fn issuer_address(self, user: &User, second: bool) -> Boxes {
        if self.is_second(ISSUER) == second {
            user.issuer.asserted()
        } else {
            0
        }
    }

    /// Addresses that recover the password or start a sign-in.
    pub(crate) fn first_side(self, user: &User) -> Boxes {
        boxes_where(|at| user.email[at] != NONE || user.mail[at]) | self.issuer_address(user, false)
    }

    fn second_side(self, user: &User) -> Boxes {
        boxes_where(|at| user.second[at]) | self.issuer_address(user, true)
    }

    /// No address is on both sides.
    pub(crate) fn sides_part(self, user: &User) -> bool {
        let over = if user.password == 0 { 0 } else { user.over };
        self.broken(Fault::NoSides) || (self.first_side(user) | over) & self.second_side(user) == 0
    }

    /// The mailboxes each of which alone gives the method.
    pub(crate) fn reach(self, user: &User, one: Methods) -> Boxes {
        match one {
            PASSWORD => {
                let recovers = |at: usize| {
                    user.email[at] != NONE
                        || user.mail[at]
                        || (self.broken(Fault::SecondsRecover) && user.second[at])
                };
                let over = if self.broken(Fault::NoOver) { 0 } else { user.over };
                boxes_where(recovers) | over
            }
            ISSUER => user.issuer.asserted(),
            code if code & (MAILS | SECONDS) != 0 => mailbox(code),
            _ => 0,
        }
    }

    /// The mailboxes that alone suffice for all of these.
    pub(crate) fn cover(self, user: &User, proved: Methods) -> Boxes {
        each(proved).fold(BOTH, |cover, one| cover & self.reach(user, one))
    }

    pub(crate) fn is_multi(self, one: Methods) -> bool {
        one == PASSKEY && self.verified && (self.is_second(one) || self.broken(Fault::MultiAnywhere))
    }

    fn has_multi(self, proved: Methods) -> bool {
        each(proved).any(|one| self.is_multi(one))
    }

    pub(crate) fn two(self, user: &User, proved: Methods) -> bool {
        let groups = GROUPS.iter().filter(|&&group| group & proved != 0).count();
        self.has_multi(proved) || (groups >= 2 && proved & self.second != 0 && self.cover(user, proved) == 0)
    }

    fn distinct(self, user: &User, proved: Methods) -> bool {
        let two_classes = proved & KNOWLEDGE != 0 && proved & !KNOWLEDGE != 0;
        self.two(user, proved) && (two_classes || self.has_multi(proved))
    }

    /// Second factors that are held and usable.
    fn usable(self, user: &User) -> Methods {
        user.methods() & self.second
    }

    /// A second factor is held that is not usable.
    fn has_unusable(self, user: &User) -> bool {
        user.dead && self.is_second(TOTP) && !self.broken(Fault::DeadIsAbsent)
    }

    pub(crate) fn holds(self, user: &User) -> bool {
        self.usable(user) != 0 || self.has_unusable(user)
    }

    /// The one function.
    pub(crate) fn decide(self, user: &User, proved: Methods) -> Decision {
        let holds = self.holds(user);
        if (holds && self.distinct(user, proved)) || self.has_multi(proved) {
            return Decision::Accept;
        }
        if self.broken(Fault::SameClassIsNothing) {
            let left = self.usable(user) & !proved;
            let names = each(left).filter(|one| self.distinct(user, proved | one)).sum();
            return if names == 0 {
                Decision::Accept
            } else {
                Decision::Verify(names)
            };
        }
        if holds && let Some(decision) = self.complete(user, proved) {
            return decision;
        }
        if !self.require {
            return Decision::Accept;
        }
        let differs = |set: Methods| (proved & KNOWLEDGE != 0) != (set & KNOWLEDGE != 0) || has_both(proved);
        let new = GROUPS
            .into_iter()
            .filter(|&set| self.is_second(set) && set & proved == 0 && (self.is_multi(set) || differs(set)))
            .sum();
        if new == 0 {
            Decision::Refuse(Refused::NoDistinctFactorPossible)
        } else {
            Decision::Enroll(new)
        }
    }

    /// What is decided of somebody who holds a second factor, if that decides it.
    fn complete(self, user: &User, proved: Methods) -> Option<Decision> {
        let (two, cover) = (self.two(user, proved), self.cover(user, proved));
        let none_is_second = proved & self.second == 0;
        let seconds = self.usable(user) & !proved;
        let mut candidates = seconds;
        if !self.broken(Fault::SecondsOnlyNext) && proved & !self.second == 0 {
            let firsts = user.methods() & !proved & !self.second;
            candidates |= each(firsts).filter(|one| starts(*one)).sum::<Methods>();
        }
        if self.broken(Fault::AnyOfAll) {
            if candidates != 0 && none_is_second {
                return Some(Decision::Verify(candidates));
            }
            if !none_is_second && proved.count_ones() > 1 {
                return Some(Decision::Accept);
            }
        }
        let pick =
            |is: &dyn Fn(Methods) -> bool| -> Methods { each(candidates).filter(|one| is(*one)).sum() };
        let distinct = pick(&|one| self.distinct(user, proved | one));
        if distinct != 0 {
            return Some(Decision::Verify(distinct));
        }
        if two && !self.require {
            return Some(Decision::Accept);
        }
        let mails = MAILS | SECONDS;
        let one_channel =
            |one: Methods| self.broken(Fault::ChannelNotAddress) && proved & mails != 0 && one & mails != 0;
        let makes_two = pick(&|one| !two && self.two(user, proved | one) && !one_channel(one));
        if makes_two != 0 {
            return Some(Decision::Verify(makes_two));
        }
        let shrinks = pick(&|one| self.cover(user, proved | one) != cover && !one_channel(one));
        if shrinks != 0 {
            return Some(Decision::Verify(shrinks));
        }
        if none_is_second && seconds != 0 && !self.broken(Fault::BothSidesIsNone) {
            return Some(Decision::Verify(seconds));
        }
        if self.broken(Fault::ChannelNotAddress) && candidates != 0 {
            return Some(Decision::Refuse(Refused::NoIndependentFactor));
        }
        (self.has_unusable(user) && !two).then_some(Decision::Refuse(Refused::SecondFactorUnusable))
    }

    /// Every end that a party can reach at sign-in.
    pub(crate) fn ends(self, user: &User, who: Parties, boxes: Boxes) -> Vec<(Methods, Decision)> {
        let provable = user.provable(who, boxes);
        let mut todo: Vec<Methods> = each(provable).filter(|one| starts(*one)).collect();
        let (mut seen, mut ends) = (Vec::new(), Vec::new());
        while let Some(proved) = todo.pop() {
            if seen.contains(&proved) {
                continue;
            }
            seen.push(proved);
            match self.decide(user, proved) {
                Decision::Verify(names) => todo.extend(each(names & provable).map(|one| proved | one)),
                end => ends.push((proved, end)),
            }
        }
        ends
    }

    /// The sets with which a session is had. To enroll in between counts: it is the party's own.
    pub(crate) fn sessions(self, user: &User, who: Parties, boxes: Boxes) -> Vec<Methods> {
        let gets_in = |end: &Decision| matches!(end, Decision::Accept | Decision::Enroll(_));
        let ends = self.ends(user, who, boxes);
        ends.into_iter()
            .filter(|(_, end)| gets_in(end))
            .map(|(proved, _)| proved)
            .collect()
    }
}

const fn has_both(set: Methods) -> bool {
    set & KNOWLEDGE != 0 && set & !KNOWLEDGE != 0
}
