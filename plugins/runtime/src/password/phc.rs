//! The stored form of a hash: `$argon2id$v=19$m=19456,t=2,p=1,keyid=…$salt$tag` (PHC string format).
//!
//! Only the one algorithm and version that we write are read, in the one order that the format prescribes. What is
//! read is hostile until checked (attack A05): lengths and costs are limited before any memory is taken.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::cost::Cost;
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::keys::MAX_KEY_ID;
use doorward_base::secret::Secret;

/// Bytes of a new salt: RFC 9106 section 3.1 recommends 16; NIST SP 800-63B-4 3.1.1.2 asks for 4.
pub(super) const SALT_LEN: usize = 16;

/// Bytes of a new tag: RFC 9106 section 4, 256 bits.
pub(super) const TAG_LEN: usize = 32;

/// Salt of a stored hash: 8 to 48 bytes, as the PHC string format says for Argon2.
const SALT_RANGE: std::ops::RangeInclusive<usize> = 8..=48;

/// Tag of a stored hash: 16 to 64 bytes. RFC 9106 section 4 finds 128 bits sufficient; shorter ones could be met by
/// chance.
const TAG_RANGE: std::ops::RangeInclusive<usize> = 16..=64;

/// The longest string that is looked at: bytes. The longest legal one has 240.
const MAX_LEN: usize = 256;

/// A stored hash, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Phc {
    pub(super) cost: Cost,
    /// The key of the ring whose pepper went in. An application of Argon2's `keyid`, which names a key and is not
    /// itself hashed; longer than the reference implementation's eight bytes, as key ids are.
    pub(super) key_id: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) tag: Vec<u8>,
}

impl Phc {
    /// Reads a stored hash.
    pub(super) fn parse(stored: &[u8]) -> Result<Self> {
        Self::read(stored).map_err(|why| {
            Error::new(
                ErrorKind::Corrupt,
                format!("a stored password hash cannot be read: {why}"),
            )
        })
    }

    fn read(stored: &[u8]) -> std::result::Result<Self, String> {
        if stored.len() > MAX_LEN {
            return Err(format!("it is longer than {MAX_LEN} bytes"));
        }
        let text = std::str::from_utf8(stored).map_err(|_| "it is not text")?;
        let mut parts = text.split('$');
        let mut next = || parts.next().ok_or("a part is missing");
        let (empty, algorithm, version, costs, salt, tag) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if !empty.is_empty() || parts.next().is_some() {
            return Err("it has not five parts".into());
        }
        if algorithm != "argon2id" {
            return Err("its algorithm is not argon2id".into());
        }
        if version != "v=19" {
            return Err("its version is not 19".into());
        }
        let mut costs = costs.split(',');
        let memory_kib = number(costs.next(), "m=")?;
        let passes = number(costs.next(), "t=")?;
        let lanes = number(costs.next(), "p=")?;
        let key_id = costs.next().map(key_id).transpose()?;
        if costs.next().is_some() {
            return Err("it has an unknown parameter".into());
        }
        Ok(Self {
            cost: Cost::within_ceilings(memory_kib, passes, lanes)?,
            key_id,
            salt: bytes(salt, "salt", &SALT_RANGE)?,
            tag: bytes(tag, "tag", &TAG_RANGE)?,
        })
    }

    pub(super) fn text(&self) -> Secret {
        let (memory, passes, lanes) = (self.cost.memory_kib(), self.cost.passes(), self.cost.lanes());
        let mut text = format!("$argon2id$v=19$m={memory},t={passes},p={lanes}");
        if let Some(id) = &self.key_id {
            text.push_str(",keyid=");
            STANDARD_NO_PAD.encode_string(id, &mut text);
        }
        for part in [&self.salt, &self.tag] {
            text.push('$');
            STANDARD_NO_PAD.encode_string(part, &mut text);
        }
        Secret::from(text)
    }
}

/// A hash is as good as a password to whoever can guess: neither salt nor tag is shown.
impl fmt::Debug for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phc")
            .field("cost", &self.cost)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn number(part: Option<&str>, name: &str) -> std::result::Result<u32, String> {
    let digits = part
        .and_then(|part| part.strip_prefix(name))
        .ok_or_else(|| format!("it lacks {name}"))?;
    let canonical =
        digits.bytes().all(|b| b.is_ascii_digit()) && !(digits.len() > 1 && digits.starts_with('0'));
    match digits.parse() {
        Ok(number) if canonical => Ok(number),
        _ => Err(format!("its {name} is no number")),
    }
}

fn key_id(part: &str) -> std::result::Result<String, String> {
    let encoded = part.strip_prefix("keyid=").ok_or("it has an unknown parameter")?;
    String::from_utf8(bytes(encoded, "keyid", &(1..=MAX_KEY_ID))?).map_err(|_| "its keyid is not text".into())
}

fn bytes(
    encoded: &str,
    name: &str,
    range: &std::ops::RangeInclusive<usize>,
) -> std::result::Result<Vec<u8>, String> {
    let decoded = STANDARD_NO_PAD
        .decode(encoded)
        .map_err(|_| format!("its {name} is not base64"))?;
    if range.contains(&decoded.len()) {
        return Ok(decoded);
    }
    let (least, most) = range.clone().into_inner();
    Err(format!("its {name} has not {least} to {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn writes_what_it_reads() {
        let peppered = GOOD.replace("p=1$", "p=1,keyid=azE$");
        for text in [GOOD, &peppered] {
            let phc = Phc::parse(text.as_bytes()).unwrap();
            assert_eq!(phc.text().expose(), text.as_bytes());
            assert_eq!(phc.cost, Cost::DEFAULT);
        }
        assert_eq!(
            Phc::parse(peppered.as_bytes()).unwrap().key_id.as_deref(),
            Some("k1")
        );
    }

    #[test]
    fn anything_else_is_corrupt_and_takes_no_memory() {
        let salt8 = "$AAAAAAAAAAA$";
        let bad = [
            String::new(),
            "$".into(),
            "$$$$$".into(),
            "$2b$10$abcdefghijklmnopqrstuv".into(),
            GOOD.replace("argon2id", "argon2i"),
            GOOD.replace("argon2id", "argon2d"),
            GOOD.replace("argon2id", "ARGON2ID"),
            GOOD.replace("v=19", "v=16"),
            GOOD.replace("$v=19", ""),
            GOOD.replace("m=19456", "m=4294967295"),
            GOOD.replace("m=19456", "m=4294967296"),
            GOOD.replace("m=19456", "m=99999999999999999999"),
            GOOD.replace("m=19456", "m=7"),
            GOOD.replace("m=19456", "m=019456"),
            GOOD.replace("m=19456", "m=+19456"),
            GOOD.replace("m=19456", "m="),
            GOOD.replace("t=2", "t=0"),
            GOOD.replace("t=2", "t=4294967295"),
            GOOD.replace("p=1", "p=0"),
            GOOD.replace("p=1", "p=16777215"),
            GOOD.replace("m=19456,t=2", "t=2,m=19456"),
            GOOD.replace("p=1", "p=1,p=1"),
            GOOD.replace("p=1", "p=1,data=AAAA"),
            GOOD.replace("p=1", "p=1,keyid="),
            GOOD.replace("p=1", "p=1,keyid=/w"),
            GOOD.replace("$AAAAAAAAAAAAAAAAAAAAAA$", "$AAAA$"),
            GOOD.replace("$AAAAAAAAAAAAAAAAAAAAAA$", "$AAAAAAAAAAAAAAAAAAAAAB$"), // spare bits not zero
            GOOD.replace("$AAAAAAAAAAAAAAAAAAAAAA$", "$AAAAAAAAAAAAAAAAAAAAAA==$"),
            GOOD.replace("$AAAAAAAAAAAAAAAAAAAAAA$", "$AAAAAAAAAAAAAAAAAAAA A$"),
            format!("$argon2id$v=19$m=19456,t=2,p=1{salt8}AAAA"),
            format!("{GOOD}$"),
            format!("{GOOD} "),
            format!("{GOOD}\0"),
            format!("{GOOD}é"),
            "A".repeat(1_000_000),
        ];
        for text in bad {
            let error = Phc::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text:.80}");
        }
        assert_eq!(
            Phc::parse(b"$argon2id$v=19$\xff").unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_read_or_refused_without_a_panic() {
        for at in 0..GOOD.len() {
            let changed = [0, b'$', b',', b'=', b'9', 0x80, 0xff].map(|byte| {
                let mut bytes = GOOD.as_bytes().to_vec();
                bytes[at] = byte;
                bytes
            });
            // A shorter tag, or another number, is a hash too: of another password, as far as anybody knows.
            for bytes in changed.iter().map(Vec::as_slice).chain([&GOOD.as_bytes()[..at]]) {
                if let Ok(phc) = Phc::parse(bytes) {
                    assert_eq!(phc.text().expose(), bytes, "read but not written alike");
                }
            }
        }
    }

    #[test]
    fn debug_shows_neither_salt_nor_tag() {
        let shown = format!("{:?}", Phc::parse(GOOD.as_bytes()).unwrap());
        assert!(!shown.contains("AAAA") && !shown.contains("[0"), "{shown}");
    }
}
