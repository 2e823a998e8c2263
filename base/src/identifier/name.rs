//! Realms and provider names.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// Longest realm in bytes.
pub const MAX_REALM_BYTES: usize = 64;
/// Longest provider name in bytes.
pub const MAX_PROVIDER_NAME_BYTES: usize = 64;

/// A namespace of users; `""` by default. At most 64 bytes of UTF-8 without control characters; two are equal if their
/// bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Realm(String);

impl Realm {
    /// # Errors
    ///
    /// [`NameError`] if the text is longer than 64 bytes or has control characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_REALM_BYTES || text.chars().any(char::is_control) {
            return Err(NameError {
                value: text.to_owned(),
                what: What::Realm,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authentication method as the application calls it: `email`, `username`, `github`. 1 to 64 characters of `a-z`,
/// `0-9`, `_`, `.`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderName(String);

impl ProviderName {
    /// # Errors
    ///
    /// [`NameError`] if the text is empty, longer than 64 characters or has others than those above.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
        };
        if text.is_empty() || text.len() > MAX_PROVIDER_NAME_BYTES || !text.bytes().all(allowed) {
            return Err(NameError {
                value: text.to_owned(),
                what: What::ProviderName,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A realm or provider name that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    value: String,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    ProviderName,
    Realm,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever was passed by mistake, a page of it helps nobody.
        let shown: String = self.value.chars().take(80).collect();
        match self.what {
            What::ProviderName => write!(
                f,
                "{shown:?} is not a provider name: write 1 to {MAX_PROVIDER_NAME_BYTES} characters of a-z, 0-9, _, . \
                 and -"
            ),
            What::Realm => write!(
                f,
                "{shown:?} is not a realm: write at most {MAX_REALM_BYTES} bytes without control characters"
            ),
        }
    }
}

impl std::error::Error for NameError {}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorKind::InvalidArgument, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realms_are_short_text_without_controls() {
        let (full, over) = ("é".repeat(32), "é".repeat(32) + "a");
        for (text, fits) in [
            ("", true),
            ("shop", true),
            ("a b:c", true),
            (&*full, true),
            (&*over, false),
            ("a\0", false),
            ("\u{85}", false),
        ] {
            let made = Realm::new(text);
            assert_eq!(made.is_ok(), fits, "{text:?}");
            match made {
                Ok(realm) => assert_eq!(realm.as_str(), text),
                Err(error) => assert!(error.to_string().contains("at most 64 bytes"), "{error}"),
            }
        }
        assert_eq!(Realm::default().as_str(), "");
    }

    #[test]
    fn provider_names_are_plain() {
        let (full, over) = ("a".repeat(64), "a".repeat(65));
        for (text, fits) in [
            ("email", true),
            ("git-hub.com_2", true),
            ("0", true),
            (&*full, true),
            (&*over, false),
            ("", false),
            ("Email", false),
            ("a b", false),
            ("a:b", false),
            ("é", false),
            ("a\0", false),
            ("a\n", false),
        ] {
            let made = ProviderName::new(text);
            assert_eq!(made.is_ok(), fits, "{text:?}");
            if let Err(error) = made {
                assert!(error.to_string().contains("1 to 64 characters"), "{error}");
            }
        }
    }

    #[test]
    fn errors_show_a_bounded_part_of_the_value_on_one_line() {
        let message = ProviderName::new(&"\n".repeat(9999)).unwrap_err().to_string();
        assert!(message.len() < 300 && !message.contains('\n'), "{message}");
    }
}
