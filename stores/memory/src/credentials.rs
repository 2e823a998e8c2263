//! Identities and authenticators, and their change under the user's epoch.

use super::Tables;
use doorward_base::clock::Timestamp;
use doorward_base::id::{AuthenticatorId, UserId};
use doorward_base::identifier::ProviderId;
use doorward_store::{
    Authenticator, AuthenticatorAt, Bump, Change, ChangeStep, Changed, Ends, Identity, Naming, Subject,
    SubjectLook, Swapped, ThrottleStep, Throttled, UserAddress, WayIn, Yield,
};

/// What a change of a user may change, as it was before.
pub(super) struct Ways {
    user: UserId,
    identities: Vec<Identity>,
    authenticators: Vec<Authenticator>,
    addresses: Vec<UserAddress>,
}

impl Tables {
    pub(super) fn addresses_of(&self, user: UserId) -> impl Iterator<Item = &UserAddress> {
        let all = (user, [0; 32])..=(user, [u8::MAX; 32]);
        self.addresses.range(all).map(|(_, one)| one)
    }

    pub(super) fn authenticators_of(&self, user: UserId) -> impl Iterator<Item = &Authenticator> {
        let from = (user, String::new(), AuthenticatorId::SINGLE);
        let rest = self.authenticators.range(from..).map(|(_, one)| one);
        rest.take_while(move |one| one.at.user_id == user)
    }

    pub(super) fn look(&self, at: &ProviderId, group: &str) -> SubjectLook {
        let Some(identity) = self.identities.at_or_after(at) else {
            return SubjectLook::default();
        };
        // Copied whole before it is asked whose it is: a look in vain costs as much.
        let subject = self.subject_of(identity.user_id, group).map(|subject| Subject {
            identity: Some(identity.clone()),
            ..subject
        });
        SubjectLook::of(subject, identity.at == *at)
    }

    pub(super) fn subject_of(&self, user: UserId, group: &str) -> Option<Subject> {
        let of_group = self.authenticators_of(user).filter(|one| one.at.group == group);
        Some(Subject {
            user: self.users.get(&user)?.clone(),
            identity: None,
            authenticators: of_group.cloned().collect(),
        })
    }

    pub(super) fn subject_by_handle(&self, realm: &str, group: &str, handle: &[u8]) -> Option<Subject> {
        let named = self.authenticators.values().find(|one| {
            one.realm == realm && one.at.group == group && one.handle.as_deref() == Some(handle)
        })?;
        Some(Subject {
            user: self.users.get(&named.at.user_id)?.clone(),
            identity: None,
            authenticators: vec![named.clone()],
        })
    }

    pub(super) fn swap_record(
        &mut self,
        at: &AuthenticatorAt,
        expect: i64,
        sealed: Vec<u8>,
        naming: Naming,
        now: Timestamp,
    ) -> Swapped {
        let is_taken = self.is_taken(at, &naming);
        match self.authenticators.get_mut(&key(at)) {
            Some(one) if one.record_version == expect && is_taken => Swapped::Taken,
            Some(one) if one.record_version == expect => {
                one.record = sealed;
                one.record_version += 1;
                one.last_used_at = one.last_used_at.max(Some(now));
                name(one, naming);
                Swapped::Done
            }
            _ => Swapped::Lost,
        }
    }

    /// Whether another record has the handle that this one is to have.
    fn is_taken(&self, at: &AuthenticatorAt, naming: &Naming) -> bool {
        let realm = self.authenticators.get(&key(at)).map(|one| &one.realm);
        naming.handle.is_some()
            && self.authenticators.values().any(|other| {
                Some(&other.realm) == realm
                    && other.at.group == at.group
                    && other.handle == naming.handle
                    && other.at != *at
            })
    }

    pub(super) fn count_failure(&mut self, at: &AuthenticatorAt, failed: bool) {
        if let Some(one) = self.authenticators.get_mut(&key(at)) {
            one.failures = if failed { one.failures.saturating_add(1) } else { 0 };
        }
    }

    pub(super) fn change(&mut self, change: Change) -> Changed {
        let Some(user) = self.users.get(&change.user_id) else {
            return Changed::Absent;
        };
        if !user.accepts(change.epoch) {
            return Changed::Stale;
        }
        let id = change.user_id;
        let charges: Vec<_> = change.charges.into_iter().map(ThrottleStep::Charge).collect();
        if let Throttled::Closed(wait) = self.throttle(&charges, change.now) {
            return Changed::Closed(wait);
        }
        if !self.is_good(change.token, id, change.now) {
            return Changed::Spent;
        }
        let others = change.steps.iter().filter_map(|step| match step {
            ChangeStep::Take(from) => Some(from.user_id),
            _ => None,
        });
        let before = self.clone_ways(others.chain([id]));
        let steps = change
            .steps
            .into_iter()
            .map(|step| self.step(id, step, change.now));
        let mut outcome = steps.collect::<Result<(), Changed>>();
        if outcome.is_ok() && !self.has_way_in(id, &change.ways_in, change.now) {
            outcome = Err(Changed::LastWayIn);
        }
        if let Err(lost) = outcome {
            self.put_all_back(before);
            return lost;
        }
        self.consume(change.token, change.now);
        self.queue(&change.deliveries);
        self.pay(&change.letters, change.now);
        match change.bump {
            None => Changed::Done {
                epoch: change.epoch,
                ended: 0,
            },
            Some(bump) => self.bump(id, change.epoch, &bump, change.now),
        }
    }

    fn ways_of(&self, user: UserId) -> Ways {
        Ways {
            user,
            identities: self.identities.of(user).cloned().collect(),
            authenticators: self.authenticators_of(user).cloned().collect(),
            addresses: self.addresses_of(user).copied().collect(),
        }
    }

    fn put_back(&mut self, ways: Ways) {
        let id = ways.user;
        self.identities.remove_of(id);
        for identity in ways.identities {
            self.identities.insert(identity);
        }
        self.authenticators.retain(|(owner, ..), _| *owner != id);
        let authenticators = ways.authenticators.into_iter();
        self.authenticators
            .extend(authenticators.map(|row| (key(&row.at), row)));
        self.addresses.retain(|(owner, _), _| *owner != id);
        let addresses = ways.addresses.into_iter();
        self.addresses
            .extend(addresses.map(|row| ((id, row.address), row)));
    }

    /// What changes of these users may change.
    pub(super) fn clone_ways(&self, users: impl Iterator<Item = UserId>) -> Vec<Ways> {
        users.map(|user| self.ways_of(user)).collect()
    }

    /// Everything as it was.
    pub(super) fn put_all_back(&mut self, before: Vec<Ways>) {
        for ways in before {
            self.put_back(ways);
        }
    }

    /// Takes what another user gives up. False: it is not as it was judged, and nothing was taken.
    pub(super) fn take(&mut self, from: &Yield, now: Timestamp) -> bool {
        let is_there = |at| {
            let held = self.identities.get(at);
            held.is_some_and(|held| held.user_id == from.user_id && held.verified_at.is_none())
        };
        let user = self.users.get(&from.user_id);
        if user.is_none_or(|user| user.session_epoch != from.epoch) || !from.identities.iter().all(is_there) {
            return false;
        }
        let before = self.ways_of(from.user_id);
        for at in &from.identities {
            self.identities.remove(at);
        }
        for address in &from.addresses {
            self.addresses.remove(&(from.user_id, *address));
        }
        let stands = self.has_way_in(from.user_id, &from.ways_in, now);
        if !stands {
            self.put_back(before);
        }
        stands
    }

    fn step(&mut self, user: UserId, step: ChangeStep, now: Timestamp) -> Result<(), Changed> {
        match step {
            ChangeStep::Take(from) if !self.take(&from, now) => return Err(Changed::Lost),
            ChangeStep::Take(_) => {}
            ChangeStep::AddAddress(new) => {
                let stored = self.addresses.entry((user, new.address)).or_insert(new);
                if stored.side != new.side {
                    return Err(Changed::BothSides);
                }
                stored.proved = stored.proved.or(new.proved);
            }
            ChangeStep::ProveAddress(address, at, by) => {
                if let Some(stored) = self.addresses.get_mut(&(user, address)) {
                    stored.proved.get_or_insert((at, by));
                }
            }
            ChangeStep::RemoveAddress(address) => {
                self.addresses.remove(&(user, address));
            }
            ChangeStep::SetReach(at, reach) => match self.identities.get_mut(&at) {
                Some(identity) if identity.user_id == user => identity.reach = reach,
                _ => return Err(Changed::Absent),
            },
            ChangeStep::AddIdentity(identity) => {
                if self.identities.has(&identity.at) {
                    return Err(Changed::Taken("identifier"));
                }
                self.identities.insert(identity);
            }
            ChangeStep::RemoveIdentity(at) => match self.identities.get(&at) {
                Some(identity) if identity.user_id == user => {
                    self.identities.remove(&at);
                }
                _ => return Err(Changed::Absent),
            },
            ChangeStep::AddAuthenticator(one) => {
                if self.authenticators.contains_key(&key(&one.at)) {
                    return Err(Changed::Taken("authenticator"));
                }
                let same = |other: &Authenticator| {
                    other.realm == one.realm && other.at.group == one.at.group && other.handle == one.handle
                };
                if one.handle.is_some() && self.authenticators.values().any(same) {
                    return Err(Changed::Taken("handle"));
                }
                self.authenticators.insert(key(&one.at), one);
            }
            ChangeStep::ReplaceAuthenticator { new, expect, naming } => {
                let is_taken = self.is_taken(&new.at, &naming);
                let stored = self.owned(user, &new.at)?;
                if stored.record_version != expect {
                    return Err(Changed::Lost);
                }
                if is_taken {
                    return Err(Changed::Taken("handle"));
                }
                name(stored, naming);
                stored.record = new.record;
                stored.kind = new.kind;
                stored.status = new.status;
                stored.set_over = new.set_over;
                stored.failures = 0;
                stored.record_version += 1;
            }
            ChangeStep::RemoveAuthenticator(at) => {
                self.owned(user, &at)?;
                self.authenticators.remove(&key(&at));
            }
            ChangeStep::RenameAuthenticator(at, label) => self.owned(user, &at)?.label = label,
            ChangeStep::VerifyIdentity(at, now) => match self.identities.get_mut(&at) {
                Some(identity) if identity.user_id == user => {
                    identity.verified_at.get_or_insert(now);
                }
                _ => return Err(Changed::Absent),
            },
        }
        Ok(())
    }

    fn owned(&mut self, user: UserId, at: &AuthenticatorAt) -> Result<&mut Authenticator, Changed> {
        if at.user_id != user {
            return Err(Changed::Absent);
        }
        self.authenticators.get_mut(&key(at)).ok_or(Changed::Absent)
    }

    fn has_way_in(&self, user: UserId, ways: &[WayIn], now: Timestamp) -> bool {
        let is_open = |way: &WayIn| way.is_open(self.identities.of(user), self.authenticators_of(user), now);
        ways.is_empty() || ways.iter().any(is_open)
    }

    fn bump(&mut self, id: UserId, old: i64, bump: &Bump, now: Timestamp) -> Changed {
        let epoch = old + 1;
        let which = bump.keep.map_or(Ends::All(id), |keep| Ends::Others(id, keep));
        let ended = self.end(which, bump.reason, now);
        if let Some(user) = self.users.get_mut(&id) {
            user.session_epoch = epoch;
            user.updated_at = user.updated_at.max(now);
        }
        for row in self.sign_ins.values_mut() {
            if row.user_id == id && row.ended_at.is_none() && row.epoch == old {
                row.epoch = epoch;
            }
        }
        Changed::Done { epoch, ended }
    }
}

fn name(one: &mut Authenticator, naming: Naming) {
    if let Some(label) = naming.label {
        one.label = label;
    }
    if naming.handle.is_some() {
        one.handle = naming.handle;
    }
}

pub(super) fn key(at: &AuthenticatorAt) -> (UserId, String, AuthenticatorId) {
    (at.user_id, at.group.clone(), at.id)
}
