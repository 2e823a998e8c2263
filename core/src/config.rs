//! Configuration: one schema, three ways in — TOML text, dotted keys, and keyword arguments built on those.
//!
//! A key that the schema does not know is an error naming the nearest one. Nothing is read from the environment.
//! `docs/configuration.md` is what [`reference()`] says, and a test holds it to that.

mod http;
mod reader;
mod schema;
mod settings;

pub use http::{HttpSettings, Pages};
pub use schema::{KEYS, Key, KeyType, reference};
pub use settings::{FirstProof, ProviderSettings, RecoverySettings, Settings, StoreSettings, TokenSettings};

use std::path::PathBuf;
use std::sync::Arc;

use self::reader::Reader;
use crate::clock::{Clock, SystemClock};
use crate::delivery::DeliveryCallback;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventCallback;
use crate::plugin::StaticPlugin;
use crate::policy::Planted;
use crate::rng::{Random, SystemRandom};
use crate::store::Store;

/// What a context is made from: settings as text, and the ports.
#[derive(Clone)]
pub struct Config {
    table: toml::Table,
    /// The folder that relative paths are in: the process's when the configuration was read. A daemon leaves it.
    folder: PathBuf,
    ports: Ports,
}

/// What a context meets the world through.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// `None`: the one that `database` names.
    pub(crate) store: Option<Arc<dyn Store>>,
    pub(crate) events: Option<EventCallback>,
    pub(crate) deliver: Option<DeliveryCallback>,
    pub(crate) plugins: Vec<StaticPlugin>,
    /// The rule that is broken for a test.
    pub(crate) planted: Planted,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may hold paths of secrets and database passwords: names only.
        f.debug_struct("Config")
            .field("keys", &self.table.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            table: toml::Table::new(),
            // Err: the folder is gone. Then a relative path leads nowhere, now and later.
            folder: std::path::absolute(".").unwrap_or_default(),
            ports: Ports {
                clock: Arc::new(SystemClock),
                random: Arc::new(SystemRandom),
                store: None,
                events: None,
                deliver: None,
                plugins: Vec::new(),
                planted: Planted::default(),
            },
        }
    }
}

impl Config {
    /// An empty configuration: every setting has its default. A context still needs `database`.
    pub fn new() -> Self {
        Self::default()
    }

    /// A configuration from TOML text.
    ///
    /// # Errors
    /// `Configuration` for text that is not TOML. Unknown keys and bad values are found by [`settings`](Self::settings).
    pub fn from_toml(text: &str) -> Result<Self> {
        let table = text
            .parse::<toml::Table>()
            // The parser's message may quote the offending line, secrets included: say only where.
            .map_err(|e| {
                Error::new(
                    ErrorKind::Configuration,
                    format!("not TOML {}", place_of(text, e.span())),
                )
            })?;
        Ok(Self {
            table,
            ..Self::default()
        })
    }

    /// Sets one key by its dotted name; `value` is a TOML value, or bare text where the key takes text.
    ///
    /// # Errors
    /// `Configuration` for an unknown key or a value of another type.
    pub fn set(&mut self, key: &str, value: &str) -> Result<&mut Self> {
        let known = schema::find(key)?;
        let value = reader::parse_value(known, key, value)?;
        let (section, leaf) = key.rsplit_once('.').unwrap_or(("", key));
        self.table_of(section)?.insert(leaf.into(), value);
        Ok(self)
    }

    /// Sets one key, unless something stands there already.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_default(&mut self, key: &str, value: &str) -> Result<&mut Self> {
        let is_set = (self.table_of(key.rsplit_once('.').map_or("", |(section, _)| section))?)
            .contains_key(key.rsplit('.').next().unwrap_or(key));
        if is_set { Ok(self) } else { self.set(key, value) }
    }

    /// Opens a section by its dotted name and sets nothing in it, as its header does in TOML: what it requires is then
    /// missing, and said to be.
    ///
    /// # Errors
    /// `Configuration` where a value stands at that name.
    pub fn section(&mut self, name: &str) -> Result<&mut Self> {
        self.table_of(name)?;
        Ok(self)
    }

    fn table_of(&mut self, section: &str) -> Result<&mut toml::Table> {
        let mut table = &mut self.table;
        for segment in section.split('.').filter(|_| !section.is_empty()) {
            let entry = table
                .entry(segment)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let toml::Value::Table(inner) = entry else {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("`{section}`: `{segment}` is not a table"),
                ));
            };
            table = inner;
        }
        Ok(table)
    }

    /// Uses this clock instead of the system's: for tests.
    pub fn clock(&mut self, clock: Arc<dyn Clock>) -> &mut Self {
        self.ports.clock = clock;
        self
    }

    /// Uses this random source instead of the system's: for tests.
    pub fn random(&mut self, random: Arc<dyn Random>) -> &mut Self {
        self.ports.random = random;
        self
    }

    /// Uses this store instead of the one that `database` names.
    pub fn store(&mut self, store: Arc<dyn Store>) -> &mut Self {
        self.ports.store = Some(store);
        self
    }

    /// Breaks one rule of the policy in every context that is made from this, so that a test sees what it is for. Builds with
    /// debug assertions only.
    ///
    /// # Errors
    /// `InvalidArgument`: no fault has this name.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    pub fn plant(&mut self, fault: &str) -> Result<&mut Self> {
        let planted = Planted::named(fault);
        self.ports.planted = planted.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("no fault is called `{fault}`"),
            )
        })?;
        Ok(self)
    }

    /// Sends every event to this callback.
    pub fn on_event(&mut self, callback: EventCallback) -> &mut Self {
        self.ports.events = Some(callback);
        self
    }

    /// Offers the kinds of a plugin that is part of this program, as a file's are: configuration says which names they serve.
    pub fn plugin(&mut self, plugin: StaticPlugin) -> &mut Self {
        self.ports.plugins.push(plugin);
        self
    }

    /// Gives every message of the outbox to this callback, on a thread of ours that lives from `start` to `stop`. Without
    /// it the program drains the outbox itself: [`Auth::take_deliveries`](crate::Auth::take_deliveries).
    pub fn on_delivery(&mut self, callback: DeliveryCallback) -> &mut Self {
        self.ports.deliver = Some(callback);
        self
    }

    /// Checks everything and gives the settings.
    ///
    /// # Errors
    /// `Configuration` for the first unknown key, bad value or inconsistency: names the key, the limit and the fix.
    pub fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::read(&Reader(&self.table, &self.folder), self.ports.store.is_some())?;
        settings.policy.planted = self.ports.planted;
        Ok(settings)
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }
}

fn place_of(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    match span {
        Some(span) => {
            let line = text
                .get(..span.start)
                .map_or(1, |before| before.matches('\n').count() + 1);
            format!("at line {line}")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::KeptQuota;
    use crate::password::{HasherSettings, PasswordPolicySettings};
    use crate::plugin::ToldLimits;
    use crate::session::SessionSettings;
    use crate::store::sqlite::SqliteSettings;
    use crate::throttle::ThrottleSettings;

    fn message(text: &str) -> String {
        Config::from_toml(text)
            .and_then(|config| config.settings())
            .unwrap_err()
            .message()
            .to_owned()
    }

    #[test]
    fn the_reference_page_is_what_the_schema_says() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let written = std::fs::read_to_string(page).unwrap();
        assert!(
            written == reference(),
            "run: cargo run -p doorward-cli -- settings > docs/configuration.md"
        );
    }

    #[test]
    fn defaults_are_complete() {
        let settings = Config::from_toml("database = 'memory:'")
            .unwrap()
            .settings()
            .unwrap();
        assert_eq!(settings.providers.len(), 0);
        // Whoever assembles a part by itself gets what an empty configuration gives: the schema is the one source.
        let said = |part: &dyn std::fmt::Debug| format!("{part:?}");
        assert_eq!(settings.session, SessionSettings::default());
        assert_eq!(said(&settings.throttle), said(&ThrottleSettings::default()));
        assert_eq!(said(&settings.password), said(&HasherSettings::default()));
        assert_eq!(
            said(&settings.password_policy),
            said(&PasswordPolicySettings::default())
        );
        assert_eq!(said(&settings.told), said(&ToldLimits::default()));
        assert_eq!(settings.kept, KeptQuota::default());
        assert_eq!(settings.recovery, RecoverySettings::default());
        let file = SqliteSettings::new("doorward.db");
        assert_eq!(file.deadline, settings.store.deadline);
        assert_eq!(file.busy_timeout, settings.store.deadline);
        assert_eq!(file.queue, settings.store.queue);
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        for (text, nearest) in [
            ("database = 'memory:'\n[session]\ngrase = '3s'", "session.grace"),
            ("databse = 'memory:'", "database"),
            (
                "database = 'memory:'\n[provider.email]\nkynd = 'password'",
                "provider.*.kind",
            ),
        ] {
            assert!(message(text).contains(nearest), "{}", message(text));
        }
    }

    #[test]
    fn what_people_write_instead_is_told_what_is_right() {
        for (text, right) in [
            (
                "database = 'memory:'\norigins = ['https://app.example']",
                "`origins.trusted`",
            ),
            ("database = 'memory:'\nprovider = 'email'", "`provider.*.kind`"),
            ("store = 'memory:'", "the nearest is `database`"),
            ("dsn = 'memory:'", "the nearest is `database`"),
            (
                "database = 'memory:'\n[provider.email]",
                "`provider.email.kind` is required",
            ),
        ] {
            let message = message(text);
            assert!(message.contains(right), "{text}: {message}");
        }
        // By dotted keys, as keyword arguments come, a section can be opened too.
        let mut config = Config::new();
        config.set("database", "memory:").unwrap();
        config.section("provider.email").unwrap();
        let error = config.settings().unwrap_err();
        assert!(error.message().contains("`provider.email.kind`"), "{error}");
    }

    #[test]
    fn a_default_gives_way_to_what_is_set() {
        let mut config = Config::from_toml("database = 'memory:'").unwrap();
        config.set_default("cookies.stem", "first").unwrap();
        config.set_default("cookies.stem", "second").unwrap();
        config.set_default("database", "sqlite:other.db").unwrap();
        assert_eq!(config.settings().unwrap().store.database, "memory:");
        assert_eq!(config.table["cookies"]["stem"].as_str(), Some("first"));
    }

    #[test]
    fn an_url_may_name_the_driver_that_another_library_uses() {
        for (given, taken) in [
            ("postgresql+psycopg://u@h/d", "postgresql://u@h/d"),
            ("postgres+asyncpg://u:p+x@h/d", "postgres://u:p+x@h/d"),
            ("postgresql://u:a+b@h/d", "postgresql://u:a+b@h/d"),
        ] {
            let config = Config::from_toml(&format!("database = '{given}'")).unwrap();
            assert_eq!(config.settings().unwrap().store.database, taken);
        }
    }

    #[test]
    fn bad_values_name_the_key_and_what_it_takes() {
        for (text, parts) in [
            ("database = 7", &["database", "text"][..]),
            (
                "database = 'memory:'\n[session]\ngrace = 'soon'",
                &["session.grace", "30s"],
            ),
            (
                "database = 'memory:'\n[session]\nmax_sign_ins = 0",
                &["session.max_sign_ins", "1"],
            ),
            ("x = [", &["line 1"]),
        ] {
            let message = message(text);
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }

    #[test]
    fn no_secret_shows_in_settings_or_in_what_is_wrong_with_them() {
        const CANARY: &str = "c4n4ry";
        let database = format!("database = 'postgres://app:{CANARY}@db.example/app'");
        let text = format!("{database}\n[provider.x]\nkind = 'x'\nconfig.key = '{CANARY}'");
        let config = Config::from_toml(&text).unwrap();
        let settings = config.settings().unwrap();
        assert!(settings.store.database.contains(CANARY) && settings.providers[0].config.len() == 1);
        assert!(!format!("{config:?} {settings:?}").contains(CANARY));
        for broken in [
            format!("database = '{CANARY}"),
            format!("database = ['{CANARY}']"),
            format!("database = {{ file = '{CANARY}' }}"),
            format!("database = {{ file = '/nowhere', other = '{CANARY}' }}"),
            format!("{database}\nsession.grace = '{CANARY}'"),
            format!("{database}\nkeys = ['{CANARY}']"),
            format!("{database}\npassword.pepper = ['{CANARY}']"),
        ] {
            let error = Config::from_toml(&broken)
                .and_then(|config| config.settings())
                .unwrap_err();
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
        }
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let file = std::env::temp_dir().join(format!("doorward-database-{}", std::process::id()));
        std::fs::write(&file, "memory:\n").unwrap();
        let given = format!("{{ file = '{}' }}", file.display());
        let mut set = Config::new();
        set.set("database", &given).unwrap();
        for config in [Config::from_toml(&format!("database = {given}")).unwrap(), set] {
            assert_eq!(config.settings().unwrap().store.database, "memory:");
        }
        std::fs::remove_file(&file).unwrap();
        let absent = Config::from_toml(&format!("database = {given}")).unwrap();
        assert!(
            absent
                .settings()
                .unwrap_err()
                .message()
                .contains("cannot read the file")
        );
    }

    #[test]
    fn names_without_a_provider_and_times_that_mean_never_are_refused() {
        for (text, part) in [
            ("bearer.prefixes.key_ = 'keys'", "provider.keys"),
            ("policy.second_factor = ['totp']", "provider.totp"),
            ("policy.step_up_max_age = '0s'", "above 0"),
            ("store.deadline = '0s'", "above 0"),
            ("hashing.deadline = '0s'", "above 0"),
            ("hashing.deadline = '11s'", "10s"),
            ("token.recovery = '59s'", "1m"),
            ("token.recovery = '25h'", "24h"),
            ("token.verify = '31d'", "30d"),
            ("token.change_identifier = '0s'", "24h"),
        ] {
            let message = message(&format!("database = 'memory:'\n{text}"));
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn dotted_keys_say_the_same_as_text() {
        let mut config = Config::new();
        config.set("database", "memory:").unwrap();
        config.set("session.grace", "12s").unwrap();
        config.set("session.max_sign_ins", "7").unwrap();
        config.set("provider.email.kind", "password").unwrap();
        config.set("origins.trusted", "[\"https://a.example\"]").unwrap();
        let settings = config.settings().unwrap();
        assert_eq!(
            (settings.session.grace.as_secs(), settings.session.max_sign_ins),
            (12, 7)
        );
        assert_eq!(settings.providers[0].name, "email");
        assert!(
            config
                .set("session.grease", "1s")
                .unwrap_err()
                .message()
                .contains("session.grace")
        );
        assert!(config.set("session.max_sign_ins", "many").is_err());
    }
}
