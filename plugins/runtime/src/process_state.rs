//! What belongs to the whole process and that a plugin's constructors and `load` must leave alone.

#![expect(
    unsafe_code,
    reason = "signal dispositions and the locale have C functions only"
)]

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::libc;

/// The highest signal number that is compared.
const LAST_SIGNAL: i32 = 64;

/// Signal handlers, this thread's signal mask, locale, umask and working directory.
pub(crate) struct ProcessState {
    /// Two plugins at once would be blamed for each other.
    _alone: MutexGuard<'static, ()>,
    handlers: Vec<(i32, libc::sigaction)>,
    mask: libc::sigset_t,
    locale: Option<CString>,
    umask: Option<u32>,
    directory: Option<PathBuf>,
}

impl ProcessState {
    /// What it is now.
    pub(crate) fn now() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        Self {
            _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner),
            handlers: (1..=LAST_SIGNAL)
                .filter_map(|signal| Some((signal, handler(signal)?)))
                .collect(),
            mask: mask(),
            locale: locale(),
            umask: umask(),
            directory: std::env::current_dir().ok(),
        }
    }

    /// Puts back whatever has changed since, and says what that was. Other threads that change the same at the same
    /// time are not told apart: plugins are loaded where a program begins.
    pub(crate) fn restore(self) -> std::result::Result<(), String> {
        let mut changed = Vec::new();
        for (signal, before) in &self.handlers {
            if handler(*signal).is_some_and(|now| !same_handler(&now, before)) {
                changed.push(format!("the handler of signal {signal}"));
                // SAFETY: a disposition that the kernel gave for this signal.
                unsafe { libc::sigaction(*signal, before, ptr::null_mut()) };
            }
        }
        if !same_mask(&mask(), &self.mask) {
            changed.push("the signal mask".into());
            // SAFETY: a mask that this thread had.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.mask, ptr::null_mut()) };
        }
        if locale() != self.locale {
            changed.push("the locale".into());
            if let Some(before) = &self.locale {
                // SAFETY: a text that setlocale gave.
                unsafe { libc::setlocale(libc::LC_ALL, before.as_ptr()) };
            }
        }
        if umask() != self.umask {
            changed.push("the umask".into());
            if let Some(before) = self.umask {
                nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(before));
            }
        }
        if std::env::current_dir().ok() != self.directory {
            changed.push("the working directory".into());
            // Where it is gone, nothing can bring it back.
            self.directory.as_ref().map(std::env::set_current_dir);
        }
        if changed.is_empty() {
            return Ok(());
        }
        Err(format!(
            "its constructors or its load changed {}, which belongs to the whole process",
            changed.join(", ")
        ))
    }
}

/// The disposition; `None` for numbers that are no signals.
fn handler(signal: i32) -> Option<libc::sigaction> {
    // SAFETY: plain data, for which zeros are a value.
    let mut found: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks only; `found` is ours.
    (unsafe { libc::sigaction(signal, ptr::null(), &raw mut found) } == 0).then_some(found)
}

fn same_handler(a: &libc::sigaction, b: &libc::sigaction) -> bool {
    a.sa_sigaction == b.sa_sigaction && a.sa_flags == b.sa_flags && same_mask(&a.sa_mask, &b.sa_mask)
}

fn mask() -> libc::sigset_t {
    // SAFETY: plain data, for which zeros are a value.
    let mut found: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: asks only; `found` is ours.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &raw mut found) };
    found
}

fn same_mask(a: &libc::sigset_t, b: &libc::sigset_t) -> bool {
    (1..=LAST_SIGNAL).all(|signal| {
        // SAFETY: both are complete sets.
        unsafe { libc::sigismember(a, signal) == libc::sigismember(b, signal) }
    })
}

/// Sets the locale of the process. False: there is no such locale here.
pub(crate) fn set_locale(name: &CStr) -> bool {
    // SAFETY: a text that ends with a NUL.
    !unsafe { libc::setlocale(libc::LC_ALL, name.as_ptr()) }.is_null()
}

/// The locale of the process.
pub(crate) fn locale() -> Option<CString> {
    // SAFETY: asks only.
    let text = unsafe { libc::setlocale(libc::LC_ALL, ptr::null()) };
    // SAFETY: NULL or a NUL-terminated text, copied before anybody sets another locale here.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_owned())
}

/// From `/proc`: the system call would have to change it in order to read it.
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
