//! What a person is told of the ways into the account: what was taken and left, and what else opens it.

use super::call::Call;
use crate::event::{Event, EventName};
use crate::id::UserId;
use crate::outcome::{Answer, WayInfo};
use crate::policy::{Account, Spoils};
use crate::store::{Authenticator, ChangeStep, Identity};

impl Call<'_> {
    /// Says what was taken and what was left: in the answer, and as events.
    pub(super) fn tell_spoils<T>(
        &self,
        answer: &mut Answer<T>,
        user: UserId,
        spoils: &Spoils<'_>,
        why: &'static str,
    ) {
        answer.took = self.ways(&spoils.took_identities, &spoils.took_authenticators);
        answer.kept = self.ways(&spoils.kept_identities, &spoils.kept_authenticators);
        for one in &answer.took {
            let name = if one.is_identity {
                EventName::IdentityUnlinked
            } else {
                EventName::AuthenticatorRemoved
            };
            self.emit_way(name, user, one, why);
        }
        for one in &answer.kept {
            self.emit_way(EventName::WayInKept, user, one, why);
        }
    }

    fn emit_way(&self, name: EventName, user: UserId, way: &WayInfo, why: &str) {
        self.emit(&Event {
            user_id: Some(user),
            provider: Some(way.provider.clone()),
            reason: Some(why.into()),
            ..self.event(name)
        });
    }

    fn way_of_authenticator(&self, held: &Authenticator) -> WayInfo {
        let mut providers = self.context.providers.iter();
        let named = providers.find(|provider| provider.group == held.at.group);
        WayInfo {
            provider: named.map_or_else(|| held.at.group.clone(), |provider| provider.name.clone()),
            name: held.label.clone(),
            is_identity: false,
            created_at: held.created_at,
            last_used_at: held.last_used_at,
            verified_at: None,
        }
    }

    /// What else opens the account, where these steps give it its first second factor; else nothing.
    pub(super) fn others(&self, account: &Account<'_>, steps: &[ChangeStep]) -> Vec<WayInfo> {
        if account.is_protected() || !account.after(steps).is_protected() {
            return Vec::new();
        }
        let (identities, authenticators) = account.opening();
        self.ways(&identities, &authenticators)
    }

    fn ways(&self, identities: &[&Identity], authenticators: &[&Authenticator]) -> Vec<WayInfo> {
        let identities = identities.iter().map(|one| way_of(one));
        let authenticators = authenticators.iter().map(|one| self.way_of_authenticator(one));
        identities.chain(authenticators).collect()
    }
}

/// An identity as answers and events show it.
fn way_of(identity: &Identity) -> WayInfo {
    WayInfo {
        provider: identity.at.provider.clone(),
        name: String::from_utf8_lossy(&identity.raw).into_owned(),
        is_identity: true,
        created_at: identity.created_at,
        last_used_at: identity.last_used_at,
        verified_at: identity.verified_at,
    }
}
