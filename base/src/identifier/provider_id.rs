//! Provider ids: (realm, provider name, canonical identifier), as columns and never as one joined string.

use std::fmt;

use super::{Identifier, ProviderName, Realm};

/// What is unique to one user: realm, provider name, canonical identifier.
///
/// Two are equal if all three are. Printing one joins them, for people; nothing parses that again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderId {
    /// The realm; `""` by default.
    pub realm: String,
    /// The provider name.
    pub provider: String,
    /// The canonical identifier's bytes.
    pub canonical: Vec<u8>,
}

impl ProviderId {
    /// The provider id of an identifier under a provider name in a realm.
    pub fn new(realm: &Realm, provider: &ProviderName, identifier: &Identifier) -> Self {
        Self {
            realm: realm.as_str().to_owned(),
            provider: provider.as_str().to_owned(),
            canonical: identifier.canonical().to_vec(),
        }
    }
}

/// `email:a@b.c`, with the realm before it where there is one: `shop/email:a@b.c`. Whatever is not printable text is
/// escaped, so that an identifier cannot forge a line in a log.
impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.realm.is_empty() {
            write!(f, "{}/", self.realm.escape_debug())?;
        }
        write!(f, "{}:", self.provider)?;
        for chunk in self.canonical.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::*;

    fn id(realm: &str, provider: &str, identifier: &[u8]) -> ProviderId {
        ProviderId::new(
            &Realm::new(realm).unwrap(),
            &ProviderName::new(provider).unwrap(),
            &Identifier::parse(Rule::Opaque, identifier).unwrap(),
        )
    }

    #[test]
    fn columns_never_run_together() {
        // `a:b` + `c` against `a` + `b:c`, and the same one column to the left.
        assert_ne!(id("a:b", "c", b"d"), id("a", "b", b"c:d"));
        assert_ne!(id("", "a", b"b:c"), id("a", "b", b"c"));
        assert_ne!(id("a/b", "c", b"d"), id("a", "b", b"c:d"));
        assert_ne!(id("", "a.b", b"c"), id("", "a", b".bc"));
        assert!(ProviderName::new("a:b").is_err());
        // Not even where they print alike.
        let (one, other) = (id("", "a", b"b"), id("", "a", b"b"));
        assert_eq!(one, other);
    }

    #[test]
    fn printing_is_for_people_and_cannot_forge_a_line() {
        for (shown, id) in [
            ("email:a@b.c", id("", "email", b"a@b.c")),
            ("shop/email:a@b.c", id("shop", "email", b"a@b.c")),
            (
                "key:a\\n\\u{1b}[31m\\u{202e}\\0",
                id("", "key", "a\n\u{1b}[31m\u{202e}\0".as_bytes()),
            ),
            ("key:a\\xff\\x80é", id("", "key", b"a\xff\x80\xc3\xa9")),
        ] {
            assert_eq!(id.to_string(), shown);
        }
    }
}
