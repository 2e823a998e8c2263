//! Who a person is: an issuer and a subject (OpenID Connect Core 1.0 section 2: unique together, and never reassigned).

/// Longest subject (OpenID Connect Core 1.0 section 2), in bytes.
pub(crate) const MAX_SUBJECT: usize = 255;

/// The identifier that Doorward keeps: the issuer, a line end, the subject. An issuer is an address and so has no line
/// end; the first one separates, and no two people have one identifier.
pub fn identifier(issuer: &str, subject: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(issuer.len() + 1 + subject.len());
    bytes.extend_from_slice(issuer.as_bytes());
    bytes.push(b'\n');
    bytes.extend_from_slice(subject.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_people_have_one_identifier() {
        let issuers = [
            "https://a.example",
            "https://a.example/",
            "https://a.example/b",
            "https://b.example",
        ];
        let subjects = [
            "1",
            "12",
            "/b",
            "\n1",
            "1\n",
            "https://a.example\n1",
            " 1",
            "1\u{301}",
            "\u{e9}",
            "e\u{301}",
        ];
        let mut seen = BTreeSet::new();
        for issuer in issuers {
            for subject in subjects {
                let identifier = identifier(issuer, subject);
                let (front, back) =
                    identifier.split_at(identifier.iter().position(|&byte| byte == b'\n').unwrap());
                assert_eq!((front, &back[1..]), (issuer.as_bytes(), subject.as_bytes()));
                assert!(seen.insert(identifier), "{issuer} {subject:?}");
            }
        }
    }
}
