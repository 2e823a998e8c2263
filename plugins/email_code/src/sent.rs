//! A code that was sent, as the flow's state keeps it: never the code.

use doorward_plugin::{Failure, Host, Zeroizing};

use crate::code;

/// First byte of every state.
const FORMAT: u8 = 1;
const KEY: usize = 32;
const MAC: usize = 32;
/// Length of the encoding: format, digits, end, key, hash.
pub(crate) const LEN: u32 = 1 + 1 + 8 + 32 + 32;

/// What the second step compares with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// How many digits the code has: options that change meanwhile refuse nobody.
    digits: u8,
    /// Microseconds since 1970 from which it is not accepted.
    expires_at: i64,
    /// Random for each code. The state is sealed by the host; without the key a table of all codes is of no use either.
    key: [u8; KEY],
    mac: [u8; MAC],
}

/// What a typed code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// The code, in time.
    Right,
    /// The code, too late.
    Late,
    /// Another one.
    Wrong,
    /// No code.
    Malformed,
}

impl Sent {
    pub(crate) fn new(host: Host<'_>, address: &[u8], code: &str, expires_at: i64) -> Result<Self, Failure> {
        let mut key = [0; KEY];
        host.random(&mut key)?;
        Ok(Self {
            digits: u8::try_from(code.len())
                .map_err(|_| Failure::internal("a code of more than 255 digits"))?,
            expires_at,
            mac: mac(host, &key, address, code)?,
            key,
        })
    }

    /// Compares what was typed, in constant time, for the address that the flow names now.
    pub(crate) fn compare(
        &self,
        host: Host<'_>,
        address: &[u8],
        typed: &[u8],
        now: i64,
    ) -> Result<Typed, Failure> {
        let Some(code) = code::parse(typed, self.digits.into()) else {
            return Ok(Typed::Malformed);
        };
        if !host.ct_equal(&self.mac, &mac(host, &self.key, address, &code)?) {
            return Ok(Typed::Wrong);
        }
        Ok(if now < self.expires_at {
            Typed::Right
        } else {
            Typed::Late
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN as usize);
        bytes.extend_from_slice(&[FORMAT, self.digits]);
        bytes.extend_from_slice(&self.expires_at.to_be_bytes());
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.mac);
        bytes
    }

    /// Reads what `to_bytes` wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let not_ours = || Failure::format("not a code of format 1 that was sent");
        let (&[FORMAT, digits @ 6..=10], rest) = bytes.split_first_chunk().ok_or_else(not_ours)? else {
            return Err(not_ours());
        };
        let (expires_at, rest) = rest.split_first_chunk().ok_or_else(not_ours)?;
        let (key, mac) = rest.split_first_chunk().ok_or_else(not_ours)?;
        Ok(Self {
            digits,
            expires_at: i64::from_be_bytes(*expires_at),
            key: *key,
            mac: mac.try_into().map_err(|_| not_ours())?,
        })
    }
}

/// Binds code and address: a code that was sent to one address proves no other.
fn mac(host: Host<'_>, key: &[u8; KEY], address: &[u8], code: &str) -> Result<[u8; MAC], Failure> {
    let mut data = Zeroizing::new(Vec::with_capacity(8 + address.len() + code.len()));
    data.extend_from_slice(&(address.len() as u64).to_be_bytes());
    data.extend_from_slice(address);
    data.extend_from_slice(code.as_bytes());
    host.hmac_sha256(key, &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Sent {
        Sent {
            digits: 8,
            expires_at: 1_800_000_000_000_000,
            key: [1; KEY],
            mac: [2; MAC],
        }
    }

    #[test]
    fn a_state_reads_back() {
        let bytes = sent().to_bytes();
        assert_eq!(bytes.len(), LEN as usize);
        assert_eq!(Sent::from_bytes(&bytes).unwrap(), sent());
    }

    #[test]
    fn a_damaged_state_is_refused() {
        let good = sent().to_bytes();
        for len in 0..good.len() {
            assert!(Sent::from_bytes(&good[..len]).is_err(), "cut to {len}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(Sent::from_bytes(&longer).is_err());
        for (index, value) in [(0, 0), (0, 2), (1, 5), (1, 11)] {
            let mut bytes = good.clone();
            bytes[index] = value;
            assert!(Sent::from_bytes(&bytes).is_err(), "byte {index} = {value}");
        }
    }
}
