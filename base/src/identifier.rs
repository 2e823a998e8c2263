//! Identifiers: what is unique to a user within a provider name, and the rules that make two spellings one.
//!
//! An identifier is made canonical once, then judged, and from then on only the canonical bytes are compared, stored as
//! key and counted by throttling. What the person typed is kept beside it, for showing and for delivery: mail goes to
//! the address that was registered, never to the one that was submitted.
//!
//! Every rule is idempotent: `canonical(canonical(x)) == canonical(x)`. Where that fails, one account has two keys, and
//! somebody registers the second (Spotify, 2013).

mod email;
mod fold;
mod name;
mod provider_id;
mod username;

pub use name::{MAX_PROVIDER_NAME_BYTES, MAX_REALM_BYTES, NameError, ProviderName, Realm};
pub use provider_id::ProviderId;

use std::fmt;

use crate::error::{Error, ErrorKind, Violation};

/// Longest identifier in bytes, as typed and as canonical. The smallest of the databases' key limits allows it.
pub const MAX_IDENTIFIER_BYTES: usize = 1024;
/// Longest email address in bytes (RFC 5321 section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest local part of an email address in bytes (RFC 5321 section 4.5.3.1.1).
pub const MAX_LOCAL_PART_BYTES: usize = 64;
/// Longest username in Unicode code points.
pub const MAX_USERNAME_POINTS: usize = 64;

/// How a provider name reads identifiers. Stored with each identity, together with its version, because a rule that
/// changes must still find what was stored before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// An email address. The local part in lower case (Unicode, no folding beyond case: `ß` is not `ss`), the domain
    /// as the DNS sees it (UTS 46). Dots and `+tags` are kept: they are the mailbox's business.
    ///
    /// White space at both ends is dropped ([`Rule::typed`]). Refused: quoted local parts, comments, address
    /// literals, lists, whitespace inside, anything that would only become ASCII by normalisation (`＠`, `ſ`, the Kelvin sign), more than 64 bytes before the `@` or 254 in all.
    Email,
    /// The bytes as they are; UTF-8 is not needed.
    Opaque,
    /// Whatever the provider's own `normalize` says. See [`Identifier::from_provider`].
    Provider,
    /// A name that people choose. NFKC and case folding, repeated until nothing changes; the Turkish dotted and
    /// dotless i are one letter with `i`. White space at both ends is dropped ([`Rule::typed`]).
    ///
    /// Then 1 to 64 code points: letters, digits and marks that UTS 39 allows in identifiers, and `_`, `.`, `-`, the
    /// last two not at an end; at most four marks on a letter; scripts mixed only as Japanese, Chinese and Korean do
    /// (UTS 39, "highly restrictive"); and not a name whose every foreign letter imitates an ASCII one.
    Username,
}

impl Rule {
    /// Every rule there is, alphabetically.
    pub const ALL: [Self; 4] = [Self::Email, Self::Opaque, Self::Provider, Self::Username];

    /// The name in configuration and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Opaque => "opaque",
            Self::Provider => "provider",
            Self::Username => "username",
        }
    }

    /// The rule of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// What a person meant to type: under the rules for text, `email` and `username`, without the white space and the
    /// invisible marks that keyboards, copying and mail programs leave at both ends (ASCII white space, U+00A0, U+200B to
    /// U+200F, U+FEFF); under the others the bytes as they are. This is what is kept as raw, and what is made canonical.
    pub fn typed(self, raw: &[u8]) -> &[u8] {
        match (self, std::str::from_utf8(raw)) {
            (Self::Email | Self::Username, Ok(text)) => text.trim_matches(is_margin).as_bytes(),
            _ => raw,
        }
    }

    /// How canonical identifiers begin of which somebody typed the first characters: for a search. Text that has no
    /// canonical form begins nothing but itself.
    pub fn begins(self, raw: &[u8]) -> Vec<u8> {
        let typed = self.typed(raw);
        let text = std::str::from_utf8(typed);
        let folded = match (self, text) {
            (Self::Email, Ok(text)) => fold::lower(text).ok(),
            (Self::Username, Ok(text)) => fold::fold(text).ok(),
            _ => None,
        };
        folded.map_or_else(|| typed.to_vec(), String::into_bytes)
    }

    /// The version of the rule in this release. It changes whenever some identifier would become another: not with
    /// Unicode, whose normalisation and folding of assigned characters are frozen, and unassigned ones are refused.
    pub const fn version(self) -> u32 {
        match self {
            Self::Email | Self::Opaque | Self::Provider | Self::Username => 1,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An identifier as typed, as canonical, and by which version of which rule.
///
/// ```
/// use doorward_base::identifier::{Identifier, Rule};
///
/// let address = Identifier::parse(Rule::Email, "Ada@Example.COM".as_bytes())?;
/// assert_eq!(address.canonical(), b"ada@example.com");
/// assert_eq!(address.raw(), b"Ada@Example.COM");
/// # Ok::<(), doorward_base::identifier::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier {
    raw: Vec<u8>,
    canonical: Vec<u8>,
    rule: Rule,
    version: u32,
}

impl Identifier {
    /// Makes an identifier canonical by a rule, then judges it. Under [`Rule::Provider`] the bytes are taken for
    /// normalized already.
    ///
    /// # Errors
    ///
    /// [`IdentifierError`], one variant for each thing that a rule forbids; all are the client's to mend.
    pub fn parse(rule: Rule, raw: &[u8]) -> Result<Self, IdentifierError> {
        let raw = rule.typed(raw);
        limited(raw)?;
        let canonical = match rule {
            Rule::Email => email::canonical(text(raw)?)?.into_bytes(),
            Rule::Username => username::canonical(text(raw)?)?.into_bytes(),
            Rule::Opaque | Rule::Provider => raw.to_vec(),
        };
        Self::made(raw, canonical, rule, rule.version())
    }

    /// Makes an identifier canonical by a provider's own `normalize`, which is called a second time on its result: a
    /// normalisation that does not hold still would give one account two keys.
    ///
    /// # Errors
    ///
    /// - Whatever `normalize` says.
    /// - [`IdentifierError::Unstable`] if the second call changes the result.
    /// - [`IdentifierError::Empty`] or [`IdentifierError::TooLong`], of what comes in and of what comes out.
    pub fn from_provider<E: From<IdentifierError>>(
        raw: &[u8],
        version: u32,
        normalize: impl Fn(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        limited(raw)?;
        let canonical = normalize(raw)?;
        limited(&canonical)?;
        if normalize(&canonical)? != canonical {
            return Err(IdentifierError::Unstable.into());
        }
        Ok(Self::made(raw, canonical, Rule::Provider, version)?)
    }

    fn made(raw: &[u8], canonical: Vec<u8>, rule: Rule, version: u32) -> Result<Self, IdentifierError> {
        limited(&canonical)?;
        Ok(Self {
            raw: raw.to_vec(),
            canonical,
            rule,
            version,
        })
    }

    /// What is compared and stored as key, 1 to [`MAX_IDENTIFIER_BYTES`] bytes.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// What was typed ([`Rule::typed`]), 1 to [`MAX_IDENTIFIER_BYTES`] bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The rule's version.
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// Why something is not an identifier under a rule. The person who typed it must change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentifierError {
    /// A character that the rule does not allow.
    Character,
    /// An email address must have exactly one `@`.
    At,
    /// What follows the `@` is not a domain name.
    Domain,
    /// Nothing is left, or nothing was there.
    Empty,
    /// Every letter that is not ASCII looks like one that is.
    Imitation,
    /// What stands before the `@` is not a plain local part.
    LocalPart,
    /// Letters of several scripts that no language mixes.
    MixedScripts,
    /// The identifier begins or ends with `.` or `-`, begins with a combining mark, or has too many marks on a letter.
    Shape,
    /// More than the limit, which depends on the rule.
    TooLong {
        /// The limit: code points for a username, bytes for anything else.
        limit: usize,
    },
    /// Not UTF-8.
    NotText,
    /// Normalising it never comes to an end: a provider's `normalize` at fault.
    Unstable,
    /// A space, a tab or a line break inside.
    Whitespace,
}

impl IdentifierError {
    /// Every error there is.
    pub const ALL: [Self; 12] = [
        Self::Character,
        Self::At,
        Self::Domain,
        Self::Empty,
        Self::Imitation,
        Self::LocalPart,
        Self::MixedScripts,
        Self::Shape,
        Self::TooLong {
            limit: MAX_IDENTIFIER_BYTES,
        },
        Self::NotText,
        Self::Unstable,
        Self::Whitespace,
    ];

    /// The stable text id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Character => "character",
            Self::At => "at",
            Self::Domain => "domain",
            Self::Empty => "empty",
            Self::Imitation => "imitation",
            Self::LocalPart => "local_part",
            Self::MixedScripts => "mixed_scripts",
            Self::Shape => "shape",
            Self::TooLong { .. } => "too_long",
            Self::NotText => "not_text",
            Self::Unstable => "unstable",
            Self::Whitespace => "whitespace",
        }
    }
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character => f.write_str("identifier has a character that is not allowed; use letters and digits"),
            Self::At => f.write_str("identifier is not one email address; write one, with one @"),
            Self::Domain => f.write_str("identifier has no valid domain after the @; write one as example.com"),
            Self::Empty => f.write_str("identifier is empty; write at least 1 character"),
            Self::Imitation => {
                f.write_str("identifier looks like another one written in Latin letters; choose a name that does not")
            }
            Self::LocalPart => f.write_str(
                "identifier has no valid name before the @; use letters, digits and signs without quotes, and single \
                 dots only between them",
            ),
            Self::MixedScripts => f.write_str("identifier mixes letters of different scripts; use one"),
            Self::Shape => f.write_str(
                "identifier begins or ends with a dot or hyphen, begins with a mark or has more than 4 marks on a \
                 letter; begin and end with a letter or digit",
            ),
            Self::TooLong { limit } => {
                write!(f, "identifier is too long; the limit is {limit} characters or bytes, as the rule counts")
            }
            Self::NotText => f.write_str("identifier is not utf-8; send it as utf-8"),
            Self::Unstable => f.write_str("identifier changes each time it is normalized; the provider must not do that"),
            Self::Whitespace => f.write_str("identifier has a space or line break; remove it"),
        }
    }
}

impl std::error::Error for IdentifierError {}

/// A policy violation of the field `identifier`, with [`IdentifierError::id`] as its rule and the limit in force; a
/// provider whose `normalize` never comes to an end is at fault itself.
impl From<IdentifierError> for Error {
    fn from(error: IdentifierError) -> Self {
        if error == IdentifierError::Unstable {
            return Self::new(ErrorKind::PluginFault, error.to_string());
        }
        let limit = match error {
            IdentifierError::Empty => 1,
            IdentifierError::TooLong { limit } => limit as u64,
            _ => 0,
        };
        Self::policy(vec![Violation {
            rule: error.id(),
            field: "identifier".to_owned(),
            limit,
            message: error.to_string(),
        }])
    }
}

fn limited(bytes: &[u8]) -> Result<(), IdentifierError> {
    match bytes.len() {
        0 => Err(IdentifierError::Empty),
        1..=MAX_IDENTIFIER_BYTES => Ok(()),
        _ => Err(IdentifierError::TooLong {
            limit: MAX_IDENTIFIER_BYTES,
        }),
    }
}

/// What is dropped at both ends of an identifier that is text.
fn is_margin(character: char) -> bool {
    // ASCII white space as C has it: with the vertical tab.
    matches!(character, '\t'..='\r' | ' ' | '\u{a0}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
}

/// The identifier as text without whitespace and controls: no rule for text allows either, and no normalisation
/// removes one.
fn text(raw: &[u8]) -> Result<&str, IdentifierError> {
    let text = std::str::from_utf8(raw).map_err(|_| IdentifierError::NotText)?;
    if text.chars().any(char::is_whitespace) {
        return Err(IdentifierError::Whitespace);
    }
    if text.chars().any(char::is_control) {
        return Err(IdentifierError::Character);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
