//! The counters of kinds (`doorward.limit/1`): realm, provider name and the kind's own name before the subject, so that
//! nobody reaches another's.

use std::sync::Arc;
use std::time::Duration;

use super::{ThrottleSettings, bucket};
use crate::blocking::block_on_for;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::plugin::{Limit, Limiter};
use crate::store::{Store, ThrottleKey, ThrottleLaw};

/// The scope of all these counters.
const SCOPE: &str = "kind";

/// The counter that a kind of this provider name means. A known browser's is its user's own, whatever the subject.
pub(crate) fn key_of_kind(realm: &str, provider: &str, limit: &Limit) -> ThrottleKey {
    let (whose, subject): (&[u8], &[u8]) = match &limit.known {
        Some(user) => (b"device", user.as_bytes()),
        None => (b"subject", &limit.subject),
    };
    let parts = &[provider.as_bytes(), limit.name.as_bytes(), whose, subject];
    ThrottleKey {
        bucket: bucket(realm, SCOPE, parts),
        law: ThrottleLaw::Rate {
            burst: limit.burst,
            every: limit.pace,
        },
    }
}

/// Reads the counters of kinds in the context's store.
pub(crate) struct KindLimits {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: ThrottleSettings,
}

impl Limiter for KindLimits {
    fn closed_for(&self, realm: &str, provider: &str, limit: &Limit, wait: Duration) -> Result<Duration> {
        if !self.settings.enabled {
            return Ok(Duration::ZERO);
        }
        let key = key_of_kind(realm, provider, limit);
        let rows = block_on_for(self.store.throttles(vec![key.bucket]), wait).ok_or_else(|| {
            Error::new(
                ErrorKind::Timeout,
                "the store gave no answer before the deadline of the kind's operation",
            )
        })??;
        let now = self.clock.now();
        Ok(rows.first().map_or(Duration::ZERO, |row| row.wait(&key.law, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    fn limit(name: &str, subject: &[u8], known: Option<UserId>) -> Limit {
        Limit {
            name: name.into(),
            subject: subject.to_vec(),
            known,
            burst: 1,
            pace: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_counter_is_of_one_realm_provider_name_and_subject_and_a_known_browsers_is_apart() {
        let bucket = |realm, provider, name, subject: &[u8], known| {
            key_of_kind(realm, provider, &limit(name, subject, known)).bucket
        };
        let user = UserId::from_bytes([7; 16]);
        let one = bucket("", "mail", "code", b"a", None);
        for other in [
            bucket("shop", "mail", "code", b"a", None),
            bucket("", "post", "code", b"a", None),
            bucket("", "mail", "call", b"a", None),
            bucket("", "mail", "code", b"b", None),
            bucket("", "mail", "code", b"a", Some(user)),
            bucket("", "mail", "code", user.as_bytes(), None),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(
            bucket("", "mail", "code", b"a", Some(user)),
            bucket("", "mail", "code", user.as_bytes(), None),
            "nobody names a user to fill his counter"
        );
        assert_eq!(
            bucket("", "mail", "code", b"a", Some(user)),
            bucket("", "mail", "code", b"b", Some(user))
        );
    }
}
