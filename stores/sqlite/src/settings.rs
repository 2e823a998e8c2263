//! What a store is told.

use std::path::PathBuf;
use std::time::Duration;

/// Where the file is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The database file, which nothing else in this process may open. Made with mode 0600 where it is absent.
    pub path: PathBuf,
    /// How long to wait for a lock that another process holds. Default 5 s.
    pub busy_timeout: Duration,
    /// How long a write may wait in the queue before it is given up, undone. Default 5 s.
    pub deadline: Duration,
    /// How many writes may wait at once; beyond them callers get *unavailable*. Default 1024.
    pub queue: usize,
}

impl SqliteSettings {
    /// The defaults, for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(5),
            queue: 1024,
        }
    }
}
