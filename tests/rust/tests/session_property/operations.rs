//! What a history is made of, drawn at random around the boundaries.

use proptest::prelude::*;

use crate::meddle::Meddle;
use crate::reference::{Micros, SECOND};

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    BackUp,
    /// A new password; one of the listed sign-ins may stay.
    ChangeCredentials(Option<u8>),
    Create {
        lost: bool,
        /// The proof is older than the last change of credentials.
        stale: bool,
    },
    Disable,
    /// The queue of touches is full once.
    DropConfirm,
    Enable,
    EndAll,
    EndListed(u8),
    EndOthers(u8),
    /// What the store answers to the next writes.
    Fail(Vec<Fault>),
    Refresh {
        token: Pick,
        lost: bool,
    },
    /// With something else in its middle.
    RefreshAround(Pick, Meddle),
    RollBack,
    SignOut {
        token: Pick,
        access: bool,
    },
    StepUp {
        token: Pick,
        full: bool,
        lost: bool,
    },
    StepUpAround(Pick, Meddle),
    Validate(Pick),
    Wait(Wait),
}

/// A token that somebody holds, counted back from the newest, perhaps changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) back: u8,
    pub(crate) forge: Option<Forge>,
}

/// How a token is changed before it is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forge {
    Family,
    Id,
    NextGeneration,
    Secret,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Deadlock or serialization: not written.
    RolledBack,
    /// Written, and the answer is lost.
    UnknownOutcome,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    /// So much time passes.
    For(Micros),
    /// The wall clock steps, backwards too, and no time passes.
    Step(Micros),
    /// To a boundary of a token's sign-in, this many microseconds off, if that lies ahead.
    Until(Boundary, u8, Micros),
}

/// An end: of a token, of a grace, of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Boundary {
    Absolute,
    Access,
    Grace,
    Idle,
    PreviousAccess,
}

pub(crate) fn history() -> impl Strategy<Value = Vec<Operation>> {
    let episode = prop_oneof![
        24 => operation().prop_map(|one| vec![one]),
        4 => Just(vec![SETTLE, refresh(0)]),
        2 => meddle().prop_map(|by| vec![SETTLE, Operation::RefreshAround(NEWEST, by)]),
        1 => Just(vec![SETTLE, refresh(0), Operation::Validate(NEWEST), SETTLE, refresh(1)]),
    ];
    prop::collection::vec(episode, 5..60).prop_map(|episodes| episodes.concat())
}

const NEWEST: Pick = Pick { back: 0, forge: None };
/// The newest generation has been used, and its grace is over.
const SETTLE: Operation = Operation::Wait(Wait::Until(Boundary::Grace, 0, 0));

fn refresh(back: u8) -> Operation {
    Operation::Refresh {
        token: Pick { back, forge: None },
        lost: false,
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let lost = || prop::bool::weighted(0.2);
    prop_oneof![
        10 => (lost(), prop::bool::weighted(0.1)).prop_map(|(lost, stale)| Operation::Create { lost, stale }),
        60 => (pick(), lost()).prop_map(|(token, lost)| Operation::Refresh { token, lost }),
        30 => pick().prop_map(Operation::Validate),
        50 => wait().prop_map(Operation::Wait),
        12 => (pick(), any::<bool>(), lost())
            .prop_map(|(token, full, lost)| Operation::StepUp { token, full, lost }),
        3 => (pick(), any::<bool>()).prop_map(|(token, access)| Operation::SignOut { token, access }),
        20 => (pick(), meddle()).prop_map(|(token, by)| Operation::RefreshAround(token, by)),
        4 => (pick(), meddle()).prop_map(|(token, by)| Operation::StepUpAround(token, by)),
        8 => prop::collection::vec(fault(), 1..=2).prop_map(Operation::Fail),
        4 => Just(Operation::DropConfirm),
        4 => Just(Operation::BackUp),
        2 => Just(Operation::RollBack),
        1 => (0_u8..3).prop_map(Operation::EndListed),
        1 => (0_u8..3).prop_map(Operation::EndOthers),
        1 => Just(Operation::EndAll),
        1 => prop::option::weighted(0.7, 0_u8..3).prop_map(Operation::ChangeCredentials),
        1 => Just(Operation::Disable),
        6 => Just(Operation::Enable),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    let back = prop_oneof![12 => Just(0), 4 => Just(1), 2 => 2_u8..12];
    let forge = prop_oneof![
        Just(Forge::Family),
        Just(Forge::Id),
        Just(Forge::NextGeneration),
        Just(Forge::Secret),
        Just(Forge::Text),
    ];
    (back, prop::option::weighted(0.06, forge)).prop_map(|(back, forge)| Pick { back, forge })
}

fn meddle() -> impl Strategy<Value = Meddle> {
    prop_oneof![
        6 => pick().prop_map(Meddle::Refresh),
        3 => pick().prop_map(Meddle::Validate),
        2 => pick().prop_map(Meddle::SignOut),
        1 => Just(Meddle::ChangeCredentials),
        1 => Just(Meddle::Disable),
        1 => Just(Meddle::EndAll),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::RolledBack), Just(Fault::UnknownOutcome)]
}

fn wait() -> impl Strategy<Value = Wait> {
    let boundary = prop_oneof![
        10 => Just(Boundary::Grace),
        3 => Just(Boundary::Access),
        2 => Just(Boundary::PreviousAccess),
        2 => Just(Boundary::Idle),
        1 => Just(Boundary::Absolute),
    ];
    prop_oneof![
        2 => prop_oneof![Just(1), Just(SECOND), Just(50 * SECOND)].prop_map(Wait::For),
        1 => prop_oneof![Just(-2 * SECOND), Just(SECOND / 2), Just(50 * SECOND)].prop_map(Wait::Step),
        5 => (boundary, 0_u8..3, -1_i64..=1).prop_map(|(at, back, off)| Wait::Until(at, back, off)),
    ]
}
