//! Where users, provider ids and sessions are kept: the storage port, and the engines that this build has.
//!
//! A store of one's own implements [`Store`]; `stores/` has the port and an engine a crate.

pub use doorward_memory as memory;
#[cfg(feature = "postgres")]
pub use doorward_postgres as postgres;
#[cfg(feature = "sqlite")]
pub use doorward_sqlite as sqlite;
pub use doorward_store::*;
