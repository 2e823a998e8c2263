//! What callers get wrong: lengths that lie, NULL, structs of other releases, panics.

use std::ptr;

use doorward::{ErrorKind, Result};

use super::*;
use crate::abi::{Bytes, Id, RawNewSession, RawNewUser};

fn bytes(text: &[u8]) -> Bytes {
    Bytes {
        ptr: text.as_ptr().cast(),
        len: text.len(),
    }
}

#[test]
fn a_panic_becomes_an_error_and_never_leaves() {
    let error = caught(|| -> Result<()> { panic!("inside") }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(caught_or(7, || panic!("inside")), 7);
}

#[test]
fn lengths_beyond_the_limit_are_refused_before_anything_is_read() {
    let huge = Bytes {
        ptr: b"x".as_ptr().cast(),
        len: usize::MAX,
    };
    assert!(
        huge.optional("name", 10)
            .unwrap_err()
            .message()
            .contains("at most 10")
    );
    let null = Bytes {
        ptr: ptr::null(),
        len: 3,
    };
    assert!(
        null.optional("name", 10)
            .unwrap_err()
            .message()
            .contains("NULL with a length")
    );
    assert_eq!(
        Bytes {
            ptr: ptr::null(),
            len: 0
        }
        .optional("name", 10)
        .unwrap(),
        None
    );
    assert_eq!(bytes(b"").optional("name", 10).unwrap(), Some(&b""[..]));
    let one = In::of(&huge);
    assert!(
        one.list(usize::MAX, 64, "list")
            .map(<[Bytes]>::len)
            .unwrap_err()
            .message()
            .contains("at most 64")
    );
    assert!(In::<Bytes>::null().list(1, 64, "list").is_err());
    assert_eq!(In::<u8>::null().list(0, 64, "list").unwrap().len(), 0);
}

#[test]
fn texts_must_be_utf8_and_ids_be_there() {
    assert!(
        bytes(b"\xff")
            .text("name", 10)
            .unwrap_err()
            .message()
            .contains("UTF-8")
    );
    assert!(
        In::<Id>::null()
            .required("user")
            .map(|_| ())
            .unwrap_err()
            .message()
            .contains("`user` is NULL")
    );
}

/// A caller's struct of any size: what a header of another release would make.
#[repr(C)]
struct Newer {
    size: u32,
    flags: u32,
    attributes: Bytes,
    id: *const Id,
    later: u64,
}

#[test]
fn structs_of_other_releases_are_read_or_refused() {
    let known = size_of::<RawNewUser>();
    let newer = |size: usize, flags, later| Newer {
        size: u32::try_from(size).unwrap(),
        flags,
        attributes: bytes(b"{}"),
        id: ptr::null(),
        later,
    };
    let kind = |newer: &Newer| {
        let read = Versioned::of(ptr::from_ref(newer).cast::<RawNewUser>()).read();
        read.map(|found| found.unwrap().attributes.len)
            .map_err(|error| error.kind())
    };
    assert_eq!(
        kind(&newer(known, 0, 9)),
        Ok(2),
        "what follows is not the struct's"
    );
    assert_eq!(kind(&newer(known + 8, 0, 0)), Ok(2), "larger, but only zeros");
    assert_eq!(
        kind(&newer(known + 8, 0, 1)),
        Err(ErrorKind::AbiMismatch),
        "an unknown field is set"
    );
    assert_eq!(
        kind(&newer(known - 8, 0, 0)),
        Err(ErrorKind::AbiMismatch),
        "smaller than the first release"
    );
    assert_eq!(kind(&newer(0, 0, 0)), Err(ErrorKind::AbiMismatch));
    assert_eq!(kind(&newer(u32::MAX as usize, 0, 0)), Err(ErrorKind::AbiMismatch));
    assert_eq!(
        kind(&newer(known, 1, 0)),
        Err(ErrorKind::InvalidArgument),
        "flags are zero"
    );
    assert!(
        Versioned::<RawNewSession>::of(ptr::null())
            .read()
            .unwrap()
            .is_none()
    );
    assert!(
        Versioned::<RawNewSession>::of(ptr::null())
            .or_default()
            .unwrap()
            .attributes
            .is_absent()
    );
}
