//! In this process, through the host of plugins' tests.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, Object, Plugin, Provider, TestHost};
use serde_json::{Map, Value};

use super::{Asker, Loaded, Refused, Reply};
use crate::kind_view::KindView;

/// The plugin in this process.
pub(crate) struct Direct {
    host: TestHost,
    plugin: Plugin,
}

impl Direct {
    /// # Errors
    /// What the dynamic linker, or the plugin's `load`, says.
    pub(crate) fn load(path: &Path, host: TestHost) -> Result<Self, String> {
        let module = Object::map(path)?.module().ok_or("its entry returns NULL")?;
        let wanted = module.min_host_minor;
        if wanted > host.abi_minor() {
            return Err(format!("it asks for a host of version 1.{wanted}"));
        }
        let plugin = host.take(module).map_err(|refused| refused.message)?;
        Ok(Self { host, plugin })
    }
}

impl Loaded for Direct {
    fn kinds(&self) -> Vec<KindView> {
        let schemas = self.plugin.schemas();
        let raw = self.plugin.kinds().into_iter().zip(schemas);
        let kinds = self.plugin.declarations().zip(raw);
        kinds
            .map(|(declaration, (raw, schema))| KindView::of_plugin(declaration, raw, schema))
            .collect()
    }

    fn open(
        &self,
        kind: &str,
        name: &str,
        options: &Map<String, Value>,
        conditions: Conditions,
    ) -> Result<Box<dyn Asker>, Refused> {
        let view = self.kinds().into_iter().find(|view| view.name == kind);
        let view = view.ok_or_else(|| Refused {
            configuration: false,
            message: format!("there is no kind {kind}"),
        })?;
        let provider = self.plugin.open_configured(kind, name, options, conditions);
        let provider = provider.map_err(|refused| Refused {
            configuration: refused.status == abi::E_CONFIG,
            message: if refused.message.is_empty() || refused.status == abi::E_CONFIG {
                refused.message
            } else {
                format!("status {}: {}", refused.status, refused.message)
            },
        })?;
        let gate = view.is(abi::SERIAL).then(Mutex::default);
        Ok(Box::new(DirectProvider {
            host: self.host,
            provider,
            view,
            gate,
        }))
    }
}

struct DirectProvider {
    host: TestHost,
    provider: Provider,
    view: KindView,
    /// One operation at a time, for a kind that declares `SERIAL`.
    gate: Option<Mutex<()>>,
}

impl Asker for DirectProvider {
    fn view(&self) -> &KindView {
        &self.view
    }

    fn ask(&self, ask: &Ask, conditions: Conditions) -> Reply {
        let _passed = self
            .gate
            .as_ref()
            .map(|gate| gate.lock().unwrap_or_else(PoisonError::into_inner));
        // What a question is answered with depends on no other question.
        self.host.reopen();
        self.provider.ask_under(ask, conditions).into()
    }

    fn set_clock(&self, unix_seconds: i64) {
        self.host.set_unix_seconds(unix_seconds);
    }

    fn forget(&self) {
        self.host.forget();
    }

    fn heard(&self) -> Vec<String> {
        self.host.logged()
    }
}
