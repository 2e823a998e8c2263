//! A plugin that was loaded into this process, and what it declares.

#![expect(unsafe_code, reason = "a plugin's descriptors are foreign memory")]

use std::sync::Arc;

use doorward_base::error::{ErrorKind, Result};
use doorward_plugin_abi as abi;
use serde_json::{Map, Value};

use super::table::HostTable;
use crate::ask::Declaration;
use crate::foreign::text;
use crate::kind_table::{KindTable, MAX_SCHEMA};
use crate::module::Module;
use crate::options::Options;

/// A loaded plugin, whose declarations were read as the core reads them. It stays as long as the process does.
#[derive(Clone)]
pub struct Plugin {
    pub(super) table: HostTable,
    pub(super) module: Arc<Module>,
    raw: &'static abi::Module,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

/// Why there is no plugin, or no provider of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What its `load`, `open` or `start` returned; `E_INTERNAL` where nothing was called, for its declarations.
    pub status: abi::Status,
    /// It was called, and refused by itself.
    pub was_called: bool,
    /// What it says, or what the host says of its declarations.
    pub message: String,
}

/// The options that a kind is opened with.
pub struct KindOptions(pub(super) Options);

impl std::fmt::Debug for KindOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets are among them.
        f.debug_struct("KindOptions").finish_non_exhaustive()
    }
}

impl KindOptions {
    /// As they are: the kind may have another opinion than its schema. `secrets` are dotted names.
    pub const fn unchecked(values: Map<String, Value>, secrets: Vec<String>) -> Self {
        Self(Options::unchecked(values, secrets))
    }
}

impl Plugin {
    /// Takes a module that is linked in or was mapped, and calls its `load` with the table.
    ///
    /// # Errors
    /// What its declarations lack, or the status of its `load`.
    pub fn take(module: &'static abi::Module, table: HostTable) -> std::result::Result<Self, Refused> {
        // SAFETY: a module's constant data. What else it points at is as the header says, or the plugin under test ends this
        // process, which is made for that.
        let read = unsafe { Module::read(module) }.map_err(|message| Refused {
            status: abi::E_INTERNAL,
            was_called: false,
            message,
        })?;
        match read.load_into(table.host()) {
            abi::OK => Ok(Self {
                table,
                module: Arc::new(read),
                raw: module,
            }),
            status => Err(Refused {
                status,
                was_called: true,
                message: format!("its load returned {status}"),
            }),
        }
    }

    /// The module, as the plugin declares it.
    pub const fn raw(&self) -> &'static abi::Module {
        self.raw
    }

    /// The kinds, as the plugin declares them.
    pub fn kinds(&self) -> Vec<&'static abi::Kind> {
        (0..self.raw.n_kinds as usize)
            // SAFETY: the module lists that many kinds, each constant; it was read before (`take`).
            .map(|index| unsafe { &**self.raw.kinds.add(index) })
            .collect()
    }

    /// What the kinds declare, in the order of [`Plugin::kinds`].
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.module.kinds.iter().map(|kind| &kind.declaration)
    }

    /// JSON schemas of the kinds' options, in the order of [`Plugin::kinds`].
    pub fn schemas(&self) -> Vec<Option<String>> {
        self.kinds()
            .into_iter()
            // SAFETY: the header asks for NULL or a NUL-terminated text; it was read before (`take`).
            .map(|kind| unsafe { text(kind.config_schema, MAX_SCHEMA) }.ok().flatten())
            .collect()
    }

    /// The options of a kind that are secret by what the plugin says beside its schema: kind and dotted name.
    pub fn secrets(&self) -> &[(String, String)] {
        &self.module.secrets
    }

    /// Options as a configuration has them: checked against the kind's schema, with the files of secrets read.
    ///
    /// # Errors
    /// `Configuration`, naming the option and what it should be; `NotFound` for a kind that there is not.
    pub fn checked(&self, kind: &str, provider: &str, given: &Map<String, Value>) -> Result<KindOptions> {
        let Some(kind) = self.kind(kind) else {
            return Err(doorward_base::error::Error::new(
                ErrorKind::Configuration,
                format!("there is no kind {kind:?}"),
            ));
        };
        Options::check(provider, kind.schema.as_ref(), given).map(KindOptions)
    }

    pub(super) fn kind(&self, name: &str) -> Option<&Arc<KindTable>> {
        self.module
            .kinds
            .iter()
            .find(|kind| kind.declaration.name == name)
    }
}
