//! Throttling, on a simulated clock, from the real code: how many guesses get through, and that nobody honest is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests judge by panicking, in helpers too"
)]

mod charges;
mod codes;
mod consecutive;
mod engine;
mod flat;
mod honest;
mod monday;
mod people;
mod planted;
mod rows;
mod second;
mod sheet;
mod swarm;
mod table;
mod world;
