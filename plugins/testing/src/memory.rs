//! Keys and values of plugins, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_base::clock::Clock;
use doorward_base::secret::Secret;
use doorward_plugin::abi;
use doorward_runtime::{Kept, KeyAt, KeyValue, NotKept};

/// Provider name and key.
type Name = (String, Vec<u8>);

/// Keys and values as a store keeps them, as long as a test lasts.
pub struct Memory {
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<Name, Entry>>,
}

struct Entry {
    bytes: Vec<u8>,
    is_counter: bool,
    version: i64,
    /// Microseconds since 1970; `None`: it stays.
    expires_at: Option<i64>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are not shown.
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Empty, by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
        }
    }

    /// Nothing is kept any more.
    pub fn forget(&self) {
        self.entries().clear();
    }

    /// What the provider of that name keeps under the key, if it has not expired.
    pub(crate) fn kept(&self, provider: &str, key: &[u8]) -> Option<Vec<u8>> {
        let entries = self.live();
        let entry = entries.get(&(provider.to_owned(), key.to_vec()))?;
        Some(entry.bytes.clone())
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Name, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries without those whose time is over.
    fn live(&self) -> MutexGuard<'_, BTreeMap<Name, Entry>> {
        let now = self.clock.now().as_micros();
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.expires_at.is_none_or(|at| at > now));
        entries
    }

    fn end(&self, seconds: u32) -> Option<i64> {
        let lifetime = i64::from(seconds).saturating_mul(1_000_000);
        (seconds > 0).then(|| self.clock.now().as_micros().saturating_add(lifetime))
    }
}

fn name(at: &KeyAt<'_>) -> Name {
    (at.provider.to_owned(), at.key.to_vec())
}

/// Whether what is there is what was expected.
fn holds(entry: Option<&Entry>, expect: i64) -> bool {
    match expect {
        abi::KV_ANY => true,
        abi::KV_ABSENT => entry.is_none(),
        version => entry.is_some_and(|entry| entry.version == version),
    }
}

impl KeyValue for Memory {
    fn get(&self, at: &KeyAt<'_>, _: Duration) -> Kept<(Secret, i64)> {
        let entries = self.live();
        let entry = entries.get(&name(at)).ok_or(NotKept::Absent)?;
        Ok((Secret::new(entry.bytes.as_slice()), entry.version))
    }

    fn put(&self, at: &KeyAt<'_>, value: &[u8], seconds: u32, expect: i64, _: Duration) -> Kept<i64> {
        let mut entries = self.live();
        let name = name(at);
        let known = entries.get(&name);
        if !holds(known, expect) {
            return Err(NotKept::Conflict);
        }
        let version = known.map_or(0, |entry| entry.version) + 1;
        let entry = Entry {
            bytes: value.to_vec(),
            is_counter: false,
            version,
            expires_at: self.end(seconds),
        };
        entries.insert(name, entry);
        Ok(version)
    }

    fn remove(&self, at: &KeyAt<'_>, expect: i64, _: Duration) -> Kept<()> {
        let mut entries = self.live();
        let name = name(at);
        let known = entries.get(&name).ok_or(NotKept::Absent)?;
        if !holds(Some(known), expect) {
            return Err(NotKept::Conflict);
        }
        entries.remove(&name);
        Ok(())
    }

    fn add(&self, at: &KeyAt<'_>, delta: i64, seconds: u32, _: Duration) -> Kept<i64> {
        let mut entries = self.live();
        let end = self.end(seconds);
        let entry = entries.entry(name(at)).or_insert_with(|| Entry {
            bytes: 0_i64.to_le_bytes().to_vec(),
            is_counter: true,
            version: 0,
            expires_at: end,
        });
        let sum = <[u8; 8]>::try_from(entry.bytes.as_slice())
            .ok()
            .filter(|_| entry.is_counter)
            .map(i64::from_le_bytes)
            .ok_or(NotKept::NotACounter)?;
        let sum = sum.checked_add(delta).ok_or(NotKept::TooLarge)?;
        entry.bytes = sum.to_le_bytes().to_vec();
        entry.version += 1;
        Ok(sum)
    }
}
