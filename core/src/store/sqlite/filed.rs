//! Under whom flows, tokens and messages are filed, so that they go with their user. Rows of nobody stand in the same
//! index, where somebody's would: an index entry that nobody's rows have elsewhere, or a foreign key that they have not,
//! can be told with a clock. So the key is looked up here, and for nobody as well; a trigger does what a key would.

use rusqlite::{Connection, OptionalExtension as _};

use crate::id::UserId;
use crate::store::Post;

/// What a row is filed under: its user, or what nobody's id is, next to `beside`.
pub(super) fn under(user: Option<UserId>, beside: UserId) -> [u8; 16] {
    let mut id = *user.unwrap_or(beside).as_bytes();
    if user.is_none() {
        id[15] ^= 1;
    }
    id
}

/// True when every user of the row and of its messages is still there: else the rows would stay behind them.
pub(super) fn stands(db: &Connection, user: Option<UserId>, post: &Post) -> rusqlite::Result<bool> {
    let is_there = |user: Option<UserId>| -> rusqlite::Result<bool> {
        let found = (db.prepare_cached("SELECT 1 FROM doorward_user WHERE id = ?1")?)
            .query_row([user.unwrap_or(post.beside).as_bytes()], |_| Ok(()))
            .optional()?;
        Ok(found.is_some() || user.is_none())
    };
    let others = post.deliveries.iter().chain(&post.decoys).map(|one| one.user_id);
    let mut stands = is_there(user)?;
    for other in others.filter(|other| *other != user) {
        stands &= is_there(other)?;
    }
    Ok(stands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobodys_rows_stand_next_to_somebodys_and_are_not_theirs() {
        let ann = UserId::from_bytes([7; 16]);
        assert_eq!(under(Some(ann), UserId::NOBODY), [7; 16]);
        let nobodys = under(None, ann);
        assert_eq!(nobodys[..15], [7; 15]);
        assert_ne!(nobodys[15], 7);
    }
}
