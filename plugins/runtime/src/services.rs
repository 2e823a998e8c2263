//! What kinds may use of the context: time, randomness, keys, events, password hashing.

use std::sync::Arc;
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::call::Call;
use super::frame;
use super::host_services::{Fetched, Given, HostServices};
use super::ports::{Audit, KeyValue, Limiter, status_of};
use super::told::ToldLimits;
use crate::fetch::{Fetch, NoAnswer, Outgoing};
use crate::password::{Against, Hasher, PasswordPolicy, Standing, Verdict};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::ErrorKind;
use doorward_base::keys::{Binding, KeyRing};
use doorward_base::rng::{Random, SystemRandom};
use doorward_base::secret::Secret;

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

impl HostServices for Services {
    fn unix_micros(&self) -> i64 {
        self.clock.now().as_micros()
    }

    fn random(&self, out: &mut [u8]) -> Given<()> {
        self.random.fill(out).map_err(|_| abi::E_UNAVAILABLE)
    }

    fn told(&self) -> ToldLimits {
        self.told
    }

    fn log(&self, provider: &str, level: i32, line: &str) {
        match level {
            abi::LOG_ERROR => tracing::error!(target: "doorward::plugin", provider, "{line}"),
            abi::LOG_WARN => tracing::warn!(target: "doorward::plugin", provider, "{line}"),
            abi::LOG_INFO => tracing::info!(target: "doorward::plugin", provider, "{line}"),
            _ => tracing::debug!(target: "doorward::plugin", provider, "{line}"),
        }
    }

    fn audit(&self, call: Option<&Call<'_>>, event: &str, detail: &str) -> Given<()> {
        let audit = self.audit.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        if !frame::may_audit() {
            return Err(abi::E_OVERLOADED);
        }
        audit.audit(call.map_or("", |call| call.provider), event, detail);
        Ok(())
    }

    fn seal(&self, call: &Call<'_>, purpose: &str, data: &[u8]) -> Given<Secret> {
        let keys = self.keys.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        keys.seal(&*self.random, bound_to(call.provider, purpose).bytes(), data)
            .map(Secret::new)
            .map_err(|_| abi::E_UNAVAILABLE)
    }

    fn unseal(&self, call: &Call<'_>, purpose: &str, sealed: &[u8]) -> Given<Secret> {
        let keys = self.keys.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        keys.open(bound_to(call.provider, purpose).bytes(), sealed)
            .map_err(|error| match error.kind() {
                ErrorKind::Corrupt => abi::E_FORMAT,
                _ => abi::E_UNAVAILABLE,
            })
    }

    fn hash(&self, call: &Call<'_>, password: &[u8]) -> Given<Secret> {
        let hasher = self.hasher.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        hasher
            .hash(Secret::new(password), call.remaining())
            .wait()
            .map_err(|error| status_of(&error))
    }

    fn verify(&self, call: &Call<'_>, password: &[u8], phc: &[u8]) -> Given<bool> {
        let hasher = self.hasher.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        let against = if phc.is_empty() {
            Against::Nobody
        } else {
            Against::Stored(phc)
        };
        hasher
            .verify(Secret::new(password), against, call.remaining())
            .wait()
            .map(|answer| matches!(answer, Verdict::Matched(_)))
            .map_err(|error| status_of(&error))
    }

    fn needs_rehash(&self, phc: &[u8]) -> Given<bool> {
        let hasher = self.hasher.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        let standing = hasher.standing(phc).map_err(|error| status_of(&error))?;
        Ok(standing != Standing::Current)
    }

    fn fetch(&self, call: &Call<'_>, request: Outgoing<'_>, wait: Duration, most: usize) -> Given<Fetched> {
        let egress = self.egress.as_ref().ok_or(abi::E_UNSUPPORTED)?;
        let answer = egress.fetch(call.provider, request, wait).map_err(|no_answer| {
            let why = no_answer.why();
            tracing::warn!(target: "doorward::plugin", provider = call.provider, "{why}");
            if matches!(no_answer, NoAnswer::TooLarge(_)) {
                note_larger(Some(why.to_owned()));
            }
            match no_answer {
                NoAnswer::Malformed(_) => abi::E_ARGUMENT,
                NoAnswer::NotListed(_) => abi::E_CONFIG,
                NoAnswer::Timeout(_) => abi::E_TIMEOUT,
                NoAnswer::TooLarge(_) => abi::E_TOO_LARGE,
                NoAnswer::Unavailable(_) => abi::E_UNAVAILABLE,
            }
        })?;
        let length = answer.body.len();
        note_larger((length > most).then(|| {
            let origin = request.url.split(['/', '?', '#']).take(3);
            let origin = origin.collect::<Vec<_>>().join("/");
            format!("the answer of {origin} has {length} bytes, and the plugin takes {most}")
        }));
        Ok(Fetched {
            status: answer.status.into(),
            length,
            body: if length > most { Vec::new() } else { answer.body },
        })
    }

    fn values(&self) -> Option<&dyn KeyValue> {
        self.kv.as_deref()
    }

    fn counters(&self) -> Option<&dyn Limiter> {
        self.limits.as_deref()
    }

    fn hasher(&self) -> Option<&Hasher> {
        self.hasher.as_ref()
    }

    fn policy(&self) -> Option<&PasswordPolicy> {
        self.policy.as_deref()
    }
}

/// What a kind's sealed data is bound to: its provider name and the purpose it gave.
fn bound_to(provider: &str, purpose: &str) -> Binding {
    Binding::of("plugin")
        .and(provider.as_bytes())
        .and(purpose.as_bytes())
}

/// Notes with the reply why the plugin has not got the answer, so that whoever is told *unavailable* is told that.
fn note_larger(why: Option<String>) {
    // A call without a reply tells nobody.
    let _ = frame::own_reply(|draft| {
        draft.larger = why;
        Ok(())
    });
}
