//! What issuers and directories assert: noted at each use, judged from then on.

use super::call::Call;
use crate::error::Result;
use crate::event::EventName;
use crate::plugin::Verdict;
use crate::provider::Provider;
use crate::store::{Change, ChangeStep, Changed, Post, Subject};

impl Call<'_> {
    /// Notes the addresses that an issuer or directory asserted for somebody just now, where they are others than
    /// before. One that is the user's second factor, too, is noted for judging and stands on no side: the sign-in goes
    /// on, and a code to that address counts for nothing beside it.
    pub(super) async fn note_reach(
        &self,
        provider: &Provider,
        subject: &Subject,
        verdict: &Verdict,
    ) -> Result<()> {
        let Some(identity) = &subject.identity else {
            return Ok(());
        };
        if !provider.vouches() || provider.proves_by_message() {
            return Ok(());
        }
        let asserted = verdict.attributes.iter().map(|(name, value)| (name, value));
        let reach = provider.asserted(self.realm, asserted);
        if reach == identity.reach {
            return Ok(());
        }
        let change = || Change {
            user_id: subject.user.id,
            epoch: subject.user.session_epoch,
            steps: vec![ChangeStep::SetReach(identity.at.clone(), reach.clone())],
            ways_in: Vec::new(),
            bump: None,
            token: None,
            charges: Vec::new(),
            deliveries: Vec::new(),
            letters: Post::default(),
            now: self.now,
        };
        if self.commit(&provider.name, change()).await? == Changed::BothSides {
            self.emit_provider(EventName::AddressOnBothSides, subject.user.id, provider);
            self.commit_beside_addresses(change()).await?;
        }
        Ok(())
    }
}
