//! The text of a key: `PREFIX_ID_SECRET` and a checksum, letters and digits only, so that a double click takes all of it.

use doorward_plugin::{Failure, Host, Zeroizing};

use crate::checksum::crc32;

/// Symbols of the part that names the record: 71 bits, so that no two keys share it.
pub(crate) const ID: usize = 12;
/// Symbols of the secret: 256 bits.
const SECRET: usize = 43;
/// Symbols of the checksum: 62^6 is more than 2^32.
const CHECKSUM: usize = 6;
/// Longest prefix.
pub(crate) const MAX_PREFIX: usize = 16;
/// Longest key.
pub(crate) const MAX_LEN: u32 = 79;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key that somebody presents, found to be one by its form and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'k> {
    /// The whole of it.
    pub(crate) text: &'k [u8],
    /// Names the record.
    pub(crate) id: &'k [u8; ID],
}

/// Draws a new key.
pub(crate) fn draw(host: Host<'_>, prefix: &str) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN as usize));
    text.push_str(prefix);
    text.push('_');
    push_random(host, &mut text, ID)?;
    text.push('_');
    push_random(host, &mut text, SECRET)?;
    let checksum = checksum(text.as_bytes());
    text.extend(checksum.map(char::from));
    Ok(text)
}

/// Reads a key. `None`: it never was one, or a symbol of it was lost or changed.
pub(crate) fn parse(text: &[u8]) -> Option<Key<'_>> {
    let (body, checksum_of_body) = text.split_last_chunk::<CHECKSUM>()?;
    if checksum(body) != *checksum_of_body {
        return None;
    }
    let (rest, secret) = body.split_last_chunk::<SECRET>()?;
    let (rest, id) = rest.strip_suffix(b"_")?.split_last_chunk::<ID>()?;
    let prefix = rest.strip_suffix(b"_")?;
    // The prefix is not compared: a new one in the configuration leaves the keys that there are good.
    let symbols = id.iter().chain(secret).all(|byte| ALPHABET.contains(byte));
    (symbols && is_prefix(prefix)).then_some(Key { text, id })
}

/// Whether keys may begin like this: a lower-case letter, then those, digits and underscores, none at the end.
pub(crate) fn is_prefix(prefix: &[u8]) -> bool {
    (2..=MAX_PREFIX).contains(&prefix.len())
        && prefix[0].is_ascii_lowercase()
        && !prefix.ends_with(b"_")
        && prefix
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
}

fn push_random(host: Host<'_>, text: &mut String, symbols: usize) -> Result<(), Failure> {
    let end = text.len() + symbols;
    let mut drawn = Zeroizing::new([0; 64]);
    while text.len() < end {
        host.random(drawn.as_mut_slice())?;
        // Six bits of each byte; 62 and 63 are thrown away, so that every symbol is as likely as any other.
        let fair = drawn
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        for &symbol in fair.take(end - text.len()) {
            text.push(char::from(symbol));
        }
    }
    Ok(())
}

/// The checksum of what stands before it, in base 62, the most significant symbol first.
fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32(body);
    let mut symbols = [b'0'; CHECKSUM];
    for symbol in symbols.iter_mut().rev() {
        *symbol = ALPHABET[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key with this prefix, and a checksum that fits.
    fn with_prefix(prefix: &str) -> Vec<u8> {
        let mut text = format!("{prefix}_{}_{}", "a".repeat(ID), "b".repeat(SECRET)).into_bytes();
        let checksum = checksum(&text);
        text.extend(checksum);
        text
    }

    #[test]
    fn a_key_names_its_record() {
        for prefix in ["dwk", "ab", "acme_live", "a123456789012345"] {
            let text = with_prefix(prefix);
            assert!(text.len() <= MAX_LEN as usize);
            let key = parse(&text).unwrap();
            assert_eq!((key.id, key.text), (b"aaaaaaaaaaaa", text.as_slice()), "{prefix}");
        }
        for prefix in ["", "a", "1a", "Ab", "ab_", "_ab", "a-b", "a1234567890123456", "ä"] {
            assert_eq!(parse(&with_prefix(prefix)), None, "{prefix}");
        }
    }

    #[test]
    fn every_changed_lost_or_added_symbol_is_found() {
        let good = with_prefix("dwk");
        for at in 0..good.len() {
            for symbol in ALPHABET.iter().chain(b"_ -\0\n\xff") {
                let mut text = good.clone();
                if text[at] != *symbol {
                    text[at] = *symbol;
                    assert_eq!(parse(&text), None, "{at}");
                }
                text = good.clone();
                text.insert(at, *symbol);
                assert!(parse(&text).is_none(), "{at}");
            }
            let mut text = good.clone();
            text.remove(at);
            assert_eq!(parse(&text), None, "{at}");
            assert_eq!(parse(&good[..at]), None);
        }
    }

    #[test]
    fn a_checksum_alone_makes_no_key() {
        for body in [
            "",
            "dwk",
            "dwk_aaaaaaaaaaaa_",
            &format!("dwk_{}_{}", "a".repeat(ID), "_".repeat(SECRET)),
            &format!("dwk_{}_{}", "_".repeat(ID), "b".repeat(SECRET)),
            &format!("dwk_{}_{}", "a".repeat(ID), ".".repeat(SECRET)),
            &format!("dwk_{}_{}", "a".repeat(ID - 1), "b".repeat(SECRET)),
        ] {
            let mut text = body.as_bytes().to_vec();
            text.extend(checksum(body.as_bytes()));
            assert_eq!(parse(&text), None, "{body}");
        }
    }
}
