//! One user and what the rules look at: names, credentials, who knows or holds what. Small enough to be listed in full.

/// A set of mailboxes: 1 is X, 2 is Y.
pub(crate) type Boxes = u8;
pub(crate) const X: Boxes = 1;
pub(crate) const Y: Boxes = 2;
pub(crate) const BOTH: Boxes = X | Y;
/// The two mailboxes, each with its index.
pub(crate) const EACH: [(usize, Boxes); 2] = [(0, X), (1, Y)];

/// A set of parties: 1 is the owner, 2 is the actor.
pub(crate) type Parties = u8;
pub(crate) const OWNER: Parties = 1;
pub(crate) const ACTOR: Parties = 2;

/// What an address at a name of passwords is.
pub(crate) const NONE: u8 = 0;
pub(crate) const UNPROVED: u8 = 1;
pub(crate) const PROVED: u8 = 2;

/// A set of methods, one bit each.
pub(crate) type Methods = u16;
pub(crate) const PASSWORD: Methods = 1;
/// Codes by mail at a first name, at X and at Y.
pub(crate) const MAIL: [Methods; 2] = [2, 4];
/// Codes by mail at a second name.
pub(crate) const SECOND: [Methods; 2] = [8, 16];
pub(crate) const ISSUER: Methods = 32;
pub(crate) const TOTP: Methods = 64;
pub(crate) const PASSKEY: Methods = 128;
pub(crate) const PIN: Methods = 256;

/// A set of groups, by the methods that are in them: a group is wholly in or wholly out.
pub(crate) const MAILS: Methods = MAIL[0] | MAIL[1];
pub(crate) const SECONDS: Methods = SECOND[0] | SECOND[1];
pub(crate) const GROUPS: [Methods; 7] = [PASSWORD, MAILS, SECONDS, ISSUER, TOTP, PASSKEY, PIN];
/// What a person knows; everything else is possession.
pub(crate) const KNOWLEDGE: Methods = PASSWORD | PIN | ISSUER;

/// The methods of a set, one by one.
pub(crate) fn each(set: Methods) -> impl Iterator<Item = Methods> {
    (0..9).map(|bit| 1 << bit).filter(move |one| set & one != 0)
}

/// What an issuer's account says of its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Issuer {
    #[default]
    Absent,
    Silent,
    Asserts(Boxes),
}

impl Issuer {
    pub(crate) const fn is_linked(self) -> bool {
        !matches!(self, Self::Absent)
    }

    pub(crate) const fn asserted(self) -> Boxes {
        match self {
            Self::Asserts(at) => at,
            _ => 0,
        }
    }
}

/// A user as the store has it, and who can prove what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct User {
    /// Addresses at the name of passwords.
    pub(crate) email: [u8; 2],
    pub(crate) mail: [bool; 2],
    pub(crate) second: [bool; 2],
    /// A name without an address.
    pub(crate) username: bool,
    pub(crate) issuer: Issuer,
    /// Who knows the password; nobody: there is none.
    pub(crate) password: Parties,
    /// The address over which a recovery set it last.
    pub(crate) over: Boxes,
    pub(crate) totp: Parties,
    pub(crate) passkey: Parties,
    pub(crate) pin: Parties,
    /// The owner's TOTP is expired, spent, or its key is lost.
    pub(crate) dead: bool,
}

impl User {
    /// Usable methods, whosever they are.
    pub(crate) fn methods(&self) -> Methods {
        let mut held = 0;
        if self.password != 0 && (self.email != [NONE; 2] || self.username) {
            held |= PASSWORD;
        }
        for at in 0..2 {
            held |= if self.mail[at] { MAIL[at] } else { 0 };
            held |= if self.second[at] { SECOND[at] } else { 0 };
        }
        held |= if self.issuer.is_linked() { ISSUER } else { 0 };
        let usable = if self.dead { self.totp & !OWNER } else { self.totp };
        held |= if usable != 0 { TOTP } else { 0 };
        held |= if self.passkey != 0 { PASSKEY } else { 0 };
        held | if self.pin != 0 { PIN } else { 0 }
    }

    /// Addresses that a message proved.
    pub(crate) fn proved(&self) -> Boxes {
        boxes_where(|at| self.email[at] == PROVED || self.mail[at])
    }

    pub(crate) fn unproved(&self) -> Boxes {
        boxes_where(|at| self.email[at] == UNPROVED && !self.mail[at])
    }

    /// What this party can prove, with these mailboxes.
    pub(crate) fn provable(&self, who: Parties, boxes: Boxes) -> Methods {
        let is_provable = |one: Methods| match one {
            PASSWORD => self.password & who != 0,
            // At worst the asserted mailbox opens the issuer's account.
            ISSUER => who == OWNER || self.issuer.asserted() & boxes != 0,
            TOTP => self.totp & who != 0 && !(who == OWNER && self.dead),
            PASSKEY => self.passkey & who != 0,
            PIN => self.pin & who != 0,
            code => boxes & mailbox(code) != 0,
        };
        each(self.methods()).filter(|one| is_provable(*one)).sum()
    }
}

/// The mailboxes of which something is true.
pub(crate) fn boxes_where(is: impl Fn(usize) -> bool) -> Boxes {
    EACH.iter().filter(|(at, _)| is(*at)).map(|(_, one)| one).sum()
}

/// The mailbox that a code goes to.
pub(crate) fn mailbox(code: Methods) -> Boxes {
    EACH.iter()
        .filter(|(at, _)| (MAIL[*at] | SECOND[*at]) & code != 0)
        .map(|(_, one)| one)
        .sum()
}

/// True for what begins a sign-in.
pub(crate) const fn starts(one: Methods) -> bool {
    one & (TOTP | PIN) == 0
}
