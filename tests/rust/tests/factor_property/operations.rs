//! What the owner and the actor may do, drawn at random.

use proptest::prelude::*;

use crate::world::{Came, Party, World};

/// One thing that somebody tries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    ChangePassword,
    /// The link of a verification, without a session.
    Click(usize),
    EnrolApp,
    /// At `email`, `mail` or `code`.
    Link(&'static str, usize),
    LinkPin,
    LinkUsername,
    /// The link of a verification, in a session.
    Prove(usize),
    /// A recovery over an address at a name, of a name's credentials.
    Recover(&'static str, &'static str, usize),
    RemoveApp,
    SignIn,
    Unlink(&'static str, usize),
    Wait(u16),
}

impl Operation {
    /// Adds something, and takes nothing.
    pub(crate) const fn is_addition(self) -> bool {
        matches!(
            self,
            Self::EnrolApp | Self::Link(..) | Self::LinkPin | Self::LinkUsername | Self::Prove(_)
        )
    }
}

/// Who does what.
pub(crate) type Deed = (bool, Operation);

/// Up to 30 deeds; true: the owner's.
pub(crate) fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec((any::<bool>(), operation()), 1..=30)
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let at = || 0_usize..2;
    let name = || prop_oneof![Just("email"), Just("mail"), Just("code")];
    let any_name = prop_oneof![
        Just("email"),
        Just("mail"),
        Just("code"),
        Just("username"),
        Just("pin")
    ];
    let group = prop_oneof![4 => Just("email"), 1 => Just("pin"), 1 => Just("username")];
    prop_oneof![
        5 => (name(), at()).prop_map(|(name, at)| Operation::Link(name, at)),
        3 => at().prop_map(Operation::Prove),
        4 => (name(), group, at()).prop_map(|(name, group, at)| Operation::Recover(name, group, at)),
        3 => (any_name, at()).prop_map(|(name, at)| Operation::Unlink(name, at)),
        3 => Just(Operation::EnrolApp),
        2 => Just(Operation::LinkPin),
        2 => at().prop_map(Operation::Click),
        1 => Just(Operation::ChangePassword),
        1 => Just(Operation::LinkUsername),
        1 => Just(Operation::RemoveApp),
        1 => Just(Operation::SignIn),
        1 => (0_u16..2_000).prop_map(Operation::Wait),
    ]
}

/// Does it, if it may be done; whether it was.
pub(crate) fn act(world: &mut World, by: Party, what: Operation) -> bool {
    match what {
        Operation::Wait(seconds) => {
            world.pass(seconds.into());
            return true;
        }
        Operation::Recover(name, group, at) => return world.recover(by, name, group, at),
        Operation::Click(at) => return world.click(by, at, None),
        _ => {}
    }
    let Came::In(proof, proved) = world.enter(by) else {
        return false;
    };
    match what {
        Operation::ChangePassword => world.change_password(&proof, by, proved),
        Operation::EnrolApp => world.enrol_app(&proof, by),
        Operation::Link(name, at) => world.link_address(&proof, name, at, by),
        Operation::LinkPin => world.link_pin(&proof, by),
        Operation::LinkUsername => world.link_username(&proof, by),
        Operation::Prove(at) => world.click(by, at, Some(&proof)),
        Operation::RemoveApp => world.remove_app(&proof),
        Operation::Unlink(name, at) => world.unlink(&proof, name, at),
        _ => true,
    }
}
