//! What a host is, in safe terms.
//!
//! The functions that plugins call ([`host`](super::host) and the extensions) read what they are passed, check it, and ask
//! one of these. There are three: [`Services`](super::Services) in the embedding program; in a worker one that asks the
//! core (`isolation/helper/core.rs`), where what a worker asks for is checked once more, by the same code; and the host of
//! plugins' tests (`plugins/testing`).

use std::time::Duration;

use doorward_plugin_abi as abi;

use super::call::Call;
use super::ports::{KeyValue, Limiter};
use super::told::ToldLimits;
use crate::fetch::Outgoing;
use crate::password::{Hasher, PasswordPolicy};
use doorward_base::clock::{Clock as _, SystemClock};
use doorward_base::secret::Secret;

/// What the plugin gets, or the status that it gets in its place.
pub type Given<T> = std::result::Result<T, abi::Status>;

/// An answer over HTTP.
#[derive(Debug)]
pub struct Fetched {
    /// Its status code.
    pub status: u32,
    /// How long the body is.
    pub length: usize,
    /// Empty where it is longer than the plugin takes.
    pub body: Vec<u8>,
}

/// The services behind a host table. A method that fails gives the status that the plugin gets.
#[expect(
    clippy::missing_errors_doc,
    reason = "the header says which status means what"
)]
pub trait HostServices: Send + Sync + 'static {
    /// A plugin calls this function of the host table, on the thread of the operation that these services are for. Who
    /// fails it here sees what the plugin makes of that; nobody does but the host of tests.
    fn called(&self, _function: &'static str) -> Given<()> {
        Ok(())
    }

    /// Time since some fixed moment, never going backwards.
    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }

    /// The application's wall clock, in microseconds.
    fn unix_micros(&self) -> i64;

    /// Fills the bytes.
    fn random(&self, out: &mut [u8]) -> Given<()>;

    /// How much one call may log and audit.
    fn told(&self) -> ToldLimits;

    /// A line for the operator: printable, of bounded length, and one of those that the call may log.
    fn log(&self, provider: &str, level: i32, line: &str);

    /// An event with its detail, JSON or empty.
    fn audit(&self, call: Option<&Call<'_>>, event: &str, detail: &str) -> Given<()>;

    /// Looks whether the running call was cancelled, where nobody sees that without looking.
    fn look(&self) {}

    /// Seals for the provider name of the call.
    fn seal(&self, call: &Call<'_>, purpose: &str, data: &[u8]) -> Given<Secret>;

    /// Opens what was sealed for the same name and purpose.
    fn unseal(&self, call: &Call<'_>, purpose: &str, sealed: &[u8]) -> Given<Secret>;

    /// A PHC string of a password.
    fn hash(&self, call: &Call<'_>, password: &[u8]) -> Given<Secret>;

    /// Whether the password is the one behind the PHC string; against an empty one the same work is done in vain.
    fn verify(&self, call: &Call<'_>, password: &[u8], phc: &[u8]) -> Given<bool>;

    /// Whether the PHC string is of other costs than a new one would be.
    fn needs_rehash(&self, phc: &[u8]) -> Given<bool>;

    /// Makes a request, waiting so long; of the body at most so much is taken.
    fn fetch(&self, call: &Call<'_>, request: Outgoing<'_>, wait: Duration, most: usize) -> Given<Fetched>;

    /// Who keeps values for kinds.
    fn values(&self) -> Option<&dyn KeyValue>;

    /// Who counts for kinds.
    fn counters(&self) -> Option<&dyn Limiter>;

    /// For the built-in kind.
    fn hasher(&self) -> Option<&Hasher> {
        None
    }

    /// What may become a password: for the built-in kind.
    fn policy(&self) -> Option<&PasswordPolicy> {
        None
    }
}
