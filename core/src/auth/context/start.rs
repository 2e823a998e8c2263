//! From cold to started and back, in one process.

use super::Context;
use crate::auth::life::Stage;
use crate::error::{Error, ErrorKind, Result};
use crate::forked::{self, Left};

impl Context {
    /// Checks that operations may run in this process; starts again after a quiesced fork.
    pub(in crate::auth) async fn ready(&self) -> Result<()> {
        let here = std::process::id();
        match self.life.stage() {
            Stage::Started { process } if process == here => Ok(()),
            Stage::Moving { process } if process == here => {
                self.life.settled().await;
                Box::pin(self.ready()).await
            }
            Stage::Started { .. } | Stage::Moving { .. } => Err(self.forked()),
            Stage::Quiesced => self.start().await,
            Stage::Cold => Err(Error::new(
                ErrorKind::InvalidState,
                "the context is not started: call start first",
            )),
            Stage::Stopped => Err(Error::new(
                ErrorKind::InvalidState,
                "the context was stopped, by stop or by the end of a `with` block: call start to use it again",
            )),
        }
    }

    /// Starts threads and connections in this process. Starting twice is fine, also at the same time: one starts, the
    /// others wait for it.
    pub(in crate::auth) async fn start(&self) -> Result<()> {
        let here = std::process::id();
        loop {
            let stage = self.life.stage();
            match stage {
                Stage::Started { process } if process == here => return Ok(()),
                Stage::Moving { process } if process == here => self.life.settled().await,
                Stage::Started { .. } | Stage::Moving { .. } => return Err(self.forked()),
                Stage::Cold | Stage::Quiesced | Stage::Stopped => {
                    let Some(mut moving) = self.life.begin(stage) else {
                        continue;
                    };
                    self.start_here().await?;
                    moving.leads_to(Stage::Started { process: here });
                    return Ok(());
                }
            }
        }
    }

    async fn start_here(&self) -> Result<()> {
        self.governor.check()?;
        self.governor.after_fork();
        self.metrics.begin();
        self.start_store().await?;
        let started = match self.prepare().await {
            Ok(()) => self.kinds.start().and_then(|()| self.drain.start()),
            refused => refused,
        };
        if started.is_err() {
            // A start that fails leaves nothing running; what went wrong is the answer, not how the stop went.
            self.drain.stop();
            self.kinds.stop();
            let _: std::result::Result<(), _> = self.store.stop().await;
        }
        started
    }

    /// Opens the database, with the key that a first start makes or left.
    pub(super) async fn start_store(&self) -> Result<()> {
        if let Some(first) = &self.first_key {
            first.begin(&self.keys, &*self.random)?;
        }
        Ok(self.store.start().await?)
    }

    /// Gives the key its name, once there is a schema that it belongs to.
    pub(super) async fn finish_first_start(&self) -> Result<()> {
        match &self.first_key {
            Some(first) if self.store.schema().await?.found > 0 => first.finish(),
            _ => Ok(()),
        }
    }

    /// Works with the store alone, which is started for it if nothing else has.
    pub(super) async fn with_store<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.life.settled().await;
        let stage = self.life.stage();
        match stage {
            Stage::Started { process } if process == std::process::id() => return work.await,
            Stage::Started { .. } | Stage::Moving { .. } => return Err(self.forked()),
            Stage::Cold | Stage::Quiesced | Stage::Stopped => {}
        }
        // Nobody may start or stop meanwhile: what is opened here is closed here.
        let Some(_moving) = self.life.begin(stage) else {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the context is being started or stopped: try again",
            ));
        };
        self.start_store().await?;
        let done = match work.await {
            Ok(done) => self.finish_first_start().await.map(|()| done),
            refused => refused,
        };
        self.store.stop().await?;
        done
    }

    fn forked(&self) -> Error {
        let left = match self.settings.store.sqlite_file() {
            Some(_) => Left::Sqlite,
            None => Left::Nothing,
        };
        Error::new(ErrorKind::ForkedContext, forked::told("this context", left))
    }

    /// Stops threads and connections; queued writes are written first.
    pub(in crate::auth) async fn stop(&self) -> Result<()> {
        self.halt(Stage::Stopped).await
    }

    /// Stops for a fork: both sides start again by themselves at their next call.
    pub(in crate::auth) async fn quiesce(&self) -> Result<()> {
        self.halt(Stage::Quiesced).await
    }

    async fn halt(&self, to: Stage) -> Result<()> {
        loop {
            self.life.settled().await;
            let stage = self.life.stage();
            let started = stage
                == Stage::Started {
                    process: std::process::id(),
                };
            let stops_for_good = to == Stage::Stopped && matches!(stage, Stage::Quiesced | Stage::Cold);
            if !started && !stops_for_good {
                // What a parent started cannot be stopped here, and what is not started need not be.
                return Ok(());
            }
            // Before the context moves: a callback under way may be in an operation, which would wait for the move.
            if started {
                self.drain.stop();
            }
            let Some(mut moving) = self.life.begin(stage) else {
                continue;
            };
            moving.leads_to(to);
            if !started {
                return Ok(());
            }
            // No new call begins from here on: those under way fail or finish with the store.
            self.kinds.stop();
            if to == Stage::Stopped {
                self.governor.stop();
            } else {
                self.governor.before_fork();
            }
            if to == Stage::Quiesced {
                self.store.quiesce().await?;
            } else {
                self.store.stop().await?;
            }
            return Ok(());
        }
    }
}
