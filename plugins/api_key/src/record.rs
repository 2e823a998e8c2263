//! One key as the record keeps it.

use doorward_plugin::Failure;

use crate::key::ID;
use crate::scope;

/// First byte of every record.
const FORMAT: u8 = 1;
const HASH: usize = 32;
/// Format, id, hash, end, length of the scopes.
const HEADER: usize = 1 + ID + HASH + 8 + 2;
/// Largest encoding.
pub(crate) const MAX_LEN: u32 = 55 + 1024;

/// What is known of a key: never the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyRecord<'r> {
    /// Names it: the part of the key that is no secret.
    pub(crate) id: [u8; ID],
    /// SHA-256 of the whole key. A plain hash: the key has 256 bits that nobody can try (ASVS 5.0 6.5.2).
    pub(crate) hash: [u8; HASH],
    /// Seconds since 1970 from which it is not accepted; `None`: never.
    pub(crate) expires_at: Option<i64>,
    /// What it may do.
    pub(crate) scopes: Vec<&'r str>,
}

impl<'r> KeyRecord<'r> {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_LEN as usize);
        bytes.push(FORMAT);
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&self.expires_at.unwrap_or(0).to_be_bytes());
        let scopes = self.scopes.join(" ");
        // No list of scopes is longer than fits.
        bytes.extend_from_slice(&u16::try_from(scopes.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(scopes.as_bytes());
        bytes
    }

    /// Reads what `to_bytes` wrote.
    pub(crate) fn from_bytes(bytes: &'r [u8]) -> Result<Self, Failure> {
        let not_ours = || Failure::format("not an API key of format 1");
        let (header, scopes) = bytes.split_at_checked(HEADER).ok_or_else(not_ours)?;
        let (&[FORMAT], header) = header.split_at(1) else {
            return Err(not_ours());
        };
        let (id, header) = header.split_at(ID);
        let (hash, header) = header.split_at(HASH);
        let (expires_at, scopes_len) = header.split_at(8);
        let expires_at = i64::from_be_bytes(expires_at.try_into().map_err(|_| not_ours())?);
        let scopes_len = u16::from_be_bytes(scopes_len.try_into().map_err(|_| not_ours())?);
        if expires_at < 0 || scopes.len() != usize::from(scopes_len) {
            return Err(not_ours());
        }
        Ok(Self {
            id: id.try_into().map_err(|_| not_ours())?,
            hash: hash.try_into().map_err(|_| not_ours())?,
            expires_at: Some(expires_at).filter(|&end| end != 0),
            scopes: scope::parse(scopes).ok_or_else(not_ours)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        for (expires_at, scopes) in [(None, vec![]), (Some(1_800_000_000), vec!["read", "write"])] {
            let record = KeyRecord {
                id: *b"0123456789ab",
                hash: [7; HASH],
                expires_at,
                scopes,
            };
            assert_eq!(KeyRecord::from_bytes(&record.to_bytes()).unwrap(), record);
        }
        assert_eq!(HEADER + scope::MAX_LIST, MAX_LEN as usize);
    }

    #[test]
    fn a_damaged_record_is_refused() {
        let good = KeyRecord {
            id: *b"0123456789ab",
            hash: [7; HASH],
            expires_at: None,
            scopes: vec!["read"],
        }
        .to_bytes();
        for len in 0..good.len() {
            assert!(KeyRecord::from_bytes(&good[..len]).is_err(), "cut to {len}");
        }
        for (index, value) in [
            (0, 0),
            (0, 2),
            (HEADER - 10, 0x80),
            (HEADER - 1, 3),
            (HEADER - 1, 5),
            (HEADER, b'"'),
            (HEADER + 1, 0xff),
        ] {
            let mut bytes = good.clone();
            bytes[index] = value;
            assert!(KeyRecord::from_bytes(&bytes).is_err(), "byte {index} = {value}");
        }
    }
}
