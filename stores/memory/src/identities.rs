//! Identities, by provider id and by user.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::Identity;

#[derive(Default)]
pub(super) struct Identities {
    rows: BTreeMap<ProviderId, Identity>,
    by_user: BTreeSet<(UserId, ProviderId)>,
}

impl Identities {
    pub(super) fn get(&self, at: &ProviderId) -> Option<&Identity> {
        self.rows.get(at)
    }

    /// This one, or the next one where it is not there: a look in vain reads as much.
    pub(super) fn at_or_after(&self, at: &ProviderId) -> Option<&Identity> {
        self.rows.range(at..).next().map(|(_, identity)| identity)
    }

    /// Those at its provider whose identifiers begin as this one's does, in order of them.
    pub(super) fn beginning(&self, at: &ProviderId) -> impl Iterator<Item = &Identity> {
        let rest = self.rows.range(at.clone()..);
        rest.take_while(move |(id, _)| {
            id.realm == at.realm && id.provider == at.provider && id.canonical.starts_with(&at.canonical)
        })
        .map(|(_, identity)| identity)
    }

    /// For its properties: whose it is stays.
    pub(super) fn get_mut(&mut self, at: &ProviderId) -> Option<&mut Identity> {
        self.rows.get_mut(at)
    }

    pub(super) fn has(&self, at: &ProviderId) -> bool {
        self.rows.contains_key(at)
    }

    pub(super) fn of(&self, user: UserId) -> impl Iterator<Item = &Identity> {
        let least = ProviderId {
            realm: String::new(),
            provider: String::new(),
            canonical: Vec::new(),
        };
        let from = (Bound::Included((user, least)), Bound::Unbounded);
        let rest = self.by_user.range(from);
        rest.take_while(move |(owner, _)| *owner == user)
            .filter_map(|(_, at)| self.rows.get(at))
    }

    pub(super) fn insert(&mut self, identity: Identity) {
        let (user, at) = (identity.user_id, identity.at.clone());
        if let Some(before) = self.rows.insert(at.clone(), identity) {
            self.by_user.remove(&(before.user_id, before.at));
        }
        self.by_user.insert((user, at));
    }

    pub(super) fn remove(&mut self, at: &ProviderId) {
        if let Some(identity) = self.rows.remove(at) {
            self.by_user.remove(&(identity.user_id, identity.at));
        }
    }

    pub(super) fn remove_of(&mut self, user: UserId) {
        let all: Vec<ProviderId> = self.of(user).map(|identity| identity.at.clone()).collect();
        for at in all {
            self.remove(&at);
        }
    }
}
