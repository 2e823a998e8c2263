//! A loaded plugin, and a provider opened from it.

use std::ffi::OsStr;

use doorward_plugin::abi;
use doorward_runtime::Declaration;
use doorward_runtime::direct::{self, KindOptions, Object, Refused};
use serde_json::{Map, Value};

use crate::{Answer, Ask, Conditions, TestHost};

/// An option of a provider.
#[derive(Clone, Debug)]
pub enum ConfigValue {
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A secret.
    Secret(Vec<u8>),
    /// A text.
    Text(String),
}

/// A plugin in this process. It stays as long as the process does.
#[derive(Clone, Debug)]
pub struct Plugin {
    host: TestHost,
    loaded: direct::Plugin,
}

impl TestHost {
    /// Loads a shared object.
    ///
    /// # Panics
    /// When it cannot be loaded or is no plugin: this is for tests.
    #[expect(clippy::panic, reason = "a test without its plugin has failed")]
    pub fn load(self, path: impl AsRef<OsStr>) -> Plugin {
        let path = path.as_ref();
        let object = Object::map(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let module = object.module();
        self.adopt(module.unwrap_or_else(|| panic!("{}: the plugin returned no module", path.display())))
    }

    /// Takes a module that is linked into the test: what `doorward_module()` of [`doorward_plugin::export_module!`]
    /// returns.
    ///
    /// # Panics
    /// When Doorward would refuse it, or its `load` refuses.
    #[expect(clippy::panic, reason = "a test without its plugin has failed")]
    pub fn adopt(self, module: &'static abi::Module) -> Plugin {
        self.take(module)
            .unwrap_or_else(|refused| panic!("the plugin is refused: {}", refused.message))
    }

    /// As [`Self::adopt`], with the reason of a refusal.
    ///
    /// # Errors
    /// What Doorward says of its declarations, or the status of its `load`.
    pub fn take(self, module: &'static abi::Module) -> Result<Plugin, Refused> {
        let loaded = direct::Plugin::take(module, self.table())?;
        Ok(Plugin { host: self, loaded })
    }
}

impl Plugin {
    /// The module, as the plugin declares it.
    pub fn module(&self) -> &'static abi::Module {
        self.loaded.raw()
    }

    /// The kinds, as the plugin declares them.
    pub fn kinds(&self) -> Vec<&'static abi::Kind> {
        self.loaded.kinds()
    }

    /// The kinds as Doorward reads them, in the same order.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.loaded.declarations()
    }

    /// JSON schemas of their options, in the same order.
    pub fn schemas(&self) -> Vec<Option<String>> {
        self.loaded.schemas()
    }

    /// The options that the plugin says are secret: kind and dotted name.
    pub fn secrets(&self) -> &[(String, String)] {
        self.loaded.secrets()
    }

    /// Opens and starts a provider of this kind under this name, with options by dotted name that nobody has checked.
    ///
    /// # Errors
    /// The status and the message with which the kind refuses.
    ///
    /// # Panics
    /// When the plugin has no such kind.
    pub fn open(
        &self,
        kind: &str,
        name: &str,
        options: &[(&str, ConfigValue)],
    ) -> Result<Provider, (i32, String)> {
        self.open_under(kind, name, options, Conditions::default())
    }

    /// Opens and starts a provider under these conditions.
    ///
    /// # Errors
    /// The status and the message with which the kind refuses.
    ///
    /// # Panics
    /// When the plugin has no such kind.
    #[expect(clippy::panic, reason = "a test without its kind has failed")]
    pub fn open_under(
        &self,
        kind: &str,
        name: &str,
        options: &[(&str, ConfigValue)],
        conditions: Conditions,
    ) -> Result<Provider, (i32, String)> {
        assert!(
            self.declarations().any(|declared| declared.name == kind),
            "the plugin has no kind {kind}"
        );
        let mut values = Map::new();
        let mut secrets = Vec::new();
        for (option, value) in options {
            if matches!(value, ConfigValue::Secret(_)) {
                secrets.push((*option).to_owned());
            }
            put(&mut values, option, value)
                .unwrap_or_else(|| panic!("the option {option} stands in another that is no table"));
        }
        let options = KindOptions::unchecked(values, secrets);
        self.open_with(kind, name, &options, conditions)
            .map_err(|refused| (refused.status, refused.message))
    }

    /// Opens and starts a provider with options as a configuration has them, under these conditions.
    ///
    /// # Errors
    /// What Doorward says of the options, or how the kind refuses.
    pub fn open_configured(
        &self,
        kind: &str,
        name: &str,
        options: &Map<String, Value>,
        conditions: Conditions,
    ) -> Result<Provider, Refused> {
        let options = self
            .loaded
            .checked(kind, name, options)
            .map_err(|error| Refused {
                status: abi::E_CONFIG,
                was_called: false,
                message: error.message().to_owned(),
            })?;
        self.open_with(kind, name, &options, conditions)
    }

    fn open_with(
        &self,
        kind: &str,
        name: &str,
        options: &KindOptions,
        conditions: Conditions,
    ) -> Result<Provider, Refused> {
        let (services, _) = self.host.during(conditions);
        let opened = self
            .loaded
            .open((kind, name), options, &services, conditions.circumstances())?;
        let provider = Provider {
            host: self.host,
            opened,
            name: name.to_owned(),
        };
        if provider.opened.has_start() {
            let started = provider.ask_under(&Ask::new(abi::OP_START, 0), conditions);
            if started.status != abi::OK {
                return Err(Refused {
                    status: started.status,
                    was_called: true,
                    message: started.message,
                });
            }
        }
        provider.opened.has_started();
        Ok(provider)
    }
}

/// Puts a value where its dotted name says. `None`: a part of the name is no table.
fn put(values: &mut Map<String, Value>, name: &str, value: &ConfigValue) -> Option<()> {
    let Some((table, rest)) = name.split_once('.') else {
        let value = match value {
            ConfigValue::Boolean(value) => (*value).into(),
            ConfigValue::Integer(value) => (*value).into(),
            ConfigValue::Secret(value) => String::from_utf8_lossy(value).into_owned().into(),
            ConfigValue::Text(value) => value.as_str().into(),
        };
        values.insert(name.to_owned(), value);
        return Some(());
    };
    // Items of an array are read by number, as members of a table are by name.
    let table = values.entry(table).or_insert_with(|| Value::Object(Map::new()));
    put(table.as_object_mut()?, rest, value)
}

/// One open provider. Closed when dropped.
#[derive(Debug)]
pub struct Provider {
    host: TestHost,
    opened: direct::Provider,
    name: String,
}

impl Provider {
    /// Asks, and waits for the answer. An operation that the kind does not have is [`abi::E_UNSUPPORTED`].
    pub fn ask(&self, ask: &Ask) -> Answer {
        self.ask_under(ask, Conditions::default())
    }

    /// Asks under these conditions.
    pub fn ask_under(&self, ask: &Ask, conditions: Conditions) -> Answer {
        let (services, trace) = self.host.during(conditions);
        let mut answer = self
            .opened
            .ask(&ask.question(), &services, conditions.circumstances());
        answer.host_calls = trace.names();
        self.host.charge(&self.name, &answer.charged);
        answer
    }
}
