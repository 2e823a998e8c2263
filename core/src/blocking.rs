//! Waiting on a thread for what the operations answer: for programs without an executor.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_until_another_thread_answers() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let answering = thread::spawn(move || send.send(7));
        assert_eq!(block_on(receive), Ok(7));
        assert_eq!(answering.join().unwrap(), Ok(()));
    }
}
