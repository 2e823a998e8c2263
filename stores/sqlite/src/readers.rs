//! Connections for look-ups, which the caller's own thread runs: a hop to another thread costs ten look-ups.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::descriptors::{Files, Open};
use super::settings::SqliteSettings;
use super::{connection, failure};
use doorward_store::{StoreError, StoreResult};

/// Threads spread over so many stacks, so that they hardly ever meet at one.
const STACKS: usize = 8;
/// Connections that wait on each stack; one more is closed after its use.
const WAITING: usize = 8;

thread_local! {
    static STACK: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % STACKS
    };
}

pub(super) struct Readers {
    files: Files,
    settings: SqliteSettings,
    stacks: [Mutex<Vec<Open>>; STACKS],
}

impl Readers {
    pub(super) fn new(files: Files, settings: SqliteSettings) -> Self {
        Self {
            files,
            settings,
            stacks: Default::default(),
        }
    }

    /// Runs a look-up on a connection of its own.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> StoreResult<T> {
        self.files.place().look()?;
        let mine = STACK.with(|stack| *stack);
        let waiting = lock(&self.stacks[mine]).pop();
        let connection = match waiting {
            Some(connection) => connection,
            None => connection::reader(&self.files, &self.settings)?,
        };
        let answer = work(&connection).map_err(|error| failure::of(&error));
        let mut stack = lock(&self.stacks[mine]);
        if stack.len() < WAITING {
            stack.push(connection);
        } else {
            drop(stack);
            Files::close([connection]);
        }
        answer
    }

    /// The file as it is now.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Whether the file may grow: a full disk refuses the next commit, not the look at a row.
    pub(super) fn has_room(&self) -> StoreResult<()> {
        let main = self.files.place().main();
        match nix::sys::statvfs::statvfs(main) {
            Ok(found) if found.blocks_available() == 0 => Err(StoreError::Full(format!(
                "make room on the disk of {}",
                main.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Closes every connection.
    pub(super) fn close(&self) {
        let waiting = self
            .stacks
            .iter()
            .flat_map(|stack| std::mem::take(&mut *lock(stack)));
        Files::close(waiting);
    }
}

fn lock(stack: &Mutex<Vec<Open>>) -> MutexGuard<'_, Vec<Open>> {
    stack.lock().unwrap_or_else(PoisonError::into_inner)
}
