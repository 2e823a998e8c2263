//! The shapes of what goes in and out: each member with its type and meaning, once. Bodies are read by them, and the
//! `OpenAPI` document, the TypeScript types and the page are written from them.

/// What a member holds.
#[derive(Clone, Copy)]
pub(super) enum Type {
    /// Text.
    Text,
    /// Text that is never shown again: passwords, tokens.
    Secret,
    /// A moment, RFC 3339 in UTC.
    Time,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Flag,
    /// An object of texts: credentials, what is shown once.
    Fields,
    /// An object of texts, and of `{"base64url": "…"}` where a value is no text.
    Challenge,
    /// Any JSON object: attributes.
    Object,
    /// Texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Another shape.
    One(&'static Shape),
    /// A list of another shape.
    Many(&'static Shape),
}

/// One member of an object.
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) of: Type,
    pub(super) required: bool,
    pub(super) doc: &'static str,
}

/// An object.
pub(super) struct Shape {
    /// Its name, for documents and types.
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) members: &'static [Member],
}

impl Shape {
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// A member that is always there.
pub(super) const fn must(name: &'static str, of: Type, doc: &'static str) -> Member {
    Member {
        name,
        of,
        required: true,
        doc,
    }
}

/// A member that may be absent.
pub(super) const fn may(name: &'static str, of: Type, doc: &'static str) -> Member {
    Member {
        name,
        of,
        required: false,
        doc,
    }
}
