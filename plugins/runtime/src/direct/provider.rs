//! An open provider, asked through the plugin's own functions.

#![expect(unsafe_code, reason = "here the plugin's operations are called")]

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use doorward_plugin_abi as abi;

use super::answer::{Answer, Outcome};
use super::judgement;
use super::plugin::{KindOptions, Plugin, Refused};
use super::question::{Newer, Question, unknown_flags};
use super::table::HostTable;
use crate::call::{Call, Time, Waits};
use crate::frame::{self, Frame};
use crate::host_services::HostServices;
use crate::instance::Instance;
use crate::kind_table::KindTable;
use crate::reply::{Draft, Limits};
use crate::told::Told;

/// Under which circumstances a plugin is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// What `remaining_ns` says.
    pub left: Duration,
    /// What `cancelled` says.
    pub is_cancelled: bool,
    /// Requests of a later version: larger structs, flags that nobody knows yet.
    pub newer: bool,
}

/// One open provider. Closed when dropped.
pub struct Provider {
    host: HostTable,
    table: Arc<KindTable>,
    instance: Instance,
    name: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("kind", &self.table.declaration.name)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// Opens a provider of this kind under this name: cold. The services are those of this call.
    ///
    /// # Errors
    /// The status and the message with which the kind refuses; `E_NOT_FOUND` for one that there is not.
    pub fn open(
        &self,
        (kind, name): (&str, &str),
        options: &KindOptions,
        services: &Arc<dyn HostServices>,
        circumstances: Circumstances,
    ) -> Result<Provider, Refused> {
        let Some(table) = self.kind(kind) else {
            return Err(Refused {
                status: abi::E_NOT_FOUND,
                was_called: false,
                message: format!("the plugin has no kind {kind:?}"),
            });
        };
        let host = self.table.host();
        let reply = RefCell::new(Draft::new(Limits::without_credentials(0)));
        let frame = Frame {
            number: frame::number(),
            services,
            call: None,
            reply: Some(&reply),
            options: Some(&options.0),
            told: Told::default(),
        };
        let args = Newer::of(abi::Open {
            struct_size: Newer::<abi::Open>::size(circumstances.newer),
            flags: unknown_flags(circumstances.newer),
            host: host.as_ptr(),
            config: frame::handle(frame.number),
            provider: abi::Bytes::of(name.as_bytes()),
        });
        let mut instance = std::ptr::null_mut();
        let control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
        let status = match table.operations.open {
            None => abi::OK,
            // SAFETY: the kind's own `open`, with arguments that live until it returns; one thread at a time.
            Some(open) => frame::enter(&frame, || unsafe {
                open(args.as_ptr(), &raw mut instance, frame::handle(frame.number))
            }),
        };
        drop(control);
        if status != abi::OK {
            return Err(Refused {
                status,
                was_called: true,
                message: reply.into_inner().message.unwrap_or_default(),
            });
        }
        Ok(Provider {
            host: self.table,
            table: Arc::clone(table),
            instance: Instance::new(instance, table, &self.module, true),
            name: name.to_owned(),
        })
    }
}

impl Provider {
    /// Whether the kind has a `start`.
    pub fn has_start(&self) -> bool {
        self.table.operations.start.is_some()
    }

    /// The provider serves from now on; it is stopped before it is closed.
    pub fn has_started(&self) {
        self.instance.has_started();
    }

    /// Asks, with the services of this call, and waits for the answer. An operation that the kind does not have is
    /// [`abi::E_UNSUPPORTED`].
    pub fn ask(
        &self,
        question: &Question<'_>,
        services: &Arc<dyn HostServices>,
        circumstances: Circumstances,
    ) -> Answer {
        let operations = &self.table.operations;
        let operation = match question.operation {
            abi::OP_NORMALIZE => operations.normalize,
            abi::OP_ENROLL => operations.enroll,
            abi::OP_VERIFY => operations.verify,
            abi::OP_UPDATE => operations.update,
            abi::OP_STEP => operations.step,
            abi::OP_DESCRIBE => operations.describe,
            abi::OP_HEALTH => operations.health,
            abi::OP_MIGRATE => operations.migrate,
            abi::OP_START => operations.start,
            _ => None,
        };
        let Some(operation) = operation else {
            return Answer::without_reply(abi::E_UNSUPPORTED, Outcome::Fault(abi::E_UNSUPPORTED));
        };
        let kind = &self.table.declaration;
        let ask = question.judged_by(&self.name);
        let limits = match question.operation {
            abi::OP_MIGRATE => Limits::of_migration(&ask, kind),
            abi::OP_ENROLL | abi::OP_VERIFY | abi::OP_UPDATE | abi::OP_STEP => {
                Limits::of(&ask, question.operation, kind)
            }
            _ => Limits::without_credentials(question.operation),
        };
        let cancelled = AtomicBool::new(circumstances.is_cancelled);
        let call = Call {
            realm: "",
            provider: &self.name,
            known: None,
            waits: match question.operation {
                abi::OP_NORMALIZE => Waits::Pure,
                _ if kind.inline => Waits::Inline,
                _ => Waits::Freely,
            },
            time: Time::Stands(circumstances.left),
            cancelled: &cancelled,
        };
        let reply = RefCell::new(Draft::new(limits));
        let frame = Frame {
            number: frame::number(),
            services,
            call: Some(&call),
            reply: Some(&reply),
            options: None,
            told: Told::default(),
        };
        let raw = (
            self.host.host(),
            frame::handle::<abi::Call>(frame.number).cast_const(),
            self.name.as_str(),
        );
        let status = question.with_raw(raw, circumstances.newer, |request| {
            // SAFETY: the kind's own operation with its own instance, which is open; request and reply live until it
            // returns, and what it keeps of them longer is never followed (`frame`).
            frame::enter(&frame, || unsafe {
                operation(self.instance.raw(), request, frame::handle(frame.number))
            })
        });
        judgement::judged(question.operation, status, reply.into_inner(), &ask, kind)
    }
}
