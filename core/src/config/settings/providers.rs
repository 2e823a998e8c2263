//! Provider names: the kind of each, what it may reach, and the bearer values that go to it.

use std::fmt;
use std::path::PathBuf;

use toml::{Table, Value};

use crate::config::reader::{Reader, bad};
use crate::egress::{EgressSettings, Origins};
use crate::error::Result;
use crate::identifier::ProviderName;
use crate::request::BearerPrefixes;

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

pub(super) fn bearer(r: &Reader<'_>, providers: &[ProviderSettings]) -> Result<BearerPrefixes> {
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

pub(super) fn providers(r: &Reader<'_>) -> Result<Vec<ProviderSettings>> {
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
