//! What lives as long as the process, kept where leak checkers find it.
//!
//! Some things have no moment at which they may go: a table that plugins may keep, a queue that a forked child must not
//! drop. Leaked, they would make every run of the embedding program under a leak checker red. Here they hang on a static
//! chain: reachable, so not lost, and what grows in it is seen as growth.

use std::any::Any;
use std::ptr::{self, NonNull};
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

struct Link {
    /// Reached from here and used through other references, if at all.
    _holds: Held,
    before: AtomicPtr<Link>,
}

enum Held {
    Lent(#[expect(dead_code, reason = "reachable is all that it has to be")] &'static (dyn Any + Sync)),
    Put(#[expect(dead_code, reason = "reachable is all that it has to be")] Mutex<Box<dyn Any + Send>>),
}

/// The newest link. No lock: a thread that a fork left behind could hold it.
static NEWEST: AtomicPtr<Link> = AtomicPtr::new(ptr::null_mut());

/// Gives a value the life of the process.
pub fn lend<T: Any + Sync>(value: T) -> &'static T {
    let value: &'static T = Box::leak(Box::new(value));
    hang(Held::Lent(value));
    value
}

/// Puts a value away that must never be dropped.
pub fn put<T: Any + Send>(value: T) {
    hang(Held::Put(Mutex::new(Box::new(value))));
}

fn hang(holds: Held) {
    let link: &'static Link = Box::leak(Box::new(Link {
        _holds: holds,
        before: AtomicPtr::new(ptr::null_mut()),
    }));
    let before = NEWEST.swap(NonNull::from(link).as_ptr(), Ordering::AcqRel);
    link.before.store(before, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_is_put_away_is_not_dropped_and_what_is_lent_stays() {
        let counted = Arc::new(());
        put(Arc::clone(&counted));
        let lent = lend(Arc::clone(&counted));
        assert_eq!((Arc::strong_count(&counted), Arc::strong_count(lent)), (3, 3));
    }
}
