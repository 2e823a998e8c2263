//! The contract on the store in memory: as whoever has a store of their own runs it.

use std::sync::Arc;

use doorward_contract::Fixture;
use doorward_memory::MemoryStore;

fn fresh() -> Fixture {
    let store = Arc::new(MemoryStore::new());
    let rows = Arc::clone(&store);
    Fixture::start(store, ()).with_meddle(move |user| rows.put_user(user.clone()))
}

doorward_contract::storage_contract!(memory, crate::fresh);
