//! One caller's transaction, as the writer's thread runs it.

use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use doorward_store::{StoreError, StoreResult};

/// What a transaction is to do with what the work wrote.
pub(super) enum Verdict<T> {
    /// Keep it, and answer this after the commit.
    Keep(T),
    /// Undo it, and answer this.
    Undo(T),
}

/// One caller's transaction.
pub(super) trait Work: Send {
    /// When it is too late to begin.
    fn expires_at(&self) -> Duration;
    /// False: it may be lost in a power cut, so nobody waits for the disk.
    fn syncs(&self) -> bool;
    /// True: one of many pieces, between which other processes write as well.
    fn rests(&self) -> bool;
    /// Runs it; false: undo what it wrote. May run again in another transaction.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<bool>;
    /// Gives the answer of the last run.
    fn answer(self: Box<Self>);
    /// Gives an error instead.
    fn fail(self: Box<Self>, error: StoreError);
    /// A foreign key that is checked at the commit forbade this work.
    fn forbid(self: Box<Self>, error: StoreError);
}

/// What a caller needs of the transaction that its work is in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As `Unsynced`, and the lock is left to others for a moment after it.
    Resting,
    /// It waits for the disk.
    Synced,
    /// It does not.
    Unsynced,
}

pub(super) struct Pending<T, F> {
    pub(super) work: F,
    pub(super) answer: Option<T>,
    /// What the caller is told if a deferred foreign key forbids the commit.
    pub(super) forbidden: Option<T>,
    pub(super) expires_at: Duration,
    pub(super) manner: Manner,
    pub(super) to: oneshot::Sender<StoreResult<T>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<Verdict<T>> + Send> Work for Pending<T, F> {
    fn expires_at(&self) -> Duration {
        self.expires_at
    }

    fn syncs(&self) -> bool {
        self.manner == Manner::Synced
    }

    fn rests(&self) -> bool {
        self.manner == Manner::Resting
    }

    fn run(&mut self, db: &Connection) -> rusqlite::Result<bool> {
        let (keep, answer) = match (self.work)(db)? {
            Verdict::Keep(answer) => (true, answer),
            Verdict::Undo(answer) => (false, answer),
        };
        self.answer = Some(answer);
        Ok(keep)
    }

    fn answer(self: Box<Self>) {
        let nothing = || StoreError::Unavailable("the work was not run".into());
        // Err: the caller has gone away; the write stands.
        drop(self.to.send(self.answer.ok_or_else(nothing)));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        drop(self.to.send(Err(error)));
    }

    fn forbid(self: Box<Self>, error: StoreError) {
        drop(self.to.send(self.forbidden.ok_or(error)));
    }
}
