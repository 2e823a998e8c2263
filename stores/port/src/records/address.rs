//! A user's addresses: on which side each stands, and whether it was proved.

use super::Hash;
use doorward_base::clock::Timestamp;

/// What an address of a user serves: never both, which the key of the table says. Stored as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It recovers or starts (1).
    First,
    /// It is at a second name (2).
    Second,
}

impl Side {
    /// The stored number.
    pub const fn number(self) -> i64 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// The side of a stored number.
    pub const fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            2 => Some(Self::Second),
            _ => None,
        }
    }
}

/// Who says that an address is the user's. Stored as the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvedBy {
    /// A message was read there.
    Message,
    /// The operator said so.
    Operator,
}

impl ProvedBy {
    /// The stable text.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Operator => "operator",
        }
    }

    /// The value of a stored text.
    pub fn of(id: &str) -> Option<Self> {
        [Self::Message, Self::Operator]
            .into_iter()
            .find(|by| by.id() == id)
    }
}

/// One address of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserAddress {
    /// SHA-256 of realm, channel and what the channel makes of the identifier.
    pub address: Hash,
    /// What it serves.
    pub side: Side,
    /// When it was proved, and by whom; `None`: nobody has.
    pub proved: Option<(Timestamp, ProvedBy)>,
}

/// Several hashes as one column has them.
pub fn hashes_to_column(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// The hashes of a column; `None`: no such column.
pub fn hashes_of_column(column: &[u8]) -> Option<Vec<Hash>> {
    let (whole, rest) = column.as_chunks::<32>();
    rest.is_empty().then(|| whole.to_vec())
}
