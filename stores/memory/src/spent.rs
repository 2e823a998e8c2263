//! Marks of what was answered rightly and is good once.

use super::Tables;
use doorward_base::clock::Timestamp;
use doorward_store::Hash;
use doorward_store::TRIMMED;

impl Tables {
    pub(super) fn spend(&mut self, mark: Hash, expires_at: Timestamp, now: Timestamp) -> bool {
        if self.spent.contains(&mark) {
            return false;
        }
        self.spent.insert(mark);
        self.spent_ends.insert((expires_at, mark));
        self.forget_spent(now, TRIMMED as usize);
        true
    }

    /// Removes expired marks, oldest first; how many.
    pub(super) fn forget_spent(&mut self, now: Timestamp, limit: usize) -> u64 {
        let mut gone = 0;
        while gone < limit as u64
            && let Some(&(expires_at, mark)) = self.spent_ends.first()
            && expires_at <= now
        {
            self.spent_ends.remove(&(expires_at, mark));
            self.spent.remove(&mark);
            gone += 1;
        }
        gone
    }
}
