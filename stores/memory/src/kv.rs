//! What plugins keep besides records.

use super::Tables;
use doorward_base::clock::Timestamp;
use doorward_store::{KvAt, KvChange, KvChanged, KvEntry, KvUsage};
use doorward_store::{KvWrite, TRIMMED};

impl Tables {
    pub(super) fn kv(&self, at: &KvAt, now: Timestamp) -> Option<KvEntry> {
        self.kv.get(at).filter(|entry| entry.is_live(now)).cloned()
    }

    pub(super) fn kv_usage(&self, provider: &str, now: Timestamp) -> KvUsage {
        let of = self
            .kv
            .iter()
            .filter(|(at, entry)| at.provider == provider && entry.is_live(now));
        of.fold(KvUsage::default(), |sum, (at, entry)| KvUsage {
            keys: sum.keys + 1,
            bytes: sum.bytes + (at.key.len() + entry.value.to_column().len()) as u64,
        })
    }

    pub(super) fn change_kv(&mut self, change: KvChange) -> KvChanged {
        let (changed, write) = change.decide(self.kv.get(&change.at));
        match write {
            KvWrite::Entry(entry) => {
                self.purge_kv(change.now, TRIMMED as usize);
                self.kv.insert(change.at, entry);
            }
            KvWrite::Nothing => {}
            KvWrite::Removal => drop(self.kv.remove(&change.at)),
        }
        changed
    }

    /// Removes what has expired; how many.
    pub(super) fn purge_kv(&mut self, now: Timestamp, limit: usize) -> u64 {
        let expired = self.kv.iter().filter(|(_, entry)| !entry.is_live(now));
        let gone: Vec<KvAt> = expired.map(|(at, _)| at.clone()).take(limit).collect();
        for at in &gone {
            self.kv.remove(at);
        }
        gone.len() as u64
    }
}
