//! `doorward_claim`.

use doorward::Claim;

use crate::text::{Text, texts, values};

/// The view of a claim.
pub(crate) struct ClaimView {
    claim: Claim,
    token: Text,
    provider: Text,
    identifier: Text,
    attributes: Text,
}

impl From<Claim> for ClaimView {
    fn from(claim: Claim) -> Self {
        Self {
            claim,
            token: Text::default(),
            provider: Text::default(),
            identifier: Text::default(),
            attributes: Text::default(),
        }
    }
}

texts! {
    doorward_claim_token(ClaimView) |v| v.token, v.claim.token().expose();
    doorward_claim_provider(ClaimView) |v| v.provider, v.claim.provider().as_bytes();
    doorward_claim_identifier(ClaimView) |v| v.identifier, v.claim.identifier();
    doorward_claim_attributes(ClaimView) |v| v.attributes, v.claim.attributes().as_bytes();
}

values! {
    doorward_claim_expires_at(ClaimView) -> i64, i64::MIN, |v| v.claim.expires_at().as_micros();
}
