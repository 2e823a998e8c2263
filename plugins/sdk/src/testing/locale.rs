//! The locale of the process, which an operation must neither follow nor change.

use std::ffi::CStr;

/// The locale of this process, as the C library describes it.
pub fn locale() -> String {
    // SAFETY: NULL asks; the text is valid until the next call, and is copied here.
    let text = unsafe { libc::setlocale(libc::LC_ALL, std::ptr::null()) };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and the C library ends its texts with NUL.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Sets the locale of this process; false: it is not installed. For a process with one thread.
pub fn set_locale(name: &CStr) -> bool {
    // SAFETY: a text that ends with NUL; that no other thread reads the locale now is the caller's to see to, and nothing
    // of ours reads it.
    !unsafe { libc::setlocale(libc::LC_ALL, name.as_ptr()) }.is_null()
}
