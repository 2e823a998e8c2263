//! What a hashing thread does: take a job, take its slots, compute, give the slots back.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{Arena, Job, Phase, Shared, State, refuse_all};

/// How often a worker that waits looks again. Another process frees a slot without telling; a hash takes ten times
/// as long as this.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How many looks an unused permit is kept for the next job (25 × 2 ms), unless another process wants it. It saves
/// the page faults of a fresh arena when logins come one after another.
const LINGER: u32 = 25;

/// Slots together with the memory that they pay for. The arena is wiped and freed *before* the slots are.
struct Permit {
    slots: Vec<usize>,
    arena: Arena,
}

thread_local! {
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread hashes, for whichever governor.
pub(super) fn is_one() -> bool {
    IS_WORKER.get()
}

pub(super) fn run(shared: &Shared) {
    IS_WORKER.set(true);
    let mut permit = None;
    while let Some(job) = next(shared, &mut permit) {
        let Some(held) = permit.as_mut() else { break };
        // The closure answers its ticket by itself: also when it unwinds, by the completion's drop.
        let _ = catch_unwind(AssertUnwindSafe(|| (job.run)(Ok(&mut held.arena))));
        shared.lock().running -= 1;
    }
    give_back(shared, &mut permit);
}

/// The next job, with `permit` holding exactly what it needs; none when the threads are to stop.
fn next(shared: &Shared, permit: &mut Option<Permit>) -> Option<Job> {
    let mut looks = 0;
    let mut polite = false;
    loop {
        let mut state = shared.lock();
        if state.phase != Phase::Open {
            return None;
        }
        let dead = state.take_dead(shared.clock.monotonic());
        if !dead.is_empty() {
            drop(state);
            refuse_all(dead);
            continue;
        }
        let needed = state.queue.front().map(|job| job.slots);
        match (needed, permit.as_ref().map(|held| held.slots.len())) {
            // Nothing to do, nothing held.
            (None, None) => drop(wait_idle(shared, state, None)),
            // Nothing to do: keep the warm arena a moment, if nobody else wants its memory.
            (None, Some(_)) => {
                if looks >= LINGER || state.slots.is_wanted_elsewhere() {
                    drop(state);
                    give_back(shared, permit);
                } else {
                    looks += 1;
                    drop(wait_idle(shared, state, Some(LOOK_AGAIN)));
                }
            }
            // A job, and what it needs is held: go on, unless it is another process's turn.
            (Some(needed), Some(held)) => {
                if needed == held && !state.slots.is_wanted_elsewhere() {
                    return pop(&mut state);
                }
                polite = needed == held;
                drop(state);
                give_back(shared, permit);
            }
            // A job, and nothing held.
            (Some(needed), None) => {
                let taken = if polite { None } else { state.slots.take(needed) };
                if let Some(slots) = taken {
                    *permit = Some(Permit {
                        slots,
                        arena: Arena::new(),
                    });
                    return pop(&mut state);
                }
                // One look's time is what the other process needs to take the slot just given back.
                polite = false;
                wait_for_slots(shared, state);
            }
        }
    }
}

fn pop(state: &mut State) -> Option<Job> {
    state.running += 1;
    state.queue.pop_front()
}

fn wait_idle<'a>(
    shared: &'a Shared,
    mut state: MutexGuard<'a, State>,
    most: Option<Duration>,
) -> MutexGuard<'a, State> {
    state.idle += 1;
    let mut state = wait(shared, state, most);
    state.idle -= 1;
    state
}

fn wait_for_slots<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) {
    state.waiting += 1;
    if state.waiting == 1 {
        state.slots.wait_openly(true);
    }
    let mut state = wait(shared, state, Some(LOOK_AGAIN));
    state.waiting -= 1;
    if state.waiting == 0 {
        state.slots.wait_openly(false);
    }
}

fn wait<'a>(shared: &Shared, state: MutexGuard<'a, State>, most: Option<Duration>) -> MutexGuard<'a, State> {
    match most {
        None => shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
        Some(most) => {
            shared
                .wake
                .wait_timeout(state, most)
                .unwrap_or_else(PoisonError::into_inner)
                .0
        }
    }
}

fn give_back(shared: &Shared, permit: &mut Option<Permit>) {
    let Some(Permit { slots, arena }) = permit.take() else {
        return;
    };
    drop(arena);
    shared.lock().slots.give_back(&slots);
    shared.wake.notify_all();
}
