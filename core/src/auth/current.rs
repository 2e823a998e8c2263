//! The current password, given with a new one: whoever sits at an open browser does not change it (ASVS 5.0 6.2.3).

use super::call::Call;
use crate::error::{Error, Result};
use crate::flow::MethodAction;
use crate::outcome::Answer;
use crate::plugin::{Fields, Operation};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::store::Subject;
use crate::throttle::identity_hash;
use crate::verification::{Bound, Question, Verified};

/// The credential that has it, beside the new ones.
const CURRENT: &str = "current";

impl Call<'_> {
    /// Takes the current credential out of the new ones and verifies it; `Some` is the answer to give instead. It is
    /// demanded where the user has such a record and the proof did not prove that very one within
    /// `policy.step_up_max_age`; always, by `policy.current_password = "always"`. Where it is given, it must be right.
    ///
    /// # Errors
    /// `ProofRequired`, of `current`: it is demanded and was not given.
    pub(super) async fn current(
        &self,
        provider: &Provider,
        subject: &Subject,
        proof: &Proof,
        credentials: &mut Fields,
    ) -> Result<Option<Answer<Proof>>> {
        if !provider.is_recoverable() || !self.has_authenticator(provider, subject) {
            return Ok(None);
        }
        let Some(given) = take(credentials) else {
            if self.demands_current(provider, proof) {
                return Err(Error::proof_required(
                    CURRENT,
                    "give the current password as `current`, beside the new one: this proof did not prove it of late",
                ));
            }
            return Ok(None);
        };
        let user = &subject.user;
        let identities = self.store().identities(user.id).await?;
        let named = identities
            .iter()
            .find(|identity| identity.at.provider == provider.name);
        let (raw, canonical) = named.map_or_else(Default::default, |identity| {
            (identity.raw.clone(), identity.at.canonical.clone())
        });
        let next = provider.next(MethodAction::Verify, Operation::Verify, 0, Fields::default());
        let field = next
            .fields
            .first()
            .map_or("password", |field| field.name.as_str());
        self.has_room(provider)?;
        // Guesses count as at a sign-in: a stolen session is no way around its counters.
        let identity = identity_hash(self.realm, &provider.name, &canonical);
        let settings = &self.context.settings.throttle;
        let counters = settings.first_step(self.origin(Some((user.id, user.session_epoch))), &identity);
        let attempt = match self.attempt(Some(provider), counters).await? {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(Some(self.throttled(Some(&provider.name), wait))),
        };
        let question = Question {
            raw,
            canonical,
            credentials: Fields(vec![(field.into(), given)]),
            bound: Some(Bound {
                user: user.id,
                epoch: Some(user.session_epoch),
            }),
            ..Question::default()
        };
        let verified = self
            .verifier()
            .verify(provider, Some(subject.clone()), question)
            .await;
        Ok(match Self::settled(attempt, verified).await? {
            Verified::Accepted { .. } => None,
            Verified::Denied { reason, .. } => Some(self.denied(&provider.name, Some(user.id), reason)),
            Verified::Continue { .. } | Verified::Unregistered { .. } => {
                Some(self.denied(&provider.name, Some(user.id), "wrong"))
            }
        })
    }

    fn demands_current(&self, provider: &Provider, proof: &Proof) -> bool {
        let policy = &self.context.settings.policy;
        let proved = proof.factors().iter().any(|factor| {
            let of_group = self
                .provider(&factor.provider)
                .is_ok_and(|named| named.group == provider.group);
            of_group && self.now.since(factor.at) < policy.step_up_max_age
        });
        policy.current_always || !proved
    }
}

fn take(credentials: &mut Fields) -> Option<Secret> {
    let at = credentials.0.iter().position(|(name, _)| name == CURRENT)?;
    Some(credentials.0.remove(at).1)
}
