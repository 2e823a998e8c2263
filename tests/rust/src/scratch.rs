//! A folder that a test has for itself.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty folder, removed with the value.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new one, in the system's folder for such things.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// A new one that no disk is waited for in, where this machine has such a place: for what is asked thousands of times
    /// and of which no power cut is the subject.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() {
            Self::below(shared)
        } else {
            Self::new()
        }
    }

    fn below(parent: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorward-scratch-{}-{number}", std::process::id());
        let folder = parent.join(name);
        let made = std::fs::create_dir_all(&folder);
        assert!(made.is_ok(), "{} cannot be made: {made:?}", folder.display());
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays behind in the folder of temporary things.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
