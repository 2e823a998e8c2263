//! Loading a plugin from a file: what is checked is what is mapped, and nothing of it runs before it is checked.
//!
//! ```text
//! absolute path ──► owner and permissions ──► open once ──► SHA-256 of what was opened ──► ELF ──► dlopen of
//! the open descriptor ──► is the mapped file the opened one? ──► entry
//! ```
//!
//! `dlopen` runs a file's constructors, so every check that can come before it does (CVE-2023-38408 shows why). The
//! path given to it is `/proc/self/fd/N`, which names exactly what was hashed; and since glibc compares names, and would
//! return an earlier object for a reused `N`, the descriptor stays open for ever and the mapped file is compared.

#![expect(unsafe_code, reason = "dlopen, and a mapping to compare with")]

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::num::NonZeroUsize;
use std::os::fd::IntoRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use doorward_plugin_abi as abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags};
use sha2::{Digest, Sha256};

use super::elf;
use super::module::Module;
use crate::error::{Error, ErrorKind, Result};

/// No plugin is larger: 256 MiB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// A plugin file by configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSettings {
    /// What the configuration calls it; for messages.
    pub name: String,
    /// The absolute path of the shared object. There is no search path.
    pub path: PathBuf,
    /// SHA-256 of the file as 64 hexadecimal digits; anything else is then refused.
    pub sha256: Option<String>,
    /// The kinds that may be taken from it; empty: all that it has.
    pub kinds: Vec<String>,
}

/// One file of this process: a plugin is loaded once, however many contexts use it.
struct Loaded {
    hash: String,
    module: Arc<Module>,
}

/// Loads the plugin, or finds it among the loaded ones.
///
/// # Errors
/// `PluginRefused`, naming the plugin, what was found and what would be right.
pub(super) fn load(settings: &PluginSettings) -> Result<Arc<Module>> {
    static LOADED: Mutex<Option<HashMap<(u64, u64), Loaded>>> = Mutex::new(None);
    let refuse = |why: String| {
        Error::new(
            ErrorKind::PluginRefused,
            format!(
                "the plugin {:?} ({}) is refused: {why}",
                settings.name,
                settings.path.display()
            ),
        )
    };
    let (mut file, metadata) = open(&settings.path).map_err(refuse)?;
    let bytes = read(&mut file, &metadata).map_err(refuse)?;
    let hash = hex(&Sha256::digest(&bytes));
    if let Some(pin) = &settings.sha256 {
        check_pin(pin, &hash).map_err(refuse)?;
    }
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    let inode = (metadata.dev(), metadata.ino());
    if let Some(known) = loaded.get(&inode) {
        if known.hash == hash {
            return Ok(Arc::clone(&known.module));
        }
        return Err(refuse(format!(
            "the file was changed after this process loaded it (SHA-256 was {}, is {hash}): replace plugins by \
             renaming a new file over them, and restart",
            known.hash
        )));
    }
    elf::check(&bytes).map_err(refuse)?;
    drop(bytes);
    let entry = map(file).map_err(refuse)?;
    // SAFETY: the object exports the entry by its name (`elf::check`, `map`), is ours, and stays mapped for ever.
    let module = Arc::new(unsafe { Module::of(&settings.name, entry) }?);
    tracing::info!(
        target: "doorward::plugin", plugin = module.id, version = module.version, path = %settings.path.display(),
        sha256 = hash, pinned = settings.sha256.is_some(), "plugin loaded"
    );
    loaded.insert(
        inode,
        Loaded {
            hash,
            module: Arc::clone(&module),
        },
    );
    Ok(module)
}

/// Opens the file after a look at everybody who could have changed it.
fn open(path: &Path) -> std::result::Result<(File, Metadata), String> {
    if !path.is_absolute() {
        return Err("its path must be absolute".into());
    }
    let path = path.canonicalize().map_err(|error| error.to_string())?;
    for ancestor in path.ancestors().skip(1) {
        let metadata = ancestor.symlink_metadata().map_err(|error| error.to_string())?;
        // In a sticky directory (/tmp) others can add files, but not replace this one.
        let is_sticky = metadata.mode() & libc::S_ISVTX != 0 && metadata.uid() == 0;
        check_owner(ancestor, &metadata, is_sticky)?;
    }
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
    Ok((file, metadata))
}

fn check_owner(path: &Path, metadata: &Metadata, is_sticky: bool) -> std::result::Result<(), String> {
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
            "{} may be changed by its group or by everybody (mode {:o}): chmod go-w",
            path.display(),
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}

fn read(file: &mut File, metadata: &Metadata) -> std::result::Result<Vec<u8>, String> {
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

fn check_pin(pin: &str, hash: &str) -> std::result::Result<(), String> {
    if pin.len() != 64 || !pin.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(format!(
            "its sha256 must be 64 hexadecimal digits; the file's is {hash}"
        ));
    }
    if pin.eq_ignore_ascii_case(hash) {
        return Ok(());
    }
    Err(format!(
        "its SHA-256 is {hash}, pinned is {}: find out who changed the file, then change sha256",
        pin.to_ascii_lowercase()
    ))
}

/// Maps the open file and finds its entry.
fn map(file: File) -> std::result::Result<abi::Entry, String> {
    // Never closed, whatever comes of it: see the head of this file. One descriptor per plugin file.
    let descriptor = file.into_raw_fd();
    let path = format!("/proc/self/fd/{descriptor}");
    // SAFETY: this runs the constructors of a file that configuration names, whose owner, hash and form have been
    // checked; that is what loading a plugin means.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE) }
        .map_err(|error| error.to_string())?;
    let name = abi::ENTRY_SYMBOL;
    // SAFETY: the header gives this symbol this type.
    let entry =
        unsafe { library.get::<abi::Entry>(name.to_bytes_with_nul()) }.map_err(|error| error.to_string())?;
    let entry = *entry;
    // Never unloaded: threads may run in it, thread-locals of it may have destructors, and every pointer that came from
    // it must stay good.
    std::mem::forget(library);
    if !is_mapping_of(entry as usize, descriptor).map_err(|error| error.to_string())? {
        return Err(
            "the dynamic linker returned another object than the one that was checked: has anything else in this \
             process loaded a library through /proc/self/fd?"
                .into(),
        );
    }
    Ok(entry)
}

/// Whether the code at `address` is mapped from the file behind `descriptor`.
///
/// Device and inode in `/proc/self/maps` are not those of `stat` on every file system (btrfs, overlayfs), so the file
/// is mapped once more by ourselves and both lines are compared.
fn is_mapping_of(address: usize, descriptor: i32) -> std::io::Result<bool> {
    // SAFETY: the descriptor is open for ever (`map`).
    let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    let length = NonZeroUsize::MIN;
    // SAFETY: a fresh private read-only mapping at an address of the kernel's choice; nobody reads through it.
    let ours =
        unsafe { nix::sys::mman::mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0) }?;
    let maps = std::fs::read_to_string("/proc/self/maps");
    // SAFETY: the mapping made above, of that length, to which nobody has a reference.
    unsafe { nix::sys::mman::munmap(ours, length.get()) }?;
    let maps = maps?;
    let ours = file_at(&maps, ours.as_ptr() as usize);
    Ok(ours.is_some() && ours == file_at(&maps, address))
}

/// Device and inode of the mapping that holds the address.
fn file_at(maps: &str, address: usize) -> Option<(&str, &str)> {
    maps.lines().find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let (start, end) = columns.next()?.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        let (device, inode) = (columns.nth(2)?, columns.next()?);
        (range.contains(&address) && inode != "0").then_some((device, inode))
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn finds_the_file_of_an_address() {
        let maps = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n\
                    7ffc1000-7ffc3000 rw-p 00000000 00:00 0           [stack]\n";
        for (address, file) in [
            (0x0040_0000, Some(("08:02", "173521"))),
            (0x0045_1fff, Some(("08:02", "173521"))),
            (0x0045_2000, None),
            (0x7ffc_1000, None),
        ] {
            assert_eq!(file_at(maps, address), file, "{address:x}");
        }
    }

    #[test]
    fn an_address_belongs_to_the_file_it_was_mapped_from_and_to_no_other() {
        let open = |path: &str| File::open(path).unwrap();
        let executable = open("/proc/self/exe");
        let other = open("/etc/hostname");
        let here = finds_the_file_of_an_address as fn() as usize;
        assert!(is_mapping_of(here, executable.as_raw_fd()).unwrap());
        assert!(!is_mapping_of(here, other.as_raw_fd()).unwrap());
    }

    #[test]
    fn a_descriptor_number_that_was_used_before_does_not_bring_the_object_of_then() {
        use std::os::fd::FromRawFd;
        let compiled = |value: u32| {
            let path = std::env::temp_dir().join(format!("doorward-reused-{}-{value}", std::process::id()));
            let source = path.with_extension("c");
            let code = format!(
                "const void *doorward_plugin_v1(void);const void *doorward_plugin_v1(void){{return (void*){value}UL;}}"
            );
            std::fs::write(&source, code).unwrap();
            let object = path.with_extension("so");
            let mut cc = std::process::Command::new("cc");
            assert!(
                cc.args(["-shared", "-fPIC", "-o"])
                    .arg(&object)
                    .arg(&source)
                    .status()
                    .unwrap()
                    .success()
            );
            let file = File::open(&object).unwrap();
            for path in [source, object] {
                std::fs::remove_file(path).unwrap();
            }
            file
        };
        let number = compiled(1).into_raw_fd();
        let path = format!("/proc/self/fd/{number}");
        // SAFETY: an object without constructors, made above.
        let earlier = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.unwrap();
        // Another file comes to stand behind the same number, as when the first is closed and the next one opened.
        // SAFETY: both descriptors are this test's own.
        let reused = unsafe { libc::dup2(compiled(2).as_raw_fd(), number) };
        assert_eq!(reused, number);
        // SAFETY: the number is this test's own.
        let why = map(unsafe { File::from_raw_fd(reused) }).unwrap_err();
        assert!(
            why.contains("another object than the one that was checked"),
            "{why}"
        );
        drop(earlier);
        let entry = map(compiled(3)).unwrap();
        // SAFETY: the function made above.
        assert_eq!(unsafe { entry() } as usize, 3);
    }

    #[test]
    fn a_wrong_pin_names_both_hashes() {
        let hash = hex(&Sha256::digest(b"x"));
        assert!(check_pin(&hash.to_uppercase(), &hash).is_ok());
        let wrong = "0".repeat(64);
        let why = check_pin(&wrong, &hash).unwrap_err();
        assert!(why.contains(&wrong) && why.contains(&hash));
        for malformed in ["", "abc", &"g".repeat(64)] {
            assert!(check_pin(malformed, &hash).is_err());
        }
    }
}
