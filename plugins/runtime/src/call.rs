//! One call of one operation: whose it is, how long it may take, and whether anybody still waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorward_plugin_abi as abi;

use doorward_base::clock::{Clock as _, SystemClock};
use doorward_base::id::UserId;

/// What stands behind `dwp_call`.
pub struct Call<'a> {
    pub(super) realm: &'a str,
    pub(super) provider: &'a str,
    /// The user whose own browser asks.
    pub(super) known: Option<UserId>,
    pub(super) waits: Waits,
    pub(super) time: Time,
    pub(super) cancelled: &'a AtomicBool,
}

/// How much time a call has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// It stands still, with so much left: for a plugin's tests.
    Stands(Duration),
    /// Until then on the system's monotonic clock: threads and backends live in real time, whatever the application's
    /// clock says.
    Until(Duration),
}

/// Whether the operation may wait for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// On a thread of its own, until its deadline.
    Freely,
    /// It said that it never blocks, and so runs where nobody can wait for it.
    Inline,
    /// Its answer may depend on nothing but the question.
    Pure,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// How long the operation may wait now, or with which status it is told that it may not.
    pub(super) fn may_wait(&self) -> Result<Duration, abi::Status> {
        match self.waits {
            Waits::Freely => Some(self.remaining())
                .filter(|left| !left.is_zero())
                .ok_or(abi::E_TIMEOUT),
            Waits::Inline => Err(abi::E_UNSUPPORTED),
            Waits::Pure => Err(abi::E_ARGUMENT),
        }
    }

    pub(super) fn remaining(&self) -> Duration {
        match self.time {
            Time::Stands(left) => left,
            Time::Until(deadline) => deadline.saturating_sub(SystemClock.monotonic()),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire) || self.remaining().is_zero()
    }
}
