//! In this process, through the test host of the SDK.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use doorward_plugin::abi;
use doorward_plugin::testing::{Ask, Conditions, ConfigValue, Object, Plugin, Provider, TestHost};
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
        let object = Object::map(path)?;
        let wanted = object.module().map_or(0, |module| module.min_host_minor);
        if wanted > host.abi_minor() {
            return Err(format!("it asks for a host of version 1.{wanted}"));
        }
        let plugin = object
            .load(host)
            .map_err(|status| format!("its load answers status {status}"))?;
        Ok(Self { host, plugin })
    }
}

impl Loaded for Direct {
    fn kinds(&self) -> Vec<KindView> {
        self.plugin.described().iter().map(KindView::of_plugin).collect()
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
        let schema = view
            .schema
            .as_deref()
            .and_then(|schema| serde_json::from_str::<Value>(schema).ok());
        let mut flat = Vec::new();
        flatten("", options, schema.as_ref(), &mut flat)?;
        let options: Vec<(&str, ConfigValue)> = flat
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let (provider, _) = self.plugin.open_under(kind, name, &options, conditions);
        let provider = provider.map_err(|(status, message)| Refused {
            configuration: status == abi::E_CONFIG,
            message: if message.is_empty() || status == abi::E_CONFIG {
                message
            } else {
                format!("status {status}: {message}")
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

/// Options by dotted name, as the typed getters read them.
fn flatten(
    prefix: &str,
    options: &Map<String, Value>,
    schema: Option<&Value>,
    flat: &mut Vec<(String, ConfigValue)>,
) -> Result<(), Refused> {
    for (name, value) in options {
        let dotted = format!("{prefix}{name}");
        let schema = schema.and_then(|schema| schema.get("properties")?.get(name));
        let secret = schema.and_then(|schema| schema.get("writeOnly")) == Some(&Value::Bool(true));
        let value = match value {
            Value::Bool(value) => ConfigValue::Boolean(*value),
            Value::Number(value) => ConfigValue::Integer(value.as_i64().unwrap_or(i64::MAX)),
            Value::String(text) if secret => ConfigValue::Secret(text.clone().into_bytes()),
            Value::String(text) => ConfigValue::Text(text.clone()),
            Value::Object(members) if secret => ConfigValue::Secret(secret_file(&dotted, members)?),
            Value::Object(members) => {
                flatten(&format!("{dotted}."), members, schema, flat)?;
                continue;
            }
            // No getter of the contract reads them.
            Value::Array(_) | Value::Null => continue,
        };
        flat.push((dotted, value));
    }
    Ok(())
}

fn secret_file(option: &str, members: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
    let file = members.get("file").and_then(Value::as_str).unwrap_or_default();
    let mut secret = std::fs::read(file).map_err(|error| Refused {
        configuration: true,
        message: format!("{option}: {file}: {error}"),
    })?;
    if secret.last() == Some(&b'\n') {
        secret.pop();
    }
    Ok(secret)
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
