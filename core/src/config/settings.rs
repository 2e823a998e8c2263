//! The settings: what the configuration means, checked. Plain data that the parts are made from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::http::HttpSettings;
use super::reader::{self, Reader, bad};
use crate::cookie::{CookieNames, CookieSecurity};
use crate::egress::{EgressSettings, Origins};
use crate::error::Result;
use crate::governor;
use crate::identifier::ProviderName;
use crate::kept::KeptQuota;
use crate::keys::{KeySettings, MAX_KEY_ID};
use crate::origin::{OriginMode, PlainHttp, TrustedOrigins};
use crate::password::{Cost, HasherSettings, Limits, PasswordPolicySettings, SecondFactorRule};
use crate::plugin::{Isolation, PluginSettings, PythonClass, Sandbox, ToldLimits, isolation};
use crate::policy::PolicySettings;
use crate::request::{BearerPrefixes, ForwardedHeader, TrustedProxies};
use crate::session::{AtCap, SessionSettings};
use crate::store::ThrottleLaw;
use crate::throttle::{Counter, ThrottleSettings};

/// The longest that the kind `password` may take, waiting included.
const MAX_HASHING_DEADLINE: Duration = Duration::from_secs(10);

/// Everything a context needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The store.
    pub store: StoreSettings,
    /// The key ring; empty: the default beside the SQLite file.
    pub keys: Vec<KeySettings>,
    /// Whether to start without keys that the database names.
    pub allow_missing_keys: bool,
    /// Trusted origins and how strictly they are asked for.
    pub origins: TrustedOrigins,
    /// Proxies whose forwarded headers count.
    pub proxies: TrustedProxies,
    /// Prefixes of bearer values and their providers.
    pub bearer: BearerPrefixes,
    /// Cookie names.
    pub cookies: CookieNames,
    /// Session lifetimes and caps.
    pub session: SessionSettings,
    /// Provider names.
    pub providers: Vec<ProviderSettings>,
    /// Shared libraries with kinds.
    pub plugins: Vec<PluginSettings>,
    /// Second factors.
    pub policy: PolicySettings,
    /// Password hashing.
    pub password: HasherSettings,
    /// What passwords are refused.
    pub password_policy: PasswordPolicySettings,
    /// Whether a second factor is enforced, which allows shorter passwords.
    pub second_factor_rule: SecondFactorRule,
    /// Memory for password hashing.
    pub hashing: governor::Settings,
    /// How long a hash may wait and work.
    pub hashing_deadline: Duration,
    /// Lifetimes of single-use tokens.
    pub tokens: TokenSettings,
    /// What recovery and first proofs do.
    pub recovery: RecoverySettings,
    /// Delays after failures.
    pub throttle: ThrottleSettings,
    /// How much one call of a kind may log and audit.
    pub told: ToldLimits,
    /// How much one provider name may keep beside records.
    pub kept: KeptQuota,
    /// User attributes whose values are unique within a realm.
    pub unique_attributes: Vec<String>,
    /// User attributes that may be shown to the browser.
    pub public_attributes: Vec<String>,
    /// The HTTP surface.
    pub http: HttpSettings,
}

/// The store by configuration.
#[derive(Clone)]
pub struct StoreSettings {
    /// `sqlite:PATH`, `postgres://…` or `memory:`; empty when the program brings its own store.
    pub database: String,
    /// Whether `start` migrates: SQLite unless told otherwise, servers only when told.
    pub migrate: bool,
    /// How long one answer may take.
    pub deadline: Duration,
    /// Connections of this process.
    pub connections: u32,
    /// Writes that may wait.
    pub queue: usize,
}

impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of the address may hold a password.
        let engine = self.database.split(':').next().unwrap_or_default();
        f.debug_struct("StoreSettings")
            .field("database", &engine)
            .field("migrate", &self.migrate)
            .field("deadline", &self.deadline)
            .field("connections", &self.connections)
            .field("queue", &self.queue)
            .finish()
    }
}

impl StoreSettings {
    /// The file, where the database is one.
    pub fn sqlite_file(&self) -> Option<&Path> {
        self.database.strip_prefix("sqlite:").map(Path::new)
    }

    /// Whether the database is a server with a clock of its own.
    pub fn is_server(&self) -> bool {
        self.database.starts_with("postgres")
    }
}

/// How long single-use tokens are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// For recovery: 1 minute to 24 hours, default 1 hour.
    pub recovery: Duration,
    /// For verifying an address: 1 minute to 30 days, default 24 hours.
    pub verify: Duration,
    /// For confirming a new address: 1 minute to 24 hours, default 1 hour.
    pub change_identifier: Duration,
}

/// What recovery and the first proof of an address do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoverySettings {
    /// Provider names whose identities and authenticators recovery leaves. Default none.
    pub keeps: Vec<String>,
    /// Whose an account is where nobody has proved its address. Default `sign_in`.
    pub first_proof: FirstProof,
}

/// Whose an account is where nobody has proved its address, when somebody proves the address without a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstProof {
    /// A click proves nothing; recovery over the address makes the account its owner's.
    #[default]
    SignIn,
    /// The click makes the account its owner's, too.
    HandOver,
    /// Neither does: for sites that keep data behind an address that may be mistyped.
    Refuse,
}

/// A provider name.
#[derive(Clone)]
pub struct ProviderSettings {
    /// The name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How identifiers become canonical; `None`: by name and kind.
    pub rule: Option<String>,
    /// The credentials group; `None`: by kind.
    pub group: Option<String>,
    /// What the kind may reach over HTTP.
    pub egress: EgressSettings,
    /// How messages reach its identifiers; `None`: by rule.
    pub channel: Option<String>,
    /// Whether an account of its issuer or directory may be had by the addresses that it asserts.
    pub has_reach: bool,
    /// The kind's own configuration, as JSON.
    pub config: serde_json::Map<String, serde_json::Value>,
}

impl fmt::Debug for ProviderSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kind's own configuration may hold secrets: names only.
        f.debug_struct("ProviderSettings")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("rule", &self.rule)
            .field("group", &self.group)
            .field("egress", &self.egress)
            .field("channel", &self.channel)
            .field("has_reach", &self.has_reach)
            .field("config", &self.config.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl Settings {
    pub(super) fn read(r: &Reader<'_>, has_store: bool) -> Result<Self> {
        reader::check(r.0)?;
        let store = store(r, has_store)?;
        let session = session(r, store.deadline)?;
        let policy = PolicySettings {
            second_factor: r.texts("policy.second_factor")?,
            require: r.boolean("policy.require")?,
            step_up_max_age: positive(r, "policy.step_up_max_age")?,
            current_always: r.choice(
                "policy.current_password",
                &[("when_stale", false), ("always", true)],
            )?,
            planted: crate::policy::Planted::default(),
        };
        let providers = providers(r)?;
        let hashing_deadline = positive(r, "hashing.deadline")?;
        if hashing_deadline > MAX_HASHING_DEADLINE {
            return Err(bad("hashing.deadline", "takes at most \"10s\""));
        }
        for name in &policy.second_factor {
            if !providers.iter().any(|provider| provider.name == *name) {
                return Err(bad(
                    "policy.second_factor",
                    format!("names `{name}`, for which there is no `provider.{name}`"),
                ));
            }
        }
        let security = if r.boolean("development")? {
            CookieSecurity::PlainHttp
        } else {
            CookieSecurity::Host
        };
        let stem = r.text("cookies.stem")?.unwrap_or_default();
        let mode = r.choice(
            "origins.mode",
            &[("strict", OriginMode::Strict), ("compat", OriginMode::Compat)],
        )?;
        let header = r.choice(
            "forwarded_header",
            &[
                ("either", ForwardedHeader::Either),
                ("x-forwarded-for", ForwardedHeader::XForwardedFor),
                ("forwarded", ForwardedHeader::Forwarded),
            ],
        )?;
        let second_factor_rule = if policy.require && !policy.second_factor.is_empty() {
            SecondFactorRule::Enforced
        } else {
            SecondFactorRule::Optional
        };
        let plain_http = if r.boolean("development")? {
            PlainHttp::Anywhere
        } else {
            PlainHttp::default()
        };
        Ok(Self {
            keys: keys(r)?,
            allow_missing_keys: r.boolean("allow_missing_keys")?,
            origins: TrustedOrigins::parse(r.texts("origins.trusted")?, plain_http, mode)?,
            proxies: TrustedProxies::parse(r.texts("trusted_proxies")?, header)?,
            bearer: bearer(r, &providers)?,
            cookies: CookieNames::new(&stem, security)?,
            plugins: plugins(r)?,
            password: password_settings(r)?,
            password_policy: password_policy(r)?,
            second_factor_rule,
            hashing: hashing(r)?,
            hashing_deadline,
            tokens: tokens(r)?,
            recovery: recovery(r, &providers)?,
            throttle: throttle(r)?,
            told: ToldLimits {
                log_lines: r.integer("plugin_limits.log_lines")?,
                audit_records: r.integer("plugin_limits.audit_records")?,
            },
            kept: KeptQuota {
                keys: r.integer("plugin_limits.keys")?,
                bytes: r.integer::<u64>("plugin_limits.mib")? << 20,
            },
            unique_attributes: r.texts("attributes.unique")?,
            public_attributes: r.texts("attributes.public")?,
            http: HttpSettings::read(r)?,
            store,
            session,
            providers,
            policy,
        })
    }
}

fn store(r: &Reader<'_>, has_store: bool) -> Result<StoreSettings> {
    let mut database = r.secret("database")?.unwrap_or_default();
    if let Some((dialect @ ("postgresql" | "postgres"), rest)) = database.split_once('+')
        && let Some((driver, rest)) = rest.split_once("://")
        && driver.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        // As SQLAlchemy writes it, with the driver that it is to use.
        database = format!("{dialect}://{rest}");
    }
    if let Some(path) = database.strip_prefix("sqlite:") {
        let path = r.absolute(path.strip_prefix("//").unwrap_or(path));
        let Some(path) = path.to_str().filter(|path| !path.ends_with('/')) else {
            return Err(bad(
                "database",
                "takes `sqlite:PATH`, the path of a file: an absolute one where the folder's name is not UTF-8",
            ));
        };
        database = format!("sqlite:{path}");
    }
    if database.is_empty() && !has_store {
        return Err(bad(
            "database",
            "is required: `sqlite:/path/of/doorward.db`, `postgres://…` or `memory:`",
        ));
    }
    let migrate = match r.given("migrate") {
        None => !database.starts_with("postgres"),
        Some(_) => r.boolean("migrate")?,
    };
    Ok(StoreSettings {
        database,
        migrate,
        deadline: positive(r, "store.deadline")?,
        connections: r.integer("store.connections")?,
        queue: r.integer("store.queue")?,
    })
}

/// A length of time that would mean *never* if it were none.
fn positive(r: &Reader<'_>, key: &str) -> Result<Duration> {
    match r.duration(key)? {
        Duration::ZERO => Err(bad(key, "takes a length of time above 0")),
        length => Ok(length),
    }
}

fn session(r: &Reader<'_>, store_deadline: Duration) -> Result<SessionSettings> {
    let settings = SessionSettings {
        access_ttl: r.duration("session.access_ttl")?,
        grace: r.duration("session.grace")?,
        idle_ttl: r.duration("session.idle_ttl")?,
        absolute_ttl: r.duration("session.absolute_ttl")?,
        persistent: r.boolean("session.persistent")?,
        max_sign_ins: r.integer("session.max_sign_ins")?,
        at_cap: r.choice(
            "session.at_cap",
            &[("evict", AtCap::Evict), ("deny", AtCap::Deny)],
        )?,
        store_deadline,
        unsafe_short_lifetimes: r.boolean("session.unsafe_short_lifetimes")?,
    };
    settings.check()?;
    Ok(settings)
}

fn keys(r: &Reader<'_>) -> Result<Vec<KeySettings>> {
    let shape = || {
        bad(
            "keys",
            "takes a list of tables such as { id = \"k1\", file = \"/etc/doorward/k1.key\", use = \"seal\" }",
        )
    };
    let Some(given) = r.given("keys") else {
        return Ok(Vec::new());
    };
    let Value::Array(items) = given else {
        return Err(shape());
    };
    let mut keys: Vec<KeySettings> = Vec::new();
    for item in items {
        let Value::Table(item) = item else {
            return Err(shape());
        };
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let (Some(id), Some(file)) = (text("id"), text("file")) else {
            return Err(shape());
        };
        let named_well =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        if id.is_empty() || id.len() > MAX_KEY_ID || !id.bytes().all(named_well) {
            return Err(bad(
                "keys",
                format!(
                    "has the id `{id}`: it takes 1 to {MAX_KEY_ID} characters of a-z, 0-9, `_`, `.`, `-`"
                ),
            ));
        }
        if keys.iter().any(|key| key.id == id) {
            return Err(bad("keys", format!("has the id `{id}` twice")));
        }
        let seals = match item.get("use").map(|value| value.as_str()) {
            None | Some(Some("seal")) => true,
            Some(Some("open")) => false,
            Some(_) => {
                return Err(bad(
                    "keys",
                    format!("has a `use` of `{id}` that is neither \"seal\" nor \"open\""),
                ));
            }
        };
        if let Some(other) = item
            .keys()
            .find(|name| !["id", "file", "use", "readable_by_others"].contains(&name.as_str()))
        {
            return Err(bad(
                "keys",
                format!("does not know `{other}`: a key has `id`, `file`, `use` and `readable_by_others`"),
            ));
        }
        let readable_by_others = match item.get("readable_by_others") {
            None => false,
            Some(Value::Boolean(readable)) => *readable,
            Some(_) => {
                return Err(bad(
                    "keys",
                    format!("has a `readable_by_others` of `{id}` that is neither true nor false"),
                ));
            }
        };
        keys.push(KeySettings {
            id: id.into(),
            file: r.absolute(file),
            seals,
            readable_by_others,
        });
    }
    Ok(keys)
}

fn bearer(r: &Reader<'_>, providers: &[ProviderSettings]) -> Result<BearerPrefixes> {
    let Some(Value::Table(pairs)) = r.given("bearer.prefixes") else {
        return Ok(BearerPrefixes::default());
    };
    let mut prefixes = Vec::new();
    for (prefix, provider) in pairs {
        let name = provider.as_str().unwrap_or_default();
        if !providers.iter().any(|provider| provider.name == name) {
            return Err(bad(
                "bearer.prefixes",
                format!("names `{name}`, for which there is no `provider.{name}`"),
            ));
        }
        let name = ProviderName::new(name).map_err(|e| bad("bearer.prefixes", e))?;
        prefixes.push((prefix, name));
    }
    Ok(BearerPrefixes::new(prefixes)?)
}

fn providers(r: &Reader<'_>) -> Result<Vec<ProviderSettings>> {
    let mut providers = Vec::new();
    for name in r.names("provider") {
        ProviderName::new(&name).map_err(|e| bad(&format!("provider.{name}"), e))?;
        let key = |leaf: &str| format!("provider.{name}.{leaf}");
        let Some(kind) = r.text(&key("kind"))? else {
            return Err(bad(
                &key("kind"),
                "is required: `password`, or a kind that a plugin brings",
            ));
        };
        let config = r
            .given(&key("config"))
            .unwrap_or_else(|| Value::Table(Table::new()));
        let serde_json::Value::Object(config) =
            serde_json::to_value(config).map_err(|e| bad(&key("config"), e))?
        else {
            return Err(bad(&key("config"), "takes a table"));
        };
        providers.push(ProviderSettings {
            rule: r.text(&key("rule"))?,
            group: r.text(&key("group"))?,
            egress: egress(r, &key("egress"), &key("egress_ca"))?,
            channel: r.text(&key("channel"))?,
            has_reach: match r.text(&key("reach"))?.as_deref() {
                None | Some("asserted") => true,
                Some("none") => false,
                Some(_) => return Err(bad(&key("reach"), "takes \"asserted\" or \"none\"")),
            },
            name,
            kind,
            config,
        });
    }
    Ok(providers)
}

fn egress(r: &Reader<'_>, list: &str, ca: &str) -> Result<EgressSettings> {
    let texts = r.texts(list)?;
    let origins = Origins::parse(texts.iter().map(String::as_str)).map_err(|why| bad(list, why))?;
    let path = r.text(ca)?.map(PathBuf::from);
    if path.as_ref().is_some_and(|path| !path.is_absolute()) {
        return Err(bad(ca, "takes an absolute path"));
    }
    Ok(EgressSettings { origins, ca: path })
}

fn plugins(r: &Reader<'_>) -> Result<Vec<PluginSettings>> {
    let mut plugins = Vec::new();
    for name in r.names("plugin") {
        let key = |leaf: &str| format!("plugin.{name}.{leaf}");
        let path = PathBuf::from(r.text(&key("path"))?.unwrap_or_default());
        if !path.is_absolute() {
            return Err(bad(
                &key("path"),
                "takes an absolute path: plugins are never searched for",
            ));
        }
        let (sha256, kinds) = (r.text(&key("sha256"))?, r.texts(&key("kinds"))?);
        let isolation = isolation(r, &key)?;
        if sha256.is_some()
            && isolation
                .as_ref()
                .is_some_and(|isolation| isolation.python.is_some())
        {
            return Err(bad(
                &key("sha256"),
                "pins one file, and a class in Python is more: leave it out",
            ));
        }
        plugins.push(PluginSettings {
            name,
            path,
            sha256,
            kinds,
            isolation,
        });
    }
    Ok(plugins)
}

fn tokens(r: &Reader<'_>) -> Result<TokenSettings> {
    const MINUTE: Duration = Duration::from_mins(1);
    let within = |key: &str, longest: Duration, text: &str| {
        let length = r.duration(key)?;
        if (MINUTE..=longest).contains(&length) {
            Ok(length)
        } else {
            Err(bad(key, format!("takes \"1m\" to \"{text}\"")))
        }
    };
    let day = Duration::from_hours(24);
    Ok(TokenSettings {
        recovery: within("token.recovery", day, "24h")?,
        verify: within("token.verify", 30 * day, "30d")?,
        change_identifier: within("token.change_identifier", day, "24h")?,
    })
}

fn recovery(r: &Reader<'_>, providers: &[ProviderSettings]) -> Result<RecoverySettings> {
    let keeps = r.texts("recovery.keeps")?;
    let unknown = |name: &&String| !providers.iter().any(|provider| provider.name == **name);
    if let Some(name) = keeps.iter().find(unknown) {
        let message = format!("names `{name}`, for which there is no `provider.{name}`");
        return Err(bad("recovery.keeps", message));
    }
    let choices = [
        ("sign_in", FirstProof::SignIn),
        ("hand_over", FirstProof::HandOver),
        ("refuse", FirstProof::Refuse),
    ];
    let first_proof = r.choice("first_proof", &choices)?;
    Ok(RecoverySettings { keeps, first_proof })
}

fn isolation(r: &Reader<'_>, key: &dyn Fn(&str) -> String) -> Result<Option<Isolation>> {
    let choices = [Sandbox::Strict, Sandbox::Net, Sandbox::Off].map(|sandbox| (sandbox.id(), sandbox));
    let sandbox = r.choice(&key("sandbox"), &choices)?;
    let workers = r.integer(&key("workers"))?;
    let needs_landlock = r.choice(&key("landlock"), &[("required", true), ("if_there", false)])?;
    let host = r.text("plugin_host.path")?.unwrap_or_default();
    if !(host.is_empty() || host.starts_with('/')) {
        return Err(bad(
            "plugin_host.path",
            "takes an absolute path: programs are never searched for",
        ));
    }
    let python = python(r, key)?;
    // A class in Python never runs in this process: it would bring an interpreter.
    let is_isolated = r.choice(&key("isolation"), &[("none", false), ("process", true)])? || python.is_some();
    Ok(is_isolated.then(|| Isolation {
        host: PathBuf::from(if host.is_empty() {
            isolation::INSTALLED
        } else {
            &host
        }),
        sandbox,
        needs_landlock,
        workers,
        python,
    }))
}

fn python(r: &Reader<'_>, key: &dyn Fn(&str) -> String) -> Result<Option<PythonClass>> {
    let folder = r.text(&key("python_path"))?.map(PathBuf::from);
    if folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        return Err(bad(&key("python_path"), "takes an absolute path"));
    }
    let Some(class) = r.text(&key("python"))? else {
        return Ok(None);
    };
    match class.split_once(':') {
        Some((module, name)) if !module.is_empty() && !name.is_empty() && !class.contains('\0') => {
            Ok(Some(PythonClass { class, folder }))
        }
        _ => Err(bad(&key("python"), "takes \"module:Class\"")),
    }
}

fn throttle(r: &Reader<'_>) -> Result<ThrottleSettings> {
    let mut settings = ThrottleSettings::default();
    settings.enabled = r.boolean("throttle.enabled")?;
    settings.parallel = r.integer("throttle.parallel")?;
    settings.consecutive = r.integer("throttle.consecutive")?;
    for counter in Counter::ALL {
        let key = |leaf: &str| format!("throttle.{}.{leaf}", counter.name());
        let law = match counter.default_law() {
            ThrottleLaw::Delay { .. } => {
                let (first, ceiling) = (r.duration(&key("first"))?, r.duration(&key("ceiling"))?);
                if first < Duration::from_secs(1) || first > ceiling {
                    return Err(bad(&key("first"), format!("takes 1s to `{}`", key("ceiling"))));
                }
                if ceiling > Duration::from_hours(24) {
                    return Err(bad(&key("ceiling"), "takes at most 24h: nobody is locked out"));
                }
                let free = r.integer(&key("free"))?;
                ThrottleLaw::Delay { free, first, ceiling }
            }
            ThrottleLaw::Rate { .. } => ThrottleLaw::Rate {
                burst: r.integer(&key("burst"))?,
                every: positive(r, &key("every"))?,
            },
        };
        settings.set(counter, law);
    }
    Ok(settings)
}

fn hashing(r: &Reader<'_>) -> Result<governor::Settings> {
    let memory_kib: u32 = r.integer("password.memory_kib")?;
    let mut settings = governor::Settings::for_hashes_of(memory_kib);
    settings.budget_mib = r.integer("hashing.budget_mib")?;
    settings.queue = r.integer("hashing.queue")?;
    Ok(settings)
}

fn password_settings(r: &Reader<'_>) -> Result<HasherSettings> {
    let limits = if r.boolean("password.unsafe_fast_hashes")? {
        Limits::danger_without_floor()
    } else {
        Limits::STANDARD
    };
    let cost = Cost::new(
        r.integer("password.memory_kib")?,
        r.integer("password.passes")?,
        r.integer("password.lanes")?,
        limits,
    )?;
    Ok(HasherSettings {
        cost,
        limits,
        pepper: r.text("password.pepper")?,
    })
}

fn password_policy(r: &Reader<'_>) -> Result<PasswordPolicySettings> {
    Ok(PasswordPolicySettings {
        min_length: r.integer("password.min_length")?,
        max_bytes: r.integer("password.max_bytes")?,
        blocklist: r.path("password.blocklist")?,
        context_words: r.texts("password.context_words")?,
    })
}
