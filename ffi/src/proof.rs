//! `doorward_proof` and `doorward_factor`.

use std::ptr;

use doorward::{Factor, Proof, UserId};

use crate::abi::{Id, id_within};
use crate::text::{Text, at, texts, values};

/// The view of a proof.
pub(crate) struct ProofView {
    proof: Proof,
    user_id: UserId,
    purpose: Text,
    factors: Vec<FactorView>,
}

impl ProofView {
    pub(crate) fn proof(&self) -> &Proof {
        &self.proof
    }
}

impl From<Proof> for ProofView {
    fn from(proof: Proof) -> Self {
        Self {
            user_id: proof.user_id(),
            purpose: Text::default(),
            factors: FactorView::list(proof.factors()),
            proof,
        }
    }
}

/// The view of a factor.
pub(crate) struct FactorView {
    factor: Factor,
    provider: Text,
    class: Text,
    channel: Text,
}

impl FactorView {
    pub(crate) fn list(factors: &[Factor]) -> Vec<Self> {
        let view = |factor: &Factor| Self {
            factor: factor.clone(),
            provider: Text::default(),
            class: Text::default(),
            channel: Text::default(),
        };
        factors.iter().map(view).collect()
    }
}

texts! {
    doorward_proof_purpose(ProofView) |v| v.purpose, v.proof.purpose().as_bytes();
    doorward_factor_provider(FactorView) |v| v.provider, v.factor.provider.as_bytes();
    doorward_factor_class(FactorView) |v| v.class, v.factor.class.id().as_bytes();
    doorward_factor_channel(FactorView) |v| v.channel, v.factor.channel.as_bytes();
}

values! {
    doorward_factor_is_two_in_one(FactorView) -> bool, false, |v| v.factor.two_in_one;
    doorward_factor_at(FactorView) -> i64, i64::MIN, |v| v.factor.at.as_micros();
    doorward_proof_user_id(ProofView) -> *const Id, ptr::null(), |v| id_within(v.user_id.as_bytes());
    doorward_proof_factor(ProofView, index) -> *const FactorView, ptr::null(), |v| at(&v.factors, index);
}
