//! A shared object in this process, step by step: mapping it, its entry, its extensions.

#![expect(
    unsafe_code,
    reason = "a plugin's entry and its extensions are foreign functions"
)]

use std::ffi::{CString, OsStr};

use doorward_plugin_abi as abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

/// A mapped plugin file, of which nothing was checked before. It stays as long as the process does.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    entry: abi::Entry,
}

impl Object {
    /// Maps the file: its constructors run, its symbols are all resolved now, and it exports the entry.
    ///
    /// # Errors
    /// What the dynamic linker says.
    pub fn map(path: impl AsRef<OsStr>) -> Result<Self, String> {
        // SAFETY: the caller names a plugin to run; what its constructors do is the plugin author's choice.
        let library = unsafe { Library::open(Some(path.as_ref()), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| error.to_string())?;
        let name = abi::ENTRY_SYMBOL.to_bytes_with_nul();
        // SAFETY: the symbol of that name is of this type, by the contract in the header.
        let entry = unsafe { library.get::<abi::Entry>(name) }.map(|entry| *entry);
        // Never unloaded: thread-local destructors and static data of the plugin may outlive any handle.
        std::mem::forget(library);
        Ok(Self {
            entry: entry.map_err(|error| error.to_string())?,
        })
    }

    /// Calls the entry. `None`: it returned NULL.
    pub fn module(self) -> Option<&'static abi::Module> {
        // SAFETY: the entry only returns the address of constant data, which lives for ever.
        unsafe { (self.entry)().as_ref() }
    }

    /// Whether the plugin offers the extension.
    pub fn offers(self, id: &str) -> bool {
        let Some(extension) = self.module().and_then(|module| module.extension) else {
            return false;
        };
        let Ok(id) = CString::new(id) else { return false };
        // SAFETY: the module's own function, with a text that ends with NUL.
        !unsafe { extension(id.as_ptr()) }.is_null()
    }
}
