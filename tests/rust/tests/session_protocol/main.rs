//! The session protocol of `docs/sessions.md` on the real code: each claim on the memory store with a manual clock,
//! with faults and races injected at the store port.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod create;
mod end;
mod faults;
mod planted;
mod refresh;
mod step_up;
mod stepped;
mod validate;
mod world;
