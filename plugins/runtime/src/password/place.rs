//! Where hashes are computed.

use std::time::Duration;

use crate::governor::{Arena, DEFAULT_QUEUE, Governor, Ticket};
use doorward_base::error::Result;

pub(super) enum Place {
    /// By the governor's threads, within its budget.
    Governed(Governor),
    /// On the thread that asks.
    Here,
}

impl Place {
    /// Does the work, there; [`Governor::submit`] says what may come in between.
    pub(super) fn submit<T, W>(&self, memory_kib: u32, wait: Duration, work: W) -> Ticket<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Arena) -> Result<T> + Send + 'static,
    {
        match self {
            Self::Governed(governor) => governor.submit(memory_kib, wait, work),
            Self::Here => Ticket::ready(work(&mut Arena::new())),
        }
    }

    /// How many hashes may wait.
    pub(super) fn queue(&self) -> usize {
        match self {
            Self::Governed(governor) => governor.queue(),
            Self::Here => DEFAULT_QUEUE,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Governed(governor) => governor.has_room(),
            Self::Here => true,
        }
    }
}
