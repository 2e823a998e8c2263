//! Negotiation: from the pointer that a plugin's entry returned to a checked module with checked kinds.
//!
//! Everything a plugin declares is read once, copied and checked here, before any of its operations runs. What does
//! not fit is refused with the plugin's name and the reason.

#![expect(unsafe_code, reason = "a plugin's descriptors are foreign memory")]

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use doorward_plugin_abi as abi;

use super::foreign::{growing, pointers};
use super::host::Host;
use super::kind_table::{KindTable, required};
use super::offered::Offered;
use super::process_state::ProcessState;
use doorward_base::error::{Error, ErrorKind, Result};

/// A plugin whose declarations have been checked.
#[derive(Debug)]
pub(super) struct Module {
    /// Its reverse domain name.
    pub(super) id: String,
    /// Its version, for logs.
    pub(super) version: String,
    pub(super) kinds: Vec<Arc<KindTable>>,
    /// Options that are secret by what it says beside their schemas: kind and dotted name.
    pub(super) secrets: Vec<(String, String)>,
    /// It says itself that it is for a process of its own.
    pub(super) wants_isolation: bool,
    /// Where its descriptors come from; `None`: not from a plugin of this process.
    pub(super) entry: Option<abi::Entry>,
    load: Option<abi::Load>,
    loaded: OnceLock<std::result::Result<(), String>>,
    /// Held around `load`, `open`, `close`, `start` and `stop`: one thread at a time for each module.
    pub(super) control: Mutex<()>,
}

impl Module {
    /// Reads the module that `entry` returns. `name` is what the configuration calls the plugin.
    ///
    /// # Errors
    /// `PluginRefused`, with the reason.
    ///
    /// # Safety
    /// `entry` is a plugin's entry and follows the header: it returns NULL or constant data that lives for ever.
    pub(super) unsafe fn of(name: &str, entry: abi::Entry) -> Result<Self> {
        // SAFETY: a plugin's entry (caller); it takes nothing.
        let table = unsafe { entry() };
        // SAFETY: NULL or a module descriptor (caller).
        let read = unsafe { Self::read(table) }.map_err(|why| {
            Error::new(
                ErrorKind::PluginRefused,
                format!("the plugin {name:?} cannot be used: {why}"),
            )
        });
        read.map(|module| Self {
            entry: Some(entry),
            ..module
        })
    }

    /// # Safety
    /// `table` is NULL or a module descriptor that lives for ever.
    pub(super) unsafe fn read(table: *const abi::Module) -> std::result::Result<Self, String> {
        // SAFETY: as promised by the caller.
        let module = unsafe { growing(table) }.map_err(|why| format!("its module is {why}"))?;
        if module.magic != abi::MAGIC {
            return Err("its module does not begin with DWP_MAGIC".into());
        }
        if module.abi_major != abi::ABI_MAJOR {
            return Err(format!(
                "it was built for major version {} of the plugin ABI; this is {}",
                module.abi_major,
                abi::ABI_MAJOR
            ));
        }
        if module.min_host_minor > abi::ABI_MINOR {
            return Err(format!(
                "it needs version {}.{} of the plugin ABI or later; this is {}.{}: use a newer doorward",
                abi::ABI_MAJOR,
                module.min_host_minor,
                abi::ABI_MAJOR,
                abi::ABI_MINOR
            ));
        }
        if module.flags & !abi::MODULE_ISOLATED != 0 || module.reserved != 0 {
            return Err(
                "its module has flags that this version does not know, or reserved fields that are not zero"
                    .into(),
            );
        }
        if module.n_kinds == 0 || module.n_kinds > abi::limit::KINDS {
            return Err(format!(
                "it lists {} kinds; 1 to {} are possible",
                module.n_kinds,
                abi::limit::KINDS
            ));
        }
        // SAFETY: the header asks for NUL-terminated texts and for `n_kinds` pointers to kinds.
        let (id, version, listed) = unsafe {
            (
                required(module.id, "id")?,
                required(module.version, "version")?,
                pointers(module.kinds, module.n_kinds).map_err(|why| format!("its kinds are {why}"))?,
            )
        };
        let mut kinds: Vec<Arc<KindTable>> = Vec::with_capacity(listed.len());
        for kind in listed {
            // SAFETY: the header asks for pointers to kinds.
            let kind = unsafe { KindTable::read(kind) }?;
            if kinds
                .iter()
                .any(|known| known.declaration.name == kind.declaration.name)
            {
                return Err(format!("it lists the kind {:?} twice", kind.declaration.name));
            }
            kinds.push(Arc::new(kind));
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.declaration.name.as_str()).collect();
        // SAFETY: the header asks for a function that gives NULL or the struct of the id.
        let secrets = unsafe { Offered::by(module.extension, &names) }?.to(&mut kinds)?;
        Ok(Self {
            id,
            version,
            kinds,
            secrets,
            wants_isolation: module.flags & abi::MODULE_ISOLATED != 0,
            entry: None,
            load: module.load,
            loaded: OnceLock::new(),
            control: Mutex::new(()),
        })
    }

    /// Whether it may run in this process, which is not one of its own.
    ///
    /// # Errors
    /// `PluginRefused` when the plugin says that it may not.
    pub(super) fn check_in_process(&self) -> Result<()> {
        if !self.wants_isolation {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::PluginRefused,
            format!(
                "the plugin {:?} runs only in a process of its own: set isolation = \"process\" for it",
                self.id
            ),
        ))
    }

    /// Calls the plugin's `load` with this table: its status.
    pub(super) fn load_into(&self, host: Host) -> abi::Status {
        match self.load {
            // SAFETY: the module's own pointer, called as the header says: cold, with a table that lives for ever.
            Some(load) => unsafe { load(host.as_ptr()) },
            None => abi::OK,
        }
    }

    /// Calls `load`, once in a process.
    ///
    /// # Errors
    /// `PluginRefused` when it does not return `OK`, or changes what belongs to the whole process.
    pub(super) fn load(&self) -> Result<()> {
        let _control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let loaded = self.loaded.get_or_init(|| {
            let before = ProcessState::now();
            let status = self.load_into(Host::of_process());
            before.restore()?;
            match status {
                abi::OK => Ok(()),
                status => Err(format!("its load returned {status}")),
            }
        });
        loaded.as_ref().copied().map_err(|why| {
            Error::new(
                ErrorKind::PluginRefused,
                format!("the plugin {:?} did not load: {why}", self.id),
            )
        })
    }
}
