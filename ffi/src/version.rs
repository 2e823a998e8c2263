//! The version, and ids as text.

use std::ffi::{CStr, c_char};

use doorward::clock::{Clock as _, SystemClock};
use doorward::rng::SystemRandom;
use doorward::{Result, UserId};

use crate::abi::{Bytes, Id};
use crate::boundary::{self, In, Place};
use crate::error::status;

const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(text) => text,
    Err(_) => c"",
};

/// A part of the version, read from its digits when this is compiled.
const fn part(text: &str) -> u32 {
    let digits = text.as_bytes();
    let (mut number, mut at) = (0, 0);
    while at < digits.len() {
        number = number * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    number
}

const NUMBER: u32 = part(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
    + part(env!("CARGO_PKG_VERSION_MINOR")) * 1000
    + part(env!("CARGO_PKG_VERSION_PATCH"));

#[unsafe(no_mangle)]
extern "C" fn doorward_version() -> u32 {
    NUMBER
}

#[unsafe(no_mangle)]
extern "C" fn doorward_version_string() -> *const c_char {
    boundary::c_static(TEXT)
}

fn give(place: Place<Id>, id: impl FnOnce() -> Result<UserId>) -> i32 {
    let given = boundary::caught(|| {
        place.required("id")?.write(Id {
            bytes: *id()?.as_bytes(),
        });
        Ok(())
    });
    given.map_or_else(|error| error.kind().number(), |()| status::OK)
}

#[unsafe(no_mangle)]
extern "C" fn doorward_id_new(id: Place<Id>) -> i32 {
    give(id, || UserId::generate(SystemClock.now(), &SystemRandom))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_id_parse(text: Bytes, id: Place<Id>) -> i32 {
    give(id, || UserId::parse(text.text("text", 64)?))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_id_text(id: In<Id>, text: *mut c_char) {
    boundary::caught_or((), || match id.optional() {
        Some(id) => boundary::write_text(text, &UserId::from_bytes(id.bytes).to_string()),
        None => boundary::write_text(text, ""),
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_id_equal(a: In<Id>, b: In<Id>) -> bool {
    matches!((a.optional(), b.optional()), (Some(a), Some(b)) if a.bytes == b.bytes)
}
