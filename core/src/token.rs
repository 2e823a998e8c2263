//! Session tokens: their text, their hashes and their derivation. See `docs/sessions.md`, *Tokens* and
//! *Derivation*.
//!
//! ```text
//! access:  dwa_ base64url(id 16 ‖ generation 4 ‖ secret 32)
//! refresh: dwr_ base64url(id 16 ‖ generation 4 ‖ family 16 ‖ secret 32)
//! ```
//!
//! `single_use` has the tokens that are sent to addresses. base64url (RFC 4648 section 5) is unpadded with spare bits zero, so each token has exactly one text. Whoever holds
//! refresh token g gets, with the row's salt, byte-identical successors: nothing of them has to be stored.

mod single_use;

pub use single_use::{SINGLE_USE_LEN, SINGLE_USE_PREFIX, SingleUseToken};

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::id::SignInId;
use crate::rng::{self, Random};
use crate::secret::Secret;
use crate::store::Hash;

/// What every access token begins with.
pub const ACCESS_PREFIX: &str = "dwa_";
/// What every refresh token begins with.
pub const REFRESH_PREFIX: &str = "dwr_";
/// Length of every access token's text, in characters.
pub const ACCESS_LEN: usize = ACCESS_PREFIX.len() + 70;
/// Length of every refresh token's text, in characters.
pub const REFRESH_LEN: usize = REFRESH_PREFIX.len() + 91;

/// An access token that was read or made: well formed, not yet known to be anybody's.
#[derive(Clone)]
pub struct AccessToken {
    id: SignInId,
    generation: u32,
    secret: Zeroizing<[u8; 32]>,
}

/// A refresh token that was read or made: well formed, not yet known to be anybody's.
#[derive(Clone)]
pub struct RefreshToken {
    id: SignInId,
    generation: u32,
    family: Zeroizing<[u8; 16]>,
    secret: Zeroizing<[u8; 32]>,
}

impl AccessToken {
    /// Reads a token's text. `None`: it is not the one text of any access token.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let bytes: Zeroizing<[u8; 52]> = decode(text, ACCESS_PREFIX)?;
        let (head, secret) = bytes.split_first_chunk::<20>()?;
        let (id, generation) = read_head(head);
        let secret = Zeroizing::new(secret.try_into().ok()?);
        Some(Self {
            id,
            generation,
            secret,
        })
    }

    /// The text, as it goes to the client.
    pub fn text(&self) -> Secret {
        encode(
            ACCESS_PREFIX,
            &[self.id.as_bytes(), &self.generation.to_be_bytes(), &*self.secret],
        )
    }

    /// The sign-in it names.
    pub fn id(&self) -> SignInId {
        self.id
    }

    /// The generation it names.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the row keeps of it.
    pub fn hash(&self) -> Hash {
        hash(b'a', self.id, self.generation, &*self.secret)
    }
}

impl RefreshToken {
    /// The first refresh token of a new sign-in: family and secret are random.
    ///
    /// # Errors
    /// `Unavailable` when the random source fails.
    pub fn first(id: SignInId, random: &dyn Random) -> Result<Self> {
        Ok(Self {
            id,
            generation: 0,
            family: Zeroizing::new(rng::bytes(random)?),
            secret: Zeroizing::new(rng::bytes(random)?),
        })
    }

    /// Reads a token's text. `None`: it is not the one text of any refresh token.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let bytes: Zeroizing<[u8; 68]> = decode(text, REFRESH_PREFIX)?;
        let (head, rest) = bytes.split_first_chunk::<20>()?;
        let (id, generation) = read_head(head);
        let (family, secret) = rest.split_first_chunk::<16>()?;
        let family = Zeroizing::new(*family);
        let secret = Zeroizing::new(secret.try_into().ok()?);
        Some(Self {
            id,
            generation,
            family,
            secret,
        })
    }

    /// The text, as it goes to the client.
    pub fn text(&self) -> Secret {
        encode(
            REFRESH_PREFIX,
            &[
                self.id.as_bytes(),
                &self.generation.to_be_bytes(),
                &*self.family,
                &*self.secret,
            ],
        )
    }

    /// The sign-in it names.
    pub fn id(&self) -> SignInId {
        self.id
    }

    /// The generation it names.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// What the row keeps of it.
    pub fn hash(&self) -> Hash {
        hash(b'r', self.id, self.generation, &*self.secret)
    }

    /// What the row keeps of the family, the same in every generation.
    pub fn family_hash(&self) -> Hash {
        hash(b'f', self.id, 0, &*self.family)
    }

    /// The access token of the same generation.
    ///
    /// # Errors
    /// `Internal`, which no input can cause.
    pub fn access(&self) -> Result<AccessToken> {
        Ok(AccessToken {
            id: self.id,
            generation: self.generation,
            secret: derive(&self.secret, None, b'a', self.id, self.generation)?,
        })
    }

    /// The refresh token of the next generation.
    ///
    /// # Errors
    /// `Internal` at the last generation, which has no successor.
    pub fn successor(&self, salt: &Hash) -> Result<Self> {
        let generation = self.generation.checked_add(1).ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                "the last generation of a sign-in has no successor",
            )
        })?;
        Ok(Self {
            id: self.id,
            generation,
            family: self.family.clone(),
            secret: derive(&self.secret, Some(salt), b'r', self.id, generation)?,
        })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({}, {})", self.id, self.generation)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, {})", self.id, self.generation)
    }
}

/// SHA-256(kind ‖ id ‖ generation ‖ secret): cannot be presented as a token, nor as the hash of another kind.
fn hash(kind: u8, id: SignInId, generation: u32, secret: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([kind])
        .chain_update(id.as_bytes())
        .chain_update(generation.to_be_bytes())
        .chain_update(secret)
        .finalize()
        .into()
}

/// HKDF-SHA-256 (RFC 5869), one block, with info kind ‖ id ‖ generation.
fn derive(
    from: &[u8; 32],
    salt: Option<&Hash>,
    kind: u8,
    id: SignInId,
    generation: u32,
) -> Result<Zeroizing<[u8; 32]>> {
    let mut info = [kind; 21];
    info[1..17].copy_from_slice(id.as_bytes());
    info[17..].copy_from_slice(&generation.to_be_bytes());
    let mut out = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(salt.map(|salt| &salt[..]), from)
        .expand(&info, &mut *out)
        .map_err(|e| {
            Error::new(ErrorKind::Internal, "a token could not be derived").caused_by(e.to_string())
        })?;
    Ok(out)
}

fn encode(prefix: &str, parts: &[&[u8]]) -> Secret {
    let bytes = Zeroizing::new(parts.concat());
    // Large enough from the start: a vector that grows leaves copies of the secret behind.
    let mut text = String::with_capacity(REFRESH_LEN);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
    Secret::from(text)
}

/// Exactly `N` bytes from prefix and strict base64url.
fn decode<const N: usize>(text: &[u8], prefix: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.strip_prefix(prefix.as_bytes())?;
    // Long input is refused before any work: four digits carry three bytes.
    if digits.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 72]);
    let len = URL_SAFE_NO_PAD.decode_slice(digits, &mut *bytes).ok()?;
    let exact = bytes.get(..len)?.try_into().ok()?;
    Some(Zeroizing::new(exact))
}

fn read_head(head: &[u8; 20]) -> (SignInId, u32) {
    let [id @ .., a, b, c, d] = *head;
    (SignInId::from_bytes(id), u32::from_be_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Made by an independent implementation: Python's hashlib and hmac.
    const VECTORS: &str = include_str!("../../tests/fixtures/token_vectors.tsv");

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    fn text(secret: &Secret) -> &str {
        std::str::from_utf8(secret.expose()).unwrap()
    }

    #[test]
    fn the_vectors_are_what_the_python_script_computes() {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../tests/python_tables/token_vectors.py"
        );
        let ran = Command::new("python3").arg(script).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), VECTORS);
    }

    #[test]
    fn tokens_hashes_and_derivations_equal_the_vectors() {
        let rows: Vec<Vec<&str>> = VECTORS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        assert!(rows.len() >= 8);
        for row in rows {
            let [
                name,
                salt,
                refresh,
                access,
                next,
                next_access,
                family_hash,
                refresh_hash,
                access_hash,
            ] = row[..]
            else {
                panic!("nine columns: {row:?}")
            };
            let token = RefreshToken::parse(refresh.as_bytes()).unwrap();
            assert_eq!(text(&token.text()), refresh, "{name}");
            assert_eq!(hex(&token.family_hash()), family_hash, "{name}");
            assert_eq!(hex(&token.hash()), refresh_hash, "{name}");
            let derived = token.access().unwrap();
            assert_eq!(text(&derived.text()), access, "{name}");
            assert_eq!(hex(&derived.hash()), access_hash, "{name}");
            let read = AccessToken::parse(access.as_bytes()).unwrap();
            assert_eq!(
                (read.id(), read.generation(), read.hash()),
                (token.id(), token.generation(), derived.hash())
            );
            let salt: Vec<u8> = (0..salt.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&salt[at..at + 2], 16).unwrap())
                .collect();
            match token.successor(&salt.try_into().unwrap()) {
                Ok(successor) => {
                    assert_eq!(text(&successor.text()), next, "{name}");
                    assert_eq!(text(&successor.access().unwrap().text()), next_access, "{name}");
                }
                Err(_) => assert_eq!((next, next_access), ("-", "-"), "{name}"),
            }
        }
    }

    #[test]
    fn only_the_one_text_of_a_token_is_read() {
        type Mangle<'a> = (&'a str, &'a dyn Fn(&str) -> String);
        let row = VECTORS.lines().find(|line| !line.starts_with('#')).unwrap();
        let column: Vec<&str> = row.split('\t').collect();
        let (refresh, access) = (column[2], column[3]);
        assert_eq!((refresh.len(), access.len()), (REFRESH_LEN, ACCESS_LEN));
        let long = "A".repeat(1 << 20);
        // What is done to the text, for both kinds: nothing of it may be read.
        let mangle: &[Mangle<'_>] = &[
            ("empty", &|_| String::new()),
            ("prefix only", &|text| text[..4].into()),
            ("no prefix", &|text| text[4..].into()),
            ("upper case prefix", &|text| text[..4].to_uppercase() + &text[4..]),
            ("one digit less", &|text| text[..text.len() - 1].into()),
            ("one digit more", &|text| format!("{text}A")),
            ("padded", &|text| format!("{text}=")),
            ("padding in place", &|text| {
                format!("{}=", &text[..text.len() - 1])
            }),
            ("space before", &|text| format!(" {text}")),
            ("newline after", &|text| format!("{text}\n")),
            ("NUL inside", &|text| format!("{}\0", &text[..text.len() - 1])),
            ("standard alphabet", &|text| {
                format!("{}+/{}", &text[..4], &text[6..])
            }),
            ("spare bit set", &|text| {
                // The last digit of both kinds has spare bits: the next digit differs in one of them.
                let last = text.as_bytes()[text.len() - 1] as char;
                let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let next = digits.chars().nth(digits.find(last).unwrap() + 1).unwrap();
                format!("{}{next}", &text[..text.len() - 1])
            }),
            ("a megabyte", &|text| format!("{text}{long}")),
            ("not UTF-8 letters", &|text| {
                format!("{}é", &text[..text.len() - 2])
            }),
        ];
        for (what, change) in mangle {
            for good in [refresh, access] {
                let bad = change(good);
                assert!(RefreshToken::parse(bad.as_bytes()).is_none(), "{what}");
                assert!(AccessToken::parse(bad.as_bytes()).is_none(), "{what}");
            }
        }
    }

    #[test]
    fn kinds_are_never_taken_for_each_other() {
        let row = VECTORS.lines().find(|line| !line.starts_with('#')).unwrap();
        let column: Vec<&str> = row.split('\t').collect();
        let (refresh, access) = (column[2], column[3]);
        for (text, is_refresh, is_access) in [
            (refresh.to_owned(), true, false),
            (access.to_owned(), false, true),
            (refresh.replace("dwr_", "dwa_"), false, false),
            (access.replace("dwa_", "dwr_"), false, false),
        ] {
            assert_eq!(RefreshToken::parse(text.as_bytes()).is_some(), is_refresh);
            assert_eq!(AccessToken::parse(text.as_bytes()).is_some(), is_access);
        }
        // The same bytes hash differently as access, refresh and family secret.
        let (id, secret) = (SignInId::from_bytes([7; 16]), [9; 32]);
        assert_ne!(hash(b'a', id, 0, &secret), hash(b'r', id, 0, &secret));
        assert_ne!(hash(b'r', id, 0, &secret), hash(b'f', id, 0, &secret));
    }

    #[test]
    fn debug_shows_no_secret() {
        let row = VECTORS.lines().find(|line| !line.starts_with('#')).unwrap();
        let token = RefreshToken::parse(row.split('\t').nth(2).unwrap().as_bytes()).unwrap();
        let shown = format!("{token:?} {:?}", token.access().unwrap());
        let id = token.id();
        assert_eq!(shown, format!("RefreshToken({id}, 0) AccessToken({id}, 0)"));
    }
}
