//! The key beside a SQLite file for which no `keys` are configured: the first start makes it, `open` writes nothing.
//!
//! It has a temporary name until the schema is committed that it belongs to. So a key with its final name says that there
//! was a database: where that is gone, nothing new is made in its place. A first start that was interrupted is ended by the
//! next one, which finds the temporary key.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::keys::{self, KEY_LEN, KeyRing, KeySettings};
use crate::rng::Random;

/// The id of the key that nobody has named.
const ID: &str = "k1";

/// Where the key is, and what it belongs to.
pub(super) struct FirstKey {
    database: PathBuf,
    file: PathBuf,
    /// The name until the schema is committed.
    fresh: PathBuf,
}

impl FirstKey {
    /// The key of this configuration, where it is ours to make.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let database = settings.store.sqlite_file()?;
        settings.keys.is_empty().then(|| Self {
            database: database.to_owned(),
            file: database.with_extension("key"),
            fresh: database.with_extension("key.new"),
        })
    }

    /// Reads it where it is there; else the ring waits for the first start.
    pub(super) fn open(&self, allow_missing: bool) -> Result<KeyRing> {
        if self.database.is_dir() {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "`database`: {} is a folder: name a file in it",
                    self.database.display()
                ),
            ));
        }
        if self.is_first_start() && !self.file.exists() {
            return Ok(KeyRing::awaiting(ID));
        }
        let key = KeySettings {
            id: ID.into(),
            file: self.file.clone(),
            seals: true,
            readable_by_others: false,
        };
        KeyRing::load(&[key], allow_missing).map_err(|error| {
            if error.kind() == ErrorKind::KeyMissing && !self.file.exists() {
                self.without_key(error)
            } else {
                error
            }
        })
    }

    /// Of a file that is there without its key. What is in it is not read: closing it would drop the locks of a context
    /// that has it open.
    fn without_key(&self, error: Error) -> Error {
        let (database, key) = (self.database.display(), self.file.display());
        let message = format!(
            "cannot read the key file {key}, which belongs to the database {database}: put it back; if that file is no \
             database of Doorward's, name another in `database`"
        );
        Error::new(ErrorKind::KeyMissing, message).caused_by(error)
    }

    /// Before the database is opened: sees that it is there if it was, and makes the key if it is to be made.
    ///
    /// # Errors
    /// `Unavailable` (`database_missing`); what reading or making the file gives.
    pub(super) fn begin(&self, ring: &KeyRing, random: &dyn Random) -> Result<()> {
        if self.file.exists() && !has_content(&self.database) {
            return Err(missing(&self.database, &self.file));
        }
        if !ring.is_filled() {
            ring.fill(ID, self.read_or_make(random)?);
        }
        Ok(())
    }

    /// The key with its final name, else the temporary one, which is made if it is not there. Of several first starts at
    /// once all use the key of one.
    fn read_or_make(&self, random: &dyn Random) -> Result<Zeroizing<[u8; KEY_LEN]>> {
        if self.file.exists() || !self.is_first_start() {
            return keys::read_key(&self.file, false);
        }
        if let Some(folder) = self.database.parent().filter(|folder| !folder.is_dir()) {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("`database`: there is no folder {}: make it", folder.display()),
            ));
        }
        keys::create_key_file(&self.fresh, random)?;
        let fresh = keys::read_key(&self.fresh, false);
        // Another's first start may have ended meanwhile: then what was read is its key or one made too late.
        if self.file.exists() {
            return keys::read_key(&self.file, false);
        }
        fresh
    }

    /// After the schema was committed: the key gets its name, and the owner of the database.
    ///
    /// # Errors
    /// `Configuration` when the folder does not take it.
    pub(super) fn finish(&self) -> Result<()> {
        if !self.fresh.exists() {
            return Ok(());
        }
        // A link, not a rename: a name that was given by another first start is never given anew.
        match own_as(&self.fresh, &self.database).and_then(|()| fs::hard_link(&self.fresh, &self.file)) {
            Err(_) if self.file.exists() => {}
            named => named.map_err(|error| self.cannot_name(error))?,
        }
        match fs::remove_file(&self.fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.cannot_name(error)),
            _ => {}
        }
        match self.file.parent() {
            Some(folder) => fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| self.cannot_name(error)),
            None => Ok(()),
        }
    }

    fn cannot_name(&self, error: io::Error) -> Error {
        let message = format!("cannot give the key file {} its name", self.fresh.display());
        Error::new(ErrorKind::Configuration, message).caused_by(error)
    }

    /// No database yet, or one whose first start was not finished.
    fn is_first_start(&self) -> bool {
        self.fresh.exists() || !has_content(&self.database)
    }
}

/// The error of a database that was there.
pub(super) fn missing(database: &Path, key: &Path) -> Error {
    Error::unavailable(
        "database_missing",
        format!(
            "{} is gone, and the key beside it says that it was there: put the database back, or move the key {} away to \
             begin anew",
            database.display(),
            key.display()
        ),
    )
}

fn has_content(database: &Path) -> bool {
    fs::metadata(database).is_ok_and(|found| found.len() > 0)
}

/// Gives a file the owner of another: a server that is started by root makes what its workers must read.
fn own_as(file: &Path, other: &Path) -> io::Result<()> {
    let (ours, theirs) = (fs::metadata(file)?, fs::metadata(other)?);
    if (ours.uid(), ours.gid()) == (theirs.uid(), theirs.gid()) {
        return Ok(());
    }
    match std::os::unix::fs::chown(file, Some(theirs.uid()), Some(theirs.gid())) {
        // Not root: then whoever started owns both, or is a member of the database's group.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        owned => owned,
    }
}
