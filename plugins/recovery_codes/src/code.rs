//! One code: 120 random bits, printed as six groups of four letters and digits.

use doorward_plugin::Zeroizing;

/// Bytes of a code. 120 bits: from 112 on a plain hash may keep it, and no guessing reaches it (NIST SP 800-63B-4 section
/// 3.1.2.2, OWASP ASVS 5.0 6.5.2; saved recovery codes need 64, section 4.2.1.1).
pub(crate) const LEN: usize = 15;
/// Symbols of a code, five bits each.
const SYMBOLS: usize = LEN * 8 / 5;
/// Symbols of a group as it is printed.
const GROUP: usize = 4;
/// Length of a code as it is printed.
pub(crate) const PRINTED: usize = SYMBOLS + SYMBOLS / GROUP - 1;

/// Douglas Crockford's base32: no I, L, O and U, which people take for others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code as it is printed.
pub(crate) fn print(code: &[u8; LEN]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(PRINTED));
    for index in 0..SYMBOLS {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        let value = (0..5).fold(0, |value, bit| {
            let at = index * 5 + bit;
            value << 1 | (code[at / 8] >> (7 - at % 8) & 1)
        });
        text.push(char::from(ALPHABET[usize::from(value)]));
    }
    text
}

/// What the person typed, as a code: either case, spaces and hyphens anywhere, I and L for 1, O for 0. `None`: it cannot
/// be one.
pub(crate) fn parse(typed: &[u8]) -> Option<Zeroizing<[u8; LEN]>> {
    let mut code = Zeroizing::new([0; LEN]);
    let mut seen = 0;
    for &byte in typed {
        let upper = match byte.to_ascii_uppercase() {
            b' ' | b'-' => continue,
            b'I' | b'L' => b'1',
            b'O' => b'0',
            other => other,
        };
        let value = ALPHABET.iter().position(|&symbol| symbol == upper)?;
        if seen == SYMBOLS {
            return None;
        }
        for bit in 0..5 {
            let at = seen * 5 + bit;
            if value >> (4 - bit) & 1 == 1 {
                code[at / 8] |= 0x80 >> (at % 8);
            }
        }
        seen += 1;
    }
    (seen == SYMBOLS).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let code: [u8; LEN] = std::array::from_fn(|index| u8::try_from(index * 17 % 256).unwrap());
        let printed = print(&code);
        assert_eq!(printed.as_str(), "008J-4CT4-ANK7-F24S-NAXW-SQFE");
        assert_eq!(printed.len(), PRINTED);
        for typed in [
            printed.to_string(),
            printed.to_lowercase(),
            printed.replace('-', ""),
            printed.replace('-', " "),
            format!("  {}  ", printed.as_str()),
            printed.replace('0', "o"),
            printed.replace('0', "O"),
        ] {
            assert_eq!(parse(typed.as_bytes()).as_deref(), Some(&code), "{typed}");
        }
        assert_eq!(parse(&b"1".repeat(SYMBOLS)), parse(&b"iLIl".repeat(SYMBOLS / 4)));
    }

    #[test]
    fn every_bit_is_printed_and_read() {
        for bit in 0..LEN * 8 {
            let mut code = [0; LEN];
            code[bit / 8] = 0x80 >> (bit % 8);
            assert_eq!(
                parse(print(&code).as_bytes()).as_deref(),
                Some(&code),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        let symbols = |count| "A".repeat(count);
        for typed in [
            String::new(),
            symbols(SYMBOLS - 1),
            symbols(SYMBOLS + 1),
            format!("{}U", symbols(SYMBOLS - 1)),
            format!("{}\u{ff21}", symbols(SYMBOLS - 1)),
            format!("{}\n", symbols(SYMBOLS)),
            format!("{}\0", symbols(SYMBOLS)),
        ] {
            assert!(parse(typed.as_bytes()).is_none(), "{typed:?}");
        }
    }
}
