//! Single-use tokens: `dwt_` base64url(id 16 ‖ secret 32), sent to an address to prove that it is somebody's.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{decode, encode};
use crate::error::Result;
use crate::id::TokenId;
use crate::rng::{self, Random};
use crate::secret::Secret;
use crate::store::Hash;

/// What every single-use token begins with.
pub const SINGLE_USE_PREFIX: &str = "dwt_";
/// Length of every single-use token's text, in characters.
pub const SINGLE_USE_LEN: usize = SINGLE_USE_PREFIX.len() + 64;

/// A single-use token that was read or made: well formed, not yet known to be anybody's.
#[derive(Clone)]
pub struct SingleUseToken {
    id: TokenId,
    secret: Zeroizing<[u8; 32]>,
}

impl SingleUseToken {
    /// A new one of this id.
    ///
    /// # Errors
    /// `Unavailable` when the random source fails.
    pub fn draw(id: TokenId, random: &dyn Random) -> Result<Self> {
        Ok(Self {
            id,
            secret: Zeroizing::new(rng::bytes(random)?),
        })
    }

    /// Reads a token's text. `None`: it is not the one text of any single-use token.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let bytes: Zeroizing<[u8; 48]> = decode(text, SINGLE_USE_PREFIX)?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self {
            id: TokenId::from_bytes(*id),
            secret: Zeroizing::new(secret.try_into().ok()?),
        })
    }

    /// The text, as it goes to the address.
    pub fn text(&self) -> Secret {
        encode(SINGLE_USE_PREFIX, &[self.id.as_bytes(), &*self.secret])
    }

    /// The row it names.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What the row keeps of it: SHA-256(`t` ‖ id ‖ secret).
    pub fn hash(&self) -> Hash {
        Sha256::new()
            .chain_update(b"t")
            .chain_update(self.id.as_bytes())
            .chain_update(self.secret.as_slice())
            .finalize()
            .into()
    }
}

impl fmt::Debug for SingleUseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SingleUseToken({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn only_the_one_text_of_a_single_use_token_is_read() {
        let token = SingleUseToken::draw(TokenId::from_bytes([9; 16]), &SystemRandom).unwrap();
        let text = token.text().expose().to_vec();
        assert_eq!(text.len(), SINGLE_USE_LEN);
        let read = SingleUseToken::parse(&text).unwrap();
        assert_eq!((read.id(), read.hash()), (token.id(), token.hash()));
        let (mut longer, mut other, mut padded) = (text.clone(), text.clone(), text.clone());
        longer.push(b'A');
        other[..4].copy_from_slice(b"dwr_");
        padded[67] = b'=';
        for bad in [
            &b""[..],
            b"dwt_",
            &longer,
            &other,
            &padded,
            &text[..67],
            &text[4..],
        ] {
            assert!(SingleUseToken::parse(bad).is_none());
        }
        assert_eq!(format!("{token:?}"), format!("SingleUseToken({})", token.id()));
    }
}
