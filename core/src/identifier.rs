//! Provider ids: (realm, provider name, canonical identifier), as columns and never as one joined string.

/// What is unique to one user: realm, provider name, canonical identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderId {
    /// The realm; `""` by default.
    pub realm: String,
    /// The provider name.
    pub provider: String,
    /// The canonical identifier's bytes.
    pub canonical: Vec<u8>,
}
