//! One opened kind: what serves a provider name. Asks the plugin and judges the answer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use doorward_plugin_abi as abi;
use tokio::sync::oneshot;

use super::ask::{Ask, Asked, Decision, Declaration, Denial, Fields, PutRecord, Verdict};
use super::gate::{Gate, Passed};
use super::opened::{Opened, Opening, Opens};
use super::pool::{Job, Pool, PoolSettings};
use super::ports::Audit;
use super::reply::Draft;
use super::request::{self, Fit};
use super::{record, verdict};
use doorward_base::clock::{Clock, SystemClock};
use doorward_base::error::{Error, ErrorKind, Result};

/// How long a helper may take to normalize: the caller's thread waits for it.
const NORMALIZE_DEADLINE: Duration = Duration::from_secs(2);

/// A kind, opened for one provider name with its own options. Cheap to clone; safe from many threads.
#[derive(Clone)]
pub struct Kind(Arc<Inner>);

pub(super) struct Inner {
    opened: Box<Opened>,
    /// Of this provider name alone, with what all names of the kind share; an INLINE kind has none.
    pool: Option<(Pool, PoolSettings)>,
    gate: Option<Gate>,
    faults: AtomicU64,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind")
            .field("provider", &self.0.opened.provider())
            .field("name", &self.0.opened.table().declaration.name)
            .finish_non_exhaustive()
    }
}

impl Kind {
    /// What the kind declares about itself.
    pub fn declaration(&self) -> &Declaration {
        &self.0.opened.table().declaration
    }

    /// The provider name that it was opened for.
    pub fn provider(&self) -> &str {
        self.0.opened.provider()
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
            let fit = request::fit(&mut ask, &inner.opened.table().declaration)?;
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
                    ..Verdict::of(Decision::Deny)
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
        match self.0.opened.table().operations.health {
            Some(_) => self
                .0
                .opened
                .plain(Asked::Health, self.0.opened.table().declaration.deadline),
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

impl Inner {
    /// Opens the kind for a provider name: cold. Threads are what all names of the kind share; without, it runs on the
    /// caller's.
    ///
    /// # Errors
    /// `Configuration`: an option is wrong, or the kind says that it cannot work with them; for an isolated kind also
    /// what its helper says.
    pub(super) fn open(
        opening: &Opening<'_>,
        pool: Option<PoolSettings>,
        audit: Option<&Arc<dyn Audit>>,
    ) -> Result<Self> {
        let opened = match Opened::open(opening)? {
            Opens::Well(opened, _) => opened,
            Opens::Not(status, draft) => {
                let said = draft.message.unwrap_or_else(|| format!("status {status}"));
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("provider {:?} cannot be opened: {said}", opening.provider),
                ));
            }
        };
        let table = opened.table();
        let pool = pool.map(|shared| (Pool::new(&table.declaration.name, opening.provider), shared));
        if let (Some(remote), Some((pool, _))) = (opened.remote(), &pool) {
            let (watch, provider) = (remote.watch(), opening.provider.to_owned());
            let audit = audit.cloned();
            pool.watches(move || {
                for _ in 0..watch() {
                    tell_of_burning(&provider, audit.as_deref());
                }
            });
        }
        Ok(Self {
            gate: table.serial.then(Gate::default),
            pool,
            opened,
            faults: AtomicU64::new(0),
        })
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
        self.opened.start()
    }

    /// What the kind is called.
    pub(super) fn name(&self) -> &str {
        &self.opened.table().declaration.name
    }

    /// Refuses calls that wait and waits for those that run, at most until their deadlines.
    pub(super) fn stop_calls(&self) {
        if let Some((pool, _)) = &self.pool {
            pool.stop();
        }
    }

    /// Ends what `start` began, in the process where it did.
    pub(super) fn stop(&self) {
        self.opened.stop();
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
            .saturating_add(wait.min(inner.opened.table().declaration.deadline));
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
        let kind = &self.opened.table().declaration;
        let _passed = self.pass(deadline)?;
        let (newest, migrated) = self.migrated(ask, deadline, cancelled)?;
        let ask = newest.as_ref().unwrap_or(ask);
        let (status, draft) = self
            .opened
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
        let kind = &self.opened.table().declaration;
        let mut rewritten = Vec::new();
        if self.opened.table().operations.migrate.is_none() {
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
                .opened
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
        if let Some(known) = self.opened.remote().and_then(|remote| remote.known_form(raw)) {
            return Ok(known);
        }
        let kind = &self.opened.table().declaration;
        let wait = match self.opened.remote() {
            Some(_) => NORMALIZE_DEADLINE.min(kind.deadline),
            None => kind.deadline,
        };
        let deadline = SystemClock.monotonic().saturating_add(wait);
        let _passed = self.pass(deadline)?;
        let (status, draft) = self
            .opened
            .raw(Asked::Normalize(raw), deadline, &AtomicBool::new(false))
            .inspect_err(|error| self.count(error))?;
        self.log(&draft);
        let canonical = verdict::normalized(status, draft, kind).inspect_err(|error| self.count(error))?;
        let Some(canonical) = canonical else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "this is not an identifier that provider {:?} takes",
                    self.opened.provider()
                ),
            ));
        };
        if let Some(remote) = self.opened.remote() {
            remote.remember_form(raw, &canonical);
        }
        Ok(canonical)
    }

    fn pass(&self, deadline: Duration) -> Result<Option<Passed<'_>>> {
        match &self.gate {
            None => Ok(None),
            Some(gate) => gate.pass(deadline).map(Some).ok_or_else(|| {
                Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "provider {:?} does one thing at a time and was busy until the deadline",
                        self.opened.provider()
                    ),
                )
            }),
        }
    }

    fn log(&self, draft: &Draft) {
        if let Some(message) = &draft.message {
            tracing::warn!(target: "doorward::plugin", provider = self.opened.provider(), "{message}");
        }
    }

    fn fault(&self, why: &str) -> Error {
        let error = verdict::fault(&self.opened.table().declaration, why);
        self.count(&error);
        error
    }

    fn count(&self, error: &Error) {
        if error.kind() == ErrorKind::PluginFault {
            self.faults.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                target: "doorward::plugin", provider = self.opened.provider(), plugin = self.opened.module().id,
                version = self.opened.module().version, "{}", error.message()
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
