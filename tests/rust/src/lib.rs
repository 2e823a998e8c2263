//! What Doorward's own test suites share. Not published.

pub mod intercept;
pub mod pgbouncer;
pub mod postgres;
pub mod prove;
pub mod proxy;
pub mod race;
pub mod scratch;
pub mod tap;
pub mod wait;
pub mod writes;

pub use doorward_contract as contract;
