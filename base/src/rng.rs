//! Randomness as a port: the only file of the core that asks the system for random bytes.

use crate::error::{Error, ErrorKind, Result};

/// Where a context takes its random bytes from. Safe from many threads and after a fork.
pub trait Random: Send + Sync + 'static {
    /// Fills the whole buffer with unpredictable bytes.
    ///
    /// # Errors
    /// `Unavailable` when the source fails; there is no weaker fallback.
    fn fill(&self, into: &mut [u8]) -> Result<()>;
}

/// The operating system's generator, asked anew at every call: a forked process never repeats
/// its parent (A29 in `docs/threats.md`).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port's one real implementation"
    )]
    fn fill(&self, into: &mut [u8]) -> Result<()> {
        getrandom::fill(into)
            .map_err(|e| Error::new(ErrorKind::Unavailable, "the system's random source failed").caused_by(e))
    }
}

/// `N` random bytes.
///
/// # Errors
/// As [`Random::fill`].
pub fn bytes<const N: usize>(random: &dyn Random) -> Result<[u8; N]> {
    let mut out = [0; N];
    random.fill(&mut out)?;
    Ok(out)
}
