//! Whose rows are read where nobody's are: somebody's, so that a look in vain takes as long as any other. Nothing of what
//! is read there is used.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::id::UserId;

/// So many users that most have nothing at hand in any cache: rows that were just read would be found faster than others.
const SLOTS: u64 = 1 << 14;

/// Users who were found by this process; nobody until then. An identifier that nobody has is always given the same one,
/// as one that somebody has is: what is looked at twice is found faster the second time.
pub(super) struct Double {
    seen: Mutex<BTreeMap<u64, UserId>>,
    hasher: RandomState,
}

impl Default for Double {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            hasher: RandomState::new(),
        }
    }
}

impl Double {
    /// Who was found, or else the double of what was looked for. Only the rows of who was found mean anything.
    pub(super) fn of(&self, found: Option<UserId>, looked_for: &[u8]) -> UserId {
        let at = match &found {
            Some(user) => self.slot(user),
            None => self.slot(looked_for),
        };
        // An id is written whole.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let next = seen.range(at..).chain(seen.iter()).next();
        let next = next.map(|(slot, user)| (*slot, *user));
        // Looked for and written for everybody; where nobody was found, what stands there stays.
        let (slot, user) = match found {
            Some(found) => (at, found),
            None => next.unwrap_or((at, UserId::NOBODY)),
        };
        if user != UserId::NOBODY {
            seen.insert(slot, user);
        }
        user
    }

    fn slot(&self, of: impl Hash) -> u64 {
        self.hasher.hash_one(of) % SLOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_the_rows_of_somebody_who_was_found() {
        let (double, ann) = (Double::default(), UserId::from_bytes([7; 16]));
        assert_eq!(double.of(None, b"eve"), UserId::NOBODY);
        assert_eq!(double.of(Some(ann), b"ann"), ann);
        assert_eq!(double.of(None, b"eve"), ann);
    }

    #[test]
    fn who_is_looked_for_twice_in_vain_has_one_double() {
        let double = Double::default();
        for user in 0..100 {
            double.of(Some(UserId::from_bytes([user; 16])), b"");
        }
        let doubles: Vec<UserId> = (0..50_u8).map(|name| double.of(None, &[name])).collect();
        assert!(doubles.iter().any(|one| *one != doubles[0]));
        for (name, first) in (0..50_u8).zip(&doubles) {
            assert_eq!(double.of(None, &[name]), *first);
        }
    }
}
