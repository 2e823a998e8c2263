//! The code of a moment (RFC 6238, on RFC 4226).

use doorward_plugin::choices;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Length of a time step (RFC 6238 section 5.2 recommends 30; authenticator apps support little else).
pub const PERIOD_SECONDS: i64 = 30;

choices! {
    /// The hash of the HMAC (RFC 6238 section 1.2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Algorithm {
        /// What every app supports, and the default. Its collisions do not touch HMAC.
        Sha1 = "sha1",
        /// Few apps support it.
        Sha256 = "sha256",
        /// Few apps support it.
        Sha512 = "sha512",
    }
}

impl Algorithm {
    /// The name in `otpauth:` addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Length of a secret in bytes: the length of the hash (RFC 4226 section 4, R6; RFC 6238 appendix B).
    pub const fn secret_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The code of a time step, as a number below 10^`digits`; `digits` is 6 to 8.
pub fn code_at(algorithm: Algorithm, secret: &[u8], step: u64, digits: u8) -> u32 {
    let counter = step.to_be_bytes();
    match algorithm {
        Algorithm::Sha1 => truncate(&mac::<Hmac<Sha1>>(secret, counter), digits),
        Algorithm::Sha256 => truncate(&mac::<Hmac<Sha256>>(secret, counter), digits),
        Algorithm::Sha512 => truncate(&mac::<Hmac<Sha512>>(secret, counter), digits),
    }
}

fn mac<M: Mac + KeyInit>(secret: &[u8], counter: [u8; 8]) -> Vec<u8> {
    // HMAC takes a key of any length; were it to refuse one, no bytes truncate to a number that no code can be.
    <M as KeyInit>::new_from_slice(secret)
        .map(|mac| mac.chain_update(counter).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// RFC 4226 section 5.3: the low four bits of the last byte say where to take 31 bits.
fn truncate(mac: &[u8], digits: u8) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0x0f);
    mac.get(offset..offset + 4)
        .and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())
        // A number that no code of up to eight digits can be: fails closed.
        .map_or(u32::MAX, |bytes| {
            (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 10_u32.pow(u32::from(digits))
        })
}

/// What the person typed, as a number: exactly `digits` ASCII digits, where spaces and hyphens may group them as apps
/// show them. A number, so that two spellings of one code are one code.
pub(crate) fn parse(typed: &[u8], digits: u8) -> Option<u32> {
    let mut value = 0_u32;
    let mut seen = 0_u8;
    for &byte in typed {
        match byte {
            b'0'..=b'9' if seen < digits => {
                value = value * 10 + u32::from(byte - b'0');
                seen += 1;
            }
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    (seen == digits).then_some(value)
}

/// The step of a moment; `None` before 1970.
pub(crate) fn step_of(unix_micros: i64) -> Option<u64> {
    u64::try_from(unix_micros.div_euclid(1_000_000).div_euclid(PERIOD_SECONDS)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: secret (ASCII "1234567890" repeated to the length of the hash), time, codes of 8 digits.
    const APPENDIX_B: [(i64, [u32; 3]); 6] = [
        (59, [94_287_082, 46_119_246, 90_693_936]),
        (1_111_111_109, [7_081_804, 68_084_774, 25_091_201]),
        (1_111_111_111, [14_050_471, 67_062_674, 99_943_326]),
        (1_234_567_890, [89_005_924, 91_819_424, 93_441_116]),
        (2_000_000_000, [69_279_037, 90_698_825, 38_618_901]),
        (20_000_000_000, [65_353_130, 77_737_706, 47_863_826]),
    ];

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let algorithms = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
        for (time, codes) in APPENDIX_B {
            let step = step_of(time * 1_000_000).unwrap();
            for (algorithm, code) in algorithms.into_iter().zip(codes) {
                let secret: Vec<u8> = b"1234567890"
                    .iter()
                    .copied()
                    .cycle()
                    .take(algorithm.secret_len())
                    .collect();
                assert_eq!(
                    code_at(algorithm, &secret, step, 8),
                    code,
                    "{algorithm:?} at {time}"
                );
                assert_eq!(
                    code_at(algorithm, &secret, step, 6),
                    code % 1_000_000,
                    "{algorithm:?} at {time}"
                );
            }
        }
    }

    /// RFC 4226 appendix D: the first ten codes of the same secret.
    #[test]
    fn codes_are_those_of_rfc_4226_appendix_d() {
        let codes = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489,
        ];
        for (step, code) in (0..).zip(codes) {
            assert_eq!(
                code_at(Algorithm::Sha1, b"12345678901234567890", step, 6),
                code,
                "{step}"
            );
        }
    }

    #[test]
    fn only_the_right_number_of_digits_is_a_code() {
        let table: [(&[u8], u8, Option<u32>); 15] = [
            (b"123456", 6, Some(123_456)),
            (b"000000", 6, Some(0)),
            (b"012 345", 6, Some(12_345)),
            (b" 012-345 ", 6, Some(12_345)),
            (b"12345678", 8, Some(12_345_678)),
            (b"", 6, None),
            (b"12345", 6, None),
            (b"1234567", 6, None),
            (b"0123456", 6, None),
            (b"+12345", 6, None),
            (b"-12345", 6, None),
            (b"12345a", 6, None),
            (b"123456\0", 6, None),
            (b"123456\n", 6, None),
            ("\u{661}\u{662}\u{663}456".as_bytes(), 6, None),
        ];
        for (typed, digits, number) in table {
            assert_eq!(parse(typed, digits), number, "{typed:?}");
        }
    }

    #[test]
    fn steps_begin_every_thirty_seconds() {
        for (micros, step) in [
            (0, Some(0)),
            (29_999_999, Some(0)),
            (30_000_000, Some(1)),
            (-1, None),
            (i64::MAX, Some(307_445_734_561)),
        ] {
            assert_eq!(step_of(micros), step, "{micros}");
        }
    }
}
