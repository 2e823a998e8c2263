//! Writes that nobody waits for: merged per row, written with the next batch, dropped when there are too many.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use super::sign_ins;
use doorward_base::id::{AuthenticatorId, SignInId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::Touch;

/// The row, or the part of a row, that a touch is about.
#[derive(PartialEq, Eq, Hash)]
enum Row {
    Authenticator(UserId, String, AuthenticatorId),
    Confirm(SignInId, u32),
    Identity(ProviderId),
    Seen(SignInId),
}

pub(super) struct Touches {
    waiting: Mutex<HashMap<Row, Touch>>,
    limit: usize,
}

impl Touches {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            limit,
        }
    }

    /// Takes a touch; true when it is the first one waiting, so that the writer must be told.
    pub(super) fn put(&self, touch: Touch) -> bool {
        let mut waiting = self.lock();
        let was_empty = waiting.is_empty();
        let full = waiting.len() >= self.limit;
        match waiting.entry(row_of(&touch)) {
            std::collections::hash_map::Entry::Occupied(mut entry) => merge(entry.get_mut(), touch),
            std::collections::hash_map::Entry::Vacant(entry) if !full => {
                entry.insert(touch);
            }
            std::collections::hash_map::Entry::Vacant(_) => {}
        }
        was_empty
    }

    pub(super) fn take(&self) -> Vec<Touch> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, Touch>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row_of(touch: &Touch) -> Row {
    match touch {
        Touch::Confirm { id, generation, .. } => Row::Confirm(*id, *generation),
        Touch::Seen { id, .. } => Row::Seen(*id),
        Touch::IdentityUsed(at, _) => Row::Identity(at.clone()),
        Touch::AuthenticatorUsed(at, _) => Row::Authenticator(at.user_id, at.group.clone(), at.id),
    }
}

/// The earlier acceptance confirms; everything else is a maximum.
fn merge(waiting: &mut Touch, new: Touch) {
    match (waiting, new) {
        (Touch::Confirm { at, .. }, Touch::Confirm { at: new, .. }) => *at = new.min(*at),
        (
            Touch::Seen {
                at, idle_expires_at, ..
            },
            Touch::Seen {
                at: new,
                idle_expires_at: new_end,
                ..
            },
        ) => {
            *at = new.max(*at);
            *idle_expires_at = new_end.max(*idle_expires_at);
        }
        (Touch::IdentityUsed(_, at), Touch::IdentityUsed(_, new))
        | (Touch::AuthenticatorUsed(_, at), Touch::AuthenticatorUsed(_, new)) => *at = new.max(*at),
        _ => {}
    }
}

pub(super) fn write(db: &Connection, touch: &Touch) -> rusqlite::Result<()> {
    match touch {
        Touch::Confirm { id, generation, at } => {
            sign_ins::confirm_alone(db, *id, *generation, *at)?;
        }
        Touch::Seen {
            id,
            at,
            idle_expires_at,
        } => {
            let seen = "UPDATE doorward_sign_in SET last_seen_at = max(last_seen_at, ?2),
                        idle_expires_at = max(idle_expires_at, ?3) WHERE id = ?1 AND ended_at IS NULL";
            let values = params![id.as_bytes(), at.as_micros(), idle_expires_at.as_micros()];
            db.prepare_cached(seen)?.execute(values)?;
        }
        Touch::IdentityUsed(at, now) => {
            let used = "UPDATE doorward_identity SET last_used_at = max(coalesce(last_used_at, ?4), ?4)
                        WHERE realm = ?1 AND provider = ?2 AND canonical = ?3";
            let values = params![at.realm, at.provider, at.canonical, now.as_micros()];
            db.prepare_cached(used)?.execute(values)?;
        }
        Touch::AuthenticatorUsed(at, now) => {
            let used = "UPDATE doorward_authenticator SET last_used_at = max(coalesce(last_used_at, ?4), ?4)
                        WHERE user_id = ?1 AND grp = ?2 AND id = ?3";
            let values = params![at.user_id.as_bytes(), at.group, at.id.as_bytes(), now.as_micros()];
            db.prepare_cached(used)?.execute(values)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_base::clock::Timestamp;

    #[test]
    fn touches_of_one_row_are_one_write_and_too_many_are_dropped() {
        let touches = Touches::new(2);
        let seen = |id: u8, at: i64| Touch::Seen {
            id: SignInId::from_bytes([id; 16]),
            at: Timestamp::from_micros(at),
            idle_expires_at: Timestamp::from_micros(at + 10),
        };
        assert!(touches.put(seen(1, 5)));
        assert!(!touches.put(seen(1, 3)));
        assert!(!touches.put(seen(2, 4)));
        assert!(!touches.put(seen(3, 4)), "the queue is full");
        let mut written = touches.take();
        written.sort_by_key(|touch| format!("{touch:?}"));
        assert_eq!(written, [seen(1, 5), seen(2, 4)]);
        assert!(touches.take().is_empty());
    }
}
