//! Reading what the other side of the ABI points at: sizes first, copies always.
//!
//! A plugin runs in our process, so a pointer that leads nowhere cannot be survived. Everything short of that is
//! checked here: NULL with a length, lengths beyond the limit, texts without an end, structs of another size.

#![expect(unsafe_code, reason = "foreign memory can only be read through pointers")]

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use doorward_plugin_abi as abi;

/// No struct of the ABI will ever be larger: a larger size is garbage.
const MAX_STRUCT: usize = 4096;

/// A length or a count as the ABI carries it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "structs have less than 4 KiB, lists and declared lengths less than 64 Ki"
)]
pub(super) const fn count(of: usize) -> u32 {
    of as u32
}

/// A struct that begins with its author's size and may be shorter or longer than ours.
///
/// # Safety
/// `#[repr(C)]`, begins with a `u32` size, has no `Drop`, and is valid with every byte beyond the size zero.
pub(super) unsafe trait Growing {
    /// Its size in version 1.0: the least there can be.
    const FIRST_SIZE: usize;
}

// SAFETY: integers, raw pointers and `Option` of function pointers, after a u32 size.
unsafe impl Growing for abi::Module {
    const FIRST_SIZE: usize = 80;
}

// SAFETY: as above.
unsafe impl Growing for abi::Kind {
    const FIRST_SIZE: usize = 176;
}

// SAFETY: as above.
unsafe impl Growing for abi::Field {
    const FIRST_SIZE: usize = 40;
}

// SAFETY: as above.
unsafe impl Growing for abi::Migrate {
    const FIRST_SIZE: usize = 16;
}

// SAFETY: as above.
unsafe impl Growing for abi::Secrets {
    const FIRST_SIZE: usize = 16;
}

/// A copy of the struct at `from`, with zeros for the fields that its author did not know.
///
/// # Safety
/// `from` is NULL or points at a struct of its kind that is as long as its first field says.
pub(super) unsafe fn growing<T: Growing>(from: *const T) -> Result<T, &'static str> {
    if from.is_null() || !from.is_aligned() {
        return Err("a pointer that is NULL or not aligned");
    }
    // SAFETY: not NULL, aligned, and every such struct begins with a u32 (trait contract).
    let size = unsafe { from.cast::<u32>().read() } as usize;
    if size < T::FIRST_SIZE || size > MAX_STRUCT {
        return Err("a struct_size that no version of the ABI has");
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: the source is `size` bytes long (caller), the target `size_of::<T>()`, and they are apart.
    unsafe {
        std::ptr::copy_nonoverlapping(
            from.cast::<u8>(),
            copy.as_mut_ptr().cast::<u8>(),
            size.min(size_of::<T>()),
        );
    }
    // SAFETY: zeros and whatever the author wrote are valid values (trait contract).
    Ok(unsafe { copy.assume_init() })
}

/// A copy of the array of pointers.
///
/// # Safety
/// `from` is NULL or points at `count` pointers.
pub(super) unsafe fn pointers<T>(from: *const *const T, count: u32) -> Result<Vec<*const T>, &'static str> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if from.is_null() || !from.is_aligned() {
        return Err("an array that is NULL or not aligned");
    }
    // SAFETY: not NULL, aligned, `count` long (caller); the copy outlives nothing.
    Ok(unsafe { std::slice::from_raw_parts(from, count as usize) }.to_vec())
}

/// The text at `from`, which ends with a NUL after at most `max` bytes and is UTF-8. NULL gives `None`.
///
/// # Safety
/// `from` is NULL or points at bytes that end with a NUL or go on for more than `max`.
pub(super) unsafe fn text(from: *const c_char, max: usize) -> Result<Option<String>, &'static str> {
    if from.is_null() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for at in 0..=max {
        // SAFETY: every byte before this one was not the NUL, so this one still belongs to the text (caller).
        let byte = unsafe { from.cast::<u8>().add(at).read() };
        if byte == 0 {
            return String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| "a text that is not UTF-8");
        }
        bytes.push(byte);
    }
    Err("a text that is too long")
}

/// The bytes for the length of a host function's call.
///
/// # Safety
/// `data` is NULL or points at `len` bytes that nobody writes during `'a`.
pub(super) unsafe fn borrowed<'a>(
    data: *const c_void,
    len: usize,
    max: usize,
) -> Result<&'a [u8], abi::Status> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(abi::E_ARGUMENT);
    }
    if len > max || isize::try_from(len).is_err() {
        return Err(abi::E_TOO_LARGE);
    }
    // SAFETY: not NULL, `len` bytes long and unchanged (caller), no longer than isize::MAX.
    Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) })
}

/// Writes `result` to a plugin's buffer, the way all host functions do: `*written` is what was written or, with
/// `E_TOO_LARGE`, what is needed.
///
/// # Safety
/// `out` is NULL or has room for `capacity` bytes; `written` is NULL or points at a `usize`.
pub(super) unsafe fn deliver(
    result: &[u8],
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    if written.is_null() || !written.is_aligned() || (out.is_null() && capacity > 0) {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL and aligned; a usize of the caller's.
    unsafe { written.write(result.len()) };
    if result.len() > capacity {
        return abi::E_TOO_LARGE;
    }
    if !result.is_empty() {
        // SAFETY: `out` has `capacity` bytes, no fewer than the result, and is not our memory.
        unsafe { std::ptr::copy_nonoverlapping(result.as_ptr(), out.cast::<u8>(), result.len()) };
    }
    abi::OK
}

/// Writes one value through a plugin's out-pointer.
///
/// # Safety
/// `out` is NULL or points at a `T`.
pub(super) unsafe fn put<T: Copy>(value: T, out: *mut T) -> abi::Status {
    if out.is_null() || !out.is_aligned() {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL, aligned, a T of the caller's.
    unsafe { out.write(value) };
    abi::OK
}
