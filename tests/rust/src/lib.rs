//! What Doorward's own test suites share. Not published.

pub mod postgres;
pub mod proxy;

pub mod contract;
