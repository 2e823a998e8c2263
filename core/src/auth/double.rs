//! Whose rows are read where nobody's are: somebody's, so that a look in vain takes as long as any other. Nothing of what
//! is read there is used.

use std::sync::{Mutex, PoisonError};

use crate::id::UserId;

/// The last user who was found by this process; nobody until then.
pub(super) struct Double(Mutex<UserId>);

impl Default for Double {
    fn default() -> Self {
        Self(Mutex::new(UserId::NOBODY))
    }
}

impl Double {
    /// Who was found, or else the double. Only the rows of who was found mean anything.
    pub(super) fn of(&self, found: Option<UserId>) -> UserId {
        // An id is written whole.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found {
            *last = found;
        }
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_the_rows_of_whoever_was_found_last() {
        let (double, ann) = (Double::default(), UserId::from_bytes([7; 16]));
        assert_eq!(double.of(None), UserId::NOBODY);
        assert_eq!(double.of(Some(ann)), ann);
        assert_eq!(double.of(None), ann);
    }
}
