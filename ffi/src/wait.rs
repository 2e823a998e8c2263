//! Waiting for an answer on the caller's thread, without a runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};

/// Polls until the answer is there, or `None` when `timeout` has passed first.
pub(crate) fn until<F: Future>(future: F, timeout: Option<Duration>) -> Option<F::Output> {
    let mut future = pin!(future);
    // Most answers are there at once, and then nobody needs to be woken.
    if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(answer);
    }
    let until = timeout.map(|timeout| SystemClock.monotonic().saturating_add(timeout));
    let parker = Arc::new(Parker::default());
    let waker = Waker::from(parker.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Some(answer);
        }
        if !parker.park(until) {
            return None;
        }
    }
}

/// Where one thread sleeps.
#[derive(Default)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Sleeps until woken. False: the time has passed.
    fn park(&self, until: Option<Duration>) -> bool {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            woken = match until {
                None => self.changed.wait(woken).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_sub(SystemClock.monotonic());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed
                        .wait_timeout(woken, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
        *woken = false;
        true
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_is_there_and_waits_for_what_is_not() {
        assert_eq!(until(std::future::ready(3), None), Some(3));
        let (send, receive) = tokio::sync::oneshot::channel();
        let sender = std::thread::spawn(move || send.send(4));
        assert_eq!(until(receive, None), Some(Ok(4)));
        sender.join().unwrap().unwrap();
    }

    #[test]
    fn gives_up_when_the_time_has_passed() {
        assert_eq!(
            until(std::future::pending::<()>(), Some(Duration::from_millis(5))),
            None
        );
        assert_eq!(
            until(std::future::ready(3), Some(Duration::ZERO)),
            Some(3),
            "what is there needs no time"
        );
    }
}
