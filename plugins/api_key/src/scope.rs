//! Scopes: what a key may do, in the application's own words. A list of RFC 6749 section 3.3: words with spaces between them.

/// Longest list, in bytes.
pub(crate) const MAX_LIST: usize = 1024;
/// Longest scope, in bytes.
const MAX_SCOPE: usize = 64;

/// The scopes of a list, each once, in order of the alphabet. `None`: it is none.
pub(crate) fn parse(list: &[u8]) -> Option<Vec<&str>> {
    if list.len() > MAX_LIST {
        return None;
    }
    let mut scopes = Vec::new();
    for scope in list.split(|byte| *byte == b' ').filter(|scope| !scope.is_empty()) {
        // Printable ASCII without the quotation mark and the backslash: safe in JSON and in headers as it is.
        let is_scope = scope.len() <= MAX_SCOPE
            && scope
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(byte));
        scopes.push(std::str::from_utf8(scope).ok().filter(|_| is_scope)?);
    }
    scopes.sort_unstable();
    scopes.dedup();
    Some(scopes)
}

/// The scopes as a JSON array of strings.
pub(crate) fn json(scopes: &[&str]) -> String {
    let quoted: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
    format!("[{}]", quoted.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_words_with_spaces_between_them() {
        let words = |list: &'static str| parse(list.as_bytes());
        assert_eq!(words(""), Some(vec![]));
        assert_eq!(words("  "), Some(vec![]));
        assert_eq!(words("write read  read "), Some(vec!["read", "write"]));
        assert_eq!(
            words("repo:status https://x.example/a!'#"),
            Some(vec!["https://x.example/a!'#", "repo:status"])
        );
        for list in ["a\"b", "a\\b", "a\tb", "a\nb", "ä", "a\0"] {
            assert_eq!(words(list), None, "{list:?}");
        }
        assert!(parse("a".repeat(64).as_bytes()).is_some() && parse("a".repeat(65).as_bytes()).is_none());
        assert!(parse("a ".repeat(512).as_bytes()).is_some() && parse("a ".repeat(513).as_bytes()).is_none());
        assert_eq!(parse(&[b'a', 0xff]), None);
    }

    #[test]
    fn json_needs_no_escapes() {
        assert_eq!(json(&[]), "[]");
        assert_eq!(json(&["read", "a'b"]), "[\"read\",\"a'b\"]");
    }
}
