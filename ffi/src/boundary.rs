//! The boundary: every cast, every use of a caller's pointer, and the catch of every panic. Nothing outside this file
//! is unsafe. What a caller must keep to stands in `include/doorward.h`; each SAFETY comment names the rule.

use std::ffi::{CStr, c_char, c_void};
use std::mem::{ManuallyDrop, MaybeUninit, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use doorward::session::SharedSession;
use doorward::{Error, ErrorKind, Result, Session};
use zeroize::Zeroizing;

use crate::abi::{Bytes, Id, Pair, Violation};
use crate::answer::{Answer, Decision, Held, Seen};
use crate::error::Failure;

/// Largest struct that is looked at: no release will have a larger one.
const MAX_STRUCT: usize = 4096;

macro_rules! pointers {
    ($($type:ident)*) => {$(
        // Derived, they would ask the same of what they point to.
        impl<T> Clone for $type<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T> Copy for $type<T> {}
    )*};
}

pointers! { In Owned Place Versioned }

/// A pointer that the caller lends for the call. NULL is `None`.
#[repr(transparent)]
pub(crate) struct In<T>(*const T);

#[cfg(test)]
impl<T> In<T> {
    pub(crate) fn of(value: &T) -> Self {
        Self(value)
    }
}

impl<T> In<T> {
    /// The pointer itself.
    pub(crate) fn raw(self) -> *const T {
        self.0
    }

    /// What it points to.
    pub(crate) fn optional<'a>(self) -> Option<&'a T> {
        // SAFETY: NULL, or a live value of this type that nobody writes during the call (header, "MEMORY").
        unsafe { self.0.as_ref() }
    }

    /// What it points to; NULL is an error.
    pub(crate) fn required<'a>(self, name: &str) -> Result<&'a T> {
        self.optional()
            .ok_or_else(|| invalid(format!("`{name}` is NULL")))
    }

    /// The `n` values that it points to; NULL only with 0.
    pub(crate) fn list<'a>(self, n: usize, most: usize, name: &str) -> Result<&'a [T]> {
        match n {
            0 => Ok(&[]),
            _ if n > most => Err(invalid(format!(
                "`{name}` has {n} values and takes at most {most}"
            ))),
            _ if self.0.is_null() => Err(invalid(format!("`{name}` is NULL and should have {n} values"))),
            // SAFETY: not NULL, and the caller says that `n` values stand there (header, "MEMORY"); `most` keeps the
            // size far below `isize::MAX`.
            _ => Ok(unsafe { std::slice::from_raw_parts(self.0, n) }),
        }
    }
}

/// A handle that comes back to be freed. NULL: nothing.
#[repr(transparent)]
pub(crate) struct Owned<T>(*mut T);

impl<T> Owned<T> {
    /// A look at it without taking it back.
    pub(crate) fn peek<'a>(self) -> Option<&'a T> {
        In(self.0.cast_const()).optional()
    }

    /// Takes it back.
    pub(crate) fn take(self) -> Option<Box<T>> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: made by `hand_over`, and freed once: nobody uses a handle after its free function.
        Some(unsafe { Box::from_raw(self.0) })
    }
}

/// Gives a handle away.
pub(crate) fn hand_over<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// A plain value that the caller wants written. NULL: it is not wanted.
#[repr(transparent)]
pub(crate) struct Place<T>(*mut T);

impl<T: Copy> Place<T> {
    /// What stands there. NULL is `None`.
    pub(crate) fn read(self) -> Option<T> {
        // SAFETY: NULL, or the address of a value that the caller owns and has set.
        (!self.0.is_null()).then(|| unsafe { self.0.read() })
    }

    /// Writes it.
    pub(crate) fn write(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, so the address of a value that the caller owns (header, "THE SHAPE").
            unsafe { self.0.write(value) }
        }
    }

    /// An error when there is no place.
    pub(crate) fn required(self, name: &str) -> Result<Self> {
        if self.0.is_null() {
            Err(invalid(format!("`{name}` is NULL")))
        } else {
            Ok(self)
        }
    }
}

/// Writes as many characters as a text of an id has, and a NUL.
pub(crate) fn write_text(place: *mut c_char, text: &str) {
    if !place.is_null() {
        let bytes = text.as_bytes();
        // SAFETY: the caller owns DOORWARD_ID_TEXT_SIZE bytes there (header, doorward_id_text), and texts of ids have
        // 36 characters or none.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), place, bytes.len()) };
        // SAFETY: as above; this is the byte after the text.
        unsafe { place.add(bytes.len()).write(0) };
    }
}

/// A struct that may grow: `struct_size` and `flags` first, all zero is a valid value, no drop.
///
/// # Safety
/// The type is `repr(C)`, begins with two `u32`, and any bytes copied from a caller's struct are a valid value.
pub(crate) unsafe trait Grows: Copy {
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;
    /// Its name in the header.
    const NAME: &'static str;
}

/// A pointer to a struct that may grow; the caller's may be older or newer than ours.
#[repr(transparent)]
pub(crate) struct Versioned<T>(*const T);

impl<T: Grows> Versioned<T> {
    /// A copy with what the caller does not have set to zero; `None` for NULL.
    pub(crate) fn read(self) -> Result<Option<T>> {
        if self.0.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, and every such struct begins with its size (header, "GROWTH").
        let size = unsafe { self.0.cast::<u32>().read() } as usize;
        let ours = size_of::<T>();
        if size < T::FIRST_SIZE || size > MAX_STRUCT {
            return Err(mismatch::<T>(&format!(
                "its size {size} is none that a header has: use the _INIT macro"
            )));
        }
        let mut copy = MaybeUninit::<T>::zeroed();
        // SAFETY: the caller's struct has `size` bytes and ours has room for `ours`.
        unsafe { ptr::copy_nonoverlapping(self.0.cast::<u8>(), copy.as_mut_ptr().cast(), size.min(ours)) };
        if size > ours {
            // SAFETY: the caller's struct has `size` bytes, of which these are the last.
            let tail = unsafe { std::slice::from_raw_parts(self.0.cast::<u8>().add(ours), size - ours) };
            if tail.iter().any(|&byte| byte != 0) {
                return Err(mismatch::<T>("it sets a field that this release does not know"));
            }
        }
        // SAFETY: `Grows` says that any such bytes are a value.
        let copy = unsafe { copy.assume_init() };
        // SAFETY: the second `u32`, within FIRST_SIZE.
        let flags = unsafe { self.0.cast::<u32>().add(1).read() };
        if flags != 0 {
            return Err(invalid(format!("`flags` of `{}` must be 0", T::NAME)));
        }
        Ok(Some(copy))
    }

    /// As [`read`](Self::read), with NULL as all zero.
    pub(crate) fn or_default(self) -> Result<T> {
        // SAFETY: `Grows` says that all zero is a value.
        Ok(self
            .read()?
            .unwrap_or_else(|| unsafe { MaybeUninit::<T>::zeroed().assume_init() }))
    }
}

fn mismatch<T: Grows>(why: &str) -> Error {
    Error::new(ErrorKind::AbiMismatch, format!("`{}`: {why}", T::NAME))
}

impl Bytes {
    /// The bytes, or `None` for {NULL, 0}.
    pub(crate) fn optional<'a>(self, name: &str, most: usize) -> Result<Option<&'a [u8]>> {
        if self.len > most {
            return Err(invalid(format!(
                "`{name}` has {} bytes and takes at most {most}",
                self.len
            )));
        }
        if self.ptr.is_null() {
            let none = self.len == 0;
            return if none {
                Ok(None)
            } else {
                Err(invalid(format!("`{name}` is NULL with a length")))
            };
        }
        // SAFETY: not NULL, so `len` bytes that nobody writes during the call (header, "MEMORY"); `most` keeps the
        // length far below `isize::MAX`.
        Ok(Some(unsafe {
            std::slice::from_raw_parts(self.ptr.cast(), self.len)
        }))
    }
}

// SAFETY: a pair of pointers into memory that is owned by the same handle and not written any more: which thread reads
// it does not matter.
unsafe impl Send for Pair {}
// SAFETY: as above.
unsafe impl Sync for Pair {}
// SAFETY: as above.
unsafe impl Send for Violation {}
// SAFETY: as above.
unsafe impl Sync for Violation {}

/// What a caller wants back, untouched: the `tag` of a request or a callback.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct Tag(pub(crate) *mut c_void);

impl Tag {
    /// None.
    pub(crate) fn none() -> Self {
        Self(ptr::null_mut())
    }
}

// SAFETY: never dereferenced here; the header tells the caller that it comes back on other threads.
unsafe impl Send for Tag {}
// SAFETY: as above.
unsafe impl Sync for Tag {}

/// A value inside the allocation that also holds this pointer: neither is there without the other.
pub(crate) struct Within<T>(*const T);

impl<T> Within<T> {
    pub(crate) fn of(value: &T) -> Self {
        Self(value)
    }

    pub(crate) fn get(&self) -> &T {
        // SAFETY: the value is not moved or changed as long as what holds both is there, and that is at least as long as
        // `self`.
        unsafe { &*self.0 }
    }
}

// SAFETY: as good as a reference, which may be sent and shared where its value may.
unsafe impl<T: Sync> Send for Within<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Within<T> {}

/// Looks at a `doorward_session`: the core's shared session, of which C has the pointer. `None` for NULL.
pub(crate) fn session<T>(handle: In<SharedSession>, look: impl FnOnce(&Session) -> Option<T>) -> Option<T> {
    if handle.0.is_null() {
        return None;
    }
    // SAFETY: the pointer of an answer that is not freed (header, "MEMORY"), made by `Arc::as_ptr` or `Arc::into_raw`; its
    // reference is not given up here, because the handle is not dropped.
    let borrowed = ManuallyDrop::new(Session::from(unsafe { Arc::from_raw(handle.0) }));
    look(&borrowed)
}

impl Answer {
    /// An answer as C holds it.
    pub(crate) fn given(held: Held) -> Self {
        let status = held.status();
        let (kind, held) = match held {
            Held::Nothing(_) => (EMPTY, (&raw const NOTHING).cast()),
            Held::Pending => (NONE, ptr::null()),
            Held::Decision(decision) => (DECISION, Box::into_raw(decision).cast_const().cast()),
            Held::Session(session) => (SESSION, Arc::into_raw(session).cast()),
            Held::Failure(failure) => (FAILURE, Box::into_raw(failure).cast_const().cast()),
        };
        Self { status, kind, held }
    }

    /// What is behind it.
    pub(crate) fn look<'a>(self) -> Seen<'a> {
        // SAFETY: kind and pointer were written together by `given`, and the answer is not freed (header, "MEMORY").
        unsafe {
            match self.kind {
                _ if self.held.is_null() => Seen::None,
                EMPTY => Seen::Nothing,
                DECISION => Seen::Decision(&*self.held.cast::<Decision>()),
                SESSION => Seen::Session(In(self.held.cast())),
                FAILURE => Seen::Failure(&*self.held.cast::<Failure>()),
                _ => Seen::None,
            }
        }
    }

    /// Takes back what is behind it.
    pub(crate) fn take(self) {
        if self.held.is_null() {
            return;
        }
        // SAFETY: as in `look`; and it is freed once: `doorward_answer_free` clears what it has freed, and a copy is the same
        // answer (header, "MEMORY").
        unsafe {
            match self.kind {
                DECISION => drop(Box::from_raw(self.held.cast::<Decision>().cast_mut())),
                SESSION => drop(Arc::from_raw(self.held.cast::<SharedSession>())),
                FAILURE => drop(Box::from_raw(self.held.cast::<Failure>().cast_mut())),
                _ => {}
            }
        }
    }
}

/// What `held` points to where there is an answer and nothing behind it.
static NOTHING: u8 = 0;

/// What `held` is.
const NONE: u32 = 0;
const EMPTY: u32 = 1;
const DECISION: u32 = 2;
const SESSION: u32 = 3;
const FAILURE: u32 = 4;

/// The id with these bytes, inside the handle that owns them.
pub(crate) fn id_within(bytes: &[u8; 16]) -> *const Id {
    ptr::from_ref(bytes).cast()
}

/// The bytes of a text that ends with a NUL, as a C string.
pub(crate) fn c_text(text: &Zeroizing<Vec<u8>>) -> *const c_char {
    text.as_ptr().cast()
}

/// A constant as a C string.
pub(crate) fn c_static(text: &'static CStr) -> *const c_char {
    text.as_ptr()
}

/// Runs one export: a panic becomes `Internal` instead of crossing into C.
pub(crate) fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(panicked()))
}

/// Runs one accessor: a panic becomes `otherwise`.
pub(crate) fn caught_or<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// Runs one accessor of what may not be there: that, and a panic, becomes `otherwise`.
pub(crate) fn found_or<T>(otherwise: T, body: impl FnOnce() -> Option<T>) -> T {
    caught_or(None, body).unwrap_or(otherwise)
}

/// What a caught panic is answered with.
pub(crate) fn panicked() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a panic was caught at the boundary: please report it with what stands on stderr",
    )
}

/// A caller's mistake.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{RawNewSession, RawNewUser};

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
        let one = In(&raw const huge);
        assert!(
            one.list(usize::MAX, 64, "list")
                .map(<[Bytes]>::len)
                .unwrap_err()
                .message()
                .contains("at most 64")
        );
        assert!(In::<Bytes>(ptr::null()).list(1, 64, "list").is_err());
        assert_eq!(In::<u8>(ptr::null()).list(0, 64, "list").unwrap().len(), 0);
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
            In::<Id>(ptr::null())
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
            let read = Versioned(ptr::from_ref(newer).cast::<RawNewUser>()).read();
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
        assert!(Versioned::<RawNewSession>(ptr::null()).read().unwrap().is_none());
        assert!(
            Versioned::<RawNewSession>(ptr::null())
                .or_default()
                .unwrap()
                .attributes
                .is_absent()
        );
    }
}
