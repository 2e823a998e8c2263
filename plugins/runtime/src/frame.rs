//! What the running operation may touch: its reply, its call, its configuration.
//!
//! A plugin gets opaque pointers and may do anything with them: keep them, pass them to another thread, give back
//! something else. So none of them is a pointer at all: each carries the number of its call, which is never given
//! twice, and is compared with what *this thread* is running at the moment. Anything else is refused, which makes
//! late writes, foreign threads and garbage equally harmless. (Addresses would not do: the next call's reply may stand
//! where the last one's stood.)

#![expect(
    unsafe_code,
    reason = "the thread's frame is borrowed through a thread-local pointer"
)]

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_plugin_abi as abi;

use super::call::Call;
use super::host_services::{Given, HostServices};
use super::options::Options;
use super::reply::Draft;
use super::told::Told;

/// One call of one operation.
pub(super) struct Frame<'a> {
    /// From [`number`].
    pub(super) number: usize,
    pub(super) services: &'a Arc<dyn HostServices>,
    pub(super) call: Option<&'a Call<'a>>,
    pub(super) reply: Option<&'a RefCell<Draft>>,
    pub(super) options: Option<&'a Options>,
    pub(super) told: Told,
}

thread_local! {
    static CURRENT: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

/// A number for one call: never 0, never given before in this process.
pub(super) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The opaque pointer that a plugin gets for what belongs to the call. It leads nowhere.
pub(super) const fn handle<T>(number: usize) -> *mut T {
    ptr::without_provenance_mut(number)
}

/// Runs `body` with this frame as the thread's.
pub(super) fn enter<R>(frame: &Frame<'_>, body: impl FnOnce() -> R) -> R {
    struct Restore(*const Frame<'static>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let restore = Restore(CURRENT.replace(ptr::from_ref(frame).cast()));
    let done = body();
    drop(restore);
    frame
        .told
        .report(frame.services.told(), frame.call.map_or("", |call| call.provider));
    done
}

/// True while whatever runs on this thread may write another line, whichever call it says the line is of.
pub(super) fn may_log() -> bool {
    current(|frame| frame.is_none_or(|frame| frame.told.line(frame.services.told())))
}

/// The same for an audit record.
pub(super) fn may_audit() -> bool {
    current(|frame| frame.is_none_or(|frame| frame.told.record(frame.services.told())))
}

fn current<R>(body: impl FnOnce(Option<&Frame<'_>>) -> R) -> R {
    let frame = CURRENT.get();
    // SAFETY: `enter` sets the pointer to a frame that it borrows and takes it back before that borrow ends, on
    // every path; the pointer is of this thread alone.
    body(unsafe { frame.as_ref() })
}

/// Tells the host of the running operation that the plugin calls this function of it.
///
/// # Errors
/// The status with which that is to fail.
pub(super) fn called(function: &'static str) -> Given<()> {
    current(|frame| frame.map_or(Ok(()), |frame| frame.services.called(function)))
}

/// As [`called`], for a function that cannot fail.
pub(super) fn noted(function: &'static str) {
    // It has no status that it could give.
    let _ = called(function);
}

/// The services of the running operation, if there is one.
pub(super) fn services() -> Option<Arc<dyn HostServices>> {
    current(|frame| frame.map(|frame| Arc::clone(frame.services)))
}

/// Gives `body` what runs on this thread: its services and its call.
pub(super) fn running<R>(body: impl FnOnce(Option<(&dyn HostServices, Option<&Call<'_>>)>) -> R) -> R {
    current(|frame| body(frame.map(|frame| (&**frame.services, frame.call))))
}

/// Gives `body` the call, if it is the one that this thread runs.
pub(super) fn with_call<R>(call: *const abi::Call, body: impl FnOnce(Option<&Call<'_>>) -> R) -> R {
    current(|frame| {
        let frame = frame.filter(|frame| frame.number == call.addr());
        body(frame.and_then(|frame| frame.call))
    })
}

/// Gives `body` the reply, if it is the one that this thread is to write.
pub(super) fn with_reply(rp: *mut abi::Reply, body: impl FnOnce(&mut Draft) -> abi::Status) -> abi::Status {
    current(|frame| {
        let Some((number, reply)) = frame.and_then(|frame| Some((frame.number, frame.reply?))) else {
            return abi::E_ARGUMENT;
        };
        if number != rp.addr() {
            // The plugin is confused about what it answers: what it says here counts for nothing.
            return reply.try_borrow_mut().map_or(abi::E_ARGUMENT, |mut draft| {
                draft.refuse(abi::E_ARGUMENT, "it wrote to another reply")
            });
        }
        reply
            .try_borrow_mut()
            .map_or(abi::E_ARGUMENT, |mut draft| body(&mut draft))
    })
}

/// Gives `body` the reply of whatever runs on this thread: for what a service notes there by itself.
pub(super) fn own_reply<T>(
    body: impl FnOnce(&mut Draft) -> Result<T, abi::Status>,
) -> Result<T, abi::Status> {
    current(|frame| {
        let reply = frame.and_then(|frame| frame.reply).ok_or(abi::E_ARGUMENT)?;
        body(&mut *reply.try_borrow_mut().map_err(|_| abi::E_ARGUMENT)?)
    })
}

/// Gives `body` the configuration, if `open` runs on this thread with it.
pub(super) fn with_options(
    config: *const abi::Config,
    body: impl FnOnce(&Options) -> abi::Status,
) -> abi::Status {
    current(|frame| {
        let frame = frame.filter(|frame| frame.number == config.addr());
        frame
            .and_then(|frame| frame.options)
            .map_or(abi::E_ARGUMENT, body)
    })
}
