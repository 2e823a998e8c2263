//! Throttling: an attempt counts as failed before it is verified and is given back unless it was *wrong*.
//!
//! Three counters guard an attempt: (operation, identity, network), (operation, network) and (operation, identity).
//! Nothing locks: the delay grows (NIST SP 800-63B-4 section 3.2.2, OWASP Authentication Cheat Sheet). Whoever
//! attacks an identity from everywhere fills the third counter, so a browser that has signed in before (its sealed
//! device cookie says so) is counted by itself instead: the owner is not shut out.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::store::{Hash, ThrottleKey, ThrottleLimit};

/// Throttling by configuration.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleSettings {
    /// On by default.
    pub enabled: bool,
    /// For one identity from one network.
    pub identity_network: ThrottleLimit,
    /// For one network, whatever the identity.
    pub network: ThrottleLimit,
    /// For one identity, whatever the network.
    pub identity: ThrottleLimit,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        let limit = |free, first, ceiling| ThrottleLimit {
            free,
            first: Duration::from_secs(first),
            ceiling: Duration::from_secs(ceiling),
            forget: Duration::from_hours(24),
        };
        Self {
            enabled: true,
            identity_network: limit(5, 2, 900),
            network: limit(50, 1, 300),
            identity: limit(20, 2, 900),
        }
    }
}

/// What an attempt is counted under.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) realm: &'a str,
    /// Such as `sign_in`, `sign_up`, `second_factor`.
    pub(crate) operation: &'a str,
    /// Hash of whatever identifies the subject; `None` where nobody is named.
    pub(crate) identity: Option<Hash>,
    /// The network prefix as text; empty without a request.
    pub(crate) network: &'a str,
    /// The id in a device cookie that this identity earned.
    pub(crate) device: Option<&'a [u8]>,
}

/// The counters of one attempt, and which of them a success may empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Emptied by a success: they belong to the identity.
    pub(crate) own: Vec<ThrottleKey>,
    /// Given back by a success, never emptied: else one good account would buy a network unlimited guesses.
    pub(crate) shared: Vec<ThrottleKey>,
}

impl Counters {
    pub(crate) fn of(settings: &ThrottleSettings, attempt: &Attempt<'_>) -> Self {
        let mut counters = Self::default();
        if !settings.enabled {
            return counters;
        }
        let bucket = |scope: &str, parts: &[&[u8]]| bucket(attempt.realm, attempt.operation, scope, parts);
        let network = attempt.network.as_bytes();
        if let Some(identity) = &attempt.identity {
            if !network.is_empty() {
                let bucket = bucket("identity_network", &[identity, network]);
                counters.own.push(ThrottleKey {
                    bucket,
                    limit: settings.identity_network,
                });
            }
            let bucket = match attempt.device {
                Some(device) => bucket("identity_device", &[identity, device]),
                None => bucket("identity", &[identity]),
            };
            counters.own.push(ThrottleKey {
                bucket,
                limit: settings.identity,
            });
        }
        if !network.is_empty() {
            let bucket = bucket("network", &[network]);
            counters.shared.push(ThrottleKey {
                bucket,
                limit: settings.network,
            });
        }
        counters
    }

    pub(crate) fn all(&self) -> Vec<ThrottleKey> {
        self.own.iter().chain(&self.shared).cloned().collect()
    }
}

/// What names a subject in throttling and in device cookies: a hash of length-prefixed parts.
pub(crate) fn identity_hash(realm: &str, provider: &str, canonical: &[u8]) -> Hash {
    bucket(realm, "identity", provider, &[canonical])
}

fn bucket(realm: &str, operation: &str, scope: &str, parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in [realm.as_bytes(), operation.as_bytes(), scope.as_bytes()]
        .iter()
        .chain(parts)
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(identity: Option<Hash>, network: &str, device: Option<&[u8]>) -> Counters {
        let attempt = Attempt {
            realm: "",
            operation: "sign_in",
            identity,
            network,
            device,
        };
        Counters::of(&ThrottleSettings::default(), &attempt)
    }

    #[test]
    fn three_counters_on_a_request_and_one_without() {
        let alice = identity_hash("", "email", b"alice");
        let full = counters(Some(alice), "192.0.2.0/24", None);
        assert_eq!((full.own.len(), full.shared.len()), (2, 1));
        let bare = counters(Some(alice), "", None);
        assert_eq!((bare.own.len(), bare.shared.len()), (1, 0));
        assert_eq!(
            full.own[1], bare.own[0],
            "the third counter is the same from everywhere"
        );
    }

    #[test]
    fn a_known_device_is_counted_by_itself() {
        let alice = identity_hash("", "email", b"alice");
        let (known, unknown) = (
            counters(Some(alice), "n", Some(b"device")),
            counters(Some(alice), "n", None),
        );
        assert_ne!(known.own[1].bucket, unknown.own[1].bucket);
    }

    #[test]
    fn parts_never_run_together() {
        assert_ne!(identity_hash("", "a:b", b"c"), identity_hash("", "a", b"b:c"));
        assert_ne!(identity_hash("r", "a", b"c"), identity_hash("", "ra", b"c"));
    }
}
