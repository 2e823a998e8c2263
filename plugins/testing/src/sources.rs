//! The clock and the randomness of a test: the same in every run.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use doorward_base::clock::{Clock, Timestamp};
use doorward_base::error::Result;
use doorward_base::rng::Random;
use sha2::{Digest, Sha256};

/// A clock that stands where a test sets it.
pub(crate) struct Standing(AtomicI64);

impl Standing {
    pub(crate) const fn at(micros: i64) -> Self {
        Self(AtomicI64::new(micros))
    }

    pub(crate) fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.now().as_micros()).unwrap_or(0))
    }
}

/// The hash of a counter.
#[derive(Default)]
pub(crate) struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, into: &mut [u8]) -> Result<()> {
        for chunk in into.chunks_mut(32) {
            let drawn = self.0.fetch_add(1, Ordering::SeqCst);
            let block = Sha256::digest(drawn.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}
