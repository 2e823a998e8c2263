//! The plugin ABI of Doorward, as Rust types.
//!
//! This crate mirrors `include/doorward_plugin.h` and adds nothing: the header is the specification, says what
//! each field means, who owns it, how long it lives and on which threads, and `tests/layout.rs` compares both,
//! name by name and byte by byte. The host (`doorward`, under `plugins/runtime/src`) and the Rust SDK
//! (`doorward-plugin`) stand on it. Nothing here runs.
//!
//! Three rules of the mirror. A constant has its name from the header without `DWP_`. Whatever the other side may fill with anything is an integer here, never an enum or
//! a `bool`. Function pointers are `Option`, and NULL is `None`.

#![no_std]

mod extensions;
mod host;
mod kind;
mod request;
mod values;

pub use extensions::{Deliver, Http, Kv, Limit, Migrate, Pwhash, SecretOption, Secrets};
pub use host::Host;
pub use kind::{Close, Entry, Field, Kind, Load, Module, ModuleExtension, Open, OpenKind, Operation, Stop};
pub use request::{Bytes, Call, Config, Instance, Pair, Record, Reply, Request};
pub use values::*;

/// Name of the one symbol that a plugin exports.
pub const ENTRY_SYMBOL: &core::ffi::CStr = c"doorward_plugin_v1";
