//! A bug planted in the store: recovery takes the identities of second factors, as it once did.

use std::sync::Arc;

use doorward::store::memory::MemoryStore;
use doorward::store::{Change, ChangeStep, Changed, Reply, Store};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::world::run;

struct TakesSeconds(Arc<dyn Store>);

impl Intercept for TakesSeconds {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn change(&self, mut change: Change) -> Reply<Changed> {
        if change.token.is_some() {
            let held = run(self.0.identities(change.user_id)).unwrap_or_default();
            let seconds = held.into_iter().filter(|identity| identity.at.provider == "code");
            change
                .steps
                .extend(seconds.map(|identity| ChangeStep::RemoveIdentity(identity.at)));
        }
        self.0.change(change)
    }
}

/// A store in memory with the bug.
pub(crate) fn store() -> Arc<dyn Store> {
    Arc::new(Intercepted(Arc::new(TakesSeconds(Arc::new(MemoryStore::new())))))
}
