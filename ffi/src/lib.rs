//! The C ABI of Doorward: convert, call the core, convert back. No logic lives here.
//!
//! `include/doorward.h` is the contract and says what each function means; each has the same name here. Pointers
//! are used in `boundary` alone: exported functions take its transparent wrappers in place of raw ones. What is `unsafe`
//! besides is what a struct promises, beside its definition in `abi`, and what stands behind the two words of an `answer`.
//!
//! ```text
//! C ──► boundary (pointers, panics) ──► view (realm, request, queue) ──► operations ──► doorward::Auth
//!                                                                           answer ◄──┘
//! ```

mod abi;
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod allocations;
mod answer;
mod boundary;
mod callback;
mod claim;
mod config;
mod context;
mod decision;
mod delivery;
mod error;
mod event;
mod flow;
mod held;
mod identity;
mod log;
mod operand;
mod operations;
mod proof;
mod queue;
mod read;
mod request;
mod response;
mod row;
mod session;
mod text;
mod user;
mod version;
mod view;
mod wait;
mod way;
