//! Where a browser may be led: own paths, and what is configured by name. Never what a request says of itself.

/// Longest address, in bytes.
const MAX_PLACE: usize = 2048;

/// Whether a browser may be led there: an own path, or exactly one of these addresses.
///
/// Browsers take `\` for `/`, drop tabs and line ends, and read `//host` as another host (URL standard, section 4.4). So a
/// path begins with one `/` that neither `/` nor `\` follows, and has no character that is not printable ASCII.
pub(super) fn is_open(place: &str, listed: &[String]) -> bool {
    if place.len() > MAX_PLACE
        || !place
            .bytes()
            .all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\')
    {
        return false;
    }
    (place.starts_with('/') && !place.starts_with("//")) || listed.iter().any(|known| known == place)
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn own_paths_and_listed_addresses_are_open_and_nothing_else() {
        let listed = ["https://app.example/done".to_owned()];
        for open in [
            "/",
            "/a",
            "/a?b=c#d",
            "/a//b",
            "/%2f%2fevil.example",
            "https://app.example/done",
            "/:80",
            "/@evil.example",
        ] {
            assert!(is_open(open, &listed), "{open}");
        }
        for closed in [
            "",
            "a",
            "https://app.example/done/",
            "https://app.example/done?x",
            "https://app.example",
            "HTTPS://app.example/done",
        ] {
            assert!(!is_open(closed, &listed), "{closed}");
        }
    }

    /// Spellings by which open redirects have been found elsewhere, each made of a beginning, a host and an end.
    #[test]
    fn four_hundred_spellings_lead_nowhere_else() {
        let beginnings = [
            "//",
            "///",
            "////",
            "/\\",
            "\\/",
            "\\\\",
            "/\t/",
            "/\n/",
            "/\r/",
            "\t//",
            " //",
            "//\u{200b}",
            "/\u{2044}",
            "https:",
            "https:/",
            "https://",
            "http://",
            "https:\\\\",
            "javascript:",
            "data:text/html,",
            "JaVaScRiPt:",
            "vbscript:",
            "file://",
            "ftp://",
            "//%0d%0a",
            "/%0a/\n",
            "\u{0}//",
            "\u{b}//",
            "https:///",
            "https:////",
            "//user@",
            "//user:pass@",
            "https://app.example@",
            "https://app.example.",
            "//\\",
            "\\//",
            "/\u{a0}/\\",
            "///\\",
            ".//",
            "../",
            "..//",
            "//app.example@",
            "https://app.example/done@",
            "https://app.example/done\\@",
            "blob:https://",
            "//;@",
            "//.",
            "//[::1]/",
            "///;@",
            "?//",
        ];
        let hosts = [
            "evil.example",
            "evil.example/done",
            "127.0.0.1",
            "evil%2eexample",
            "app.example.evil.example",
            "\u{435}vil.example",
            "evil.example:443",
            "evil.example#https://app.example/done",
        ];
        let listed = ["https://app.example/done".to_owned()];
        let mut tried = 0;
        for beginning in beginnings {
            for host in hosts {
                let place = format!("{beginning}{host}");
                assert!(!is_open(&place, &listed), "{place:?}");
                tried += 1;
            }
        }
        assert_eq!(tried, 400);
    }
}
