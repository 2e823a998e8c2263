//! Structs that may grow: the caller's may be older or newer than ours.

use std::mem::{MaybeUninit, size_of};
use std::ptr;

use doorward::{Error, ErrorKind, Result};

use super::caught::invalid;

/// Largest struct that is looked at: no release will have a larger one.
const MAX_STRUCT: usize = 4096;

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

// Derived, they would ask the same of what it points to.
impl<T> Clone for Versioned<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Versioned<T> {}

#[cfg(test)]
impl<T> Versioned<T> {
    pub(crate) fn of(raw: *const T) -> Self {
        Self(raw)
    }
}

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
