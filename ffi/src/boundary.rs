//! The boundary: every cast, every use of a caller's pointer, and the catch of every panic. Nothing outside this file
//! is unsafe. What a caller must keep to stands in `include/doorward.h`; each SAFETY comment names the rule.

use std::ffi::{CStr, c_char, c_void};
use std::mem::{MaybeUninit, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use doorward::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::abi::{Bytes, Field, Id, Violation};

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

pointers! { In Out Owned Place Versioned Filled }

/// A pointer that the caller lends for the call. NULL is `None`.
#[repr(transparent)]
pub(crate) struct In<T>(*const T);

impl<T> In<T> {
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

/// Where a handle is to be put. NULL: it is not wanted.
#[repr(transparent)]
pub(crate) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// Sets it to NULL: what an output is until there is something to give.
    pub(crate) fn clear(self) {
        self.write(ptr::null_mut());
    }

    /// Gives a handle away.
    pub(crate) fn put(self, value: T) {
        if !self.0.is_null() {
            self.write(Box::into_raw(Box::new(value)));
        }
    }

    /// True when the caller left no place for it.
    pub(crate) fn is_unwanted(self) -> bool {
        self.0.is_null()
    }

    fn write(self, value: *mut T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, so the address of a pointer that the caller owns (header, "THE SHAPE").
            unsafe { self.0.write(value) }
        }
    }
}

/// A handle that comes back to be freed. NULL: nothing.
#[repr(transparent)]
pub(crate) struct Owned<T>(*mut T);

impl<T> Owned<T> {
    /// A look at it without taking it.
    pub(crate) fn peek<'a>(self) -> Option<&'a T> {
        In(self.0.cast_const()).optional()
    }

    /// Takes it back.
    pub(crate) fn take(self) -> Option<Box<T>> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: made by `Out::put` or `hand_over`, and freed once: nobody uses a handle after its free function.
        Some(unsafe { Box::from_raw(self.0) })
    }
}

/// Gives a handle away inside a struct of the caller.
pub(crate) fn hand_over<T>(value: Option<Box<T>>) -> *mut T {
    value.map_or(ptr::null_mut(), Box::into_raw)
}

/// A plain value that the caller wants written. NULL: it is not wanted.
#[repr(transparent)]
pub(crate) struct Place<T>(*mut T);

impl<T: Copy> Place<T> {
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

/// A struct of the caller that is to be filled: its `struct_size` says how much of it there is.
#[repr(transparent)]
pub(crate) struct Filled<T>(*mut T);

impl<T: Grows> Filled<T> {
    /// Checks that there is one, of a size that a header has.
    pub(crate) fn check(self) -> Result<()> {
        if self.0.is_null() {
            return Err(invalid(format!("`{}` is NULL", T::NAME)));
        }
        match self.size() {
            size if (T::FIRST_SIZE..=MAX_STRUCT).contains(&size) => Ok(()),
            size => Err(mismatch::<T>(&format!(
                "its size {size} is none that a header has: use the _INIT macro"
            ))),
        }
    }

    /// Writes all of the value that the caller's struct has room for, but its size. Only after [`check`](Self::check).
    pub(crate) fn fill(self, value: &T) {
        let size = self.size().min(size_of::<T>());
        let skip = size_of::<u32>();
        let from = ptr::from_ref(value).cast::<u8>();
        // SAFETY: `check` found at least FIRST_SIZE bytes there, of which `size` are the caller's; ours has as many.
        unsafe { ptr::copy_nonoverlapping(from.add(skip), self.0.cast::<u8>().add(skip), size - skip) };
    }

    fn size(self) -> usize {
        // SAFETY: not NULL (`check`), and every such struct begins with its size (header, "GROWTH").
        unsafe { self.0.cast::<u32>().read() as usize }
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

/// Where a length is to be written. NULL: it is not wanted.
pub(crate) type Length = Place<usize>;

// SAFETY: a pair of pointers into memory that is owned by the same handle and not written any more: which thread reads
// it does not matter.
unsafe impl Send for Field {}
// SAFETY: as above.
unsafe impl Sync for Field {}
// SAFETY: as above.
unsafe impl Send for Violation {}
// SAFETY: as above.
unsafe impl Sync for Violation {}

/// What a caller wants back, untouched: the `user` of a call or a callback.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub(crate) struct UserPointer(pub(crate) *mut c_void);

// SAFETY: never dereferenced here; the header tells the caller that it comes back on other threads.
unsafe impl Send for UserPointer {}
// SAFETY: as above.
unsafe impl Sync for UserPointer {}

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
    use crate::abi::{Call, CreateUserOptions};

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
        let known = size_of::<CreateUserOptions>();
        let newer = |size: usize, flags, later| Newer {
            size: u32::try_from(size).unwrap(),
            flags,
            attributes: bytes(b"{}"),
            id: ptr::null(),
            later,
        };
        let kind = |newer: &Newer| {
            let read = Versioned(ptr::from_ref(newer).cast::<CreateUserOptions>()).read();
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
        assert!(Versioned::<Call>(ptr::null()).read().unwrap().is_none());
        assert!(
            Versioned::<Call>(ptr::null())
                .or_default()
                .unwrap()
                .queue
                .optional()
                .is_none()
        );
    }
}
