//! A document of the issuer's, as this process has it: fetched once for all who wait for it, and not again at once when
//! that failed. A slow or broken issuer is asked once, not once a visit.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_plugin::{Failure, Host, abi};

/// How long a failure is told without another try, in nanoseconds: five seconds.
const FAILED_NS: u64 = 5_000_000_000;
/// What a call must have had left at least, for its end to say something of the issuer.
const FAIR: Duration = Duration::from_secs(2);
/// How often one who waits looks whether anybody still waits for it.
const LOOK: Duration = Duration::from_millis(50);

/// The document, and who fetches it.
pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// When it was fetched.
    kept: Option<(u64, Arc<T>)>,
    /// When that failed last, and why.
    failed: Option<(u64, Failure)>,
    /// One fetches it now.
    is_fetched: bool,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                kept: None,
                failed: None,
                is_fetched: false,
            }),
            changed: Condvar::new(),
        }
    }
}

/// Lets the next one fetch, also when this one panics.
struct Fetching<'a, T>(&'a Shared<T>);

impl<T> Drop for Fetching<'_, T> {
    fn drop(&mut self) {
        self.0.lock().is_fetched = false;
        self.0.changed.notify_all();
    }
}

impl<T> Shared<T> {
    /// The document that is kept, where it suits (it, and its age in nanoseconds); else the next one.
    ///
    /// # Errors
    /// What `fetch` says, now or some seconds ago; that this call has no time left.
    pub(crate) fn get(
        &self,
        host: Host<'_>,
        suits: impl Fn(&T, u64) -> bool,
        fetch: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<Arc<T>, Failure> {
        let mut state = self.lock();
        loop {
            let now = host.monotonic_ns()?;
            if let Some((at, kept)) = &state.kept
                && suits(kept, now.saturating_sub(*at))
            {
                return Ok(Arc::clone(kept));
            }
            if let Some((at, failure)) = &state.failed
                && now.saturating_sub(*at) < FAILED_NS
            {
                return Err(failure.clone());
            }
            if !state.is_fetched {
                break;
            }
            let left = host.remaining();
            if left.is_zero() {
                return Err(Failure::timeout());
            }
            if host.is_cancelled() {
                return Err(Failure::cancelled());
            }
            state = self
                .changed
                .wait_timeout(state, left.min(LOOK))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.is_fetched = true;
        drop(state);
        let fetching = Fetching(self);
        let had = host.remaining();
        let fetched = fetch();
        let now = host.monotonic_ns()?;
        let mut state = self.lock();
        let answer = match fetched {
            Ok(document) => {
                let document = Arc::new(document);
                state.kept = Some((now, Arc::clone(&document)));
                state.failed = None;
                Ok(document)
            }
            Err(failure) => {
                let is_its_own = match failure.status() {
                    abi::E_CANCELLED => true,
                    abi::E_TIMEOUT => had < FAIR,
                    _ => false,
                };
                if !is_its_own {
                    state.failed = Some((now, failure.clone()));
                }
                Err(failure)
            }
        };
        drop(state);
        drop(fetching);
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
