//! An unproved address yields to whoever proves it by message for an account of their own: an identity that an established
//! user only claims goes to whose the mailbox is, unless it is that user's last way in. Whoever loses it is told.

use super::call::Call;
use super::notices::Told;
use crate::error::Result;
use crate::event::{Event, EventName};
use crate::id::UserId;
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
                let address = account.names.address_of(identity);
                let known = address.is_some_and(|address| account.is_proved(&address));
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
        let provider = self.provider(&identity.at.provider)?;
        let (Some(address), Some(channel)) = (names.address_of(identity), provider.address_channel()) else {
            return Ok(Vec::new());
        };
        let mut seen = vec![to];
        let mut yielded = Vec::new();
        for at in names.at_address(self.realm, channel, &identity.raw) {
            let Some(user) = self.store().user_by_identity(at).await? else {
                continue;
            };
            if seen.contains(&user.id) {
                continue;
            }
            seen.push(user.id);
            let account = self.account(user.id).await?;
            let Some((identities, addresses)) = account.yields(&address) else {
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
