//! Users and their unique attributes.

use std::ops::Bound;

use super::Tables;
use doorward_base::clock::Timestamp;
use doorward_base::id::UserId;
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, CreatedUser, DeletedUser, EndReason, NewUser, PutAttributes, User, UserPage,
};

impl Tables {
    pub(super) fn create_user(&mut self, new: NewUser) -> CreatedUser {
        let now = new.user.created_at;
        let paid = match self.priced(&new.post, now) {
            Ok(paid) => paid,
            Err(wait) => return CreatedUser::Closed(wait),
        };
        if let Some(user) = self.users.get(&new.user.id) {
            return CreatedUser::SameId(user.clone());
        }
        let id = new.user.id;
        let realm = new.user.realm.clone();
        // Two of them may be of one user: the rows of all stay as they are unless all are taken.
        let before = self.clone_ways(new.takes.iter().map(|from| from.user_id));
        if !new.takes.iter().all(|from| self.take(from, now)) {
            self.put_all_back(before);
            return CreatedUser::Lost;
        }
        if let Some(taken) = self.taken(&new) {
            self.put_all_back(before);
            return CreatedUser::Taken(taken);
        }
        for (name, value) in new.unique {
            self.unique.insert((realm.clone(), name, value), id);
        }
        if let Some(identity) = new.identity {
            self.identities.insert(identity);
        }
        for one in new.authenticators {
            let key = (id, one.at.group.clone(), one.at.id);
            self.authenticators.insert(key, one);
        }
        for one in new.addresses {
            self.addresses.insert((id, one.address), one);
        }
        self.users.insert(id, new.user);
        self.paid(paid, now);
        CreatedUser::Created
    }

    /// What of it is another user's.
    fn taken(&self, new: &NewUser) -> Option<&'static str> {
        let identity = new.identity.as_ref();
        if identity.is_some_and(|identity| self.identities.has(&identity.at)) {
            return Some("identifier");
        }
        if self.unique_is_taken(new.user.id, &new.user.realm, &new.unique) {
            return Some("attribute");
        }
        for (index, one) in new.authenticators.iter().enumerate() {
            let earlier = &new.authenticators[..index];
            let same = |other: &Authenticator| {
                one.handle.is_some()
                    && other.handle == one.handle
                    && other.realm == one.realm
                    && other.at.group == one.at.group
            };
            if earlier.iter().any(same) || self.authenticators.values().any(same) {
                return Some("handle");
            }
        }
        None
    }

    pub(super) fn page(&self, page: &UserPage) -> Vec<User> {
        let bound = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let fit = |user: &&User| user.is_listed(&page.realm, page.enabled);
        let limit = page.limit as usize;
        if page.newest_first {
            let rest = self.users.range((Bound::Unbounded, bound)).rev();
            return rest
                .map(|(_, user)| user)
                .filter(fit)
                .take(limit)
                .cloned()
                .collect();
        }
        let rest = self.users.range((bound, Bound::Unbounded));
        rest.map(|(_, user)| user)
            .filter(fit)
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn count_users(&self, realm: &str, enabled: Option<bool>, limit: u32) -> u64 {
        let listed = self.users.values().filter(|user| user.is_listed(realm, enabled));
        listed.take(limit as usize).count() as u64
    }

    pub(super) fn by_prefix(&self, at: &ProviderId, limit: u32) -> Vec<User> {
        let found = self.identities.beginning(at).take(limit as usize);
        found
            .filter_map(|identity| self.users.get(&identity.user_id).cloned())
            .collect()
    }

    pub(super) fn put_attributes(
        &mut self,
        id: UserId,
        expect: i64,
        attributes: String,
        unique: Vec<(String, Vec<u8>)>,
        now: Timestamp,
    ) -> PutAttributes {
        let Some(user) = self.users.get(&id) else {
            return PutAttributes::Absent;
        };
        if user.version != expect {
            return PutAttributes::Lost;
        }
        let realm = user.realm.clone();
        if self.unique_is_taken(id, &realm, &unique) {
            return PutAttributes::Taken;
        }
        self.unique.retain(|_, owner| *owner != id);
        for (name, value) in unique {
            self.unique.insert((realm.clone(), name, value), id);
        }
        let Some(user) = self.users.get_mut(&id) else {
            return PutAttributes::Absent;
        };
        user.attributes = attributes;
        user.version = expect + 1;
        user.updated_at = user.updated_at.max(now);
        PutAttributes::Won(user.version)
    }

    fn unique_is_taken(&self, id: UserId, realm: &str, unique: &[(String, Vec<u8>)]) -> bool {
        unique.iter().any(|(name, value)| {
            let key = (realm.to_owned(), name.clone(), value.clone());
            self.unique.get(&key).is_some_and(|owner| *owner != id)
        })
    }

    pub(super) fn set_enabled(&mut self, id: UserId, enabled: bool, now: Timestamp) -> Option<u64> {
        let before = self.users.get(&id)?.clone();
        let user = self.users.get_mut(&id)?;
        user.updated_at = user.updated_at.max(now);
        if enabled {
            user.disabled_at = None;
            return Some(0);
        }
        user.disabled_at.get_or_insert(now);
        user.session_epoch += 1;
        Some(self.end_where(&before, EndReason::UserDisabled, now, |_| true))
    }

    pub(super) fn delete_user(&mut self, id: UserId, now: Timestamp) -> DeletedUser {
        let Some(user) = self.users.remove(&id) else {
            return DeletedUser::Absent;
        };
        let rows = self.sign_ins.values().filter(|row| row.user_id == id);
        let ended = rows.filter(|row| row.is_counted(&user, now)).count() as u64;
        self.unique.retain(|_, owner| *owner != id);
        self.identities.remove_of(id);
        self.authenticators.retain(|(owner, ..), _| *owner != id);
        self.addresses.retain(|(owner, _), _| *owner != id);
        self.sign_ins.retain(|_, row| row.user_id != id);
        self.flows.retain(|_, flow| flow.user_id != Some(id));
        self.tokens.retain(|_, token| token.user_id != Some(id));
        self.outbox.retain(|_, queued| queued.user_id != Some(id));
        DeletedUser::Deleted(ended)
    }
}
