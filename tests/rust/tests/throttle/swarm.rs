//! Thousands of guesses at once, in the order that is worst for the owner: in every process as many are at work as may
//! be, and only then one of them is counted. A guess that was wrong waits at its process's gate until it is let go.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use doorward::store::{Reply, Store, ThrottleStep, Throttled};
use doorward::{Auth, Timestamp};
use doorward_tests::intercept::{Intercept, Intercepted};
use tokio::sync::oneshot;

/// A store whose counting of failures can be held up. Claims pass.
pub(crate) struct Gate {
    inner: Arc<dyn Store>,
    closed: Mutex<bool>,
    held: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl Gate {
    pub(crate) fn before(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            closed: Mutex::new(false),
            held: Mutex::default(),
        })
    }

    pub(crate) fn store(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Intercepted(self.clone()))
    }

    fn set(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
    }

    fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    fn let_one_go(&self) -> bool {
        let first = self.held.lock().unwrap().pop_front();
        first.is_some_and(|first| first.send(()).is_ok())
    }
}

impl Intercept for Gate {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }

    fn throttle(&self, steps: Vec<ThrottleStep>, now: Timestamp) -> Reply<Throttled> {
        let counts = steps.iter().any(|step| matches!(step, ThrottleStep::Fail(_)));
        if !counts || !*self.closed.lock().unwrap() {
            return self.inner.throttle(steps, now);
        }
        let (go, wait) = oneshot::channel();
        self.held.lock().unwrap().push_back(go);
        let inner = self.inner.clone();
        Reply::later(async move {
            // Err: the test is over.
            drop(wait.await);
            inner.throttle(steps, now).await
        })
    }
}

/// A process and the gate before its store.
pub(crate) struct Process {
    pub(crate) auth: Auth,
    pub(crate) gate: Arc<Gate>,
}

/// One guess: true, if it was let through.
pub(crate) type Guess<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;

struct Woken {
    index: usize,
    ready: Arc<Mutex<VecDeque<usize>>>,
    thread: Thread,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().push_back(self.index);
        self.thread.unpark();
    }
}

/// Makes `number` guesses at once, in turns by every process, of which `width` at most work at once in each. How many
/// were let through.
pub(crate) fn swarm<'a>(
    processes: &'a [Process],
    number: usize,
    width: usize,
    guess: impl Fn(&'a Auth, usize) -> Guess<'a>,
) -> u32 {
    let mut guesses: Vec<Option<Guess<'_>>> = (0..number)
        .map(|index| Some(guess(&processes[index % processes.len()].auth, index)))
        .collect();
    let mut open: Vec<usize> = vec![0; processes.len()];
    for index in 0..number {
        open[index % processes.len()] += 1;
    }
    let ready = Arc::new(Mutex::new((0..number).collect::<VecDeque<usize>>()));
    let wakers: Vec<Waker> = (0..number)
        .map(|index| {
            let (ready, thread) = (ready.clone(), std::thread::current());
            Waker::from(Arc::new(Woken { index, ready, thread }))
        })
        .collect();
    for process in processes {
        process.gate.set(true);
    }
    let (mut through, mut next) = (0, 0);
    loop {
        let woken = ready.lock().unwrap().pop_front();
        if let Some(index) = woken {
            let Some(future) = &mut guesses[index] else {
                continue;
            };
            if let Poll::Ready(let_through) = future.as_mut().poll(&mut Context::from_waker(&wakers[index])) {
                guesses[index] = None;
                open[index % processes.len()] -= 1;
                through += u32::from(let_through);
            }
            continue;
        }
        if open.iter().all(|open| *open == 0) {
            break;
        }
        let all_at_the_gate =
            (processes.iter().zip(&open)).all(|(process, open)| process.gate.held() == width.min(*open));
        if all_at_the_gate {
            let gates = (0..processes.len()).map(|step| (next + step) % processes.len());
            let went = gates.into_iter().find(|at| processes[*at].gate.let_one_go());
            next = went.map_or(next, |at| at + 1);
        } else {
            std::thread::park();
        }
    }
    for process in processes {
        process.gate.set(false);
    }
    through
}
