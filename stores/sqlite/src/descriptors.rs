//! Refuses a file that another SQLite copy of this process has open.
//!
//! POSIX locks belong to the process and go with the first descriptor closed, whoever opened it: two copies of SQLite
//! (ours and Python's `sqlite3`, say) do not see each other's locks and lose acknowledged commits in silence
//! (<https://www.sqlite.org/howtocorrupt.html>, sections 2.2 and 2.2.1). So every descriptor of this process that
//! refers to the file must be one that our own copy has opened. Those are known because our connections are opened under
//! one process-wide lock, with a look at the process's descriptors before and after, and forgotten when they are closed.
//!
//! What remains: a foreign copy that opens the file between two looks is found at the next one, a second later
//! (`look.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::getsockname;
use rusqlite::Connection;

use super::place::{Before, Inode, Place, inode};
use doorward_base::forked::{self, Left};
use doorward_store::{StoreError, StoreResult};

/// The descriptors that our copy of SQLite has opened in this process, each with the file it referred to. Locked only while
/// [`CONNECTIONS`] counts something: a child that was forked meanwhile is refused before it would wait for ever.
static OURS: Mutex<BTreeMap<i32, Inode>> = Mutex::new(BTreeMap::new());

/// How many connections our copy of SQLite has, or opens or closes just now, and in which process. SQLite's process-wide tables
/// survive a fork and its locks do not: in a child of a process that had a connection it takes locks for held that are
/// not, and another process then folds the log away under it. Nothing but `exec` makes it whole again.
static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Counts in [`CONNECTIONS`] for as long as it lives, however it ends.
struct Counted;

impl Counted {
    /// Counts from before the first descriptor is there.
    ///
    /// # Errors
    /// `Forked`: what is counted already is another process's.
    fn begin() -> StoreResult<Self> {
        check_process()?;
        PROCESS.store(std::process::id(), Ordering::Relaxed);
        CONNECTIONS.fetch_add(1, Ordering::Release);
        Ok(Self)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // The last thing that is done: until then a fork comes too early.
        CONNECTIONS.fetch_sub(1, Ordering::Release);
    }
}

/// A connection of ours. Dropped, by a panic too, it is closed, and then neither booked nor counted any more.
pub(super) struct Open {
    connection: Connection,
    booked: Booked,
}

/// What goes after the connection.
struct Booked {
    _counted: Counted,
}

impl Drop for Booked {
    fn drop(&mut self) {
        forget_closed(&mut lock());
    }
}

impl Deref for Open {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// One database file and its companions.
#[derive(Clone, Debug)]
pub(super) struct Files {
    place: Arc<Place>,
    /// A foreign descriptor was seen since the start. When it is closed, our locks go with it: only a restart helps.
    shared: Arc<AtomicBool>,
    /// What the last look found.
    seen: Arc<Mutex<Option<StoreError>>>,
}

impl Files {
    /// Makes an empty database that only the process's user may read, unless there is a file already.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be made.
    pub(super) fn create(path: &Path, before: Before) -> StoreResult<Self> {
        let _counted = Counted::begin()?;
        // Under the lock: closing this descriptor would drop the locks of a connection opened meanwhile.
        let _ours = lock();
        before.check(path)?;
        let made = (std::fs::OpenOptions::new().write(true).create_new(true))
            .mode(0o600)
            .open(path);
        let refused = |error: std::io::Error| {
            StoreError::Unavailable(format!(
                "`database`: {} cannot be opened: {error}",
                path.display()
            ))
        };
        match made {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(refused(error)),
            // SQLite names the log and the shared memory after the file that links lead to.
            _ => std::fs::canonicalize(path)
                .map(|main| Self {
                    place: Arc::new(Place::of(&main, path)),
                    shared: Arc::default(),
                    seen: Arc::default(),
                })
                .map_err(refused),
        }
    }

    /// Where the files are, and whether they still are.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Notes what was opened, once the writer holds its files.
    ///
    /// # Errors
    /// `Unavailable` when the process's descriptors cannot be read; `Replaced` when a file went away meanwhile.
    pub(super) fn hold(&self) -> StoreResult<()> {
        let ours = lock();
        let found = self.descriptors()?.into_iter();
        let held: Vec<Inode> = found
            .filter(|(fd, inode)| ours.get(fd) == Some(inode))
            .map(|(_, inode)| inode)
            .collect();
        self.place.hold(&held)
    }

    /// Runs `open`, which opens one connection and everything it will need, and books its descriptors as ours.
    ///
    /// # Errors
    /// `SharedInProcess` when a foreign descriptor refers to the file, before or after; what `open` gives.
    pub(super) fn open(&self, open: impl FnOnce() -> StoreResult<Connection>) -> StoreResult<Open> {
        // Goes after the lock on every way out.
        let counted = Counted::begin()?;
        let mut ours = lock();
        forget_closed(&mut ours);
        self.refuse_foreign(&self.descriptors()?, &ours)?;
        self.place.check()?;
        let opened = open();
        // One connection opens each of the three files at most once. Anything beyond was opened by another thread of
        // the process at the same moment: whose is whose cannot be told, so the connection is given up.
        let appeared: Vec<_> = (self.descriptors()?.into_iter())
            .filter(|(fd, inode)| ours.get(fd) != Some(inode))
            .collect();
        let distinct: BTreeSet<Inode> = appeared.iter().map(|(_, inode)| *inode).collect();
        if distinct.len() < appeared.len() {
            drop(opened);
            return Err(self.refusal());
        }
        // Booked after a failure too: SQLite keeps a closed connection's descriptor while others hold locks.
        ours.extend(appeared);
        drop(ours);
        Ok(Open {
            connection: opened?,
            booked: Booked { _counted: counted },
        })
    }

    /// Closes connections, and forgets the descriptors that go with them.
    pub(super) fn close(connections: impl IntoIterator<Item = Open>) {
        let close = |open: Open| {
            drop(open.connection);
            open.booked
        };
        // Forgotten when all of them are closed: the first finds all there is to forget.
        let booked: Vec<Booked> = connections.into_iter().map(close).collect();
        drop(booked);
    }

    /// Looks for foreign descriptors once more, and keeps the answer.
    pub(super) fn look(&self) {
        let seen = self.check().err();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// The last answer: whoever writes obeys it, and waits for no look.
    ///
    /// # Errors
    /// `SharedInProcess` when a foreign descriptor was seen since the start; `Unavailable` when the last look could not
    /// read the process's descriptors.
    pub(super) fn obey(&self) -> StoreResult<()> {
        if self.shared.load(Ordering::Relaxed) {
            return Err(self.refusal());
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone().map_or(Ok(()), Err)
    }

    /// Nobody who opens a connection waits for this, unless a foreign descriptor seems to be there: it may be ours and
    /// not booked yet.
    fn check(&self) -> StoreResult<()> {
        let found = self.descriptors()?;
        let ours = lock();
        if has_foreign(&found, &ours) {
            return self.refuse_foreign(&self.descriptors()?, &ours);
        }
        Ok(())
    }

    fn refuse_foreign(&self, found: &[(i32, Inode)], ours: &BTreeMap<i32, Inode>) -> StoreResult<()> {
        if has_foreign(found, ours) || self.shared.load(Ordering::Relaxed) {
            return Err(self.refusal());
        }
        Ok(())
    }

    fn refusal(&self) -> StoreError {
        self.shared.store(true, Ordering::Relaxed);
        StoreError::SharedInProcess(format!(
            "{} is also open in this process outside of Doorward, and two copies of SQLite in one process lose each \
             other's commits; give Doorward a file of its own (`database`), and look into that file from \
             another process only; then stop and start the store",
            self.place.main().display()
        ))
    }

    /// This process's descriptors that refer to the database, its log or its shared memory.
    fn descriptors(&self) -> StoreResult<Vec<(i32, Inode)>> {
        let wanted: BTreeSet<Inode> = self.place.inodes().collect();
        let unreadable = |error: std::io::Error| {
            StoreError::Unavailable(format!(
                "/proc/self/fd cannot be read, so that nobody knows whether {} is shared: {error}",
                self.place.main().display()
            ))
        };
        std::fs::metadata("/proc/self/fd").map_err(unreadable)?;
        let files = (0..numbers()).filter(|fd| may_be_a_file(*fd));
        // A descriptor may be closed between the two questions: then it refers to nothing.
        let found = files.filter_map(|fd| Some((fd, inode(&descriptor(fd))?)));
        Ok(found.filter(|(_, inode)| wanted.contains(inode)).collect())
    }
}

/// How many numbers the process's descriptors can have: the size of its table, or its limit where no descriptor is left
/// to read that with.
fn numbers() -> i32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:"));
    let limit = || getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    let size = size
        .and_then(|size| size.trim().parse().ok())
        .unwrap_or_else(limit);
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// False where nothing is open, and for sockets, of which a server has thousands: asking this costs a thirtieth of what
/// following a name in `/proc` does. Also false for what was opened as a mere path: closing that drops no lock.
fn may_be_a_file(fd: i32) -> bool {
    getsockname::<()>(fd) == Err(Errno::ENOTSOCK)
}

fn descriptor(fd: i32) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{fd}"))
}

fn has_foreign(found: &[(i32, Inode)], ours: &BTreeMap<i32, Inode>) -> bool {
    found.iter().any(|(fd, inode)| ours.get(fd) != Some(inode))
}

/// Refuses to touch SQLite in a child of a process that has a connection.
///
/// # Errors
/// `Forked`, for good.
pub(super) fn check_process() -> StoreResult<()> {
    let open = CONNECTIONS.load(Ordering::Acquire) > 0;
    if open && PROCESS.load(Ordering::Relaxed) != std::process::id() {
        return Err(StoreError::Forked(forked::told(
            "a context on SQLite",
            Left::Sqlite,
        )));
    }
    Ok(())
}

/// Drops what no longer refers to the file it was booked with, of every database.
fn forget_closed(ours: &mut BTreeMap<i32, Inode>) {
    ours.retain(|fd, booked| inode(&descriptor(*fd)) == Some(*booked));
}

/// Whether a fork now would leave a child that can use no SQLite database.
#[cfg(test)]
pub(super) fn is_counted() -> bool {
    CONNECTIONS.load(Ordering::Acquire) > 0
}

fn lock() -> MutexGuard<'static, BTreeMap<i32, Inode>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}
