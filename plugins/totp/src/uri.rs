//! What an authenticator app reads: the secret in base32 and the `otpauth:` address in a QR code.

use std::fmt::Write as _;

use doorward_plugin::Zeroizing;

use crate::code::PERIOD_SECONDS;
use crate::device::Device;

/// RFC 4648 section 6, without padding, as apps expect it.
pub(crate) fn base32(bytes: &[u8]) -> Zeroizing<String> {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T',
        'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    for group in bytes.chunks(5) {
        let mut block = [0_u8; 5];
        block[..group.len()].copy_from_slice(group);
        let bits = block
            .iter()
            .fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        for index in 0..(group.len() * 8).div_ceil(5) {
            text.push(ALPHABET[usize::try_from(bits >> (35 - 5 * index) & 31).unwrap_or(0)]);
        }
    }
    text
}

/// `otpauth://totp/ISSUER:ACCOUNT?…`, the Key Uri Format that authenticator apps read.
pub(crate) fn otpauth(device: &Device, issuer: &str, account: &[u8]) -> Zeroizing<String> {
    // Every byte may become three, the issuer stands there twice, the rest is short; growing would leave copies behind.
    let most = 3 * (2 * issuer.len() + account.len()) + 2 * device.secret.len() + 128;
    let mut uri = Zeroizing::new(String::with_capacity(most));
    uri.push_str("otpauth://totp/");
    encode(&mut uri, issuer.as_bytes());
    if !account.is_empty() {
        uri.push(':');
        encode(&mut uri, account);
    }
    uri.push_str("?secret=");
    uri.push_str(&base32(&device.secret));
    uri.push_str("&issuer=");
    encode(&mut uri, issuer.as_bytes());
    // Writing to a String cannot fail.
    let _ = write!(
        *uri,
        "&algorithm={}&digits={}&period={PERIOD_SECONDS}",
        device.algorithm.name(),
        device.digits
    );
    uri
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn encode(uri: &mut String, text: &[u8]) {
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Algorithm;

    /// RFC 4648 section 10, without the padding.
    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()).as_str(), text);
        }
    }

    #[test]
    fn the_address_names_issuer_account_and_parameters() {
        let device = Device {
            algorithm: Algorithm::Sha256,
            digits: 8,
            last_step: 0,
            secret: Zeroizing::new(b"foobar".to_vec()),
        };
        assert_eq!(
            otpauth(&device, "Big Corp", b"a:b@c.example").as_str(),
            "otpauth://totp/Big%20Corp:a%3Ab%40c.example?secret=MZXW6YTBOI&issuer=Big%20Corp&algorithm=SHA256&digits=8&period=30"
        );
        let wide = otpauth(&device, &"ä".repeat(32), "ö".repeat(512).as_bytes());
        assert!(wide.len() <= 3 * (2 * 64 + 1024) + 2 * 6 + 128, "{}", wide.len());
        assert!(otpauth(&device, "X", b"").starts_with("otpauth://totp/X?secret="));
    }
}
