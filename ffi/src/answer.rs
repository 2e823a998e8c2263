//! `doorward_answer`: what one operation decided, or why nothing could be. A value of two words; what is behind it is a
//! shared session, a decision, a failure, or nothing.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use doorward::ErrorKind;
use doorward::session::SharedSession;

use crate::boundary::{self, In};
use crate::decision::Decision;
use crate::error::{Failure, status};
use crate::held::Held;

/// `doorward_answer`, as C holds it. A copy is the same answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) kind: u32,
    pub(crate) held: *const c_void,
}

/// What is behind an answer.
pub(crate) enum Seen<'a> {
    /// No answer: never given, or freed.
    None,
    Nothing,
    Decision(&'a Decision),
    Session(In<SharedSession>),
    Failure(&'a Failure),
}

impl Answer {
    /// `DOORWARD_ANSWER_INIT`.
    pub(crate) fn none() -> Self {
        Self {
            status: ErrorKind::InvalidState.number(),
            kind: 0,
            held: ptr::null(),
        }
    }

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
                SESSION => Seen::Session(In::given(self.held.cast())),
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

/// Runs what answers nothing but whether it could be done.
pub(crate) fn plain(body: impl FnOnce() -> doorward::Result<()>) -> Answer {
    Answer::given(match boundary::caught(body) {
        Ok(()) => Held::Nothing(status::OK),
        Err(error) => error.into(),
    })
}
