//! How much one provider name may keep. What lives is counted in the store; in between, each process adds what it has
//! written itself, and counts anew after a sixteenth of the quota: so many processes may go beyond by a sixteenth each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::plugin::Kept;
use crate::store::KvUsage;

/// After how much of the quota a process counts anew.
const SHARE: u64 = 16;
/// How long a name that was full is taken to be so without counting: counting reads all that it has.
const PAUSE: Duration = Duration::from_secs(10);

/// What one provider name may keep beside records, in all realms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptQuota {
    /// Keys. Default 100,000; the setting `plugin_limits.keys`.
    pub keys: u64,
    /// Bytes of keys and sealed values. Default 64 MiB; the setting `plugin_limits.mib`.
    pub bytes: u64,
}

impl Default for KeptQuota {
    fn default() -> Self {
        Self {
            keys: 100_000,
            bytes: 64 << 20,
        }
    }
}

/// What this process knows of each provider name's use.
#[derive(Debug, Default)]
pub(super) struct Usage(Mutex<HashMap<String, Known>>);

#[derive(Clone, Copy, Debug)]
struct Known {
    counted: KvUsage,
    /// Written here since.
    since: KvUsage,
    full_until: Timestamp,
}

impl Known {
    fn of(counted: KvUsage) -> Self {
        Self {
            counted,
            since: KvUsage::default(),
            full_until: Timestamp::default(),
        }
    }

    fn is_stale(&self, quota: KeptQuota) -> bool {
        self.since.keys > quota.keys / SHARE || self.since.bytes > quota.bytes / SHARE
    }

    fn has_room(&self, quota: KeptQuota, bytes: u64) -> bool {
        self.counted.keys + self.since.keys < quota.keys
            && self.counted.bytes + self.since.bytes + bytes <= quota.bytes
    }
}

impl Usage {
    /// True when one more key with its value has room, as far as this process knows; it is then taken to be written.
    pub(super) fn admits(
        &self,
        quota: KeptQuota,
        provider: &str,
        bytes: usize,
        now: Timestamp,
        measure: impl FnOnce() -> Kept<KvUsage>,
    ) -> Kept<bool> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let known = self.locked().get(provider).copied();
        let fresh = known.filter(|known| !known.is_stale(quota) && known.has_room(quota, bytes));
        let mut known = match (fresh, known) {
            (Some(fresh), _) => fresh,
            (None, Some(full)) if now < full.full_until => return Ok(false),
            // The store is asked without the lock: others go on meanwhile with what they know.
            (None, _) => Known::of(measure()?),
        };
        let has_room = known.has_room(quota, bytes);
        if has_room {
            known.since.keys += 1;
            known.since.bytes += bytes;
        } else {
            known.full_until = now.plus(PAUSE);
            tracing::warn!(
                provider,
                "keeps as much as it may: {} keys, {} bytes (`plugin_limits.keys`, `plugin_limits.mib`)",
                known.counted.keys,
                known.counted.bytes
            );
        }
        self.locked().insert(provider.to_owned(), known);
        Ok(has_room)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::kept::KeptKeys;
    use crate::keys::KeyRing;
    use crate::plugin::{KeyAt, KeyValue as _, NotKept};
    use crate::rng::SystemRandom;
    use crate::store::memory::MemoryStore;

    const LONG: Duration = Duration::from_mins(1);

    fn keeper(quota: KeptQuota) -> (KeptKeys, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
        let store = Arc::new(MemoryStore::new());
        let kept = KeptKeys::new(store, keys, clock.clone(), Arc::new(SystemRandom), quota);
        (kept, clock)
    }

    fn at<'a>(provider: &'a str, key: &'a [u8]) -> KeyAt<'a> {
        let realm = "";
        KeyAt { realm, provider, key }
    }

    #[test]
    fn a_provider_name_keeps_as_many_keys_as_it_may_and_no_other_name_feels_it() {
        let (kept, clock) = keeper(KeptQuota {
            keys: 3,
            ..KeptQuota::default()
        });
        let put = |provider, key: &[u8], value: &[u8]| kept.put(&at(provider, key), value, 60, -1, LONG);
        for key in [b"a", b"b", b"c"] {
            put("one", key, b"value").unwrap();
        }
        assert!(matches!(put("one", b"d", b"value"), Err(NotKept::Full)));
        assert!(matches!(
            kept.add(&at("one", b"n"), 1, 60, LONG),
            Err(NotKept::Full)
        ));
        put("one", b"a", b"other").unwrap();
        assert!(
            matches!(put("one", b"a", b"longer value"), Err(NotKept::Full)),
            "it grows"
        );
        put("two", b"d", b"value").unwrap();
        kept.remove(&at("one", b"a"), -1, LONG).unwrap();
        clock.advance(PAUSE);
        assert_eq!(kept.add(&at("one", b"n"), 1, 60, LONG).unwrap(), 1);
        assert!(matches!(put("one", b"d", b"value"), Err(NotKept::Full)));
        assert_eq!(
            kept.add(&at("one", b"n"), 1, 60, LONG).unwrap(),
            2,
            "a counter that is there"
        );
        clock.advance(LONG);
        put("one", b"d", b"value").unwrap();
    }

    #[test]
    fn a_provider_name_keeps_as_many_bytes_as_it_may() {
        let bytes = 1 << 20;
        let (kept, _) = keeper(KeptQuota {
            bytes,
            ..KeptQuota::default()
        });
        let value = vec![7; 60_000];
        let stored = (0..40_u32).filter(|n| {
            let put = kept.put(&at("one", &n.to_le_bytes()), &value, 0, -1, LONG);
            assert!(matches!(put, Ok(_) | Err(NotKept::Full)));
            put.is_ok()
        });
        assert_eq!(stored.count(), 17, "of 60 kB in 1 MiB");
    }
}
