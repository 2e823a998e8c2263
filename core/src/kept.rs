//! What kinds keep for themselves: sealed, in the store, waited for on the kind's own thread.

mod quota;

use std::sync::Arc;
use std::time::Duration;

pub use quota::KeptQuota;
use quota::Usage;

use crate::blocking::block_on_for;
use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind};
use crate::keys::{Binding, KeyRing};
use crate::plugin::{Kept, KeyAt, KeyValue, NotKept};
use crate::rng::Random;
use crate::secret::Secret;
use crate::store::{KvAction, KvAt, KvChange, KvChanged, KvExpect, KvValue, Reply, Store};

/// What a kind passes for "whatever is there" and "nothing is there" (`DWP_KV_ANY`, `DWP_KV_ABSENT`).
const ANY: i64 = -1;
const ABSENT: i64 = 0;
/// Bytes of a counter.
const COUNTER: usize = size_of::<i64>();

/// Keeps values in the context's store. Bytes are sealed and bound to where they stand; counters are numbers.
pub struct KeptKeys {
    /// Where.
    store: Arc<dyn Store>,
    /// Seals what is kept.
    keys: Arc<KeyRing>,
    /// Says what has expired.
    clock: Arc<dyn Clock>,
    /// Makes versions and nonces.
    random: Arc<dyn Random>,
    /// How much each provider name may keep.
    quota: KeptQuota,
    usage: Usage,
}

impl std::fmt::Debug for KeptKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptKeys").finish_non_exhaustive()
    }
}

impl KeptKeys {
    /// Keeps values in this store, so many for each provider name.
    pub fn new(
        store: Arc<dyn Store>,
        keys: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        quota: KeptQuota,
    ) -> Self {
        Self {
            store,
            keys,
            clock,
            random,
            quota,
            usage: Usage::default(),
        }
    }

    /// Lets a value of so many bytes in, if the quota of its provider name has room, or if it replaces one that is as
    /// large.
    fn admit(&self, at: &KeyAt<'_>, value: usize, wait: Duration) -> Kept<()> {
        let (now, bytes) = (self.clock.now(), at.key.len() + value);
        let measure = || answered(self.store.kv_usage(at.provider.to_owned(), now), wait);
        if self.usage.admits(self.quota, at.provider, bytes, now, measure)? {
            return Ok(());
        }
        let held = answered(self.store.kv(stored_at(at), now), wait)?;
        let fits = held.is_some_and(|held| match held.value {
            KvValue::Counter(_) => value <= COUNTER,
            KvValue::Bytes(bytes) => value <= bytes.len(),
        });
        if fits { Ok(()) } else { Err(NotKept::Full) }
    }

    fn change(&self, at: &KeyAt<'_>, action: KvAction, wait: Duration) -> Kept<(KvChanged, i64)> {
        let version = self.version()?;
        let change = KvChange {
            at: stored_at(at),
            action,
            version,
            now: self.clock.now(),
        };
        match answered(self.store.change_kv(change), wait)? {
            KvChanged::Absent => Err(NotKept::Absent),
            KvChanged::Conflict => Err(NotKept::Conflict),
            KvChanged::NotACounter => Err(NotKept::NotACounter),
            KvChanged::TooLarge => Err(NotKept::TooLarge),
            done @ (KvChanged::Done | KvChanged::Sum(_)) => Ok((done, version)),
        }
    }

    /// A version that no value has had: random, so that what is removed and put again is another one.
    fn version(&self) -> Kept<i64> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes).map_err(NotKept::Failed)?;
        Ok((i64::from_le_bytes(bytes) & i64::MAX).max(1))
    }

    fn end(&self, seconds: u32) -> Option<Timestamp> {
        let lifetime = Duration::from_secs(seconds.into());
        (seconds > 0).then(|| self.clock.now().plus(lifetime))
    }
}

impl KeyValue for KeptKeys {
    fn get(&self, at: &KeyAt<'_>, wait: Duration) -> Kept<(Secret, i64)> {
        let reply = self.store.kv(stored_at(at), self.clock.now());
        let entry = answered(reply, wait)?.ok_or(NotKept::Absent)?;
        let value = match entry.value {
            KvValue::Counter(sum) => Secret::new(sum.to_le_bytes()),
            KvValue::Bytes(sealed) => self
                .keys
                .open(bound_to(at).bytes(), &sealed)
                .map_err(NotKept::Failed)?,
        };
        Ok((value, entry.version))
    }

    fn put(&self, at: &KeyAt<'_>, value: &[u8], seconds: u32, expect: i64, wait: Duration) -> Kept<i64> {
        let sealed = self
            .keys
            .seal(&*self.random, bound_to(at).bytes(), value)
            .map_err(NotKept::Failed)?;
        self.admit(at, sealed.len(), wait)?;
        let action = KvAction::Put {
            sealed,
            expect: expected(expect),
            expires_at: self.end(seconds),
        };
        self.change(at, action, wait).map(|(_, version)| version)
    }

    fn remove(&self, at: &KeyAt<'_>, expect: i64, wait: Duration) -> Kept<()> {
        let expect = expected(expect);
        self.change(at, KvAction::Remove { expect }, wait).map(drop)
    }

    fn add(&self, at: &KeyAt<'_>, delta: i64, seconds: u32, wait: Duration) -> Kept<i64> {
        self.admit(at, COUNTER, wait)?;
        let expires_at = self.end(seconds);
        match self.change(at, KvAction::Add { delta, expires_at }, wait)? {
            (KvChanged::Sum(sum), _) => Ok(sum),
            _ => Err(NotKept::NotACounter),
        }
    }
}

fn stored_at(at: &KeyAt<'_>) -> KvAt {
    KvAt {
        realm: at.realm.to_owned(),
        provider: at.provider.to_owned(),
        key: at.key.to_vec(),
    }
}

/// A sealed value is good at its own place only: whoever can write to the database cannot move it to another key.
fn bound_to(at: &KeyAt<'_>) -> Binding {
    Binding::of("kv")
        .and(at.realm.as_bytes())
        .and(at.provider.as_bytes())
        .and(at.key)
}

fn expected(expect: i64) -> KvExpect {
    match expect {
        ANY => KvExpect::Any,
        ABSENT => KvExpect::Absent,
        version => KvExpect::Version(version),
    }
}

/// Waits for the store on this thread. The store finishes what was begun, also where nobody waits any longer.
fn answered<T: Unpin>(reply: Reply<T>, wait: Duration) -> Kept<T> {
    match block_on_for(reply, wait) {
        Some(answer) => answer.map_err(|error| NotKept::Failed(error.into())),
        None => Err(NotKept::Failed(Error::new(
            ErrorKind::Timeout,
            "the store gave no answer before the deadline of the kind's operation",
        ))),
    }
}
