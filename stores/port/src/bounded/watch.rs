//! One thread that wakes whoever has waited for long enough. All of a store wait for the same time, so they stand in a
//! queue.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{StoreError, StoreResult};
use doorward_base::clock::{Clock as _, SystemClock};

/// Who waits, and the thread that looks at the clock for them. Without the thread, whoever is polled looks.
#[derive(Default)]
pub(super) struct Watch {
    waiting: Mutex<Waiting>,
    told: Condvar,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<(Duration, Arc<Sleeper>)>,
    /// How long the thread sleeps unless it is told: for ever where nobody waits, zero while it is awake.
    sleeps_until: Duration,
    stopping: bool,
}

#[derive(Default)]
struct Sleeper {
    /// `None` once it is answered.
    waker: Mutex<Option<Waker>>,
    answered: AtomicBool,
}

impl Sleeper {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread, in the process that began it.
pub(super) struct Watcher {
    watch: Arc<Watch>,
    thread: JoinHandle<()>,
    process: u32,
}

impl Watcher {
    pub(super) fn begin(watch: &Arc<Watch>) -> StoreResult<Self> {
        watch.lock().stopping = false;
        let watching = watch.clone();
        let thread = std::thread::Builder::new()
            .name("doorward-late".into())
            .spawn(move || watching.run())
            .map_err(|error| {
                StoreError::Unavailable(format!("the thread that watches deadlines cannot start: {error}"))
            })?;
        Ok(Self {
            watch: watch.clone(),
            thread,
            process: std::process::id(),
        })
    }

    /// Ends the thread. In a forked child there is none.
    pub(super) fn end(self) {
        if self.process == std::process::id() {
            self.watch.lock().stopping = true;
            self.watch.told.notify_one();
            // Err: it has panicked, and nobody was woken by it any more.
            drop(self.thread.join());
        }
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every change of the queue is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut waiting = self.lock();
        while !waiting.stopping {
            let now = SystemClock.monotonic();
            let Some((at, sleeper)) = waiting.queue.front() else {
                waiting.sleeps_until = Duration::MAX;
                waiting = self.told.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                waiting.sleeps_until = Duration::ZERO;
                continue;
            };
            let (at, left) = (*at, at.saturating_sub(now));
            if !left.is_zero() {
                waiting.sleeps_until = at;
                let woken = self.told.wait_timeout(waiting, left);
                waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
                waiting.sleeps_until = Duration::ZERO;
                continue;
            }
            let waker = sleeper.waker().take();
            waiting.queue.pop_front();
            if let Some(waker) = waker {
                drop(waiting);
                waker.wake();
                waiting = self.lock();
            }
        }
    }

    fn add(&self, at: Duration, sleeper: Arc<Sleeper>) {
        let mut waiting = self.lock();
        waiting.queue.push_back((at, sleeper));
        // Whoever comes later waits for longer, so that this is rare. The first may have left, and its moment with it.
        if at < waiting.sleeps_until {
            waiting.sleeps_until = Duration::ZERO;
            self.told.notify_one();
        }
    }

    /// Whoever was answered leaves, so that the queue is about as long as those who wait are many.
    fn prune(&self) {
        let mut waiting = self.lock();
        while let Some((_, sleeper)) = waiting.queue.front()
            && sleeper.answered.load(Ordering::Relaxed)
        {
            waiting.queue.pop_front();
        }
    }
}

/// An answer that is waited for until a moment, and then another one is given.
pub(super) struct Until<T> {
    answer: Pin<Box<dyn Future<Output = StoreResult<T>> + Send>>,
    at: Duration,
    late: Option<StoreError>,
    sleeper: Option<Arc<Sleeper>>,
    watch: Arc<Watch>,
}

impl<T> Until<T> {
    pub(super) fn new(
        answer: Pin<Box<dyn Future<Output = StoreResult<T>> + Send>>,
        at: Duration,
        late: StoreError,
        watch: Arc<Watch>,
    ) -> Self {
        Self {
            answer,
            at,
            late: Some(late),
            sleeper: None,
            watch,
        }
    }
}

impl<T> Future for Until<T> {
    type Output = StoreResult<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(answer) = this.answer.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        if SystemClock.monotonic() >= this.at
            && let Some(late) = this.late.take()
        {
            return Poll::Ready(Err(late));
        }
        let waker = cx.waker();
        if let Some(sleeper) = &this.sleeper {
            let mut held = sleeper.waker();
            if !held.as_ref().is_some_and(|held| held.will_wake(waker)) {
                *held = Some(waker.clone());
            }
        } else {
            let sleeper = Arc::new(Sleeper {
                waker: Mutex::new(Some(waker.clone())),
                answered: AtomicBool::new(false),
            });
            this.sleeper = Some(sleeper.clone());
            this.watch.add(this.at, sleeper);
        }
        Poll::Pending
    }
}

impl<T> Drop for Until<T> {
    fn drop(&mut self) {
        if let Some(sleeper) = self.sleeper.take() {
            sleeper.answered.store(true, Ordering::Relaxed);
            drop(sleeper.waker().take());
            self.watch.prune();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_base::blocking::block_on;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_hours(1);

    fn until<T: Send + 'static>(
        watch: &Arc<Watch>,
        wait: Duration,
        answer: impl Future<Output = StoreResult<T>> + Send + 'static,
    ) -> Until<T> {
        let late = StoreError::Unavailable("late".into());
        let at = SystemClock.monotonic().saturating_add(wait);
        Until::new(Box::pin(answer), at, late, watch.clone())
    }

    #[test]
    fn whoever_is_not_answered_in_time_is_told_so_and_the_others_are_answered() {
        let watch = Arc::new(Watch::default());
        let watcher = Watcher::begin(&watch).unwrap();
        // Twice: the second time the thread has gone to sleep.
        for _ in 0..2 {
            let waits: Vec<_> = (0..100)
                .map(|_| until(&watch, SHORT, std::future::pending::<StoreResult<()>>()))
                .collect();
            for wait in waits {
                assert!(matches!(block_on(wait), Err(StoreError::Unavailable(late)) if late == "late"));
            }
            let (send, receive) = tokio::sync::oneshot::channel();
            let answering = std::thread::spawn(move || send.send(7));
            let wait = until(&watch, LONG, async { Ok(receive.await.unwrap_or(0)) });
            assert_eq!(block_on(wait).unwrap(), 7);
            answering.join().unwrap().unwrap();
            assert_eq!(
                watch.lock().queue.len(),
                0,
                "nothing is left of those who were answered"
            );
        }
        watcher.end();
    }

    #[test]
    fn the_thread_ends_while_somebody_waits() {
        let watch = Arc::new(Watch::default());
        let watcher = Watcher::begin(&watch).unwrap();
        let mut wait = until(&watch, LONG, std::future::pending::<StoreResult<()>>());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
        watcher.end();
        drop(wait);
        assert_eq!(watch.lock().queue.len(), 0);
    }
}
