//! An opened kind in this process: its instance, called through the plugin's own functions.

#![expect(unsafe_code, reason = "here the plugin's operations are called")]

use std::cell::RefCell;
use std::ptr;
use std::sync::Arc;

use doorward_plugin_abi as abi;

use super::Parts;
use crate::ask::Asked;
use crate::foreign::count;
use crate::frame::{self, Frame};
use crate::instance::{Current, Instance};
use crate::reply::{Draft, Limits};
use crate::request::{self, Request};
use doorward_base::error::{Error, ErrorKind, Result};

/// The instance that calls go to now.
pub(super) struct Here(Current);

impl Here {
    /// Opens the first instance; what `open` wrote is in the reply.
    ///
    /// # Errors
    /// The status that `open` returned.
    pub(super) fn open(parts: &Parts, reply: &RefCell<Draft>) -> std::result::Result<Self, abi::Status> {
        open_one(parts, reply, true).map(|instance| Self(Current::of(instance)))
    }

    /// Another instance in place of one that panicked; `start` starts it and says whether it did.
    ///
    /// # Errors
    /// `Unavailable`: it cannot be opened again; what `start` says.
    pub(super) fn open_again(&self, parts: &Parts, start: impl FnOnce() -> Result<bool>) -> Result<()> {
        let reply = RefCell::new(Draft::new(Limits::without_credentials(0)));
        let opened = open_one(parts, &reply, false).map_err(|status| {
            let said = reply
                .into_inner()
                .message
                .unwrap_or_else(|| format!("status {status}"));
            let why = format!(
                "provider {:?} panicked and cannot be opened again: {said}",
                parts.provider
            );
            Error::new(ErrorKind::Unavailable, why)
        })?;
        let opened = self.0.set(opened);
        if start()? {
            opened.has_started();
        }
        opened.make_ready();
        Ok(())
    }

    /// The instance as it is, broken or not.
    pub(super) fn current(&self) -> Arc<Instance> {
        self.0.get()
    }

    /// One that is not broken.
    ///
    /// # Errors
    /// What [`Current::usable`] says.
    pub(super) fn usable(&self, open_again: impl FnOnce() -> Result<()>) -> Result<Arc<Instance>> {
        self.0.usable(|| open_again().map(|()| self.0.get()))
    }

    pub(super) fn has_started(&self) {
        self.0.get().has_started();
    }

    pub(super) fn stop(&self) {
        self.0.get().stop();
    }

    /// Calls an operation on an instance: what it returned.
    ///
    /// # Errors
    /// `Corrupt`: a stored record has no frame.
    pub(super) fn run(
        &self,
        parts: &Parts,
        instance: &Instance,
        operation: abi::Operation,
        (asked, number): (Asked<'_>, u32),
        frame: &Frame<'_>,
    ) -> Result<abi::Status> {
        let (host, call) = (parts.host.as_ptr(), frame::handle(frame.number));
        let (kind, provider) = (&parts.table.declaration, &parts.provider);
        let run = |request: &abi::Request| {
            // SAFETY: the kind's own operation with its own instance, which `open` made and nobody has closed; request
            // and reply live until it returns, and what it keeps of them longer is never followed (`frame`).
            frame::enter(frame, || unsafe {
                operation(instance.raw(), request, frame::handle(frame.number))
            })
        };
        let status = match asked {
            Asked::Ask(ask) => {
                let request = Request::of(ask, kind, provider, host, call)?;
                run(&request.body)
            }
            Asked::Describe(ask) | Asked::Migrate(ask) => {
                let request = Request::of(ask, kind, provider, host, call)?;
                run(&abi::Request {
                    operation: number,
                    purpose: 0,
                    step: 0,
                    n_credentials: 0,
                    ..request.body
                })
            }
            Asked::Normalize(raw) => run(&abi::Request {
                operation: number,
                identifier_raw: abi::Bytes::of(raw),
                ..request::bare(host, call, provider)
            }),
            Asked::Health | Asked::Start => run(&abi::Request {
                operation: number,
                ..request::bare(host, call, provider)
            }),
        };
        if !matches!(asked, Asked::Start) {
            self.0.ended(instance, status == abi::E_BROKEN);
        }
        Ok(status)
    }
}

/// Calls the kind's `open`, where it has one.
fn open_one(
    parts: &Parts,
    reply: &RefCell<Draft>,
    is_ready: bool,
) -> std::result::Result<Instance, abi::Status> {
    let number = frame::number();
    let frame = parts.opening(number, reply);
    let args = abi::Open {
        struct_size: count(size_of::<abi::Open>()),
        flags: 0,
        host: parts.host.as_ptr(),
        config: frame::handle(number),
        provider: abi::Bytes::of(parts.provider.as_bytes()),
    };
    let mut instance = ptr::null_mut();
    let _control = parts.control();
    let status = match parts.table.operations.open {
        None => abi::OK,
        // SAFETY: the kind's own `open`, with arguments that live until it returns; one thread at a time.
        Some(open) => frame::enter(&frame, || unsafe {
            open(&raw const args, &raw mut instance, frame::handle(number))
        }),
    };
    match status {
        abi::OK => Ok(Instance::new(instance, &parts.table, &parts.module, is_ready)),
        refused => Err(refused),
    }
}
