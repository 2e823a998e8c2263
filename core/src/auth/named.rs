//! The identifier that somebody gives: canonical, or, where no rule takes it, nobody's, by the same work.

use super::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::identifier::ProviderId;
use crate::provider::Provider;
use crate::store::Hash;
use crate::throttle::identity_hash;

/// Longest identifier that is looked at, in bytes; anything longer belongs to nobody.
const MAX_IDENTIFIER: usize = 1024;

/// What somebody called themselves.
pub(super) struct Named {
    /// As it was given, cut to what is looked at.
    pub(super) raw: Vec<u8>,
    /// `None`: no rule takes it, so it belongs to nobody, and is answered like anybody who does not exist.
    pub(super) canonical: Option<Vec<u8>>,
    /// Where it is looked up. Nobody has an empty identifier: what no rule takes is looked up all the same.
    pub(super) at: ProviderId,
    /// What it is counted under: provider and canonical bytes, raw where no rule takes them.
    pub(super) identity: Hash,
}

impl Named {
    /// The canonical bytes, or the raw ones.
    pub(super) fn bytes(&self) -> &[u8] {
        self.canonical.as_deref().unwrap_or(&self.raw)
    }
}

impl Call<'_> {
    /// Canonical, or a decoy.
    ///
    /// # Errors
    /// Whatever a kind that normalizes fails with, but not that it refuses.
    pub(super) fn named_by(&self, provider: &Provider, given: &[u8]) -> Result<Named> {
        let given = provider.typed(given);
        let raw = given.get(..MAX_IDENTIFIER).unwrap_or(given);
        let canonical = match provider.canonical(given) {
            _ if given.len() > MAX_IDENTIFIER => None,
            Ok(canonical) => Some(canonical.bytes),
            Err(error) if malformed(&error) => None,
            Err(error) => return Err(error),
        };
        let bytes = canonical.as_deref().unwrap_or(raw);
        Ok(Named {
            at: provider.id(self.realm, canonical.as_deref().unwrap_or_default()),
            identity: identity_hash(self.realm, &provider.name, bytes),
            raw: raw.to_vec(),
            canonical,
        })
    }
}

/// True when an identifier is one that its rule does not take.
pub(super) fn malformed(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PolicyViolation | ErrorKind::InvalidArgument
    )
}
