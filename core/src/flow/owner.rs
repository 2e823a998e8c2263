//! Whose a flow is. A first step that is nobody's stands beside somebody's rows, and both are written alike: a known and
//! an unknown name cost the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::UserId;

/// The user of a flow, or the one beside whose rows nobody's flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    id: UserId,
    is_beside: bool,
}

impl Owner {
    pub(crate) const NOBODY: Self = Self::beside(UserId::NOBODY);

    pub(crate) const fn of(id: UserId) -> Self {
        Self { id, is_beside: false }
    }

    /// Nobody, beside this user's rows.
    pub(crate) const fn beside(id: UserId) -> Self {
        Self { id, is_beside: true }
    }

    pub(crate) fn user(self) -> Option<UserId> {
        (!self.is_beside).then_some(self.id)
    }

    /// Whose rows are read, whether the flow is theirs or not.
    pub(crate) const fn rows(self) -> UserId {
        self.id
    }
}

/// One length for everybody.
impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let id = URL_SAFE_NO_PAD.encode(self.id.as_bytes());
        (id, u8::from(self.is_beside)).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (id, is_beside) = <(String, u8)>::deserialize(from)?;
        let id = URL_SAFE_NO_PAD.decode(id).map_err(D::Error::custom)?;
        let id = <[u8; 16]>::try_from(id).map_err(|_| D::Error::custom("an id has 16 bytes"))?;
        Ok(Self {
            id: UserId::from_bytes(id),
            is_beside: is_beside != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebodys_and_nobodys_are_as_long_and_read_back() {
        let id = UserId::from_bytes([0xA7; 16]);
        let texts = [Owner::of(id), Owner::beside(id), Owner::NOBODY].map(|owner| {
            let text = serde_json::to_string(&owner).unwrap();
            assert_eq!(serde_json::from_str::<Owner>(&text).unwrap(), owner);
            text
        });
        assert_eq!(texts[0].len(), texts[1].len());
        assert_eq!(texts[0].len(), texts[2].len());
        assert_eq!((Owner::of(id).user(), Owner::beside(id).user()), (Some(id), None));
    }
}
