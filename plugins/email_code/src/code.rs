//! The code: decimal digits, for they can be typed on every keyboard and read aloud.

use doorward_plugin::{Failure, Host, Zeroizing};

/// Draws a code of so many digits, each as likely as any other.
pub(crate) fn draw(host: Host<'_>, digits: usize) -> Result<Zeroizing<String>, Failure> {
    let mut code = Zeroizing::new(String::with_capacity(digits));
    let mut drawn = Zeroizing::new([0; 32]);
    while code.len() < digits {
        host.random(drawn.as_mut_slice())?;
        // 250 is the largest multiple of ten in a byte: beyond it, the low digits would come more often.
        let fair = drawn.iter().filter(|byte| **byte < 250);
        for byte in fair.take(digits - code.len()) {
            code.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(code)
}

/// What the person typed: digits, which spaces and hyphens may group. `None`: something else, or too many of them.
pub(crate) fn parse(typed: &[u8], digits: usize) -> Option<Zeroizing<String>> {
    let mut code = Zeroizing::new(String::with_capacity(digits));
    for &byte in typed {
        match byte {
            b'0'..=b'9' if code.len() < digits => code.push(char::from(byte)),
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    (code.len() == digits).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_number_of_digits_is_a_code() {
        for (typed, code) in [
            ("01234567", Some("01234567")),
            ("0123 4567", Some("01234567")),
            (" 0123-4567 ", Some("01234567")),
            ("", None),
            ("0123456", None),
            ("012345678", None),
            ("0123456a", None),
            ("01234567\n", None),
            ("0123456\u{667}", None),
        ] {
            assert_eq!(
                parse(typed.as_bytes(), 8).as_deref().map(String::as_str),
                code,
                "{typed:?}"
            );
        }
    }
}
