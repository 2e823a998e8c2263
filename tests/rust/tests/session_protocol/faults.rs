//! A store that loses replies, answers late, goes back in time, or is plainly wrong, on request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use doorward::store::memory::MemoryStore;
use doorward::store::{
    Advance, CreatedSignIn, EndReason, Ends, Extend, NewSignIn, Reply, SignIn, Store, StoreError, Touch, User,
};
use doorward::{SignInId, Timestamp};
use doorward_tests::intercept::Intercept;

use crate::planted::Plant;
use crate::world::ready;

/// A method of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Advance,
    Confirm,
    Create,
    End,
    Extend,
    Read,
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A damaged row.
    Corrupt,
    /// Done, and the answer is lost.
    LostReply,
    /// Not done, and nobody knows.
    LostRequest,
    /// Rolled back.
    Retry,
    /// Not reached.
    Unavailable,
}

type Hook = Box<dyn FnOnce() + Send>;

/// The faults to come, in order, each for its call.
pub(crate) struct Faults {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) plant: Plant,
    planned: Mutex<VecDeque<(Call, Fault)>>,
    before: Mutex<VecDeque<(Call, Hook)>>,
    /// Rows as they were: what a read gives while the count lasts.
    restored: Mutex<HashMap<SignInId, (SignIn, u32)>>,
    calls: Mutex<Vec<Call>>,
    /// The last row that was to be inserted.
    created: Mutex<Option<SignIn>>,
}

impl Faults {
    pub(crate) fn new(store: Arc<MemoryStore>, plant: Plant) -> Self {
        Self {
            store,
            plant,
            planned: Mutex::default(),
            before: Mutex::default(),
            restored: Mutex::default(),
            calls: Mutex::default(),
            created: Mutex::default(),
        }
    }

    pub(crate) fn plan(&self, call: Call, fault: Fault) {
        self.planned.lock().unwrap().push_back((call, fault));
    }

    /// Does something just before the next such call.
    pub(crate) fn before(&self, call: Call, hook: impl FnOnce() + Send + 'static) {
        self.before.lock().unwrap().push_back((call, Box::new(hook)));
    }

    /// Gives `row` to the next `reads` look-ups of its id.
    pub(crate) fn restore(&self, row: SignIn, reads: u32) {
        self.restored.lock().unwrap().insert(row.id, (row, reads));
    }

    /// The calls since this was last asked.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// True when everything planned has happened.
    pub(crate) fn is_spent(&self) -> bool {
        self.planned.lock().unwrap().is_empty() && self.before.lock().unwrap().is_empty()
    }

    fn at<T: Unpin>(&self, call: Call, run: impl FnOnce() -> Reply<T>) -> Reply<T> {
        self.calls.lock().unwrap().push(call);
        if let Some(hook) = next(&self.before, call) {
            hook();
        }
        let detail = "planned by the test".to_owned();
        Reply::Now(Err(match next(&self.planned, call) {
            None => return run(),
            Some(Fault::Corrupt) => StoreError::Corrupt(detail),
            Some(Fault::LostReply) => {
                let _: T = ready(run()).unwrap();
                StoreError::UnknownOutcome(detail)
            }
            Some(Fault::LostRequest) => StoreError::UnknownOutcome(detail),
            Some(Fault::Retry) => StoreError::Retry(detail),
            Some(Fault::Unavailable) => StoreError::Unavailable(detail),
        }))
    }

    /// What a planted bug makes of a row that was read.
    fn misread(&self, mut row: SignIn) -> SignIn {
        match self.plant {
            Plant::PreviousForgotten => row.previous_refresh_hash = None,
            Plant::SaltChanged => row.salt = row.salt.map(|_| [0; 32]),
            Plant::StepUpElevatesOld => {
                let created = self.created.lock().unwrap();
                if let Some(new) = created.as_ref().filter(|new| new.replaces == Some(row.id)) {
                    row.factors.clone_from(&new.factors);
                }
            }
            _ => {}
        }
        row
    }
}

/// Takes the first planned thing, if it is for this call.
fn next<T>(planned: &Mutex<VecDeque<(Call, T)>>, call: Call) -> Option<T> {
    let mut planned = planned.lock().unwrap();
    if planned.front().is_some_and(|(at, _)| *at == call) {
        planned.pop_front().map(|(_, what)| what)
    } else {
        None
    }
}

impl Intercept for Faults {
    fn inner(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn sign_in(&self, id: SignInId) -> Reply<Option<(SignIn, User)>> {
        self.at(Call::Read, || {
            let mut found = ready(self.store.sign_in(id)).unwrap();
            if let Some((row, reads)) = self.restored.lock().unwrap().get_mut(&id)
                && *reads > 0
            {
                *reads -= 1;
                found = found.map(|(_, user)| (row.clone(), user));
            }
            Reply::Now(Ok(found.map(|(row, user)| (self.misread(row), user))))
        })
    }

    fn create_sign_in(&self, new: NewSignIn) -> Reply<CreatedSignIn> {
        *self.created.lock().unwrap() = Some(new.row.clone());
        self.at(Call::Create, || self.store.create_sign_in(new))
    }

    fn advance(&self, next: Advance) -> Reply<bool> {
        self.at(Call::Advance, || {
            let won = ready(self.store.advance(next)).unwrap();
            Reply::Now(Ok(won || self.plant == Plant::EverybodyWins))
        })
    }

    fn extend(&self, mut extend: Extend) -> Reply<bool> {
        if self.plant == Plant::ConfirmForgotten {
            extend.confirm = None;
        }
        self.at(Call::Extend, || self.store.extend(extend))
    }

    fn confirm(&self, id: SignInId, generation: u32, now: Timestamp) -> Reply<bool> {
        self.at(Call::Confirm, || {
            if self.plant == Plant::ConfirmForgotten {
                return Reply::Now(Ok(true));
            }
            self.store.confirm(id, generation, now)
        })
    }

    fn touch(&self, touch: Touch) {
        if self.plant == Plant::ConfirmForgotten && matches!(touch, Touch::Confirm { .. }) {
            return;
        }
        self.store.touch(touch);
    }

    fn end(&self, which: Ends, reason: EndReason, now: Timestamp) -> Reply<u64> {
        let forgotten = match self.plant {
            Plant::EndForgotten => true,
            Plant::ReuseIgnored => reason == EndReason::TokenReuse,
            Plant::RollbackIgnored => reason == EndReason::RollbackDetected,
            _ => false,
        };
        self.at(Call::End, || {
            if forgotten {
                return Reply::Now(Ok(1));
            }
            self.store.end(which, reason, now)
        })
    }
}
