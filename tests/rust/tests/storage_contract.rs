//! The storage contract on every store, and on broken ones. A new store adds one line.

#[path = "storage/planted.rs"]
mod planted;
#[path = "storage/stores.rs"]
mod stores;

doorward_tests::storage_contract!(memory, crate::stores::memory);
doorward_tests::storage_contract!(sqlite, crate::stores::sqlite);
doorward_tests::storage_contract!(postgres, crate::stores::postgres);
