//! An unproved address yields to whoever proves it by message for an account of their own: an identity that an established
//! user only claims goes to whose the mailbox is, unless it is that user's last way in. Whoever loses it is told.

use super::call::Call;
use super::notices::Told;
use crate::error::Result;
use crate::event::{Event, EventName};
use crate::id::UserId;
use crate::identifier::ProviderId;
use crate::policy::Account;
use crate::store::{Change, ChangeStep, Identity, QueuedDelivery, Yield};

/// The reason of the event.
const YIELDED: &str = "yielded";

/// What one user gives up, and what they are told.
pub(super) struct Yielded {
    pub(super) taken: Yield,
    pub(super) notices: Vec<QueuedDelivery>,
}

impl Call<'_> {
    /// What others yield to a change that proves addresses of this account.
    pub(super) async fn yielded_to(&self, account: &Account<'_>, change: &Change) -> Result<Vec<Yielded>> {
        let proved = change.steps.iter().filter_map(|step| match step {
            ChangeStep::AddIdentity(identity) => {
                let called = self.called(&identity.at.provider, &identity.raw);
                let mut held = account.identities.iter();
                let known = held.any(|one| one.verified_at.is_some() && called.contains(&one.at));
                (identity.verified_at.is_some() || known).then_some(identity)
            }
            ChangeStep::VerifyIdentity(at, _) => account.identities.iter().find(|one| one.at == *at),
            _ => None,
        });
        let mut yielded = Vec::new();
        for identity in proved {
            yielded.extend(self.yielded_by(change.user_id, identity).await?);
        }
        Ok(yielded)
    }

    /// What others yield to whoever has proved the address of this identity.
    pub(super) async fn yielded_by(&self, to: UserId, identity: &Identity) -> Result<Vec<Yielded>> {
        let names = self.names();
        let Some(address) = names.address_of(identity) else {
            return Ok(Vec::new());
        };
        let called = self.called(&identity.at.provider, &identity.raw);
        let mut seen = vec![to];
        let mut yielded = Vec::new();
        for at in &called {
            let Some(user) = self.store().user_by_identity(at.clone()).await? else {
                continue;
            };
            if seen.contains(&user.id) {
                continue;
            }
            seen.push(user.id);
            let account = self.account(user.id).await?;
            let Some((identities, addresses)) = account.yields(&address, &called) else {
                continue;
            };
            let mut left = account.identities;
            left.retain(|one| !identities.contains(&one.at));
            let name = identities.first().map_or("", |at| at.provider.as_str());
            yielded.push(Yielded {
                notices: self.notices(Told::IdentityUnlinked, name, &left, &[])?,
                taken: Yield {
                    user_id: user.id,
                    epoch: user.session_epoch,
                    identities,
                    addresses,
                    ways_in: self.context.providers.ways_in(),
                },
            });
        }
        Ok(yielded)
    }

    /// What an address is called at each first name with its channel.
    fn called(&self, provider: &str, raw: &[u8]) -> Vec<ProviderId> {
        let provider = self.provider(provider).ok();
        let channel = provider.and_then(|provider| provider.address_channel());
        channel.map_or_else(Vec::new, |channel| {
            self.names().at_address(self.realm, channel, raw)
        })
    }

    /// The events of what was taken.
    pub(super) fn tell_yielded(&self, yielded: &[Yielded]) {
        for one in yielded {
            for at in &one.taken.identities {
                self.emit(&Event {
                    user_id: Some(one.taken.user_id),
                    provider: Some(at.provider.clone()),
                    reason: Some(YIELDED.into()),
                    ..self.event(EventName::IdentityUnlinked)
                });
            }
        }
    }
}
