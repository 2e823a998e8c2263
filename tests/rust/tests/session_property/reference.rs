//! The session protocol as one thread sees it, written from `docs/sessions.md` and from nothing else: what every
//! operation answers, and when each thing ends. A secret is the number of its draw.

mod answer;

use std::collections::BTreeMap;

use doorward::SignInId;

pub(crate) use answer::{
    ABSOLUTE, ACCESS, Answer, GRACE, How, IDLE, Listed, MAX_SIGN_INS, Micros, Presented, SECOND, Seen, SignIn,
};

/// One user and the sign-ins of it: what the database holds.
#[derive(Clone, Debug, Default)]
struct Tables {
    epoch: i64,
    disabled: bool,
    sign_ins: BTreeMap<SignInId, SignIn>,
}

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) now: Micros,
    /// By how much the wall clock has left the time that passed, when a step was last noticed.
    apart: Micros,
    /// The same now.
    stepped: Micros,
    /// When a step was last noticed, by the wall clock less its steps.
    stepped_at: Option<Micros>,
    pub(crate) evict: bool,
    /// The queue is full: the next first acceptance is not written down.
    pub(crate) drop_confirm: bool,
    tables: Tables,
    backup: Option<Tables>,
    draws: u64,
}

impl Reference {
    pub(crate) fn new(now: Micros, evict: bool) -> Self {
        Self {
            now,
            apart: 0,
            stepped: 0,
            stepped_at: None,
            evict,
            drop_confirm: false,
            tables: Tables::default(),
            backup: None,
            draws: 0,
        }
    }

    /// Time passes until then.
    pub(crate) fn pass(&mut self, now: Micros) {
        self.now = now;
    }

    /// The wall clock steps. More than a second in all since the last time is noticed.
    pub(crate) fn step(&mut self, by: Micros) {
        self.now += by;
        self.stepped += by;
        if (self.stepped - self.apart).abs() > SECOND {
            self.apart = self.stepped;
            self.stepped_at = Some(self.now - self.stepped);
        }
    }

    /// Less than a grace ago a step was noticed: the previous generation is taken to be settling.
    fn has_stepped(&self) -> bool {
        self.stepped_at
            .is_some_and(|at| self.now - self.stepped < at + GRACE)
    }

    pub(crate) fn epoch(&self) -> i64 {
        self.tables.epoch
    }

    pub(crate) fn sign_in(&self, token: &Presented) -> Option<&SignIn> {
        self.tables.sign_ins.get(&token.id?)
    }

    /// The genuine token of the current generation.
    pub(crate) fn current(&self, id: SignInId) -> Option<Presented> {
        let row = self.tables.sign_ins.get(&id)?;
        Some(Presented {
            id: Some(id),
            generation: row.generation,
            draw: row.draw,
            family: true,
        })
    }

    /// Rule 1: why the row is not live.
    fn over(&self, row: &SignIn) -> Option<&'static str> {
        if row.ended.is_some() {
            return row.ended;
        }
        if self.tables.disabled {
            return Some("user_disabled");
        }
        if row.epoch != self.tables.epoch {
            return Some("credentials_changed");
        }
        (!row.is_unended(self.now)).then_some("expired")
    }

    pub(crate) fn refresh(&mut self, token: &Presented) -> Answer {
        let now = self.now;
        let Some((id, row)) = token.id.and_then(|id| Some((id, self.tables.sign_ins.get(&id)?))) else {
            return Answer::Invalid;
        };
        if let Some(over) = self.over(row) {
            return Answer::SignedOut(token.family.then_some(over));
        }
        if !token.family {
            return Answer::Invalid;
        }
        let (settling, stepped) = (row.is_settling(now), self.has_stepped());
        let how = if row.is_current(token) && settling {
            self.confirm(id);
            How::Current
        } else if row.is_current(token) {
            self.draws += 1;
            let draw = self.draws;
            let row = self.row(id);
            row.previous = Some(row.draw);
            row.previous_access_end = row.access_end;
            row.generation += 1;
            row.draw = draw;
            row.confirmed = None;
            row.access_end = row.absolute_end.min(now + ACCESS);
            row.idle_end = row.idle_end.max(now + IDLE);
            row.last_seen = row.last_seen.max(now);
            How::Next
        } else if row.is_previous(token) && (settling || stepped) {
            How::Repeated
        } else {
            let older = token.generation < row.generation;
            let reason = if older { "token_reuse" } else { "rollback_detected" };
            self.end_one(id, reason);
            return Answer::Ended(reason);
        };
        let row = self.row(id);
        if how != How::Next {
            row.access_end = row.access_end.max(row.absolute_end.min(now + ACCESS));
        }
        let session = row.seen(id, row.access_end);
        if how != How::Next {
            self.note_use(id);
        }
        Answer::Tokens { how, session }
    }

    /// Gives an end another reason, and those of the step-ups that ended with it.
    pub(crate) fn rename_end(&mut self, token: &Presented, reason: &'static str) {
        for (id, row) in &mut self.tables.sign_ins {
            let ended_now = Some(*id) == token.id || (row.replaces == token.id && row.is_pending());
            if ended_now && row.ended == Some("token_reuse") {
                row.ended = Some(reason);
            }
        }
    }

    pub(crate) fn validate(&mut self, token: &Presented) -> Answer {
        let now = self.now;
        let Some((id, row)) = token.id.and_then(|id| Some((id, self.tables.sign_ins.get(&id)?))) else {
            return Answer::Invalid;
        };
        if self.over(row).is_some() {
            return Answer::Invalid;
        }
        let session = if row.is_current(token) && now < row.access_end {
            let session = row.seen(id, row.access_end);
            if row.confirmed.is_none() {
                // Nobody waits for the queue, except where the write also ends another sign-in.
                let waits = row.replaces.is_some() && row.generation == 0;
                if waits || !std::mem::take(&mut self.drop_confirm) {
                    self.confirm(id);
                }
            }
            session
        } else if row.is_previous(token)
            && (row.is_settling(now) || self.has_stepped())
            && now < row.previous_access_end
        {
            row.seen(id, row.previous_access_end)
        } else if row.is_current(token) || row.is_previous(token) {
            return Answer::Expired;
        } else {
            return Answer::Invalid;
        };
        self.note_use(id);
        Answer::Accepted(session)
    }

    pub(crate) fn sign_out(&mut self, token: &Presented, access: bool) -> Answer {
        let Some((id, row)) = token.id.and_then(|id| Some((id, self.tables.sign_ins.get(&id)?))) else {
            return Answer::Invalid;
        };
        let owned = if access {
            row.ended.is_none() && (row.is_current(token) || row.is_previous(token))
        } else {
            token.family
        };
        if !owned {
            return Answer::Invalid;
        }
        if row.ended.is_some() {
            return Answer::NotLive;
        }
        let live = self.over(row).is_none();
        // Whoever signs out with a step-up has used it: what it replaces ends as well.
        if live && row.is_pending() {
            self.confirm(id);
        }
        self.end_one(id, "signed_out");
        if live {
            Answer::Ended("signed_out")
        } else {
            Answer::NotLive
        }
    }

    /// What `create_session` with a proof of this epoch will answer; the id is not known yet.
    pub(crate) fn may_create(&self, epoch: i64) -> Result<Vec<SignInId>, Answer> {
        if self.tables.disabled || epoch != self.tables.epoch {
            return Err(Answer::Refused);
        }
        let counted = |row: &SignIn| row.is_unended(self.now) && !row.is_pending();
        let live = self.tables.sign_ins.iter().filter(|(_, row)| counted(row));
        let mut live: Vec<_> = live.map(|(id, row)| (row.last_seen, *id)).collect();
        let beyond = (live.len() + 1).saturating_sub(MAX_SIGN_INS as usize);
        if beyond > 0 && !self.evict {
            return Err(Answer::CapReached);
        }
        live.sort_unstable();
        Ok(live.into_iter().take(beyond).map(|(_, id)| id).collect())
    }

    pub(crate) fn create(&mut self, id: SignInId, evicted: Vec<SignInId>) -> Answer {
        for id in &evicted {
            self.end_one(*id, "cap");
        }
        let absolute_end = self.now + ABSOLUTE;
        let session = self.insert(id, absolute_end, None, false);
        Answer::Created { session, evicted }
    }

    /// Whether a step-up from here would be made: the proof's epoch stands and the old one is live.
    pub(crate) fn may_step_up(&self, old: SignInId, epoch: i64) -> bool {
        let row = self.tables.sign_ins.get(&old);
        epoch == self.tables.epoch && row.is_some_and(|row| self.over(row).is_none())
    }

    /// After [`validate`](Self::validate) accepted a token of the old one.
    pub(crate) fn step_up(&mut self, old: SignInId, id: SignInId, full: bool) -> Answer {
        let was = self.row(old);
        // A full sign-in starts the absolute end anew, for as long as the one it replaces was meant to live.
        let span = was.absolute_end - was.created;
        let ends = was.absolute_end;
        let absolute_end = if full {
            ends.max(self.now + span.min(ABSOLUTE))
        } else {
            ends
        };
        let session = self.insert(id, absolute_end, Some(old), true);
        Answer::Created {
            session,
            evicted: Vec::new(),
        }
    }

    fn insert(
        &mut self,
        id: SignInId,
        absolute_end: Micros,
        replaces: Option<SignInId>,
        elevated: bool,
    ) -> Seen {
        let now = self.now;
        let row = SignIn {
            epoch: self.tables.epoch,
            generation: 0,
            draw: 0,
            previous: None,
            confirmed: replaces.is_none().then_some(now),
            access_end: absolute_end.min(now + ACCESS),
            previous_access_end: 0,
            idle_end: now + IDLE,
            absolute_end,
            created: now,
            last_seen: now,
            replaces,
            elevated,
            ended: None,
        };
        let seen = row.seen(id, row.access_end);
        self.tables.sign_ins.insert(id, row);
        seen
    }

    pub(crate) fn end_listed(&mut self, id: SignInId) -> Answer {
        Answer::Count(self.end_one(id, "ended"))
    }

    pub(crate) fn end_others(&mut self, keep: SignInId) -> Answer {
        let kept =
            |id: &SignInId, row: &SignIn| *id == keep || (row.replaces == Some(keep) && row.is_pending());
        Answer::Count(self.end_where("ended", |id, row| !kept(id, row)))
    }

    pub(crate) fn end_all(&mut self) -> Answer {
        Answer::Count(self.end_where("ended", |_, _| true))
    }

    /// Credentials change: other sign-ins end, the kept one and its pending step-ups take the new epoch.
    pub(crate) fn change_credentials(&mut self, keep: Option<SignInId>) -> Answer {
        if self.tables.disabled {
            return Answer::Refused;
        }
        self.tables.epoch += 1;
        let epoch = self.tables.epoch;
        for (id, row) in &mut self.tables.sign_ins {
            let kept = Some(*id) == keep || (keep.is_some() && row.replaces == keep && row.is_pending());
            if kept && row.ended.is_none() {
                row.epoch = epoch;
            }
        }
        Answer::Count(self.end_where("credentials_changed", |_, row| row.epoch != epoch))
    }

    pub(crate) fn disable(&mut self) -> Answer {
        self.tables.disabled = true;
        self.tables.epoch += 1;
        Answer::Count(self.end_where("user_disabled", |_, _| true))
    }

    pub(crate) fn enable(&mut self) -> Answer {
        self.tables.disabled = false;
        Answer::Count(0)
    }

    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.tables.clone());
    }

    /// The database forgets. Draws are never repeated: new salts are random.
    pub(crate) fn roll_back(&mut self) -> bool {
        self.backup.take().map(|tables| self.tables = tables).is_some()
    }

    /// The live sign-ins without pending step-ups, in order of id.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let shown = |row: &SignIn| self.over(row).is_none() && !row.is_pending();
        let rows = self.tables.sign_ins.iter().filter(|(_, row)| shown(row));
        rows.map(|(id, row)| Listed {
            id: *id,
            generation: row.generation,
            last_seen: row.last_seen,
            idle_end: row.idle_end,
            elevated: row.elevated,
        })
        .collect()
    }

    /// First acceptance; the first use of a step-up ends what it replaces.
    fn confirm(&mut self, id: SignInId) {
        let now = self.now;
        let row = self.row(id);
        let replaced = row.replaces.filter(|_| row.is_pending());
        row.confirmed.get_or_insert(now);
        if let Some(old) = replaced {
            self.end_one(old, "superseded");
        }
    }

    /// Idle end and last use move at most once per twentieth of the idle lifetime, never backwards.
    fn note_use(&mut self, id: SignInId) {
        let now = self.now;
        let row = self.row(id);
        if now >= row.last_seen + IDLE / 20 {
            row.last_seen = now;
            row.idle_end = row.idle_end.max(now + IDLE);
        }
    }

    /// Ends one and, with it, every unconfirmed one that replaces it. The count of those that were live.
    fn end_one(&mut self, id: SignInId, reason: &'static str) -> u64 {
        self.end_where(reason, |at, row| {
            *at == id || (row.replaces == Some(id) && row.is_pending())
        })
    }

    fn end_where(&mut self, reason: &'static str, which: impl Fn(&SignInId, &SignIn) -> bool) -> u64 {
        let now = self.now;
        let mut count = 0;
        for (id, row) in &mut self.tables.sign_ins {
            if row.ended.is_none() && which(id, row) {
                count += u64::from(row.is_unended(now) && !row.is_pending());
                row.ended = Some(reason);
            }
        }
        count
    }

    fn row(&mut self, id: SignInId) -> &mut SignIn {
        self.tables
            .sign_ins
            .get_mut(&id)
            .expect("the caller has found it")
    }
}
