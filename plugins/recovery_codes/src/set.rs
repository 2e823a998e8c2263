//! The set of one user: what the record keeps.

use doorward_plugin::{Failure, Host, Zeroizing};

use crate::code;
use crate::options::MAX_CODES;

/// First byte of every record.
const FORMAT: u8 = 1;
const SALT: usize = 16;
const HASH: usize = 32;
/// Format, number of codes, which were used, salt.
const HEADER: usize = 1 + 1 + 4 + SALT;
/// Largest encoding.
pub(crate) const MAX_LEN: u32 = 22 + 32 * MAX_CODES as u32;

/// The hashes of a set of codes, and which were used.
pub(crate) struct Set {
    /// One for each set, so that a code is not recognised in another.
    salt: [u8; SALT],
    /// Bit n: the n-th code was used.
    used: u32,
    hashes: Vec<[u8; HASH]>,
}

/// What a code is to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The code with this number, which was not used yet.
    Fresh(u32),
    /// It was a code of this set, and somebody used it.
    Used,
    /// None of its codes.
    Unknown,
}

impl Set {
    /// A new set, and its codes as they are printed: one a line, the only time that they are there to be read.
    pub(crate) fn draw(host: Host<'_>, codes: u8) -> Result<(Self, Zeroizing<String>), Failure> {
        let mut set = Self {
            salt: [0; SALT],
            used: 0,
            hashes: Vec::with_capacity(codes.into()),
        };
        host.random(&mut set.salt)?;
        let mut lines = Zeroizing::new(String::with_capacity(usize::from(codes) * (code::PRINTED + 1)));
        for _ in 0..codes {
            let mut drawn = Zeroizing::new([0; code::LEN]);
            host.random(drawn.as_mut_slice())?;
            set.hashes.push(set.hash(host, &drawn)?);
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(&code::print(&drawn));
        }
        Ok((set, lines))
    }

    /// A set to look for codes in where there is none, as much work as any of this size.
    pub(crate) fn nobodys(codes: u8) -> Self {
        Self {
            salt: [0; SALT],
            used: 0,
            hashes: vec![[0; HASH]; codes.into()],
        }
    }

    /// Looks for a code. All hashes are compared, in constant time: it says nothing about which was near.
    pub(crate) fn find(&self, host: Host<'_>, code: &[u8; code::LEN]) -> Result<Found, Failure> {
        let hash = self.hash(host, code)?;
        let mut found = Found::Unknown;
        for (index, kept) in (0..).zip(&self.hashes) {
            if host.ct_equal(kept, &hash) {
                found = if self.used >> index & 1 == 1 {
                    Found::Used
                } else {
                    Found::Fresh(index)
                };
            }
        }
        Ok(found)
    }

    pub(crate) fn mark_used(&mut self, index: u32) {
        self.used |= 1 << index;
    }

    /// How many codes there are.
    pub(crate) fn total(&self) -> usize {
        self.hashes.len()
    }

    /// How many were not used.
    pub(crate) fn left(&self) -> usize {
        (0..self.total())
            .filter(|index| self.used >> index & 1 == 0)
            .count()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_LEN as usize);
        bytes.push(FORMAT);
        bytes.push(u8::try_from(self.hashes.len()).unwrap_or(0));
        bytes.extend_from_slice(&self.used.to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(self.hashes.as_flattened());
        bytes
    }

    /// Reads what `to_bytes` wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let not_ours = || Failure::format("not a set of recovery codes of format 1");
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or_else(not_ours)?;
        let &[FORMAT, codes @ 1..=MAX_CODES, ref rest_of_header @ ..] = header else {
            return Err(not_ours());
        };
        let (used, salt) = rest_of_header.split_at(4);
        let used = u32::from_be_bytes(used.try_into().map_err(|_| not_ours())?);
        let (hashes, spare) = rest.as_chunks::<HASH>();
        if !spare.is_empty() || hashes.len() != usize::from(codes) || used >> codes != 0 {
            return Err(not_ours());
        }
        Ok(Self {
            salt: salt.try_into().map_err(|_| not_ours())?,
            used,
            hashes: hashes.to_vec(),
        })
    }

    /// A plain hash: a code has more bits than anybody can try (see [`code::LEN`]).
    fn hash(&self, host: Host<'_>, code: &[u8; code::LEN]) -> Result<[u8; HASH], Failure> {
        let mut salted = Zeroizing::new([0; SALT + code::LEN]);
        salted[..SALT].copy_from_slice(&self.salt);
        salted[SALT..].copy_from_slice(code);
        host.sha256(salted.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(codes: u8) -> Set {
        Set {
            salt: [7; SALT],
            used: 0b101,
            hashes: (0..codes).map(|index| [index; HASH]).collect(),
        }
    }

    #[test]
    fn a_record_reads_back() {
        for codes in [3, MAX_CODES] {
            let bytes = set(codes).to_bytes();
            assert_eq!(bytes.len() == MAX_LEN as usize, codes == MAX_CODES);
            let read = Set::from_bytes(&bytes).unwrap();
            assert_eq!(
                (read.total(), read.left()),
                (codes.into(), usize::from(codes) - 2)
            );
            assert_eq!(read.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_damaged_record_is_refused() {
        let good = set(3).to_bytes();
        for len in 0..good.len() {
            assert!(Set::from_bytes(&good[..len]).is_err(), "cut to {len}");
        }
        let mut longer = good.clone();
        longer.extend_from_slice(&[0; HASH]);
        assert!(Set::from_bytes(&longer).is_err());
        // Another format, another number of codes, a mark on a code that is not there.
        for (index, value) in [(0, 0), (0, 2), (1, 0), (1, 2), (1, 21), (5, 0b1101), (2, 1)] {
            let mut bytes = good.clone();
            bytes[index] = value;
            assert!(Set::from_bytes(&bytes).is_err(), "byte {index} = {value}");
        }
    }
}
