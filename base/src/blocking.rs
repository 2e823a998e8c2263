//! Waiting on a thread for what the operations answer: for programs without an executor.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future of this crate on the calling thread, which sleeps while it waits.
///
/// The operations need no executor of any kind. Inside one (tokio, async-std) await them instead: this blocks a
/// thread that others wait for.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    // Most answers are there at once, and then nobody needs to be woken.
    if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return answer;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            // A wake-up between the poll and this line is kept: `park` then returns at once.
            Poll::Pending => thread::park(),
        }
    }
}

/// The same for at most so long; `None`: there was no answer. What was begun goes on without a listener.
pub fn block_on_for<T>(future: impl Future<Output = T>, wait: Duration) -> Option<T> {
    let give_up = SystemClock.monotonic().saturating_add(wait);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Some(answer);
        }
        let left = give_up.saturating_sub(SystemClock.monotonic());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_no_longer_than_it_may() {
        let (send, receive) = tokio::sync::oneshot::channel::<u8>();
        assert_eq!(block_on_for(receive, Duration::from_millis(20)), None);
        assert!(send.is_closed());
        assert_eq!(block_on_for(std::future::ready(7), Duration::ZERO), Some(7));
    }

    #[test]
    fn sleeps_until_another_thread_answers() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let answering = thread::spawn(move || send.send(7));
        assert_eq!(block_on(receive), Ok(7));
        assert_eq!(answering.join().unwrap(), Ok(()));
    }
}
