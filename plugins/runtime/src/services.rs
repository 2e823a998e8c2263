//! What kinds may use of the context: time, randomness, keys, events, password hashing.

use std::sync::Arc;

use super::kv::KeyValue;
use super::limit::Limiter;
use super::told::ToldLimits;
use crate::fetch::Fetch;
use crate::password::{Hasher, PasswordPolicy};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::keys::KeyRing;
use doorward_base::rng::{Random, SystemRandom};

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

/// The services of one context. What is absent answers "unsupported".
#[derive(Clone)]
pub struct Services {
    /// The application's clock.
    pub clock: Arc<dyn Clock>,
    /// The application's random source.
    pub random: Arc<dyn Random>,
    /// The key ring: seals what a kind gives away, under a key that the kind never sees.
    pub keys: Option<Arc<KeyRing>>,
    /// The event stream.
    pub audit: Option<Arc<dyn Audit>>,
    /// Password hashing within the memory budget: `doorward.pwhash/1`.
    pub hasher: Option<Hasher>,
    /// Who makes HTTP requests for kinds: `doorward.http/1`.
    pub egress: Option<Arc<dyn Fetch>>,
    /// Who keeps what kinds have besides records: `doorward.kv/1`.
    pub kv: Option<Arc<dyn KeyValue>>,
    /// Who counts for kinds: `doorward.limit/1`.
    pub limits: Option<Arc<dyn Limiter>>,
    /// What may become a password: for the built-in kind.
    pub policy: Option<Arc<PasswordPolicy>>,
    /// How much one call may log and audit.
    pub told: ToldLimits,
}

impl Services {
    /// The system's clock and random source, and nothing else.
    pub fn system() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            keys: None,
            audit: None,
            hasher: None,
            egress: None,
            kv: None,
            limits: None,
            policy: None,
            told: ToldLimits::default(),
        }
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services")
            .field("keys", &self.keys)
            .field("audit", &self.audit.is_some())
            .field("hasher", &self.hasher)
            .field("egress", &self.egress.is_some())
            .finish_non_exhaustive()
    }
}
