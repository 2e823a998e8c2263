//! Under whom flows, tokens and messages are filed, so that they go with their user. Rows of nobody stand in the same
//! index, where somebody's would: an index entry that nobody's rows have elsewhere, or a foreign key that they have not,
//! can be told with a clock. So the key is looked up here, and for nobody as well; a trigger does what a key would.

use std::iter;

use rusqlite::{Connection, OptionalExtension as _};

use doorward_base::id::UserId;
use doorward_store::Post;

/// What a row is filed under: its user, or what nobody's id is, next to `beside`.
pub(super) fn under(user: Option<UserId>, beside: UserId) -> [u8; 16] {
    let mut id = *user.unwrap_or(beside).as_bytes();
    if user.is_none() {
        id[15] ^= 1;
    }
    id
}

/// True when every user of the row and of its messages is still there: else the rows would stay behind them. Each row
/// costs a look, whosever it is.
pub(super) fn stands(db: &Connection, user: Option<UserId>, post: &Post) -> rusqlite::Result<bool> {
    let mut find = db.prepare_cached("SELECT 1 FROM doorward_user WHERE id = ?1")?;
    let mut stands = true;
    for owner in iter::once(user).chain(post.deliveries.iter().map(|one| one.user_id)) {
        let found = find.query_row([owner.unwrap_or(post.beside).as_bytes()], |_| Ok(()));
        stands &= found.optional()?.is_some() || owner.is_none();
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
