//! A context as Python holds it: cold until its first call, quiesced by forks, stopped at exit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak};

use pyo3::prelude::*;
use tokio::sync::Mutex;

/// Contexts that may have to be stopped. Locked only while the interpreter is held.
static CONTEXTS: std::sync::Mutex<Vec<Weak<Context>>> = std::sync::Mutex::new(Vec::new());

/// One core context with what Python adds: it starts at the first call.
pub(crate) struct Context {
    auth: doorward::Auth,
    /// The first call need not start it any more. False again after a fork.
    started: AtomicBool,
    /// `stop` was called: only `start` starts it again.
    stopped: AtomicBool,
    /// One start at a time. Forks wait for calls, so none is under way in a child.
    starting: Mutex<()>,
}

impl Context {
    pub(crate) fn new(py: Python<'_>, auth: doorward::Auth) -> Arc<Self> {
        let context = Arc::new(Self {
            auth,
            started: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            starting: Mutex::new(()),
        });
        register(py, &context);
        context
    }

    /// Starts the context unless it is started or was stopped on purpose.
    async fn ready(&self) -> doorward::Result<()> {
        if self.started.load(Ordering::Acquire) || self.stopped.load(Ordering::Acquire) {
            return Ok(());
        }
        self.begin().await
    }

    async fn begin(&self) -> doorward::Result<()> {
        let _one = self.starting.lock().await;
        self.auth.start().await?;
        self.started.store(true, Ordering::Release);
        Ok(())
    }

    async fn start(&self) -> doorward::Result<()> {
        self.stopped.store(false, Ordering::Release);
        self.begin().await
    }

    /// Stops the context until [`start`](Self::start).
    pub(crate) async fn stop(&self) -> doorward::Result<()> {
        let _one = self.starting.lock().await;
        self.stopped.store(true, Ordering::Release);
        self.started.store(false, Ordering::Release);
        self.auth.stop().await
    }

    /// Stops the context for a fork.
    pub(crate) async fn quiesce(&self) -> doorward::Result<()> {
        let _one = self.starting.lock().await;
        self.started.store(false, Ordering::Release);
        self.auth.before_fork().await
    }
}

/// Remembers a context for the next fork.
fn register(_py: Python<'_>, context: &Arc<Context>) {
    let mut contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    contexts.retain(|context| context.strong_count() > 0);
    contexts.push(Arc::downgrade(context));
}

/// Contexts that live.
pub(crate) fn live(_py: Python<'_>) -> Vec<Arc<Context>> {
    let contexts = CONTEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    contexts.iter().filter_map(Weak::upgrade).collect()
}

/// What a view calls: a context, in one realm, perhaps on a request, or trusted without one.
#[derive(Clone)]
pub(crate) struct Handle {
    context: Arc<Context>,
    auth: doorward::Auth,
}

impl Handle {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let auth = context.auth.clone();
        Self { context, auth }
    }

    pub(crate) fn realm(&self, name: &str) -> doorward::Result<Self> {
        Ok(Self {
            context: self.context.clone(),
            auth: self.auth.realm(name)?,
        })
    }

    pub(crate) fn on(&self, request: doorward::Request) -> Self {
        Self {
            context: self.context.clone(),
            auth: self.auth.on(request),
        }
    }

    pub(crate) fn trusted(&self) -> Self {
        Self {
            context: self.context.clone(),
            auth: self.auth.trusted(),
        }
    }

    /// The core's handle, on a context that is started.
    pub(crate) async fn ready(&self) -> doorward::Result<&doorward::Auth> {
        self.context.ready().await?;
        Ok(&self.auth)
    }

    /// The core's handle, for what needs no started context.
    pub(crate) fn auth(&self) -> &doorward::Auth {
        &self.auth
    }

    pub(crate) async fn start(&self) -> doorward::Result<()> {
        self.context.start().await
    }

    pub(crate) async fn stop(&self) -> doorward::Result<()> {
        self.context.stop().await
    }
}
