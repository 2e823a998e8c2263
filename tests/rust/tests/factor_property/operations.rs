//! What the owner and the actor may do, drawn at random.

use proptest::prelude::*;

use crate::held::Kind;
use crate::user::{Boxes, PIN};
use crate::world::{Came, Party, World};

/// One thing that somebody tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// From now on the issuer says this of its account.
    Asserts(Boxes),
    ChangePassword,
    /// The link of a verification, without a session.
    Click(usize),
    EnrollApp,
    EnrollPasskey,
    /// Codes to an address are a second factor from before the rule. Never drawn.
    Inherit(usize),
    /// Something is had and not used: over an address where it goes to one.
    Keep(Kind, usize),
    /// At `email`, `mail` or `code`.
    Link(&'static str, usize),
    LinkIssuer,
    LinkPin,
    LinkUsername,
    /// The link of a verification, in a session.
    Prove(usize),
    /// A recovery over an address at a name, of a name's credentials.
    Recover(&'static str, &'static str, usize),
    /// The newest of a group.
    Remove(&'static str),
    /// By an operator.
    Reset,
    SignIn,
    /// The owner's app expires.
    Spoil,
    Unlink(&'static str, usize),
    /// The newest of what was kept.
    Use(Kind),
    Wait(u32),
    /// Somebody proves the address for an account of their own.
    Yield(usize),
}

impl Operation {
    /// Adds something, and takes nothing.
    pub(crate) const fn is_addition(self) -> bool {
        matches!(
            self,
            Self::EnrollApp
                | Self::EnrollPasskey
                | Self::Link(..)
                | Self::LinkIssuer
                | Self::LinkPin
                | Self::LinkUsername
                | Self::Prove(_)
        )
    }

    /// Gives up what protects the account, and says so.
    pub(crate) const fn is_removal(self) -> bool {
        matches!(self, Self::Unlink(..) | Self::Remove(_) | Self::Reset)
    }
}

/// Who does what.
pub(crate) type Deed = (bool, Operation);

/// Up to 30 deeds; true: the owner's.
pub(crate) fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec((any::<bool>(), operation()), 1..=30)
}

/// Moments, and times after which one thing or another is over.
fn waits() -> impl Strategy<Value = u32> {
    const MINUTE: u32 = 60;
    const HOUR: u32 = 60 * MINUTE;
    const DAY: u32 = 24 * HOUR;
    prop_oneof![
        3 => 0..9 * MINUTE,
        3 => 10 * MINUTE..30 * MINUTE,
        2 => 50 * MINUTE..2 * HOUR,
        2 => 7 * HOUR..25 * HOUR,
        1 => 13 * DAY..15 * DAY,
        1 => 89 * DAY..91 * DAY,
    ]
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(&Kind::ALL[..])
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let at = || 0_usize..2;
    let name = || prop_oneof![Just("email"), Just("mail"), Just("code")];
    let any_name = prop_oneof![
        3 => name(),
        1 => Just("username"),
        1 => Just("pin"),
        1 => Just("issuer"),
    ];
    let group = prop_oneof![4 => Just("email"), 1 => Just("pin"), 1 => Just("username")];
    let device = prop_oneof![Just("totp"), Just("passkey")];
    prop_oneof![
        6 => (name(), at()).prop_map(|(name, at)| Operation::Link(name, at)),
        4 => at().prop_map(Operation::Prove),
        4 => (name(), group, at()).prop_map(|(name, group, at)| Operation::Recover(name, group, at)),
        3 => (any_name, at()).prop_map(|(name, at)| Operation::Unlink(name, at)),
        3 => Just(Operation::EnrollApp),
        2 => Just(Operation::EnrollPasskey),
        2 => Just(Operation::LinkPin),
        1 => Just(Operation::LinkIssuer),
        1 => (0_u8..4).prop_map(|boxes| Operation::Asserts(if boxes == 3 { 0 } else { boxes })),
        2 => at().prop_map(Operation::Click),
        1 => at().prop_map(Operation::Yield),
        1 => Just(Operation::ChangePassword),
        1 => Just(Operation::LinkUsername),
        1 => device.prop_map(Operation::Remove),
        1 => Just(Operation::SignIn),
        1 => Just(Operation::Spoil),
        1 => Just(Operation::Reset),
        6 => (kinds(), at()).prop_map(|(kind, at)| Operation::Keep(kind, at)),
        6 => kinds().prop_map(Operation::Use),
        4 => waits().prop_map(Operation::Wait),
    ]
}

/// Does it, if it may be done; whether it was.
pub(crate) fn act(world: &mut World<'_>, by: Party, what: Operation) -> bool {
    match what {
        Operation::Wait(seconds) => {
            world.pass(seconds.into());
            return true;
        }
        Operation::Asserts(boxes) => {
            world.assert_at(boxes);
            return true;
        }
        Operation::Recover(name, group, at) => return world.recover(by, name, group, at),
        Operation::Click(at) => return world.click(by, at, None),
        Operation::Inherit(at) => return world.inherit(at),
        Operation::Keep(kind, at) => return world.keep(by, kind, at),
        Operation::Use(kind) => return world.use_newest(by, kind),
        Operation::Reset => return by.is_owner() && world.reset(),
        Operation::Spoil => return world.spoil(),
        Operation::Yield(at) => return world.yields(by, at),
        _ => {}
    }
    let Came::In(proof, proved) = world.enter(by) else {
        return false;
    };
    match what {
        Operation::ChangePassword => world.change_password(&proof, by, proved),
        Operation::EnrollApp => world.enroll_app(&proof, by),
        Operation::EnrollPasskey => world.enroll_passkey(&proof, by),
        Operation::Link(name, at) => world.link_address(&proof, name, at, by),
        Operation::LinkIssuer => world.link_issuer(&proof),
        // Elsewhere it would start a sign-in, which the model's does not.
        Operation::LinkPin => world.rules.is_second(PIN) && world.link_pin(&proof, by),
        Operation::LinkUsername => world.link_username(&proof, by),
        Operation::Prove(at) => world.click(by, at, Some(&proof)),
        Operation::Remove(group) => world.remove(&proof, group),
        Operation::Unlink(name, at) => world.unlink(&proof, name, at),
        _ => true,
    }
}
