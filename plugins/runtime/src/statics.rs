//! Plugins that are linked into the program: the same table, without a file.

#![expect(unsafe_code, reason = "an entry is a foreign function")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_plugin_abi as abi;

use super::module::Module;
use doorward_base::error::Result;

/// A plugin that is linked in (`DWP_STATIC` in C, the SDK's entry in Rust).
#[derive(Clone, Copy, Debug)]
pub struct StaticPlugin {
    name: &'static str,
    entry: abi::Entry,
}

impl StaticPlugin {
    /// The plugin with this entry; `name` is for messages.
    ///
    /// # Safety
    /// `entry` follows `doorward_plugin.h`: it returns NULL or constant data that lives for ever, and the operations
    /// listed there do what the header asks of them.
    pub const unsafe fn new(name: &'static str, entry: abi::Entry) -> Self {
        Self { name, entry }
    }

    /// Its module, read once in a process.
    pub(super) fn module(self) -> Result<Arc<Module>> {
        static READ: Mutex<Option<BTreeMap<usize, Arc<Module>>>> = Mutex::new(None);
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read.get_or_insert_default();
        let key = self.entry as usize;
        if let Some(module) = read.get(&key) {
            return Ok(Arc::clone(module));
        }
        // SAFETY: `new` was promised an entry that follows the header.
        let module = Arc::new(unsafe { Module::of(self.name, self.entry) }?);
        read.insert(key, Arc::clone(&module));
        Ok(module)
    }
}
