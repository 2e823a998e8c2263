//! The C ABI of Doorward: convert, call the core, convert back. No logic lives here.
//!
//! `include/doorward.h` is the contract and says what each function means; each has the same name here. All `unsafe`
//! code is in `boundary.rs`: exported functions take its transparent wrappers in place of raw pointers.
//!
//! ```text
//! C ──► boundary (pointers, panics) ──► call (realm, request, queue) ──► operation ──► doorward::Auth
//!                                                                           answer ◄──┘
//! ```

mod abi;
mod answer;
mod boundary;
mod call;
mod callback;
mod claim;
mod config;
mod context;
mod delivery;
mod error;
mod event;
mod flow;
mod identity;
mod log;
mod operation;
mod proof;
mod queue;
mod session;
mod text;
mod user;
mod version;
mod wait;
mod way;
