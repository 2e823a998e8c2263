//! The settings: what the configuration means, checked. Plain data that the parts are made from.

mod keys;
mod passwords;
mod plugins;
mod providers;
mod store;

pub use providers::ProviderSettings;
pub use store::StoreSettings;

use std::time::Duration;

use super::http::HttpSettings;
use super::reader::{self, Reader, bad};
use crate::cookie::{CookieNames, CookieSecurity};
use crate::error::Result;
use crate::governor;
use crate::kept::KeptQuota;
use crate::keys::KeySettings;
use crate::origin::{OriginMode, PlainHttp, TrustedOrigins};
use crate::password::{HasherSettings, PasswordPolicySettings, SecondFactorRule};
use crate::plugin::{PluginSettings, ToldLimits};
use crate::policy::PolicySettings;
use crate::request::{BearerPrefixes, ForwardedHeader, TrustedProxies};
use crate::session::{AtCap, SessionSettings};
use crate::store::ThrottleLaw;
use crate::throttle::{Counter, ThrottleSettings};

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

impl Settings {
    pub(super) fn read(r: &Reader<'_>, has_store: bool) -> Result<Self> {
        reader::check(r.0)?;
        let store = store::store(r, has_store)?;
        let session = session(r, store.deadline)?;
        let policy = policy(r)?;
        let providers = providers::providers(r)?;
        let hashing_deadline = passwords::hashing_deadline(r)?;
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
            keys: keys::keys(r)?,
            allow_missing_keys: r.boolean("allow_missing_keys")?,
            origins: TrustedOrigins::parse(r.texts("origins.trusted")?, plain_http, mode)?,
            proxies: TrustedProxies::parse(r.texts("trusted_proxies")?, header)?,
            bearer: providers::bearer(r, &providers)?,
            cookies: CookieNames::new(&stem, security)?,
            plugins: plugins::plugins(r)?,
            password: passwords::password_settings(r)?,
            password_policy: passwords::password_policy(r)?,
            second_factor_rule,
            hashing: passwords::hashing(r)?,
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

/// A length of time that would mean *never* if it were none.
fn positive(r: &Reader<'_>, key: &str) -> Result<Duration> {
    match r.duration(key)? {
        Duration::ZERO => Err(bad(key, "takes a length of time above 0")),
        length => Ok(length),
    }
}

fn policy(r: &Reader<'_>) -> Result<PolicySettings> {
    Ok(PolicySettings {
        second_factor: r.texts("policy.second_factor")?,
        require: r.boolean("policy.require")?,
        step_up_max_age: positive(r, "policy.step_up_max_age")?,
        current_always: r.choice(
            "policy.current_password",
            &[("when_stale", false), ("always", true)],
        )?,
        planted: crate::policy::Planted::default(),
    })
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
