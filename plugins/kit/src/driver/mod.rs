//! Asking a plugin, wherever it runs.

mod core_kinds;
mod direct;
mod reply;

use doorward_plugin_testing::{Ask, Conditions};
use serde_json::{Map, Value};

pub(crate) use core_kinds::CoreKinds;
pub(crate) use direct::Direct;
pub(crate) use reply::{Reply, Seen, reason_of};

use crate::kind_view::KindView;

/// Why a kind could not be opened.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// It says that the options are why.
    pub(crate) configuration: bool,
    pub(crate) message: String,
}

/// A loaded plugin.
pub(crate) trait Loaded {
    /// Its kinds.
    fn kinds(&self) -> Vec<KindView>;

    /// Opens and starts one of them under a provider name.
    ///
    /// # Errors
    /// Why not.
    fn open(
        &self,
        kind: &str,
        name: &str,
        options: &Map<String, Value>,
        conditions: Conditions,
    ) -> Result<Box<dyn Asker>, Refused>;
}

/// An open provider.
pub(crate) trait Asker: Send + Sync {
    fn view(&self) -> &KindView;

    /// Asks. Conditions that the host cannot make are left out.
    fn ask(&self, ask: &Ask, conditions: Conditions) -> Reply;

    /// Sets the wall clock.
    fn set_clock(&self, unix_seconds: i64);

    /// Empties what plugins keep by key.
    fn forget(&self);

    /// What was logged and audited so far.
    fn heard(&self) -> Vec<String>;
}
