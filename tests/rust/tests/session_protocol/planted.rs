//! The tests of the tests: a claim that no bug can turn red proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::world::{GRACE, HOUR, World};
use crate::{end, refresh, step_up, stepped};

/// A bug, planted in the store that the protocol stands on: the protocol itself has no switch that makes it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// First uses are never written: nothing ever settles, a step-up never ends what it replaces.
    ConfirmForgotten,
    /// Ends are acknowledged and forgotten.
    EndForgotten,
    /// The exchange is not a compare-and-swap: everybody is told to have won.
    EverybodyWins,
    /// A server's clock is never corrected by the database's.
    OffsetForgotten,
    /// The previous refresh token is a replay at once.
    PreviousForgotten,
    /// The database's clock is not asked before a replay is judged.
    ReplayUnmeasured,
    /// A replay ends nothing.
    ReuseIgnored,
    /// A fork of history ends nothing.
    RollbackIgnored,
    /// The successor is not derived from what is stored.
    SaltChanged,
    /// A step of the wall clock looks like time that passed.
    StepUnnoticed,
    /// The old sign-in gains the factors of its step-up.
    StepUpElevatesOld,
}

#[test]
fn every_planted_bug_turns_its_claim_red() {
    type Claim = fn(&World);
    let lost_reply: Claim = |world| refresh::lost_reply(world, HOUR);
    let replay: Claim = |world| refresh::replay_ends(world, GRACE, true);
    let server_ahead: Claim = |world| stepped::set_at_any_time(world, true);
    let server_behind: Claim = |world| stepped::set_at_any_time(world, false);
    for (plant, claim) in [
        (Plant::ConfirmForgotten, replay),
        (Plant::ConfirmForgotten, step_up::first_use_supersedes),
        (Plant::EndForgotten, end::nothing_is_accepted_after),
        (Plant::EverybodyWins, refresh::race),
        (Plant::OffsetForgotten, server_ahead),
        (Plant::OffsetForgotten, server_behind),
        (Plant::PreviousForgotten, lost_reply),
        (Plant::ReplayUnmeasured, stepped::measured_before_a_replay),
        (Plant::ReuseIgnored, replay),
        (Plant::RollbackIgnored, refresh::rollback),
        (Plant::SaltChanged, lost_reply),
        (Plant::StepUnnoticed, stepped::signs_nobody_out),
        (Plant::StepUpElevatesOld, step_up::first_use_supersedes),
    ] {
        let holds = |plant| {
            let world = World::with(plant, |_| {});
            catch_unwind(AssertUnwindSafe(|| claim(&world))).is_ok()
        };
        assert!(holds(Plant::Nothing), "{plant:?}: its claim holds without it");
        assert!(!holds(plant), "{plant:?} goes unnoticed");
    }
    // Without a grace, the tab that asks second is a thief.
    let world = World::with(Plant::Nothing, |settings| {
        (settings.grace, settings.unsafe_short_lifetimes) = (std::time::Duration::ZERO, true);
    });
    let claim = || refresh::replay_ends(&world, std::time::Duration::ZERO, false);
    assert!(catch_unwind(AssertUnwindSafe(claim)).is_err());
}
