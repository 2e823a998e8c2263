//! Where a context stands, in which process, and who may move it. Lock-free: a fork copies it at any moment.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Where a context stands. The process is part of it: a fork copies the state but not what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Opened; no threads, no sockets.
    Cold,
    /// Threads and connections exist in this process.
    Started { process: u32 },
    /// One caller starts or stops it; the others wait.
    Moving { process: u32 },
    /// Stopped for a fork: the next call starts it again, on either side.
    Quiesced,
    /// Stopped for good until `start`.
    Stopped,
}

impl Stage {
    const fn word(self) -> u64 {
        match self {
            Self::Cold => 0,
            Self::Started { process } => 1 | (process as u64) << 32,
            Self::Moving { process } => 2 | (process as u64) << 32,
            Self::Quiesced => 3,
            Self::Stopped => 4,
        }
    }

    const fn of(word: u64) -> Self {
        let process = (word >> 32) as u32;
        match word & 0xff {
            0 => Self::Cold,
            1 => Self::Started { process },
            2 => Self::Moving { process },
            3 => Self::Quiesced,
            _ => Self::Stopped,
        }
    }
}

/// The stage and those who wait for it to settle.
pub(super) struct Life {
    stage: AtomicU64,
    settled: Notify,
}

impl Life {
    pub(super) fn cold() -> Self {
        Self {
            stage: AtomicU64::new(Stage::Cold.word()),
            settled: Notify::new(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Ordering::Acquire))
    }

    /// Claims the move away from `from`: `None` when somebody else was first.
    pub(super) fn begin(&self, from: Stage) -> Option<Move<'_>> {
        let moving = Stage::Moving {
            process: std::process::id(),
        };
        self.stage
            .compare_exchange(from.word(), moving.word(), Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        Some(Move { life: self, to: from })
    }

    /// Waits until nobody moves it in this process.
    pub(super) async fn settled(&self) {
        loop {
            let mut notified = std::pin::pin!(self.settled.notified());
            // Registered before the look: a move that ends in between wakes us.
            notified.as_mut().enable();
            match self.stage() {
                Stage::Moving { process } if process == std::process::id() => notified.await,
                _ => return,
            }
        }
    }
}

/// The right to start or stop. When it goes, however it goes, the context stands at `to`.
pub(super) struct Move<'a> {
    life: &'a Life,
    to: Stage,
}

impl Move<'_> {
    /// Where the context stands when this is over.
    pub(super) fn leads_to(&mut self, to: Stage) {
        self.to = to;
    }
}

impl Drop for Move<'_> {
    fn drop(&mut self) {
        self.life.stage.store(self.to.word(), Ordering::Release);
        self.life.settled.notify_waiters();
    }
}
