//! One opened kind: what serves a provider name. Asks the plugin and judges the answer.

#![expect(unsafe_code, reason = "here the plugin's operations are called")]

use std::cell::RefCell;
use std::future::Future;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use doorward_plugin_abi as abi;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::ask::{Ask, Decision, Declaration, Denial, Fields, PutRecord, Verdict};
use super::foreign::count;
use super::frame::{self, Call, Frame, Waits};
use super::gate::{Gate, Passed};
use super::host::Host;
use super::instance::{Current, Instance};
use super::isolation::{Asker, Remote};
use super::module::{KindTable, Module};
use super::options::Options;
use super::pool::{Job, Pool, PoolSettings};
use super::reply::{Draft, Limits};
use super::request::{self, Fit, Request};
use super::services::{Audit, Services};
use super::told::Told;
use super::{record, verdict};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};

/// How long `start` may take.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long a helper may take to normalize: the caller's thread waits for it.
const NORMALIZE_DEADLINE: Duration = Duration::from_secs(2);

/// A kind, opened for one provider name with its own options. Cheap to clone; safe from many threads.
#[derive(Clone)]
pub struct Kind(Arc<Inner>);

pub(super) struct Inner {
    provider: String,
    table: Arc<KindTable>,
    module: Arc<Module>,
    instance: Current,
    /// Checked, with secrets resolved: for the next instance, after a panic.
    options: Options,
    /// For a kind in a process of its own: what is asked there, in place of the instance.
    remote: Option<Remote>,
    services: Arc<Services>,
    host: Host,
    /// Of this provider name alone, with what all names of the kind share; an INLINE kind has none.
    pool: Option<(Pool, PoolSettings)>,
    gate: Option<Gate>,
    /// The process in which `start` has been called and not `stop`; 0: none.
    started_in: AtomicU32,
    faults: AtomicU64,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind")
            .field("provider", &self.0.provider)
            .field("name", &self.0.table.declaration.name)
            .finish_non_exhaustive()
    }
}

impl Kind {
    /// What the kind declares about itself.
    pub fn declaration(&self) -> &Declaration {
        &self.0.table.declaration
    }

    /// The provider name that it was opened for.
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// How often it broke its contract in this process.
    pub fn faults(&self) -> u64 {
        self.0.faults.load(Ordering::Relaxed)
    }

    /// Calls that are past their deadline and have not returned yet.
    pub fn stuck(&self) -> usize {
        self.0.pool.as_ref().map_or(0, |(pool, _)| pool.stuck())
    }

    /// Asks the kind. One that is INLINE answers at the first poll, on the polling thread; any other answers from
    /// its pool, or when `deadline` (at most the declared one) is over. Needs no executor. Dropping the future
    /// abandons the wait and tells the kind, not more.
    ///
    /// # Errors
    /// - `InvalidArgument`: a credential that the kind does not take here, or one given twice.
    /// - `Unsupported`: it has no such operation.
    /// - `Unavailable`, `Timeout`, `Overloaded`, `Cancelled`: it could not be decided.
    /// - `Corrupt`: a stored record or state is not understood.
    /// - `PluginFault`: the kind broke its contract.
    /// - `InvalidState`, `ForkedContext`: its threads do not run in this process.
    pub fn ask(
        &self,
        mut ask: Ask,
        deadline: Duration,
    ) -> impl Future<Output = Result<Verdict>> + Send + use<> {
        let inner = Arc::clone(&self.0);
        async move {
            let fit = request::fit(&mut ask, &inner.table.declaration)?;
            // Derived for everybody: a question about nobody takes as long to put.
            let nobody = std::hint::black_box(request::nobody(&ask));
            if ask.decoy && ask.subject.is_none() {
                ask.subject = Some(nobody);
            }
            if let Fit::Broken(refusal) = fit {
                return Ok(*refusal);
            }
            let verdict = Inner::answered(&inner, ask, deadline, Inner::perform).await?;
            match fit {
                Fit::Wrong => Ok(Verdict {
                    denial: Denial::Wrong,
                    ..verdict::blank(Decision::Deny)
                }),
                _ => Ok(verdict),
            }
        }
    }

    /// The canonical form of an identifier, on this thread. The answer is asked for its own canonical form: a kind
    /// whose answers move when they are normalized again would let two people have one account, or one two.
    ///
    /// # Errors
    /// - `InvalidArgument`: it is not an identifier of this kind.
    /// - `Unsupported`: the kind does not normalize.
    /// - `PluginFault`: the answer is not its own canonical form, or the kind broke its contract.
    pub fn normalize(&self, raw: &[u8]) -> Result<Vec<u8>> {
        if raw.is_empty() || raw.len() > abi::limit::IDENTIFIER {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the identifier must have 1 to {} bytes", abi::limit::IDENTIFIER),
            ));
        }
        let canonical = self.0.normalize(raw)?;
        match self.0.normalize(&canonical) {
            Ok(again) if again == canonical => Ok(canonical),
            _ => Err(self
                .0
                .fault("its canonical form of an identifier has another canonical form")),
        }
    }

    /// Whether the kind can do its work now; `Ok` where it has no `health`. Blocks like an operation of the kind.
    ///
    /// # Errors
    /// What the kind answers, with its message for the operator.
    pub fn health(&self) -> Result<()> {
        match self.0.table.operations.health {
            Some(_) => self.0.plain(Asked::Health, self.0.table.declaration.deadline),
            None => Ok(()),
        }
    }
}

/// Tells the operation when the future that waits for it is dropped.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

mod describe;

/// What is asked of an instance.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// An operation that takes credentials.
    Ask(&'a Ask),
    /// What a person may see of the one record of the question.
    Describe(&'a Ask),
    Health,
    /// The one record of the question in the newest format.
    Migrate(&'a Ask),
    /// The canonical form of an identifier.
    Normalize(&'a [u8]),
    Start,
}

/// What [`Inner::open`] puts together.
pub(super) struct Opening<'a> {
    pub(super) provider: &'a str,
    pub(super) options: &'a Map<String, Value>,
    pub(super) table: &'a Arc<KindTable>,
    pub(super) module: &'a Arc<Module>,
    pub(super) services: &'a Arc<Services>,
    pub(super) host: Host,
    /// What all names of the kind share; `None`: it runs on the caller's thread.
    pub(super) pool: Option<PoolSettings>,
}

impl Inner {
    /// Opens the kind for a provider name: cold.
    ///
    /// # Errors
    /// `Configuration`: an option is wrong, or the kind says that it cannot work with them; for an isolated kind also
    /// what its helper says.
    pub(super) fn open(opening: &Opening<'_>) -> Result<Self> {
        let (inner, status, draft) = Self::open_raw(opening)?;
        if status == abi::OK {
            return Ok(inner);
        }
        let said = draft.message.unwrap_or_else(|| format!("status {status}"));
        Err(Error::new(
            ErrorKind::Configuration,
            format!("provider {:?} cannot be opened: {said}", inner.provider),
        ))
    }

    /// The same, with what `open` returned and wrote.
    pub(super) fn open_raw(opening: &Opening<'_>) -> Result<(Self, abi::Status, Draft)> {
        let options = Options::check(opening.provider, opening.table.schema.as_ref(), opening.options)?;
        let mut inner = Self {
            provider: opening.provider.to_owned(),
            table: Arc::clone(opening.table),
            module: Arc::clone(opening.module),
            instance: Current::none(),
            options,
            remote: None,
            services: Arc::clone(opening.services),
            host: opening.host,
            pool: opening.pool.map(|shared| {
                let kind = &opening.table.declaration.name;
                (Pool::new(kind, opening.provider), shared)
            }),
            gate: opening.table.serial.then(Gate::default),
            started_in: AtomicU32::new(0),
            faults: AtomicU64::new(0),
        };
        if let Some(isolated) = &opening.module.isolated {
            let kind = &opening.table.declaration.name;
            let remote = isolated.instance(kind, opening.provider, inner.options.json()?);
            if let Some((pool, _)) = &mut inner.pool {
                let (watch, provider) = (remote.watch(), inner.provider.clone());
                let audit = inner.services.audit.clone();
                pool.watches(move || {
                    for _ in 0..watch() {
                        tell_of_burning(&provider, audit.as_deref());
                    }
                });
            }
            inner.remote = Some(remote);
        }
        let reply = RefCell::new(Draft::new(Limits::without_credentials(0)));
        let status = inner.open_instance(&reply, true)?;
        Ok((inner, status, reply.into_inner()))
    }

    /// Opens what calls go to from now on: an instance here, or one in each helper.
    fn open_instance(&self, reply: &RefCell<Draft>, is_ready: bool) -> Result<abi::Status> {
        let number = frame::number();
        let frame = Frame {
            number,
            services: &self.services,
            call: None,
            reply: Some(reply),
            options: Some(&self.options),
            told: Told::default(),
        };
        let control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
        let has_open = self.table.operations.open.is_some();
        if let Some(remote) = self.remote.as_ref().filter(|_| has_open) {
            let deadline = SystemClock.monotonic() + START_DEADLINE;
            return frame::enter(&frame, || remote.open(&self.asker(number, None, deadline), reply));
        }
        if self.remote.is_some() {
            return Ok(abi::OK);
        }
        let args = abi::Open {
            struct_size: count(size_of::<abi::Open>()),
            flags: 0,
            host: self.host.as_ptr(),
            config: frame::handle(number),
            provider: abi::Bytes::of(self.provider.as_bytes()),
        };
        let mut instance = ptr::null_mut();
        let status = match self.table.operations.open {
            None => abi::OK,
            // SAFETY: the kind's own `open`, with arguments that live until it returns; one thread at a time.
            Some(open) => frame::enter(&frame, || unsafe {
                open(&raw const args, &raw mut instance, frame::handle(number))
            }),
        };
        // What is replaced may be closed here, which takes the control, too.
        drop(control);
        if status == abi::OK {
            self.instance
                .set(Instance::new(instance, &self.table, &self.module, is_ready));
        }
        Ok(status)
    }

    /// Another instance in place of one that panicked, started where that was.
    fn opened_again(&self) -> Result<Arc<Instance>> {
        let reply = RefCell::new(Draft::new(Limits::without_credentials(0)));
        let status = self.open_instance(&reply, false)?;
        let said = reply.into_inner().message;
        let opened = self.instance.get().filter(|_| status == abi::OK).ok_or_else(|| {
            let said = said.unwrap_or_else(|| format!("status {status}"));
            let why = format!(
                "provider {:?} panicked and cannot be opened again: {said}",
                self.provider
            );
            Error::new(ErrorKind::Unavailable, why)
        })?;
        if self.started_in.load(Ordering::Acquire) == std::process::id() {
            if self.has_start() {
                let _control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
                self.plain(Asked::Start, START_DEADLINE)?;
            }
            opened.has_started();
        }
        opened.make_ready();
        tracing::warn!(
            target: "doorward::plugin", provider = self.provider, plugin = self.module.id,
            "a provider whose plugin panicked was opened again"
        );
        Ok(opened)
    }

    pub(super) const fn into_kind(inner: Arc<Self>) -> Kind {
        Kind(inner)
    }

    /// Begins service in this process, as one of so many names of its kind; twice is once.
    ///
    /// # Errors
    /// What the kind's `start` says; `Unavailable` without threads; `ForkedContext`.
    pub(super) fn start(&self, names: usize) -> Result<()> {
        if let Some((pool, shared)) = &self.pool {
            pool.start(shared.share(names))?;
        }
        if self.started_in.load(Ordering::Acquire) == std::process::id() {
            return Ok(());
        }
        if self.remote.is_none() {
            // One that panicked before the last stop is not started again.
            self.instance.usable(|| self.opened_again())?;
        }
        if self.table.operations.start.is_some() {
            let _control = self.module.control.lock().unwrap_or_else(PoisonError::into_inner);
            self.plain(Asked::Start, START_DEADLINE)?;
        } else if let Some(remote) = &self.remote {
            remote.resume();
        }
        self.started_in.store(std::process::id(), Ordering::Release);
        if let Some(instance) = self.instance.get() {
            instance.has_started();
        }
        Ok(())
    }

    pub(super) fn has_start(&self) -> bool {
        self.table.operations.start.is_some()
    }

    /// What the kind is called.
    pub(super) fn name(&self) -> &str {
        &self.table.declaration.name
    }

    /// Refuses calls that wait and waits for those that run, at most until their deadlines.
    pub(super) fn stop_calls(&self) {
        if let Some((pool, _)) = &self.pool {
            pool.stop();
        }
    }

    /// Ends what `start` began, in the process where it did.
    pub(super) fn stop(&self) {
        let here = std::process::id();
        let was_started = self
            .started_in
            .compare_exchange(here, 0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if let Some(remote) = &self.remote {
            if was_started {
                remote.stop();
            }
        } else if let Some(instance) = self.instance.get() {
            instance.stop();
        }
    }

    /// Has the question performed where this kind does its work: on this thread, or by its pool.
    async fn answered(
        inner: &Arc<Self>,
        ask: Ask,
        wait: Duration,
        perform: fn(&Self, &Ask, Duration, &AtomicBool) -> Result<Verdict>,
    ) -> Result<Verdict> {
        let deadline = SystemClock
            .monotonic()
            .saturating_add(wait.min(inner.table.declaration.deadline));
        let cancelled = CancelOnDrop(Arc::default());
        let Some((pool, _)) = &inner.pool else {
            return perform(inner, &ask, deadline, &cancelled.0);
        };
        let (answer, answered) = oneshot::channel();
        let (worker, flag) = (Arc::clone(inner), Arc::clone(&cancelled.0));
        pool.submit(Job {
            deadline,
            cancelled: Arc::clone(&cancelled.0),
            work: Box::new(move || perform(&worker, &ask, deadline, &flag)),
            // The caller may have gone.
            answer: Box::new(move |verdict| drop(answer.send(verdict))),
        })?;
        answered.await.unwrap_or_else(|_| Err(lost()))
    }

    fn perform(&self, ask: &Ask, deadline: Duration, cancelled: &AtomicBool) -> Result<Verdict> {
        let kind = &self.table.declaration;
        let _passed = self.pass(deadline)?;
        let (newest, migrated) = self.migrated(ask, deadline, cancelled)?;
        let ask = newest.as_ref().unwrap_or(ask);
        let (status, draft) = self
            .raw(Asked::Ask(ask), deadline, cancelled)
            .inspect_err(|error| self.count(error))?;
        self.log(&draft);
        let mut verdict = verdict::judge(status, draft, ask, kind).inspect_err(|error| self.count(error))?;
        verdict.migrated = migrated;
        if let Some((raw, canonical)) = verdict.identifier.as_mut().filter(|_| kind.normalizes) {
            *canonical = Kind::canonical(self, raw)?;
        }
        Ok(verdict)
    }

    /// The question with its records in the kind's newest format, where the kind rewrites older ones, and what it
    /// rewrote.
    fn migrated(
        &self,
        ask: &Ask,
        deadline: Duration,
        cancelled: &AtomicBool,
    ) -> Result<(Option<Ask>, Vec<PutRecord>)> {
        let kind = &self.table.declaration;
        let mut rewritten = Vec::new();
        if self.table.operations.migrate.is_none() {
            return Ok((None, rewritten));
        }
        let mut newest = None;
        for (at, open) in ask.records.iter().enumerate() {
            if record::unframed(&open.bytes)?.0 >= kind.record_version {
                continue;
            }
            let alone = Ask {
                records: vec![open.clone()],
                credentials: Fields::default(),
                new_credentials: Fields::default(),
                state: None,
                resolved: None,
                raw: Vec::new(),
                canonical: Vec::new(),
                ..ask.clone()
            };
            let (status, draft) = self
                .raw(Asked::Migrate(&alone), deadline, cancelled)
                .inspect_err(|error| self.count(error))?;
            self.log(&draft);
            let bytes =
                verdict::rewritten(status, draft, &alone, kind).inspect_err(|error| self.count(error))?;
            newest.get_or_insert_with(|| ask.clone()).records[at].bytes = bytes.clone();
            rewritten.push(PutRecord {
                replaces: Some(open.id),
                bytes,
                handle: None,
                label: None,
            });
        }
        Ok((newest, rewritten))
    }

    fn normalize(&self, raw: &[u8]) -> Result<Vec<u8>> {
        if let Some(known) = self.remote.as_ref().and_then(|remote| remote.known_form(raw)) {
            return Ok(known);
        }
        let kind = &self.table.declaration;
        let wait = match self.remote {
            Some(_) => NORMALIZE_DEADLINE.min(kind.deadline),
            None => kind.deadline,
        };
        let deadline = SystemClock.monotonic().saturating_add(wait);
        let _passed = self.pass(deadline)?;
        let (status, draft) = self
            .raw(Asked::Normalize(raw), deadline, &AtomicBool::new(false))
            .inspect_err(|error| self.count(error))?;
        self.log(&draft);
        let verdict = draft.verdict.map_or(abi::DENY, |(verdict, _)| verdict);
        if status != abi::OK {
            return Err(verdict::undecided(status, &draft, kind)).inspect_err(|error| self.count(error));
        }
        match (verdict, draft.void, draft.identifier) {
            (abi::DENY, ..) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "this is not an identifier that provider {:?} takes",
                    self.provider
                ),
            )),
            (abi::ACCEPT, None, Some(canonical)) => {
                if let Some(remote) = &self.remote {
                    remote.remember_form(raw, &canonical);
                }
                Ok(canonical)
            }
            (_, Some(why), _) => Err(self.fault(why)),
            _ => Err(self.fault("it normalized an identifier to nothing")),
        }
    }

    /// An operation without credentials: its status is its answer.
    fn plain(&self, asked: Asked<'_>, wait: Duration) -> Result<()> {
        let deadline = SystemClock.monotonic().saturating_add(wait);
        let (status, draft) = self.raw(asked, deadline, &AtomicBool::new(false))?;
        if status == abi::OK {
            return Ok(());
        }
        let said = draft.message.or(draft.larger);
        let said = said.unwrap_or_else(|| format!("status {status}"));
        let kind = match status {
            abi::E_BROKEN => ErrorKind::PluginFault,
            abi::E_CONFIG => ErrorKind::Configuration,
            abi::E_TIMEOUT => ErrorKind::Timeout,
            abi::E_OVERLOADED => ErrorKind::Overloaded,
            _ => ErrorKind::Unavailable,
        };
        Err(Error::new(kind, format!("provider {:?}: {said}", self.provider)))
    }

    /// Runs an operation: what it returned, and what it wrote. Nothing is judged here.
    ///
    /// # Errors
    /// `Unsupported`: there is no such operation; `Corrupt`: a stored record has no frame; for an isolated kind what its
    /// helper says.
    pub(super) fn raw(
        &self,
        asked: Asked<'_>,
        deadline: Duration,
        cancelled: &AtomicBool,
    ) -> Result<(abi::Status, Draft)> {
        let operations = &self.table.operations;
        let (operation, number) = match asked {
            Asked::Ask(ask) => (operations.of(ask.operation), request::number(ask.operation)),
            Asked::Describe(_) => (operations.describe, abi::OP_DESCRIBE),
            Asked::Health => (operations.health, abi::OP_HEALTH),
            Asked::Migrate(_) => (operations.migrate, abi::OP_MIGRATE),
            Asked::Normalize(_) => (operations.normalize, abi::OP_NORMALIZE),
            Asked::Start => (operations.start, abi::OP_START),
        };
        let Some(operation) = operation else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("kind {:?} lacks the operation", self.table.declaration.name),
            ));
        };
        let limits = match asked {
            Asked::Ask(ask) => Limits::of(ask, number, &self.table.declaration),
            Asked::Migrate(ask) => Limits::of_migration(ask, &self.table.declaration),
            _ => Limits::without_credentials(number),
        };
        let call = Call {
            realm: match asked {
                Asked::Ask(ask) | Asked::Describe(ask) | Asked::Migrate(ask) => &ask.realm,
                _ => "",
            },
            provider: &self.provider,
            known: match asked {
                Asked::Ask(ask) => ask.known,
                _ => None,
            },
            waits: match asked {
                Asked::Normalize(_) => Waits::Pure,
                _ if self.table.declaration.inline => Waits::Inline,
                _ => Waits::Freely,
            },
            deadline,
            cancelled,
        };
        let reply = RefCell::new(Draft::new(limits));
        let frame = Frame {
            number: frame::number(),
            services: &self.services,
            call: Some(&call),
            reply: Some(&reply),
            options: None,
            told: Told::default(),
        };
        let status = match &self.remote {
            Some(remote) => {
                let who = self.asker(frame.number, Some(&call), deadline);
                frame::enter(&frame, || remote.run(asked, &who, &reply))?
            }
            None => self.here(operation, asked, number, &frame)?,
        };
        Ok((status, reply.into_inner()))
    }

    fn here(
        &self,
        operation: abi::Operation,
        asked: Asked<'_>,
        number: u32,
        frame: &Frame<'_>,
    ) -> Result<abi::Status> {
        let (host, call) = (self.host.as_ptr(), frame::handle(frame.number));
        let is_start = matches!(asked, Asked::Start);
        let instance = if is_start {
            self.instance.get()
        } else {
            self.instance.usable(|| self.opened_again())?
        };
        let Some(instance) = instance else {
            return Err(Error::new(
                ErrorKind::Internal,
                "a kind was asked before it was opened",
            ));
        };
        let run = |request: &abi::Request| {
            // SAFETY: the kind's own operation with its own instance, which `open` made and nobody has closed; request
            // and reply live until it returns, and what it keeps of them longer is never followed (`frame`).
            frame::enter(frame, || unsafe {
                operation(instance.raw(), request, frame::handle(frame.number))
            })
        };
        let status = match asked {
            Asked::Ask(ask) => {
                let request = Request::of(ask, &self.table.declaration, &self.provider, host, call)?;
                run(&request.body)
            }
            Asked::Describe(ask) | Asked::Migrate(ask) => {
                let request = Request::of(ask, &self.table.declaration, &self.provider, host, call)?;
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
                ..request::bare(host, call, &self.provider)
            }),
            Asked::Health | Asked::Start => run(&abi::Request {
                operation: number,
                ..request::bare(host, call, &self.provider)
            }),
        };
        if !is_start {
            self.instance.ended(&instance, status == abi::E_BROKEN);
        }
        Ok(status)
    }

    fn asker<'a>(&self, number: usize, call: Option<&'a Call<'a>>, deadline: Duration) -> Asker<'a> {
        Asker {
            host: self.host,
            number,
            now: self.services.clock.now().as_micros(),
            call,
            deadline,
        }
    }

    fn pass(&self, deadline: Duration) -> Result<Option<Passed<'_>>> {
        match &self.gate {
            None => Ok(None),
            Some(gate) => gate.pass(deadline).map(Some).ok_or_else(|| {
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "provider {:?} does one thing at a time and was busy until the deadline",
                        self.provider
                    ),
                )
            }),
        }
    }

    fn log(&self, draft: &Draft) {
        if let Some(message) = &draft.message {
            tracing::warn!(target: "doorward::plugin", provider = self.provider, "{message}");
        }
    }

    fn fault(&self, why: &str) -> Error {
        let error = verdict::fault(&self.table.declaration, why);
        self.count(&error);
        error
    }

    fn count(&self, error: &Error) {
        if error.kind() == ErrorKind::PluginFault {
            self.faults.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                target: "doorward::plugin", provider = self.provider, plugin = self.module.id,
                version = self.module.version, "{}", error.message()
            );
        }
    }
}

impl Kind {
    /// As [`Kind::normalize`], for an identifier that the kind has found itself.
    fn canonical(inner: &Inner, found: &[u8]) -> Result<Vec<u8>> {
        let canonical = inner.normalize(found)?;
        match inner.normalize(&canonical) {
            Ok(again) if again == canonical => Ok(canonical),
            _ => Err(inner.fault("its canonical form of an identifier has another canonical form")),
        }
    }
}

impl Drop for Inner {
    /// Ends service. The instance closes itself, and helpers close what they opened.
    fn drop(&mut self) {
        self.stop();
    }
}

fn tell_of_burning(provider: &str, audit: Option<&dyn Audit>) {
    let why = "a process of it went on computing after its answer: it was ended, another takes its place";
    tracing::warn!(target: "doorward::plugin", provider, "{why}");
    if let Some(audit) = audit {
        audit.plugin_replaced(provider, why);
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Cancelled, "the call was given up before it began")
}
