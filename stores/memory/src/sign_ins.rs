//! Sign-ins: the conditional writes of the session protocol.

use super::{Tables, credentials};
use doorward_base::clock::Timestamp;
use doorward_base::id::{SignInId, UserId};
use doorward_base::secret;
use doorward_store::{
    Advance, CreatedSignIn, EndReason, Ends, Extend, Hash, NewSignIn, PutAttributes, SignIn, Touch, User,
};

impl Tables {
    pub(super) fn create_sign_in(&mut self, new: NewSignIn) -> CreatedSignIn {
        let row = new.row;
        let now = row.created_at;
        let Some(user) = (self.users.get(&row.user_id)).filter(|user| user.accepts(row.epoch)) else {
            return CreatedSignIn::Refused;
        };
        if let Some(stored) = self.sign_ins.get(&row.id) {
            let same = stored.user_id == row.user_id
                && stored.family_hash == row.family_hash
                && stored.refresh_hash == row.refresh_hash
                && stored.access_hash == row.access_hash;
            return if same {
                CreatedSignIn::Created(Vec::new())
            } else {
                CreatedSignIn::Refused
            };
        }
        let mut evicted = Vec::new();
        if let Some(old) = row.replaces {
            let lives = |old: &SignIn| old.user_id == row.user_id && old.ended_at.is_none();
            if !self.sign_ins.get(&old).is_some_and(lives) {
                return CreatedSignIn::Refused;
            }
        } else {
            let counted = |other: &&SignIn| other.user_id == row.user_id && other.is_counted(user, now);
            let mut live: Vec<&SignIn> = self.sign_ins.values().filter(counted).collect();
            let beyond = (live.len() + 1).saturating_sub(new.max_sign_ins as usize);
            if beyond > 0 && !new.evict {
                return CreatedSignIn::CapReached;
            }
            live.sort_by_key(|row| (row.last_seen_at, row.id));
            evicted = live.iter().take(beyond).map(|row| row.id).collect();
        }
        for id in &evicted {
            self.end_one(row.user_id, *id, EndReason::Cap, now);
        }
        if let Some(other) = new.ends
            && let Some(owner) = self.sign_ins.get(&other).map(|other| other.user_id)
        {
            self.end_one(owner, other, EndReason::Replaced, now);
        }
        self.sign_ins.insert(row.id, row);
        CreatedSignIn::Created(evicted)
    }

    pub(super) fn advance(&mut self, next: &Advance) -> bool {
        let Some(row) = self.current(next.id, next.from, &next.from_refresh_hash) else {
            return false;
        };
        let Some(generation) = next.from.checked_add(1) else {
            return false;
        };
        row.previous_refresh_hash = row.refresh_hash.replace(next.refresh_hash);
        row.previous_access_hash = row.access_hash.replace(next.access_hash);
        row.previous_access_expires_at = Some(row.access_expires_at);
        row.generation = generation;
        row.salt = Some(next.salt);
        row.access_expires_at = next.access_expires_at;
        row.confirmed_at = None;
        row.replaces = None;
        row.idle_expires_at = row.idle_expires_at.max(next.idle_expires_at);
        row.last_seen_at = row.last_seen_at.max(next.now);
        true
    }

    pub(super) fn extend(&mut self, extend: &Extend) -> bool {
        let Some(row) = self.current(extend.id, extend.generation, &extend.refresh_hash) else {
            return false;
        };
        row.access_expires_at = row.access_expires_at.max(extend.access_expires_at);
        if let Some(now) = extend.confirm {
            row.confirmed_at.get_or_insert(now);
            let (user, replaced) = (row.user_id, row.replaces);
            if let Some(old) = replaced {
                self.end_one(user, old, EndReason::Superseded, now);
            }
        }
        true
    }

    pub(super) fn confirm(&mut self, id: SignInId, generation: u32, now: Timestamp) -> bool {
        let Some(row) = self.sign_ins.get_mut(&id) else {
            return false;
        };
        let user = self.users.get(&row.user_id);
        if row.generation != generation || !user.is_some_and(|user| row.is_live(user, now)) {
            return false;
        }
        row.confirmed_at.get_or_insert(now);
        let (user, replaced) = (row.user_id, row.replaces);
        if let Some(old) = replaced {
            self.end_one(user, old, EndReason::Superseded, now);
        }
        true
    }

    pub(super) fn touch(&mut self, touch: Touch) {
        match touch {
            Touch::Confirm { id, generation, at } => {
                // Its first use has to wait for the end of what it replaces.
                if (self.sign_ins.get(&id)).is_some_and(|row| row.replaces.is_none()) {
                    self.confirm(id, generation, at);
                }
            }
            Touch::Seen {
                id,
                at,
                idle_expires_at,
            } => {
                if let Some(row) = self.sign_ins.get_mut(&id).filter(|row| row.ended_at.is_none()) {
                    row.last_seen_at = row.last_seen_at.max(at);
                    row.idle_expires_at = row.idle_expires_at.max(idle_expires_at);
                }
            }
            Touch::IdentityUsed(at, now) => {
                if let Some(row) = self.identities.get_mut(&at) {
                    row.last_used_at = row.last_used_at.max(Some(now));
                }
            }
            Touch::AuthenticatorUsed(at, now) => {
                if let Some(row) = self.authenticators.get_mut(&credentials::key(&at)) {
                    row.last_used_at = row.last_used_at.max(Some(now));
                }
            }
        }
    }

    pub(super) fn end(&mut self, which: Ends, reason: EndReason, now: Timestamp) -> u64 {
        let Some(user) = self.users.get(&which.user()).cloned() else {
            return 0;
        };
        self.end_where(&user, reason, now, |row| match which {
            Ends::One(_, id) => row.goes_with(id),
            Ends::Others(_, keep) => !row.goes_with(keep),
            Ends::All(_) => true,
        })
    }

    /// Ends one sign-in and every unconfirmed one that replaces it.
    fn end_one(&mut self, user: UserId, id: SignInId, reason: EndReason, now: Timestamp) {
        self.end(Ends::One(user, id), reason, now);
    }

    /// Marks what has not ended yet; the count of those that counted, by the user as it was before.
    pub(super) fn end_where(
        &mut self,
        user: &User,
        reason: EndReason,
        now: Timestamp,
        which: impl Fn(&SignIn) -> bool,
    ) -> u64 {
        let mut ended = 0;
        for row in self.sign_ins.values_mut() {
            if row.user_id != user.id || row.ended_at.is_some() || !which(row) {
                continue;
            }
            ended += u64::from(row.is_counted(user, now));
            row.ended_at = Some(now);
            row.end_reason = Some(reason);
            row.salt = None;
            row.refresh_hash = None;
            row.access_hash = None;
            row.previous_refresh_hash = None;
            row.previous_access_hash = None;
        }
        ended
    }

    pub(super) fn listed(&self, user: UserId, now: Timestamp) -> Vec<SignIn> {
        let Some(owner) = self.users.get(&user) else {
            return Vec::new();
        };
        let counted = |row: &&SignIn| row.user_id == user && row.is_counted(owner, now);
        let mut rows: Vec<SignIn> = self.sign_ins.values().filter(counted).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        rows
    }

    pub(super) fn put_session_attributes(
        &mut self,
        id: SignInId,
        expect: i64,
        attributes: String,
    ) -> PutAttributes {
        match self.sign_ins.get_mut(&id) {
            Some(row) if row.ended_at.is_none() && row.version == expect => {
                row.attributes = attributes;
                row.version += 1;
                PutAttributes::Won(row.version)
            }
            Some(row) if row.ended_at.is_none() => PutAttributes::Lost,
            _ => PutAttributes::Absent,
        }
    }

    /// The row, if it is at this generation, with this refresh hash, and has not ended.
    fn current(&mut self, id: SignInId, generation: u32, refresh_hash: &Hash) -> Option<&mut SignIn> {
        self.sign_ins.get_mut(&id).filter(|row| {
            row.generation == generation
                && row.ended_at.is_none()
                && (row.refresh_hash.as_ref()).is_some_and(|stored| secret::equal(stored, refresh_hash))
        })
    }
}
