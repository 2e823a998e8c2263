//! One enrolled device: what the record keeps.

use std::ops::RangeInclusive;

use doorward_plugin::{Failure, Zeroizing};

use crate::code::{Algorithm, code_at};

/// Longest label of a device, in bytes.
pub(crate) const MAX_LABEL: u32 = 64;

/// First byte of every record and state.
const FORMAT: u8 = 1;
/// Format, algorithm, digits, last step, length of the secret.
const HEADER: usize = 1 + 1 + 1 + 8 + 1;
/// Largest encoding: SHA-512's secret.
pub(crate) const MAX_LEN: u32 = 12 + 64;

/// The parameters are kept with the secret: options that change later do not lock out devices enrolled before.
pub(crate) struct Device {
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: u8,
    /// The last time step that was accepted; nothing up to it is accepted again. 0: none yet.
    pub(crate) last_step: u64,
    pub(crate) secret: Zeroizing<Vec<u8>>,
}

impl Device {
    /// The step of these whose code this is, the earliest of them, whether it was used already or not. All are computed and
    /// compared with `equal`, the host's constant-time comparison: the time says nothing about which matched.
    pub(crate) fn matching_step(
        &self,
        code: u32,
        steps: RangeInclusive<u64>,
        equal: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Option<u64> {
        let mut found = None;
        for step in steps {
            let expected = code_at(self.algorithm, &self.secret, step, self.digits);
            let matches = equal(&expected.to_be_bytes(), &code.to_be_bytes());
            if matches && found.is_none() {
                found = Some(step);
            }
        }
        found
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity((MAX_LEN + MAX_LABEL) as usize));
        bytes.push(FORMAT);
        bytes.push(match self.algorithm {
            Algorithm::Sha1 => 1,
            Algorithm::Sha256 => 2,
            Algorithm::Sha512 => 3,
        });
        bytes.push(self.digits);
        bytes.extend_from_slice(&self.last_step.to_be_bytes());
        bytes.push(u8::try_from(self.secret.len()).unwrap_or(0));
        bytes.extend_from_slice(&self.secret);
        bytes
    }

    /// Reads what `to_bytes` wrote and returns what follows it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Failure> {
        let not_ours = || Failure::format("not a TOTP device of format 1");
        let (header, rest) = bytes.split_at_checked(HEADER).ok_or_else(not_ours)?;
        let &[FORMAT, algorithm, digits @ 6..=8, ref last_step @ .., secret_len] = header else {
            return Err(not_ours());
        };
        let algorithm = match algorithm {
            1 => Algorithm::Sha1,
            2 => Algorithm::Sha256,
            3 => Algorithm::Sha512,
            _ => return Err(not_ours()),
        };
        let last_step = u64::from_be_bytes(last_step.try_into().map_err(|_| not_ours())?);
        let (secret, rest) = rest
            .split_at_checked(usize::from(secret_len))
            .ok_or_else(not_ours)?;
        if secret.len() != algorithm.secret_len() {
            return Err(not_ours());
        }
        Ok((
            Self {
                algorithm,
                digits,
                last_step,
                secret: Zeroizing::new(secret.to_vec()),
            },
            rest,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device {
        Device {
            algorithm: Algorithm::Sha1,
            digits: 6,
            last_step: 7,
            secret: Zeroizing::new(b"12345678901234567890".to_vec()),
        }
    }

    #[test]
    fn a_record_reads_back_and_keeps_what_follows() {
        let mut bytes = device().to_bytes().to_vec();
        bytes.extend_from_slice(b"phone");
        let (read, rest) = Device::from_bytes(&bytes).unwrap();
        assert_eq!(
            (read.algorithm, read.digits, read.last_step),
            (Algorithm::Sha1, 6, 7)
        );
        assert_eq!(read.secret.as_slice(), b"12345678901234567890");
        assert_eq!(rest, b"phone");
    }

    #[test]
    fn a_damaged_record_is_refused() {
        let good = device().to_bytes();
        for len in 0..good.len() {
            assert!(Device::from_bytes(&good[..len]).is_err(), "cut to {len}");
        }
        for (index, value) in [(0, 2), (1, 0), (1, 2), (1, 4), (2, 5), (2, 9), (11, 0), (11, 19)] {
            let mut bytes = good.to_vec();
            bytes[index] = value;
            assert!(Device::from_bytes(&bytes).is_err(), "byte {index} = {value}");
        }
    }

    /// RFC 4226 appendix D: 755224, 287082, 359152, 969429 are the codes of steps 0, 1, 2, 3.
    #[test]
    fn a_code_is_of_one_of_the_steps_or_of_none() {
        for (steps, code, step) in [
            (1..=2, 359_152, Some(2)),
            (1..=2, 287_082, Some(1)),
            (2..=3, 287_082, None),
            (2..=2, 287_082, None),
            (1..=2, 969_429, None),
            (2..=3, 969_429, Some(3)),
            (0..=1, 755_224, Some(0)),
        ] {
            assert_eq!(
                device().matching_step(code, steps.clone(), |a, b| a == b),
                step,
                "{code} in {steps:?}"
            );
        }
    }
}
