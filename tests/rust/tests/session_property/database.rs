//! The database of a history: a store that can fail, forget, and go back in time, and the bugs planted around it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use doorward::store::{
    Advance, Change, Changed, CreatedSignIn, CreatedUser, EndReason, Ends, Extend, NewSignIn, NewUser, Reply,
    SignIn, Store, StoreError, Touch, User,
};
use doorward::{FlowId, SignInId, Timestamp, UserId};
use doorward_tests::intercept::Intercept;
use doorward_tests::wait::block_on;

use crate::operations::Fault;

/// A bug planted around the protocol: in its store or in its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// Ends are answered and not done.
    AcceptsAfterEnd,
    /// First acceptances are answered and not written.
    ConfirmForgotten,
    /// Extensions are answered and not written.
    ExtendForgotten,
    /// The salt of an exchange is lost, so its successor cannot be derived again.
    FreshSuccessor,
    /// The exchange looks whether it may, and then writes over whatever is there.
    NoCompareAndSwap,
    /// The grace is over at once.
    NoGrace,
    /// An end for reuse is answered and not done.
    ReuseIgnored,
    /// A replica that has not heard of the last exchange is asked.
    StaleReads,
    /// The old row shows the factors of its step-up.
    StepUpElevatesOld,
    /// A step-up does not say what it replaces.
    StepUpForgetsOld,
}

/// A write of a history, to be done again on an older copy of the database.
enum Write {
    Advance(Advance),
    Change(Box<Change>),
    Confirm(SignInId, u32, Timestamp),
    CreateSignIn(Box<NewSignIn>),
    CreateUser(Box<NewUser>),
    End(Ends, EndReason, Timestamp),
    Extend(Extend),
    SetEnabled(UserId, bool, Timestamp),
    Touch(Touch),
}

/// Makes a fresh, empty, started store.
pub(crate) type Fresh = Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>;

/// What happens before the next conditional write of the protocol.
pub(crate) type Interruption = Box<dyn FnOnce() + Send>;

/// A database with a memory of its writes.
pub(crate) struct Database {
    fresh: Fresh,
    plant: Option<Plant>,
    state: Mutex<State>,
}

struct State {
    store: Arc<dyn Store>,
    writes: Vec<Write>,
    backup: Option<usize>,
    faults: VecDeque<Fault>,
    drop_confirm: bool,
    interruption: Option<Interruption>,
    /// For the planted bugs alone.
    before: Vec<(SignIn, User)>,
    elevated: Vec<(SignInId, String)>,
}

impl Database {
    /// Empty, and sound but for the plant.
    pub(crate) fn new(fresh: Fresh, plant: Option<Plant>) -> Self {
        let state = State {
            store: fresh(),
            writes: Vec::new(),
            backup: None,
            faults: VecDeque::new(),
            drop_confirm: false,
            interruption: None,
            before: Vec::new(),
            elevated: Vec::new(),
        };
        Self {
            fresh,
            plant,
            state: Mutex::new(state),
        }
    }

    /// At most two, so that the third attempt succeeds.
    pub(crate) fn fail(&self, faults: &[Fault]) {
        let mut state = self.state();
        state.faults = faults.iter().copied().collect();
    }

    /// Faults that no write has met. They are withdrawn.
    pub(crate) fn withdraw_faults(&self) -> bool {
        let mut state = self.state();
        let left = !state.faults.is_empty();
        state.faults.clear();
        left
    }

    pub(crate) fn drop_confirm(&self, drop: bool) {
        self.state().drop_confirm = drop;
    }

    /// Plans an interruption, or takes back one that no write has met.
    pub(crate) fn interrupt(&self, by: Option<Interruption>) {
        // Dropped outside of the lock: it may hold the last reference to its surroundings.
        let before = std::mem::replace(&mut self.state().interruption, by);
        drop(before);
    }

    fn meet_interruption(&self) {
        let interruption = self.state().interruption.take();
        if let Some(happen) = interruption {
            happen();
        }
    }

    pub(crate) fn back_up(&self) {
        let mut state = self.state();
        state.backup = Some(state.writes.len());
    }

    /// Another database that has seen the writes up to the backup takes the place of this one.
    pub(crate) fn roll_back(&self) -> Result<(), StoreError> {
        let Some(until) = self.state().backup.take() else {
            return Ok(());
        };
        let store = (self.fresh)();
        let mut state = self.state();
        state.writes.truncate(until);
        for write in &state.writes {
            again(&*store, write)?;
        }
        let old = std::mem::replace(&mut state.store, store);
        state.before.clear();
        drop(state);
        finish(old.stop())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }

    /// One write of the protocol, which may fail as the history says.
    fn written<T: Unpin + 'static>(&self, write: Write, done: Reply<T>, fault: Option<Fault>) -> Reply<T> {
        let done = finish(done);
        self.state().writes.push(write);
        match fault {
            None => Reply::Now(done),
            Some(_) => Reply::Now(Err(StoreError::UnknownOutcome("planned by the history".into()))),
        }
    }

    fn next_fault(&self) -> Option<Fault> {
        self.state().faults.pop_front()
    }
}

fn rolled_back<T>() -> Reply<T> {
    Reply::Now(Err(StoreError::Retry("planned by the history".into())))
}

impl Intercept for Database {
    fn inner(&self) -> Arc<dyn Store> {
        self.state().store.clone()
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        let found = self.inner().sign_in(id);
        let Some(plant) = self.plant else { return found };
        let mut found = finish(found);
        if let Ok(Some((row, _))) = &mut found {
            let state = self.state();
            if plant == Plant::StepUpElevatesOld
                && let Some((_, factors)) = state.elevated.iter().find(|(old, _)| *old == id)
            {
                row.factors.clone_from(factors);
            }
            if plant == Plant::StaleReads
                && let Some(before) = state.before.iter().rfind(|(row, _)| row.id == id)
            {
                found = Ok(Some(before.clone()));
            }
        }
        Reply::Now(found)
    }

    fn create_user(&self, new: NewUser) -> Reply<CreatedUser> {
        let done = self.inner().create_user(new.clone());
        self.written(Write::CreateUser(Box::new(new)), done, None)
    }

    fn create_sign_in(&self, mut new: NewSignIn) -> Reply<CreatedSignIn> {
        self.meet_interruption();
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if let Some(old) = new.row.replaces {
            self.state().elevated.push((old, new.row.factors.clone()));
            if self.plant == Some(Plant::StepUpForgetsOld) {
                new.row.replaces = None;
            }
        }
        let done = self.inner().create_sign_in(new.clone());
        self.written(Write::CreateSignIn(Box::new(new)), done, fault)
    }

    fn advance(&self, mut next: Advance) -> Reply<bool> {
        let looked = finish(self.inner().sign_in(next.id));
        self.meet_interruption();
        if self.plant == Some(Plant::NoCompareAndSwap)
            && let Ok(Some((row, _))) = looked
            && row.refresh_hash == Some(next.from_refresh_hash)
            && let Ok(Some((now, _))) = finish(self.inner().sign_in(next.id))
        {
            next.from = now.generation;
            next.from_refresh_hash = now.refresh_hash.unwrap_or(next.from_refresh_hash);
        }
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::FreshSuccessor) {
            next.salt = [7; 32];
        }
        if self.plant == Some(Plant::StaleReads)
            && let Ok(Some(before)) = finish(self.inner().sign_in(next.id))
        {
            self.state().before.push(before);
        }
        let done = self.inner().advance(next.clone());
        self.written(Write::Advance(next), done, fault)
    }

    fn extend(&self, extend: Extend) -> Reply<bool> {
        self.meet_interruption();
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::ExtendForgotten) {
            return Reply::Now(Ok(true));
        }
        let done = self.inner().extend(extend.clone());
        self.written(Write::Extend(extend), done, fault)
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.meet_interruption();
        let fault = self.next_fault();
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        if self.plant == Some(Plant::ConfirmForgotten) {
            return Reply::Now(Ok(true));
        }
        let done = self.inner().confirm(id, generation, now);
        self.written(Write::Confirm(id, generation, now), done, fault)
    }

    fn touch(&self, touch: Touch) {
        if matches!(touch, Touch::Confirm { .. }) {
            let dropped = std::mem::take(&mut self.state().drop_confirm);
            if dropped || self.plant == Some(Plant::ConfirmForgotten) {
                return;
            }
        }
        let store = self.inner();
        store.touch(touch.clone());
        settle(&*store);
        self.state().writes.push(Write::Touch(touch));
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        self.meet_interruption();
        // Faults are for the protocol's own ends: the owner's are one call without a second attempt.
        let fault = if reason == EndReason::Ended {
            None
        } else {
            self.next_fault()
        };
        if fault == Some(Fault::RolledBack) {
            return rolled_back();
        }
        match self.plant {
            Some(Plant::AcceptsAfterEnd) => return Reply::Now(Ok(1)),
            Some(Plant::ReuseIgnored) if reason == EndReason::TokenReuse => return Reply::Now(Ok(1)),
            _ => {}
        }
        let done = self.inner().end(which, reason, now);
        self.written(Write::End(which, reason, now), done, fault)
    }

    fn set_enabled(&self, id: UserId, enabled: bool, now: Timestamp) -> Reply<Option<u64>> {
        let done = self.inner().set_enabled(id, enabled, now);
        self.written(Write::SetEnabled(id, enabled, now), done, None)
    }

    fn change(&self, change: Change) -> Reply<Changed> {
        let done = self.inner().change(change.clone());
        self.written(Write::Change(Box::new(change)), done, None)
    }
}

/// Waits until what was queued is written: a transaction that stands behind it has been answered.
fn settle(store: &dyn Store) {
    finish(store.drop_flow(FlowId::from_bytes([0; 16]))).expect("the store answers");
}

/// Waits for an answer, wherever it is made.
pub(crate) fn finish<T: Unpin>(reply: Reply<T>) -> Result<T, StoreError> {
    match reply {
        Reply::Now(answer) => answer,
        later => block_on(later),
    }
}

fn again(store: &dyn Store, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Advance(next) => finish(store.advance(next.clone())).map(drop),
        Write::Change(change) => finish(store.change((**change).clone())).map(drop),
        Write::Confirm(id, generation, now) => finish(store.confirm(*id, *generation, *now)).map(drop),
        Write::CreateSignIn(new) => finish(store.create_sign_in((**new).clone())).map(drop),
        Write::CreateUser(new) => finish(store.create_user((**new).clone())).map(drop),
        Write::End(which, reason, now) => finish(store.end(*which, *reason, *now)).map(drop),
        Write::Extend(extend) => finish(store.extend(extend.clone())).map(drop),
        Write::SetEnabled(id, enabled, now) => finish(store.set_enabled(*id, *enabled, *now)).map(drop),
        Write::Touch(touch) => {
            store.touch(touch.clone());
            settle(store);
            Ok(())
        }
    }
}
