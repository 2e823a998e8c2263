//! The storage contract on every store, and on broken ones; then what only one store must do. A new store adds one line.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests judge by panicking, in helpers too"
)]

#[path = "storage/damaged.rs"]
mod damaged;
#[path = "storage/forked.rs"]
mod forked;
#[path = "storage/mounts.rs"]
mod mounts;
#[path = "storage/moved.rs"]
mod moved;
#[path = "storage/on_sqlite.rs"]
mod on_sqlite;
#[path = "storage/plans_on_sqlite.rs"]
mod plans_on_sqlite;
#[path = "storage/planted.rs"]
mod planted;
#[path = "storage/second_copy.rs"]
mod second_copy;
#[path = "storage/stores.rs"]
mod stores;
#[path = "storage/system_calls.rs"]
mod system_calls;

doorward_contract::storage_contract!(memory, crate::stores::memory);
doorward_contract::storage_contract!(sqlite, crate::stores::sqlite);
doorward_contract::storage_contract!(postgres, crate::stores::postgres);
doorward_contract::storage_contract!(postgres_pooled, crate::stores::pooled);
