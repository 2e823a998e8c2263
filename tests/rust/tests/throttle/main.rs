//! Throttling, on a simulated clock, from the real code: how many guesses get through, and that nobody honest is refused.

#![expect(clippy::unwrap_used, reason = "tests judge by panicking, in helpers too")]

mod charges;
mod guesses;
mod honest;
mod planted;
mod rows;
mod world;
