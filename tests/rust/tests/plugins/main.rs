//! Provider plugins through the core's own door: compiled from C (and Rust), loaded, asked, and never believed too much.

mod build;
mod context;

mod deadlines;
mod examples;
mod fail_closed;
mod loading;
mod password;
mod services;
