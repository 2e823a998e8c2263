//! Loading a plugin from a file: what is checked is what is mapped, and nothing of it runs before it is checked.
//!
//! ```text
//! absolute path ──► owner and permissions ──► open once ──► SHA-256 of what was opened ──► ELF ──► dlopen of
//! the open descriptor ──► is the mapped file the opened one? ──► entry ──► is the process as it was?
//! ```
//!
//! `dlopen` runs a file's constructors, so every check that can come before it does (CVE-2023-38408 shows why). The
//! path given to it is `/proc/self/fd/N`, which names exactly what was hashed; and since glibc compares names, and would
//! return an earlier object for a reused `N`, the descriptor stays open for ever and the mapped file is compared.

#![expect(unsafe_code, reason = "the entry is called")]

mod elf;
mod file;
mod mapping;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::module::Module;
use super::process_state::ProcessState;
use super::settings::PluginSettings;
use doorward_base::error::{Error, ErrorKind, Result};

/// In a set-user-id program, and wherever else the kernel says `AT_SECURE`, plugins come from here only.
const TRUSTED: &[&str] = &["/usr/lib/doorward/plugins", "/usr/local/lib/doorward/plugins"];

/// One file of this process: a plugin is loaded once, however many contexts use it.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) module: Arc<Module>,
    /// SHA-256 of the file in hexadecimal digits.
    pub(super) hash: String,
    device: u64,
    inode: u64,
}

impl Loaded {
    /// What an operator wants to know about a load, as JSON.
    pub(super) fn report(&self, settings: &PluginSettings) -> String {
        serde_json::json!({
            "name": settings.name,
            "path": settings.path,
            "device": self.device,
            "inode": self.inode,
            "sha256": self.hash,
            "pinned": settings.sha256.is_some(),
            "plugin": self.module.id,
            "version": self.module.version,
        })
        .to_string()
    }
}

/// Loads the plugin, or finds it among the loaded ones.
///
/// # Errors
/// `PluginRefused`, naming the plugin, what was found and what would be right.
pub(super) fn load(settings: &PluginSettings) -> Result<Loaded> {
    static LOADED: Mutex<Option<BTreeMap<(u64, u64), Loaded>>> = Mutex::new(None);
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
    let (path, mut opened, metadata) = file::open(&settings.path).map_err(refuse)?;
    check_place(&path, nix::libc::AT_SECURE).map_err(refuse)?;
    let bytes = file::read(&mut opened, &metadata).map_err(refuse)?;
    let hash = hex(&Sha256::digest(&bytes));
    if let Some(pin) = &settings.sha256 {
        check_pin(pin, &hash).map_err(refuse)?;
    }
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let loaded = loaded.get_or_insert_default();
    let inode = (metadata.dev(), metadata.ino());
    if let Some(known) = loaded.get(&inode) {
        if known.hash == hash {
            return Ok(known.clone());
        }
        return Err(refuse(format!(
            "the file was changed after this process loaded it (SHA-256 was {}, is {hash}): replace plugins by \
             renaming a new file over them, and restart",
            known.hash
        )));
    }
    for folder in elf::check(&bytes).map_err(refuse)? {
        file::check_folder(&folder).map_err(refuse)?;
    }
    drop(bytes);
    let before = ProcessState::now();
    let entry = mapping::map(opened).map_err(refuse);
    // SAFETY: the object exports the entry by its name (`elf::check`, `map`), is ours, and stays mapped for ever.
    let module = entry.and_then(|entry| unsafe { Module::of(&settings.name, entry) });
    before.restore().map_err(refuse)?;
    let new = Loaded {
        module: Arc::new(module?),
        hash,
        device: metadata.dev(),
        inode: metadata.ino(),
    };
    loaded.insert(inode, new.clone());
    Ok(new)
}

/// Looks at a plugin file as loading does, and does not load it: nothing of it runs. Its SHA-256, for `sha256` in the
/// configuration.
///
/// # Errors
/// `PluginRefused`, with what was found and what would be right.
pub fn examine(path: &Path) -> Result<String> {
    let refuse = |why: String| {
        Error::new(
            ErrorKind::PluginRefused,
            format!("the plugin {} is refused: {why}", path.display()),
        )
    };
    let (path, mut opened, metadata) = file::open(path).map_err(refuse)?;
    check_place(&path, nix::libc::AT_SECURE).map_err(refuse)?;
    let bytes = file::read(&mut opened, &metadata).map_err(refuse)?;
    for folder in elf::check(&bytes).map_err(refuse)? {
        file::check_folder(&folder).map_err(refuse)?;
    }
    Ok(hex(&Sha256::digest(&bytes)))
}

/// Whether the program may be run in our name: nobody else could have changed it.
pub(super) fn check_program(path: &Path) -> std::result::Result<(), String> {
    file::open(path).map(drop)
}

/// Whether nobody else could have changed anything in the folder, or put anything there. `where_too_many`: what to do where
/// there is too much in it to look at.
pub(super) fn check_tree(folder: &Path, where_too_many: &str) -> std::result::Result<(), String> {
    file::check_tree(folder, where_too_many)
}

/// In a process that has more rights than whoever started it, only folders that the build names are trusted.
fn check_place(path: &Path, question: nix::libc::c_ulong) -> std::result::Result<(), String> {
    // SAFETY: looks a number up in the auxiliary vector.
    let is_secure = unsafe { nix::libc::getauxval(question) } != 0;
    if !is_secure || TRUSTED.iter().any(|folder| path.starts_with(folder)) {
        return Ok(());
    }
    Err(format!(
        "this process runs with the rights of another user (AT_SECURE), where plugins are taken from {} only",
        TRUSTED.join(" or ")
    ))
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
    use super::*;

    #[test]
    fn a_privileged_process_takes_plugins_from_trusted_folders_only() {
        // AT_PAGESZ stands for AT_SECURE in a process that has it set: any entry that is not zero.
        for (path, question, taken) in [
            ("/opt/pin.so", nix::libc::AT_SECURE, true),
            ("/opt/pin.so", nix::libc::AT_PAGESZ, false),
            (
                "/usr/lib/doorward/plugins-of-mine/pin.so",
                nix::libc::AT_PAGESZ,
                false,
            ),
            ("/usr/lib/doorward/plugins/pin.so", nix::libc::AT_PAGESZ, true),
        ] {
            assert_eq!(check_place(Path::new(path), question).is_ok(), taken, "{path}");
        }
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
