//! Whether the paths of the database still lead to the files that are held.
//!
//! A file that is renamed, removed or restored under a running process goes on taking writes, and nobody finds them
//! again (<https://www.sqlite.org/howtocorrupt.html>, section 2.4; a log that is removed, section 1.4). So device and
//! inode of file, log and shared memory are compared with what the writer opened: before each transaction, again between
//! its commit and the answers, and at look-ups once a second. An acknowledged write thus was in the files at the paths
//! after it was committed. Three `stat` are nothing beside an fsync. Once they differ, nothing is answered any more until
//! the store is stopped and started: a look-up must not call somebody signed out whose session is elsewhere.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use doorward_base::clock::{Clock, SystemClock};
use doorward_store::{StoreError, StoreResult};

/// A file: device and inode.
pub(super) type Inode = (u64, u64);

/// What SQLite appends to the file's name, the file itself first.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// How often look-ups compare, in microseconds.
const LOOK: u64 = 1_000_000;

/// What is known of the file before it is opened again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// It had a schema: it is never made anew.
    pub(super) schema: bool,
    /// The very file that a fork must find again.
    pub(super) file: Option<Inode>,
}

impl Before {
    /// Sees that the file is there if it was.
    ///
    /// # Errors
    /// `Missing`, `Replaced`.
    pub(super) fn check(self, path: &Path) -> StoreResult<()> {
        let found = std::fs::metadata(path).ok().filter(|file| file.len() > 0);
        if self.schema && found.is_none() {
            return Err(StoreError::Missing(format!(
                "{} is gone, and this context has used it: put it back; nothing new is made in its place",
                path.display()
            )));
        }
        match self.file {
            Some(file) if inode(path) != Some(file) => Err(replaced(path)),
            _ => Ok(()),
        }
    }
}

/// The paths of one database, and what they led to when the writer opened it.
#[derive(Debug)]
pub(super) struct Place {
    paths: [PathBuf; 4],
    /// The path as configured: a link that is turned to another file leads whoever starts next there.
    named: PathBuf,
    /// What the path led to before it was opened.
    opened: Option<Inode>,
    /// What is compared: not what differed from its descriptor from the first, as on some network file systems.
    held: OnceLock<Vec<(PathBuf, Inode)>>,
    replaced: AtomicBool,
    /// When a look-up compared last, in microseconds of the monotonic clock.
    looked_at: AtomicU64,
}

impl Place {
    /// The place of this file, links resolved, and of the name that led there.
    pub(super) fn of(main: &Path, named: &Path) -> Self {
        Self {
            named: named.to_owned(),
            opened: inode(main),
            paths: SUFFIXES.map(|suffix| {
                let mut path = main.to_owned().into_os_string();
                path.push(suffix);
                PathBuf::from(path)
            }),
            held: OnceLock::new(),
            replaced: AtomicBool::new(false),
            looked_at: AtomicU64::new(0),
        }
    }

    /// The database file.
    pub(super) fn main(&self) -> &Path {
        &self.paths[0]
    }

    /// What the paths lead to now.
    pub(super) fn inodes(&self) -> impl Iterator<Item = Inode> {
        self.paths.iter().filter_map(|path| inode(path))
    }

    /// Notes what the paths lead to while the writer holds its files; `ours` are the files behind its descriptors.
    ///
    /// # Errors
    /// `Replaced` when one of them went away, or another file came, while they were being opened.
    pub(super) fn hold(&self, ours: &[Inode]) -> StoreResult<()> {
        if inode(self.main()) != self.opened {
            return Err(replaced(self.main()));
        }
        let mut held = Vec::new();
        // The journal comes and goes.
        for path in &self.paths[..3] {
            let found = inode(path).ok_or_else(|| replaced(self.main()))?;
            if ours.contains(&found) {
                held.push((path.clone(), found));
                continue;
            }
            tracing::warn!(
                file = %path.display(),
                "path and open file have different numbers here (an overlay or a network file system): \
                 if this file is moved or replaced while it is in use, nobody will notice"
            );
        }
        if let Some((main, found)) = held.first().cloned()
            && main == self.paths[0]
            && main != self.named
        {
            held.push((self.named.clone(), found));
        }
        self.held.get_or_init(|| held);
        Ok(())
    }

    /// Compares.
    ///
    /// # Errors
    /// `Replaced` when a path leads elsewhere by now, and ever after.
    pub(super) fn check(&self) -> StoreResult<()> {
        let mut held = self.held.get().into_iter().flatten();
        if !self.replaced.load(Ordering::Relaxed) {
            let Some((path, _)) = held.find(|(path, held)| inode(path) != Some(*held)) else {
                return Ok(());
            };
            self.replaced.store(true, Ordering::Relaxed);
            tracing::error!(path = %path.display(), "the database was moved, removed or replaced while it was in use");
        }
        Err(replaced(self.main()))
    }

    /// The same at most once a second: for look-ups.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn look(&self) -> StoreResult<()> {
        let now = u64::try_from(SystemClock.monotonic().as_micros()).unwrap_or(u64::MAX);
        let looked_at = self.looked_at.load(Ordering::Relaxed);
        let due = now.saturating_sub(looked_at) >= LOOK;
        if due || self.replaced.load(Ordering::Relaxed) {
            self.check()?;
            self.looked_at.store(now, Ordering::Relaxed);
        }
        Ok(())
    }

    /// True when somebody else's file stands where one of ours stood. A log that was only removed is folded into the file
    /// when it is closed, and nothing is lost; one that others have made since must not be touched.
    pub(super) fn is_taken_over(&self) -> bool {
        let mut held = self.held.get().into_iter().flatten();
        held.any(|(path, held)| inode(path).is_some_and(|found| found != *held))
    }
}

fn replaced(main: &Path) -> StoreError {
    StoreError::Replaced(format!(
        "{} or its -wal or -shm was moved, removed or replaced while Doorward used it, and what is written now would be \
         lost: stop Doorward, put back what belongs together (the file with its -wal), then start",
        main.display()
    ))
}

/// The file that a path leads to, links followed, also those of `/proc`.
pub(super) fn inode(path: &Path) -> Option<Inode> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with the three files, and their place.
    fn made(name: &str) -> (PathBuf, Place) {
        let folder = std::env::temp_dir().join(format!("doorward-place-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let main = folder.join("doorward.db");
        for suffix in &SUFFIXES[..3] {
            fs::write(format!("{}{suffix}", main.display()), "").unwrap();
        }
        (folder, Place::of(&main, &main))
    }

    #[test]
    fn a_file_that_goes_away_while_it_is_opened_is_told_then() {
        for suffix in &SUFFIXES[..3] {
            let (folder, place) = made(&format!("gone{suffix}"));
            let ours: Vec<_> = place.inodes().collect();
            fs::remove_file(format!("{}{suffix}", place.main().display())).unwrap();
            let held = place.hold(&ours);
            assert!(matches!(held, Err(StoreError::Replaced(_))), "{suffix}: {held:?}");
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn another_file_that_comes_while_it_is_opened_is_told_then() {
        let (folder, place) = made("other");
        let ours: Vec<_> = place.inodes().collect();
        fs::write(folder.join("other"), "").unwrap();
        fs::rename(folder.join("other"), place.main()).unwrap();
        assert!(matches!(place.hold(&ours), Err(StoreError::Replaced(_))));
        fs::remove_dir_all(folder).unwrap();
    }

    /// As on some network file systems and old overlays: a descriptor gives another number than its path.
    #[test]
    fn what_differs_at_open_is_not_compared_and_the_rest_is() {
        let (folder, place) = made("differs");
        let ours: Vec<_> = place.inodes().skip(1).collect();
        place.hold(&ours).unwrap();
        fs::rename(place.main(), folder.join("aside")).unwrap();
        place.check().unwrap();
        fs::remove_file(folder.join("doorward.db-wal")).unwrap();
        assert!(matches!(place.check(), Err(StoreError::Replaced(_))));
        fs::remove_dir_all(folder).unwrap();
    }
}
