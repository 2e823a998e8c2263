//! The one way to the store's `change`: what others yield and what everybody concerned is told goes into the transaction, so
//! that no operation can forget it.

use super::call::Call;
use super::notices::Told;
use super::yields::Yielded;
use crate::error::Result;
use crate::policy::Account;
use crate::store::{Change, ChangeStep, Changed};

impl Call<'_> {
    /// Makes a change, with what it makes of the user's addresses, what others yield to it, and the notices of all that in
    /// the same transaction. `provider` is the name that it is made under.
    pub(super) async fn commit(&self, provider: &str, change: Change) -> Result<Changed> {
        let account = self.account(change.user_id).await?;
        let yielded = self.yielded_to(&account, &change).await?;
        self.commit_with(provider, account, change, yielded).await
    }

    /// Makes an operator's change, to which nobody yields, for no message proved anything; the notices are in the transaction.
    pub(super) async fn commit_by_operator(&self, provider: &str, change: Change) -> Result<Changed> {
        let account = self.account(change.user_id).await?;
        self.commit_with(provider, account, change, Vec::new()).await
    }

    async fn commit_with(
        &self,
        provider: &str,
        account: Account<'_>,
        mut change: Change,
        yielded: Vec<Yielded>,
    ) -> Result<Changed> {
        if let Some(told) = Told::of(&change) {
            let notices = self.notices(told, provider, &account.identities, &change.steps)?;
            change.deliveries.extend(notices);
        }
        change.steps = account.with_addresses(change.steps);
        for one in &yielded {
            change.steps.insert(0, ChangeStep::Take(one.taken.clone()));
            change.deliveries.extend(one.notices.iter().cloned());
        }
        let changed = self.store().change(change).await?;
        if matches!(changed, Changed::Done { .. }) {
            self.context.drain.poke();
            self.tell_yielded(&yielded);
        }
        Ok(changed)
    }

    /// Makes a change that leaves the user's addresses as they are: of what an issuer asserts and no side can take.
    pub(super) async fn commit_beside_addresses(&self, change: Change) -> Result<Changed> {
        Ok(self.store().change(change).await?)
    }
}
