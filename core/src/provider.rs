//! Provider names as the application configured them: the kind behind each, its group and its identifier rule.

use std::time::Duration;

use crate::address;
use crate::clock::Timestamp;
use crate::config::ProviderSettings;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::flow::{Method, MethodAction};
use crate::identifier::{Identifier, ProviderId, Rule};
use crate::plugin::{Ask, Field, Fields, IdentifierSource, Kind, Kinds, Operation, Verdict};
use crate::store::{Agreed, Hash, WayIn};

/// The built-in kind whose names share one credentials group.
const PASSWORD: &str = "password";

/// One provider name.
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) rule: Rule,
    /// How messages reach its identifiers; `None`: they are no addresses.
    pub(crate) channel: Option<String>,
    /// False where an account of its issuer or directory cannot be had by mail (`provider.NAME.reach = "none"`).
    pub(crate) has_reach: bool,
    pub(crate) kind: Kind,
    /// How long one question may take.
    pub(crate) deadline: Duration,
}

/// An identifier as it will be looked up and stored.
pub(crate) struct Canonical {
    pub(crate) bytes: Vec<u8>,
    pub(crate) rule: &'static str,
    pub(crate) rule_version: u32,
}

impl Provider {
    /// Opens the kind behind a configured name.
    fn open(settings: &ProviderSettings, kinds: &Kinds, hashing: Duration) -> Result<Self> {
        let kind = kinds.open(&settings.kind, &settings.name, &settings.config)?;
        let declared = kind.declaration();
        let rule = match (&settings.rule, settings.name.as_str()) {
            (Some(rule), _) => rule.as_str(),
            (None, _) if declared.normalizes => "provider",
            // What a kind finds is no address and no name that somebody typed, whatever the provider is called.
            (None, _) if declared.source == IdentifierSource::Found => "opaque",
            (None, "email") => "email",
            (None, "username") => "username",
            (None, _) => "opaque",
        };
        let bad = |leaf: &str, message: String| {
            let key = format!("provider.{}.{leaf}", settings.name);
            Error::new(ErrorKind::Configuration, format!("`{key}` {message}"))
        };
        let rule = Rule::named(rule).ok_or_else(|| {
            bad(
                "rule",
                "takes \"email\", \"username\", \"opaque\" or \"provider\"".into(),
            )
        })?;
        if rule == Rule::Provider && !declared.normalizes {
            return Err(bad(
                "rule",
                format!(
                    "is \"provider\", but the kind `{}` does not normalize",
                    settings.kind
                ),
            ));
        }
        if declared.source == IdentifierSource::Found && !matches!(rule, Rule::Provider | Rule::Opaque) {
            return Err(bad(
                "rule",
                format!(
                    "takes \"opaque\" or \"provider\" here: the kind `{}` finds identifiers, nobody types them",
                    settings.kind
                ),
            ));
        }
        let default_group = if settings.kind == PASSWORD {
            PASSWORD
        } else {
            &settings.name
        };
        let group = settings.group.as_deref().unwrap_or(default_group).to_owned();
        if group.is_empty() || group.len() > 64 {
            return Err(bad("group", "takes 1 to 64 bytes".into()));
        }
        let channel = match &settings.channel {
            None => (rule == Rule::Email).then(|| "email".to_owned()),
            Some(channel) if is_channel(channel) => Some(channel.clone()),
            Some(_) => {
                return Err(bad(
                    "channel",
                    "takes 1 to 32 characters of a-z, 0-9 and `_`, a letter first".into(),
                ));
            }
        };
        let deadline = if declared.name == PASSWORD {
            hashing
        } else {
            declared.deadline
        };
        Ok(Self {
            name: settings.name.clone(),
            group,
            rule,
            channel,
            has_reach: settings.has_reach,
            kind,
            deadline,
        })
    }

    /// True when its work is a password hash, for which there may be no room.
    pub(crate) fn hashes_passwords(&self) -> bool {
        self.kind.declaration().name == PASSWORD
    }

    pub(crate) fn source(&self) -> IdentifierSource {
        self.kind.declaration().source
    }

    /// True when its kind finds the identifier and keeps records: a handle leads to the user.
    pub(crate) fn finds_by_handle(&self) -> bool {
        self.source() == IdentifierSource::Found && self.kind.declaration().keeps_records
    }

    /// True when its kind verifies elsewhere: it may accept an identifier that no user has, and nothing is enrolled.
    pub(crate) fn vouches(&self) -> bool {
        self.source() != IdentifierSource::User && !self.kind.declaration().keeps_records
    }

    /// True when its kind keeps no records and sends a code or link to the identifier: whoever reads there can answer.
    pub(crate) fn proves_by_message(&self) -> bool {
        self.vouches()
            && self.source() == IdentifierSource::Given
            && address::is_address_channel(&self.kind.declaration().channel)
    }

    /// The channel over which messages reach its identifiers, as addresses are compared; `None`: they are none.
    pub(crate) fn address_channel(&self) -> Option<&str> {
        let by_kind = || {
            self.proves_by_message()
                .then(|| self.kind.declaration().channel.as_str())
        };
        self.channel.as_deref().or_else(by_kind)
    }

    /// True when a token may replace its credentials: one record for each user, verified with a given identifier.
    pub(crate) fn is_recoverable(&self) -> bool {
        let declared = self.kind.declaration();
        declared.can_start
            && declared.keeps_records
            && !declared.several_records
            && self.source() == IdentifierSource::Given
    }

    /// True when its kind may say that what it verified was two factors in one.
    pub(crate) fn may_be_two_in_one(&self) -> bool {
        self.kind.declaration().two_in_one
    }

    /// The addresses that its kind asserts for somebody. The names are those of OpenID Connect and of directories.
    pub(crate) fn asserted<'v>(
        &self,
        realm: &str,
        attributes: impl IntoIterator<Item = (&'v String, &'v serde_json::Value)>,
    ) -> Vec<Hash> {
        if !self.has_reach || !self.vouches() || self.proves_by_message() {
            return Vec::new();
        }
        let mut addresses = std::collections::BTreeSet::new();
        for (name, value) in attributes {
            let channel = match name.as_str() {
                "email" | "mail" | "rfc822mailbox" => address::EMAIL,
                "mobile" | "phone_number" | "telephone_number" | "telephonenumber" => address::SMS,
                _ => continue,
            };
            let several = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            let texts = several.iter().filter_map(serde_json::Value::as_str);
            addresses.extend(texts.map(|text| address::of(realm, channel, text.as_bytes())));
        }
        addresses.into_iter().collect()
    }

    /// Puts a question to the kind.
    ///
    /// # Errors
    /// As [`Kind::ask`]; `Unavailable` where its threads were stopped under the call, which began when they ran.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Verdict> {
        self.kind
            .ask(ask, self.deadline)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidState => Error::new(
                    ErrorKind::Unavailable,
                    "the context was stopped, or made ready for a fork, before it was decided: try again",
                )
                .caused_by(error),
                _ => error,
            })
    }

    /// What a person meant to type: see [`Rule::typed`]. What is kept as raw; making it canonical drops the same.
    pub(crate) fn typed<'r>(&self, raw: &'r [u8]) -> &'r [u8] {
        self.rule.typed(raw)
    }

    /// Makes an identifier canonical, by the core's rule or by the kind.
    ///
    /// # Errors
    /// `PolicyViolation` of the field `identifier` for one that the rule does not take.
    pub(crate) fn canonical(&self, raw: &[u8]) -> Result<Canonical> {
        let identifier = match self.rule {
            Rule::Provider => {
                Identifier::from_provider(raw, self.rule_version(), |raw| self.kind.normalize(raw))?
            }
            rule => Identifier::parse(rule, raw)?,
        };
        Ok(self.canonical_as(identifier.canonical().to_vec()))
    }

    /// What was made canonical before, as it is stored.
    pub(crate) fn canonical_as(&self, bytes: Vec<u8>) -> Canonical {
        Canonical {
            bytes,
            rule: self.rule.name(),
            rule_version: self.rule_version(),
        }
    }

    /// The version of the rule that makes its identifiers canonical.
    pub(crate) fn rule_version(&self) -> u32 {
        match self.rule {
            Rule::Provider => self.kind.declaration().normalize_version,
            rule => rule.version(),
        }
    }

    pub(crate) fn id(&self, realm: &str, canonical: &[u8]) -> ProviderId {
        ProviderId {
            realm: realm.into(),
            provider: self.name.clone(),
            canonical: canonical.to_vec(),
        }
    }

    /// The factor that this provider proves at `now`, where its kind proves one.
    pub(crate) fn factor(&self, now: Timestamp) -> Option<Factor> {
        let declared = self.kind.declaration();
        declared.class.map(|class| Factor {
            provider: self.name.clone(),
            class,
            channel: declared.channel.clone(),
            at: now,
            via: Vec::new(),
            two_in_one: false,
        })
    }

    /// What a person is asked for to answer with this provider.
    pub(crate) fn next(
        &self,
        action: MethodAction,
        purpose: Operation,
        step: u32,
        challenge: Fields,
    ) -> Method {
        let declared = self.kind.declaration();
        let fields: Vec<Field> = declared.fields_at(purpose, step).cloned().collect();
        Method {
            provider: self.name.clone(),
            action,
            class: declared.class,
            fields,
            challenge,
        }
    }
}

fn is_channel(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// All provider names of a context.
pub(crate) struct Providers(Vec<Provider>);

impl Providers {
    pub(crate) fn open(settings: &[ProviderSettings], kinds: &Kinds, hashing: Duration) -> Result<Self> {
        settings
            .iter()
            .map(|one| Provider::open(one, kinds, hashing))
            .collect::<Result<Vec<_>>>()
            .map(Self)
    }

    /// The provider with this name.
    ///
    /// # Errors
    /// `InvalidArgument` naming those that there are.
    pub(crate) fn named(&self, name: &str) -> Result<&Provider> {
        self.0
            .iter()
            .find(|provider| provider.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.0.iter().map(|provider| provider.name.as_str()).collect();
                let message = if names.is_empty() {
                    "no provider is configured: set `provider.NAME.kind`, such as `provider.email.kind = 'password'`".to_owned()
                } else {
                    format!("there is no provider of that name; configured are: {}", names.join(", "))
                };
                Error::new(ErrorKind::InvalidArgument, message)
            })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }

    /// Providers that can start a sign-in.
    pub(crate) fn starting(&self) -> impl Iterator<Item = &Provider> {
        self.0
            .iter()
            .filter(|provider| provider.kind.declaration().can_start)
    }

    /// The ways in of which a user keeps one.
    pub(crate) fn ways_in(&self) -> Vec<WayIn> {
        self.starting()
            .map(|provider| WayIn {
                provider: (!provider.finds_by_handle()).then(|| provider.name.clone()),
                group: provider
                    .kind
                    .declaration()
                    .keeps_records
                    .then(|| provider.group.clone()),
            })
            .collect()
    }

    /// What all processes must see alike about the names.
    pub(crate) fn agreed(&self) -> Vec<Agreed> {
        self.0
            .iter()
            .map(|provider| {
                let declared = provider.kind.declaration();
                Agreed {
                    name: format!("provider/{}", provider.name),
                    value: format!(
                        "kind={} group={} rule={} version={}",
                        declared.name,
                        provider.group,
                        provider.rule.name(),
                        provider.rule_version()
                    ),
                }
            })
            .collect()
    }
}
