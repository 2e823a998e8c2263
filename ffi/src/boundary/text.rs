//! Bytes and texts across the boundary.

use std::ffi::{CStr, c_char};
use std::ptr;

use doorward::Result;
use zeroize::Zeroizing;

use super::caught::invalid;
use super::pointer::slice;

/// The bytes of a caller at an address, or `None` for {NULL, 0}.
pub(crate) fn bytes<'a>(
    start: *const c_char,
    len: usize,
    name: &str,
    most: usize,
) -> Result<Option<&'a [u8]>> {
    if len > most {
        return Err(invalid(format!(
            "`{name}` has {len} bytes and takes at most {most}"
        )));
    }
    match (start.is_null(), len) {
        (true, 0) => Ok(None),
        (true, _) => Err(invalid(format!("`{name}` is NULL with a length"))),
        (false, len) => Ok(Some(slice(start.cast(), len))),
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

/// The bytes of a text that ends with a NUL, as a C string.
pub(crate) fn c_text(text: &Zeroizing<Vec<u8>>) -> *const c_char {
    text.as_ptr().cast()
}

/// A constant as a C string.
pub(crate) fn c_static(text: &'static CStr) -> *const c_char {
    text.as_ptr()
}
