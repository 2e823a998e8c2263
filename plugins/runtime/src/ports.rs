//! The ports behind kinds: who keeps values, who counts, who is told. The core implements them on its own store and events;
//! this crate knows neither.

use std::time::Duration;

use doorward_plugin_abi as abi;

use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::id::UserId;
use doorward_base::secret::Secret;

/// Takes what is told about plugins, and the events that kinds report by themselves. Must not block and must not call back into the context.
pub trait Audit: Send + Sync + 'static {
    /// `event` is `[a-z0-9_.]{1,64}`, `detail` is JSON or empty. Both come from the plugin.
    fn audit(&self, provider: &str, event: &str, detail: &str);
    /// A plugin file was loaded for a context. JSON: name, path, device, inode, sha256, pinned, plugin, version.
    fn plugin_loaded(&self, detail: &str);
    /// A process in which a plugin ran was replaced for what it did between its calls: whose, and why.
    fn plugin_replaced(&self, provider: &str, why: &str);
    /// A plugin file was not loaded: which, and why.
    fn plugin_refused(&self, why: &str);
}

/// Keeps values for kinds. Every method blocks for at most `wait`, on the system's clock.
pub trait KeyValue: Send + Sync + 'static {
    /// The value and its version. A counter is 8 bytes, little-endian.
    ///
    /// # Errors
    /// [`NotKept::Absent`], or why it could not be read.
    fn get(&self, at: &KeyAt<'_>, wait: Duration) -> Kept<(Secret, i64)>;
    /// Writes the value for so many seconds (0: for ever) where `expect` holds: `KV_ANY`, `KV_ABSENT` or a version. Its
    /// new version.
    ///
    /// # Errors
    /// [`NotKept::Conflict`], or why it could not be written.
    fn put(&self, at: &KeyAt<'_>, value: &[u8], seconds: u32, expect: i64, wait: Duration) -> Kept<i64>;
    /// Forgets the value where `expect` holds: `KV_ANY` or a version.
    ///
    /// # Errors
    /// [`NotKept::Absent`], [`NotKept::Conflict`], or why it could not be removed.
    fn remove(&self, at: &KeyAt<'_>, expect: i64, wait: Duration) -> Kept<()>;
    /// Adds to a counter, which lives so many seconds (0: for ever) from when it is made. Its sum.
    ///
    /// # Errors
    /// [`NotKept::NotACounter`], [`NotKept::TooLarge`], or why it could not be added.
    fn add(&self, at: &KeyAt<'_>, delta: i64, seconds: u32, wait: Duration) -> Kept<i64>;
}

/// Names one value.
#[derive(Clone, Copy, Debug)]
pub struct KeyAt<'a> {
    /// The realm of the call.
    pub realm: &'a str,
    /// The provider name of the call.
    pub provider: &'a str,
    /// The plugin's key.
    pub key: &'a [u8],
}

/// What became of a value.
pub type Kept<T> = std::result::Result<T, NotKept>;

/// Why there is no such value, or it was not changed.
#[derive(Debug)]
pub enum NotKept {
    /// There is none.
    Absent,
    /// Another one is there than was expected.
    Conflict,
    /// It could not be decided.
    Failed(Error),
    /// The provider name has as much as it may.
    Full,
    /// What is there is no counter.
    NotACounter,
    /// The sum does not fit.
    TooLarge,
}

impl From<NotKept> for abi::Status {
    fn from(why: NotKept) -> Self {
        match why {
            NotKept::Absent => abi::E_NOT_FOUND,
            NotKept::Conflict => abi::E_CONFLICT,
            NotKept::Failed(error) => status_of(&error),
            NotKept::Full => abi::E_OVERLOADED,
            NotKept::NotACounter => abi::E_FORMAT,
            NotKept::TooLarge => abi::E_TOO_LARGE,
        }
    }
}

/// One counter of a kind, of the provider name and realm of the call.
#[derive(Clone, PartialEq, Eq)]
pub struct Limit {
    /// What is limited.
    pub name: String,
    /// Of whom or what.
    pub subject: Vec<u8>,
    /// The user whose own browser asks: then the counter is that user's, and no stranger fills it.
    pub known: Option<UserId>,
    /// How many at once.
    pub burst: u32,
    /// How long until there is one more.
    pub pace: Duration,
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Subjects are identifiers, which are not logged.
        f.debug_struct("Limit")
            .field("name", &self.name)
            .field("burst", &self.burst)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

/// Reads counters for kinds. Blocks for at most `wait`, on the system's clock.
pub trait Limiter: Send + Sync + 'static {
    /// How long the counter is closed; zero: it is open. Writes nothing.
    ///
    /// # Errors
    /// Why it could not be read.
    fn closed_for(&self, realm: &str, provider: &str, limit: &Limit, wait: Duration) -> Result<Duration>;
}

/// What a plugin is told of an error. Whether nobody was let in for want of memory or of a key is the host's to know.
pub(super) fn status_of(error: &Error) -> abi::Status {
    match error.kind() {
        ErrorKind::Overloaded => abi::E_OVERLOADED,
        ErrorKind::Timeout => abi::E_TIMEOUT,
        ErrorKind::Cancelled => abi::E_CANCELLED,
        ErrorKind::InvalidArgument => abi::E_TOO_LARGE,
        ErrorKind::Corrupt => abi::E_FORMAT,
        ErrorKind::Unsupported => abi::E_UNSUPPORTED,
        _ => abi::E_UNAVAILABLE,
    }
}
