//! One person, one name: the directory compares names without regard to case and space, so the canonical form does, too.

use unicode_normalization::UnicodeNormalization;

/// Longest name, in bytes, as typed and as canonical.
pub(crate) const MAX_LEN: usize = 256;

/// The canonical form of a name: NFKC, lower case, spaces at the ends removed and inside folded to one (what RFC 4518
/// prepares a `caseIgnoreMatch` string to). Two spellings that the directory takes for one person must be one here:
/// they would else be two accounts, and two counters of failed attempts.
///
/// `None`: no name. Control characters, NUL, and what lower case does not settle are none.
pub(crate) fn canonical(raw: &[u8]) -> Option<String> {
    if raw.is_empty() || raw.len() > MAX_LEN {
        return None;
    }
    let text = std::str::from_utf8(raw).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let canonical = fold(text);
    let settled = !canonical.is_empty() && canonical.len() <= MAX_LEN && fold(&canonical) == canonical;
    settled.then_some(canonical)
}

fn fold(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_that_a_directory_takes_for_one_person_are_one() {
        for (typed, canonical_form) in [
            ("ann", "ann"),
            (" ANN ", "ann"),
            ("Ann  Lee", "ann lee"),
            ("ａｎｎ", "ann"),
            ("Ångström", "ångström"),
            ("A\u{30a}ngstro\u{308}m", "ångström"),
            ("ann*)(uid=*", "ann*)(uid=*"),
        ] {
            assert_eq!(
                canonical(typed.as_bytes()).as_deref(),
                Some(canonical_form),
                "{typed:?}"
            );
            assert_eq!(
                canonical(canonical_form.as_bytes()).as_deref(),
                Some(canonical_form)
            );
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        let long = "x".repeat(MAX_LEN + 1);
        for bad in [&b""[..], b"   ", b"a\0b", b"a\nb", b"\xff", long.as_bytes()] {
            assert_eq!(canonical(bad), None, "{bad:?}");
        }
        assert!(canonical(&long.as_bytes()[..MAX_LEN]).is_some());
    }

    #[test]
    fn every_character_has_one_canonical_form_or_none() {
        // The planes in which letters have case and compatibility forms.
        for character in (0..0x2_0000).filter_map(char::from_u32) {
            let text = format!("a{character}b");
            if let Some(once) = canonical(text.as_bytes()) {
                assert_eq!(canonical(once.as_bytes()), Some(once), "{character:?}");
            }
        }
    }
}
