//! The key ring: seals records, flow state and device cookies; never in the database.
//!
//! `keys = [{ id, file, use }]`: the last key with use `seal` seals, all open. XChaCha20-Poly1305 with a random
//! nonce per box; what a box is bound to (user, group, authenticator, kind, version) is authenticated, not stored.
//! A box is `1 ‖ length of key id ‖ key id ‖ nonce24 ‖ ciphertext`.

mod file;

pub use file::{create_key_file, read_key};

use std::path::PathBuf;
use std::sync::OnceLock;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::rng::{self, Random};
use crate::secret::Secret;

/// Version byte of a box.
const BOX_VERSION: u8 = 1;
/// Bytes of an `XChaCha20` nonce.
const NONCE_LEN: usize = 24;
/// Bytes of what a decoy holds: as many as a password's record has.
const DECOY_LEN: usize = 112;
/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Longest key id, in bytes.
pub const MAX_KEY_ID: usize = 32;

/// One key by configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// Its id: `[a-z0-9_.-]{1,32}`.
    pub id: String,
    /// The file with 32 bytes as 64 hexadecimal digits.
    pub file: PathBuf,
    /// False for a key that is only opened with yet: the first step of a rotation.
    pub seals: bool,
    /// True for a file on a mount that shows it to everybody and cannot do better. One that others may write is refused
    /// all the same.
    pub readable_by_others: bool,
}

struct Key {
    id: String,
    bytes: Zeroizing<[u8; KEY_LEN]>,
    seals: bool,
}

/// The keys of this process. Cheap to share; read-only.
pub struct KeyRing {
    /// Empty until the first start has made the key that goes in.
    keys: OnceLock<Vec<Key>>,
    missing: Vec<String>,
    /// A box that belongs to nobody: what is opened where there is none.
    decoy: OnceLock<Vec<u8>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl KeyRing {
    /// Reads the key files. With `allow_missing` an absent file only makes its key unusable.
    ///
    /// # Errors
    /// `KeyMissing` for an absent or unreadable file; `Configuration` for one that is not 64 hexadecimal digits,
    /// and for an empty ring or one in which no key seals, unless that key is one of those that may be absent: sessions
    /// need none.
    pub fn load(settings: &[KeySettings], allow_missing: bool) -> Result<Self> {
        let (mut keys, mut missing) = (Vec::new(), Vec::new());
        for key in settings {
            match read_key(&key.file, key.readable_by_others) {
                Ok(bytes) => keys.push(Key {
                    id: key.id.clone(),
                    bytes,
                    seals: key.seals,
                }),
                Err(error) if allow_missing && error.kind() == ErrorKind::KeyMissing => {
                    missing.push(key.id.clone());
                }
                Err(error) => return Err(error),
            }
        }
        let waits = allow_missing && settings.iter().any(|key| key.seals && missing.contains(&key.id));
        let ring = Self {
            keys: keys.into(),
            missing,
            decoy: OnceLock::new(),
        };
        if ring.sealing_key().is_none() && !waits {
            return Err(Error::new(
                ErrorKind::Configuration,
                "`keys` has no key that seals: give at least one key whose file exists and whose use is \"seal\"",
            ));
        }
        Ok(ring)
    }

    /// A ring of one fresh key that lives in memory only: for the memory store.
    ///
    /// # Errors
    /// `Unavailable` when the random source fails.
    pub fn ephemeral(random: &dyn Random) -> Result<Self> {
        let bytes = Zeroizing::new(rng::bytes(random)?);
        Ok(Self {
            keys: vec![Key {
                id: "ephemeral".into(),
                bytes,
                seals: true,
            }]
            .into(),
            missing: Vec::new(),
            decoy: OnceLock::new(),
        })
    }

    /// A ring whose one key, of this id, the first start makes: until [`fill`](Self::fill) it has none.
    pub fn awaiting(id: &str) -> Self {
        Self {
            keys: OnceLock::new(),
            missing: vec![id.into()],
            decoy: OnceLock::new(),
        }
    }

    /// Puts its key into a ring that waits for it.
    pub fn fill(&self, id: &str, key: Zeroizing<[u8; KEY_LEN]>) {
        self.keys.get_or_init(|| {
            vec![Key {
                id: id.into(),
                bytes: key,
                seals: true,
            }]
        });
    }

    /// True for a ring in which a key of this id will be once the first start has made it.
    pub fn awaits(&self, id: &str) -> bool {
        !self.is_filled() && self.missing.iter().any(|missing| missing == id)
    }

    /// False for a ring that waits for the first start.
    pub fn is_filled(&self) -> bool {
        self.keys.get().is_some()
    }

    fn keys(&self) -> &[Key] {
        self.keys.get().map_or(&[], Vec::as_slice)
    }

    /// The ids of all keys that can be opened with.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys().iter().map(|key| key.id.as_str())
    }

    /// True when a key of this id is configured and its file is there.
    pub fn has(&self, id: &str) -> bool {
        self.keys().iter().any(|key| key.id == id)
    }

    /// A short value that two processes agree on only if their keys of this id are the same: 8 bytes derived from
    /// the key (HKDF-SHA-256, info `doorward check`), as hexadecimal digits. It says nothing about the key.
    pub fn check_value(&self, id: &str) -> String {
        let mut out = [0; 8];
        if let Some(key) = self.keys().iter().find(|key| key.id == id) {
            let expanded = hkdf::Hkdf::<sha2::Sha256>::new(None, key.bytes.as_slice())
                .expand(b"doorward check", &mut out);
            debug_assert!(expanded.is_ok(), "8 bytes are never too many");
        }
        format!("{:016x}", u64::from_be_bytes(out))
    }

    fn sealing_key(&self) -> Option<&Key> {
        self.keys().iter().rev().find(|key| key.seals)
    }

    /// Seals, bound to `bound_to`: opened only with the very same bytes. Build them with [`Binding`].
    ///
    /// # Errors
    /// `Unavailable` when the random source fails.
    pub fn seal(&self, random: &dyn Random, bound_to: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let Some(key) = self.sealing_key() else {
            return Err(Error::new(
                ErrorKind::KeyMissing,
                "the key ring has no key that seals",
            ));
        };
        let nonce: [u8; NONCE_LEN] = rng::bytes(random)?;
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        let sealed = cipher
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: plain,
                    aad: bound_to,
                },
            )
            .map_err(|_| Error::new(ErrorKind::Internal, "sealing failed: the content is too long"))?;
        let mut out = Vec::with_capacity(2 + key.id.len() + NONCE_LEN + sealed.len());
        out.push(BOX_VERSION);
        out.push(u8::try_from(key.id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(key.id.as_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens a box.
    ///
    /// # Errors
    /// `Unavailable` when the box was sealed with a key that is not in the ring (never *wrong*: recovery replaces
    /// it); `Corrupt` when it was changed, belongs elsewhere, or is not a box.
    pub fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Secret> {
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                "a sealed value was changed or belongs elsewhere",
            )
        };
        let [BOX_VERSION, id_len, rest @ ..] = sealed else {
            return Err(corrupt());
        };
        let (id, rest) = rest.split_at_checked(usize::from(*id_len)).ok_or_else(corrupt)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(corrupt)?;
        let Some(key) = self.keys().iter().find(|key| key.id.as_bytes() == id) else {
            let id = String::from_utf8_lossy(id).into_owned();
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("sealed with key \"{id}\", which is not in the key ring: add it to `keys`"),
            ));
        };
        let cipher = XChaCha20Poly1305::new((&*key.bytes).into());
        cipher
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: sealed,
                    aad: bound_to,
                },
            )
            .map(Secret::new)
            .map_err(|_| corrupt())
    }

    /// Does the work of opening a record of the usual length, for a subject that has none.
    pub fn open_decoy(&self, random: &dyn Random) {
        const BOUND_TO: &[u8] = b"decoy";
        let sealed = match self.decoy.get() {
            Some(sealed) => sealed,
            // Without random or key there is nothing to open for anybody else either.
            None => match self.seal(random, BOUND_TO, &[0; DECOY_LEN]) {
                Ok(sealed) => self.decoy.get_or_init(|| sealed),
                Err(_) => return,
            },
        };
        drop(std::hint::black_box(self.open(BOUND_TO, sealed)));
    }

    /// A 32-byte pepper derived from the key of this id (HKDF-SHA-256, info `doorward pepper`).
    ///
    /// # Errors
    /// `KeyMissing` when the ring has no such key.
    pub fn pepper(&self, id: &str) -> Result<Secret> {
        let Some(key) = self.keys().iter().find(|key| key.id == id) else {
            return Err(Error::new(
                ErrorKind::KeyMissing,
                format!("the key ring has no key \"{id}\" for the pepper"),
            ));
        };
        let mut out = Zeroizing::new([0; KEY_LEN]);
        hkdf::Hkdf::<sha2::Sha256>::new(None, key.bytes.as_slice())
            .expand(b"doorward pepper", out.as_mut_slice())
            .map_err(|_| Error::new(ErrorKind::Internal, "the pepper could not be derived"))?;
        Ok(Secret::new(out.to_vec()))
    }
}

/// What a box belongs to: parts with their lengths, so that `a`+`bc` is never `ab`+`c`.
#[derive(Clone, Debug, Default)]
pub struct Binding(Vec<u8>);

impl Binding {
    /// Begins with the kind of thing that is sealed, such as `record`.
    pub fn of(what: &str) -> Self {
        Self::default().and(what.as_bytes())
    }

    /// Adds a part.
    #[must_use]
    pub fn and(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// The bytes to seal with.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn opens_only_what_was_sealed_for_the_same_place() {
        let ring = KeyRing::ephemeral(&SystemRandom).unwrap();
        let place = Binding::of("record").and(b"alice").and(b"1");
        let sealed = ring.seal(&SystemRandom, place.bytes(), b"hello").unwrap();
        assert_eq!(ring.open(place.bytes(), &sealed).unwrap().expose(), b"hello");
        let elsewhere = Binding::of("record").and(b"alice1").and(b"");
        assert_eq!(
            ring.open(elsewhere.bytes(), &sealed).unwrap_err().kind(),
            ErrorKind::Corrupt
        );
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open(place.bytes(), &changed).is_err(), "byte {at}");
            assert!(ring.open(place.bytes(), &sealed[..at]).is_err(), "length {at}");
        }
    }

    #[test]
    fn an_absent_key_is_unavailable_never_wrong() {
        let (ours, theirs) = (
            KeyRing::ephemeral(&SystemRandom).unwrap(),
            KeyRing::ephemeral(&SystemRandom).unwrap(),
        );
        let mut sealed = theirs.seal(&SystemRandom, b"", b"x").unwrap();
        sealed[2] = b'z'; // another key id
        assert_eq!(
            ours.open(b"", &sealed).unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
}
