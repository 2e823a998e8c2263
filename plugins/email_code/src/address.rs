//! Which texts a message can be sent to.

/// Longest address (RFC 5321 section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// The address as text, if mail programs cannot mistake it for anything else: one `@` with something on both sides, and
/// nothing that separates addresses, begins an option of a program, or ends a header line.
///
/// The host's rule `email` is stricter; this holds under any rule.
pub(crate) fn mailable(address: &[u8]) -> Option<&str> {
    let address = std::str::from_utf8(address).ok()?;
    let (local, domain) = address.split_once('@')?;
    let plain = address.len() <= MAX_ADDRESS
        && !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !address.starts_with('-')
        && !address
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "<>()[]\\,;:\"".contains(c));
    plain.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address_and_nothing_else() {
        let long = |len: usize| format!("{}@example.org", "a".repeat(len - 12));
        for good in [
            "a@b",
            "jane.doe+x@example.org",
            "o'neil@example.org",
            "jörg@exämple.org",
            &long(254),
        ] {
            assert_eq!(mailable(good.as_bytes()), Some(good));
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "ab",
            "a@b@c",
            "-f@x",
            "a@b,c@d",
            "a@b;c@d",
            "a@b\r\nBcc: c@d",
            "a b@c",
            "<a@b>",
            "a@b\u{a0}",
            "a@b\0",
            "\"a\"@b",
            "a@[::1]",
            &long(255),
        ] {
            assert_eq!(mailable(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(mailable(b"a\xff@b"), None);
    }
}
