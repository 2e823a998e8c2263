//! Pointers of a caller: transparent wrappers, so that an exported function says in its signature what it does with each.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;

use doorward::session::SharedSession;
use doorward::{Result, Session};

use super::caught::invalid;

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

pointers! { In Owned Place }

/// A pointer that the caller lends for the call. NULL is `None`.
#[repr(transparent)]
pub(crate) struct In<T>(*const T);

#[cfg(test)]
impl<T> In<T> {
    pub(crate) fn of(value: &T) -> Self {
        Self(value)
    }

    pub(crate) fn null() -> Self {
        Self(ptr::null())
    }
}

impl<T> In<T> {
    /// What the library has given away before.
    ///
    /// # Safety
    /// NULL, or a pointer that is as good as one that the caller lends.
    pub(crate) unsafe fn given(pointer: *const T) -> Self {
        Self(pointer)
    }

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
            _ => Ok(slice(self.0, n)),
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

/// The `n` values at an address that is not NULL; `n` is bounded by who asks, far below `isize::MAX`.
pub(super) fn slice<'a, T>(start: *const T, n: usize) -> &'a [T] {
    // SAFETY: the caller of the library says that `n` values stand there, which nobody writes during the call (header,
    // "MEMORY").
    unsafe { std::slice::from_raw_parts(start, n) }
}

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
