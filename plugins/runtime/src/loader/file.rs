//! The file on disk: where it may lie, who could have changed it, and its bytes.

use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;

/// Files and folders that are looked at where modules are imported from.
const MAX_ENTRIES: usize = 50_000;
/// No plugin is larger: 256 MiB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Opens the file after a look at everybody who could have changed it. Gives its real path, too.
pub(super) fn open(path: &Path) -> Result<(PathBuf, File, Metadata), String> {
    if !path.is_absolute() {
        return Err("its path must be absolute".into());
    }
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    check_ancestors(&path)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK)
        .open(&path)
        .map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".into());
    }
    check_owner(&path, &metadata, false)?;
    Ok((path, file, metadata))
}

/// A folder that the plugin wants libraries to be taken from: nobody else may be able to put one there. One that is
/// not there yet is as good as the folder in which it could be made.
pub(super) fn check_folder(folder: &Path) -> Result<(), String> {
    let there = folder.ancestors().find_map(|folder| folder.canonicalize().ok());
    let there = there.ok_or_else(|| format!("{} cannot be looked at", folder.display()))?;
    let metadata = there.symlink_metadata().map_err(|error| error.to_string())?;
    // A sticky folder is as bad as any other here: what counts is who may add a file.
    check_owner(&there, &metadata, false)
        .and_then(|()| check_ancestors(&there))
        .map_err(|why| format!("it takes libraries from {}, and {why}", folder.display()))
}

/// A folder that modules are imported from: nobody else may have written anything in it, wherever a link leads.
pub(super) fn check_tree(folder: &Path, where_too_many: &str) -> Result<(), String> {
    let of = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let folder = folder.canonicalize().map_err(|error| of(folder, error))?;
    check_ancestors(&folder)?;
    let (mut seen, mut left) = (HashSet::new(), vec![folder]);
    while let Some(path) = left.pop() {
        let metadata = path.symlink_metadata().map_err(|error| of(&path, error))?;
        if metadata.is_symlink() {
            // One that leads nowhere is as good as a file that is not there.
            if let Ok(there) = path.canonicalize() {
                check_ancestors(&there)?;
                left.push(there);
            }
            continue;
        }
        if !seen.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        if seen.len() > MAX_ENTRIES {
            return Err(format!(
                "it has more than {MAX_ENTRIES} files and folders: {where_too_many}"
            ));
        }
        check_owner(&path, &metadata, false)?;
        if metadata.is_dir() {
            for entry in path.read_dir().map_err(|error| of(&path, error))? {
                left.push(entry.map_err(|error| of(&path, error))?.path());
            }
        }
    }
    Ok(())
}

fn check_ancestors(path: &Path) -> Result<(), String> {
    path.ancestors().skip(1).try_for_each(|ancestor| {
        let metadata = ancestor.symlink_metadata().map_err(|error| error.to_string())?;
        // In a sticky directory (/tmp) others can add files, but not replace this one.
        let is_sticky = metadata.mode() & libc::S_ISVTX != 0 && metadata.uid() == 0;
        check_owner(ancestor, &metadata, is_sticky)
    })
}

fn check_owner(path: &Path, metadata: &Metadata, is_sticky: bool) -> Result<(), String> {
    let me = nix::unistd::geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != me {
        return Err(format!(
            "{} belongs to user {}, who could change it: it must belong to root or to user {me}",
            path.display(),
            metadata.uid()
        ));
    }
    if metadata.mode() & 0o022 != 0 && !is_sticky {
        return Err(format!(
            "{0} may be changed by its group or by everybody (mode {1:o}): chmod go-w {0}",
            path.display(),
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}

pub(super) fn read(file: &mut File, metadata: &Metadata) -> Result<Vec<u8>, String> {
    if metadata.len() > MAX_FILE {
        return Err(format!(
            "it has {} bytes; at most {MAX_FILE} are taken",
            metadata.len()
        ));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
