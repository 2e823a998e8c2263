//! Slots: how many attempts of one subject work at once in this process. Others wait in order, in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Hash;

/// Most attempts that wait for one key.
const WAITING: usize = 256;
/// Most attempts of strangers that wait in a process.
const STRANGERS: usize = 4096;
/// Most attempts of known devices that wait in a process, apart from strangers'.
const KNOWN: usize = 1024;

/// The slots of one process.
#[derive(Clone)]
pub(crate) struct Slots {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct State {
    /// Moves on when the process is another: what its parent had begun is not here.
    generation: u64,
    process: u32,
    lanes: HashMap<Hash, Lane>,
    strangers: usize,
    known: usize,
}

#[derive(Default)]
struct Lane {
    running: usize,
    waiting: VecDeque<Waiter>,
}

struct Waiter {
    known: bool,
    /// By the monotonic clock.
    expires_at: Duration,
    to: oneshot::Sender<Permit>,
}

/// One attempt may work. Its drop lets the next one go.
pub(crate) struct Permit {
    slots: Slots,
    key: Hash,
    generation: u64,
    armed: bool,
}

impl Slots {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Arc::default(),
            clock,
        }
    }

    /// Waits for one of `most` slots of this key, `patience` long. The refusal may come late by the length of one
    /// attempt, never before its time. True: others went first.
    ///
    /// # Errors
    /// `Overloaded`: too many wait, or waited for too long.
    pub(crate) async fn take(
        &self,
        key: Hash,
        most: usize,
        known: bool,
        patience: Duration,
    ) -> Result<(Permit, bool)> {
        let waiting = {
            let mut state = self.lock();
            let generation = state.generation;
            let waiting = if known { state.known } else { state.strangers };
            let lane = state.lanes.entry(key).or_default();
            if lane.running < most.max(1) {
                lane.running += 1;
                return Ok((self.permit(key, generation), false));
            }
            if waiting >= if known { KNOWN } else { STRANGERS } || lane.waiting.len() >= WAITING {
                return Err(overloaded());
            }
            let (to, waiting) = oneshot::channel();
            lane.waiting.push_back(Waiter {
                known,
                expires_at: self.clock.monotonic().saturating_add(patience),
                to,
            });
            *state.waiting(known) += 1;
            waiting
        };
        let permit = waiting.await.map_err(|_| overloaded())?;
        Ok((permit, true))
    }

    fn permit(&self, key: Hash, generation: u64) -> Permit {
        Permit {
            slots: self.clone(),
            key,
            generation,
            armed: true,
        }
    }

    fn release(&self, key: Hash, generation: u64) {
        loop {
            let next = {
                let mut state = self.lock();
                if state.generation != generation {
                    return;
                }
                let now = self.clock.monotonic();
                let next = state.next(&key, now);
                if next.is_none() {
                    state.leave(&key);
                }
                next
            };
            let Some(to) = next else { return };
            // Sent outside the lock: whoever has gone away meanwhile gives the slot to the next one.
            match to.send(self.permit(key, generation)) {
                Ok(()) => return,
                Err(mut permit) => permit.armed = false,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts and queues are changed together, and nothing in between can panic.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let here = std::process::id();
        if state.process != here {
            *state = State {
                generation: state.generation + 1,
                process: here,
                ..State::default()
            };
        }
        state
    }
}

impl State {
    fn waiting(&mut self, known: bool) -> &mut usize {
        if known {
            &mut self.known
        } else {
            &mut self.strangers
        }
    }

    /// The first that still waits and may; those that waited for too long are told so by the drop of their sender.
    fn next(&mut self, key: &Hash, now: Duration) -> Option<oneshot::Sender<Permit>> {
        loop {
            let waiter = self.lanes.get_mut(key)?.waiting.pop_front()?;
            let waiting = self.waiting(waiter.known);
            *waiting = waiting.saturating_sub(1);
            if waiter.expires_at > now && !waiter.to.is_closed() {
                return Some(waiter.to);
            }
        }
    }

    fn leave(&mut self, key: &Hash) {
        if let Some(lane) = self.lanes.get_mut(key) {
            lane.running = lane.running.saturating_sub(1);
            if lane.running == 0 && lane.waiting.is_empty() {
                self.lanes.remove(key);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.armed {
            self.slots.release(self.key, self.generation);
        }
    }
}

fn overloaded() -> Error {
    Error::new(
        ErrorKind::Overloaded,
        "too many attempts wait for the same subject: try again (`throttle.parallel`)",
    )
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    const KEY: Hash = [1; 32];
    const PATIENCE: Duration = Duration::from_secs(10);

    fn slots() -> (Slots, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::default()));
        (Slots::new(clock.clone()), clock)
    }

    fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    #[test]
    fn two_work_at_once_and_the_next_goes_in_order() {
        let (slots, _) = slots();
        let take = || Box::pin(slots.take(KEY, 2, false, PATIENCE));
        let (first, second) = (ready(take()).unwrap(), ready(take()).unwrap());
        let (mut third, mut fourth) = (take(), take());
        assert!(ready(third.as_mut()).is_none() && ready(fourth.as_mut()).is_none());
        drop(first);
        assert!(ready(fourth.as_mut()).is_none(), "the third is before it");
        let third = ready(third.as_mut()).unwrap();
        drop((second, third));
        assert!(ready(fourth.as_mut()).unwrap().is_ok());
        assert!(slots.lock().lanes.len() <= 1);
    }

    #[test]
    fn whoever_goes_away_or_waits_too_long_holds_nothing_up() {
        let (slots, clock) = slots();
        let take = || Box::pin(slots.take(KEY, 1, false, PATIENCE));
        let first = ready(take()).unwrap();
        let mut gone = take();
        assert!(ready(gone.as_mut()).is_none());
        let mut late = take();
        assert!(ready(late.as_mut()).is_none());
        drop(gone);
        clock.advance(PATIENCE);
        let mut in_time = take();
        assert!(ready(in_time.as_mut()).is_none());
        drop(first);
        assert!(ready(late.as_mut()).unwrap().is_err());
        drop(ready(in_time.as_mut()).unwrap());
        let state = slots.lock();
        assert!(state.lanes.is_empty() && state.strangers == 0);
    }

    #[test]
    fn strangers_fill_their_own_room_alone() {
        let (slots, _) = slots();
        let key = |number: usize| {
            let mut key = KEY;
            key[1] = u8::try_from(number).unwrap();
            key
        };
        let mut held = Vec::new();
        let mut waiting = Vec::new();
        for number in 0..STRANGERS / WAITING {
            held.push(ready(Box::pin(slots.take(key(number), 1, false, PATIENCE))).unwrap());
            for _ in 0..WAITING {
                let mut wait = Box::pin(slots.take(key(number), 1, false, PATIENCE));
                assert!(ready(wait.as_mut()).is_none());
                waiting.push(wait);
            }
        }
        held.push(ready(Box::pin(slots.take(key(99), 1, false, PATIENCE))).unwrap());
        let refused = ready(Box::pin(slots.take(key(99), 1, false, PATIENCE))).unwrap();
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::Overloaded);
        let mut known = Box::pin(slots.take(key(99), 1, true, PATIENCE));
        assert!(ready(known.as_mut()).is_none(), "a known device has its own room");
    }
}
