//! A plugin as the configuration names it: its file, and whether it runs in processes of its own.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

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
    /// `Some`: it runs in processes of its own.
    pub isolation: Option<Isolation>,
}

/// How a plugin is isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// The absolute path of `doorward-plugin-host`.
    pub host: PathBuf,
    /// What the plugin may do there.
    pub sandbox: Sandbox,
    /// A sandbox that the kernel cannot make whole, for it has no Landlock, is none: the plugin is refused. Default true.
    pub needs_landlock: bool,
    /// Processes of each provider name at most, each with one call at a time. 1 to 64, default 2.
    pub workers: usize,
    /// `Some`: the plugin is a class in Python, and its path is that of the interpreter.
    pub python: Option<PythonClass>,
}

/// A plugin in Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonClass {
    /// `module:Class`.
    pub class: String,
    /// The absolute path of the folder that its module is in; `None`: it is installed.
    pub folder: Option<PathBuf>,
}

impl PythonClass {
    /// As the first frame has it.
    pub(super) fn handed_on(&self) -> Vec<u8> {
        let mut text = self.class.clone().into_bytes();
        if let Some(folder) = &self.folder {
            text.push(0);
            text.extend_from_slice(folder.as_os_str().as_bytes());
        }
        text
    }
}

/// What a plugin may do in its own process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// Compute, and read the time: no file, no socket, no process.
    #[default]
    Strict = 1,
    /// The same, open connections and read what resolving names and verifying certificates needs.
    Net = 2,
    /// Whatever the user may do.
    Off = 3,
}

impl Sandbox {
    /// The stable text: `strict`, `net`, `off`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Net => "net",
            Self::Off => "off",
        }
    }

    /// The sandbox with this text.
    pub fn of(id: &str) -> Option<Self> {
        [Self::Strict, Self::Net, Self::Off]
            .into_iter()
            .find(|sandbox| sandbox.id() == id)
    }
}
