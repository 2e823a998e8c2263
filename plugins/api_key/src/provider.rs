//! The kind `api_key`: what it declares and what it does.

use std::time::Duration;

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, LogLevel, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict,
};

use crate::key::{self, Key};
use crate::options::Options;
use crate::record::{self, KeyRecord};
use crate::scope;

/// Longest label of a key, in bytes.
const MAX_LABEL: u32 = 64;
/// How long a person may take to say what the key is for.
const ENROLLMENT_LIFETIME: Duration = Duration::from_mins(10);
/// What the state of an enrollment begins with, and all that it is.
const STATE_FORMAT: &[u8] = &[1];
/// Shortest lifetime that can be asked for, in seconds.
const MIN_LIFETIME: i64 = 60;

/// One configured provider of API keys.
pub(crate) struct ApiKey {
    options: Options,
}

impl Kind for ApiKey {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Possession,
        channel: c"api_key",
        fields: &[
            &Field::new(c"label", MAX_LABEL)
                .optional()
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"scopes", 1024)
                .optional()
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"expires_in", 10)
                .optional()
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"key", 512).secret().asked_for(&[Purpose::Verify]),
        ],
        properties: &[
            Property::Inline,
            Property::KeepsRecords,
            Property::SeveralRecords,
            Property::Unguessable,
        ],
        operations: &[
            Operation::Enroll,
            Operation::Verify,
            Operation::Step,
            Operation::Describe,
        ],
        max_record: record::MAX_LEN,
        max_state: 1,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"api_key", c"API key", IdentifierSource::Found)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    /// First step: says what may be asked for.
    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if request.subject().is_empty() {
            // A key is of somebody who is known already: it makes no users.
            return Err(Failure::unsupported());
        }
        if self.is_full(request, reply) {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        reply.state(STATE_FORMAT, ENROLLMENT_LIFETIME);
        reply.challenge(c"scopes", self.options.scopes.0.join(" ").as_bytes());
        let most = self.options.max_lifetime().unwrap_or(0);
        reply.challenge(c"max_expires_in", most.to_string().as_bytes());
        Ok(Verdict::Continue)
    }

    /// Second step: the key is drawn and shown.
    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if request.purpose() != Some(Purpose::Enroll) {
            return Err(Failure::unsupported());
        }
        if request.state() != STATE_FORMAT || request.step() != 1 {
            return Err(Failure::format("not the state of an enrollment of format 1"));
        }
        let full = self.is_full(request, reply);
        let label = std::str::from_utf8(request.credential("label")).ok();
        if label.is_none() {
            reply.violation(c"label", c"not_text", 0);
        }
        let scopes = self.scopes_asked_for(request, reply);
        let lifetime = self.lifetime_asked_for(request, reply);
        let (false, Some(label), Some(scopes), Some(lifetime)) = (full, label, scopes, lifetime) else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        let host = request.host();
        let text = key::draw(host, &self.options.prefix.0)?;
        let Some(Key { id, .. }) = key::parse(text.as_bytes()) else {
            return Err(Failure::internal("a key was drawn that is none"));
        };
        let record = KeyRecord {
            id: *id,
            hash: host.sha256(text.as_bytes())?,
            expires_at: lifetime
                .seconds()
                .map(|seconds| now(host).map(|now| now.saturating_add(seconds)))
                .transpose()?,
            scopes,
        };
        reply.new_record(&record.to_bytes());
        reply.label(label);
        reply.handle(id);
        reply.show_once(c"key", text.as_bytes());
        Ok(Verdict::Accept)
    }

    /// Twice: the first call names the record by the key, the second compares the key with it.
    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let Some(key) = key::parse(request.credential("key")) else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        if request.resolved().is_empty() {
            reply.handle(key.id);
            return Ok(Verdict::Resolve);
        }
        let host = request.host();
        let hash = host.sha256(key.text)?;
        let mut known = false;
        for record in request.records() {
            let held = match KeyRecord::from_bytes(record.bytes()) {
                Ok(held) => held,
                Err(failure) if request.records().len() == 1 => return Err(failure),
                // One damaged key must not lock out the others.
                Err(failure) => {
                    host.log(LogLevel::Error, failure.message());
                    continue;
                }
            };
            known = true;
            if !host.ct_equal(&held.hash, &hash) {
                continue;
            }
            reply.used_record(&record);
            let ended = match held.expires_at {
                Some(end) => now(host)? >= end,
                None => false,
            };
            if ended {
                return Ok(Verdict::Deny(Reason::Expired));
            }
            // A scope that the configuration has dropped since is given to nobody.
            let scopes: Vec<&str> = held
                .scopes
                .into_iter()
                .filter(|scope| self.options.allows(scope))
                .collect();
            reply.attribute(c"scopes", &scope::json(&scopes));
            return Ok(Verdict::Accept);
        }
        if !known {
            // Nobody's key: the comparison costs the same.
            host.ct_equal(&[0; 32], &hash);
        }
        Ok(Verdict::Deny(Reason::Wrong))
    }

    fn describe(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Failure> {
        if let Some(record) = request.records().next() {
            let held = KeyRecord::from_bytes(record.bytes())?;
            let end = held.expires_at.map(|end| end.to_string());
            reply.attribute(c"id", &format!("\"{}\"", String::from_utf8_lossy(&held.id)));
            reply.attribute(c"scopes", &scope::json(&held.scopes));
            reply.attribute(c"expires_at", end.as_deref().unwrap_or("null"));
        }
        Ok(())
    }
}

/// How long a new key is to live.
#[derive(Clone, Copy)]
enum Lifetime {
    ForEver,
    Seconds(i64),
}

impl Lifetime {
    fn seconds(self) -> Option<i64> {
        match self {
            Self::ForEver => None,
            Self::Seconds(seconds) => Some(seconds),
        }
    }
}

impl ApiKey {
    /// Whether the user has as many keys as are allowed; then it says so.
    fn is_full(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
        let full = request.records().len() >= self.options.max_keys;
        if full {
            let limit = i64::try_from(self.options.max_keys).unwrap_or(i64::MAX);
            reply.violation(c"label", c"too_many_keys", limit);
        }
        full
    }

    /// The scopes that were asked for, if all of them may be; otherwise it says what is wrong.
    fn scopes_asked_for<'r>(&self, request: &Request<'r>, reply: &mut Reply<'_>) -> Option<Vec<&'r str>> {
        let Some(scopes) = scope::parse(request.credential("scopes")) else {
            reply.violation(c"scopes", c"bad_format", 0);
            return None;
        };
        if scopes.iter().all(|scope| self.options.allows(scope)) {
            return Some(scopes);
        }
        reply.violation(c"scopes", c"not_allowed", 0);
        None
    }

    /// The lifetime that was asked for, or the longest; otherwise it says what is wrong.
    fn lifetime_asked_for(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Option<Lifetime> {
        let asked = request.credential("expires_in");
        if asked.is_empty() {
            return Some(
                self.options
                    .max_lifetime()
                    .map_or(Lifetime::ForEver, Lifetime::Seconds),
            );
        }
        let seconds = std::str::from_utf8(asked)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<i64>().ok());
        let most = self.options.max_lifetime().unwrap_or(i64::MAX);
        match seconds {
            None => reply.violation(c"expires_in", c"bad_format", 0),
            Some(seconds) if seconds < MIN_LIFETIME => {
                reply.violation(c"expires_in", c"too_soon", MIN_LIFETIME);
            }
            Some(seconds) if seconds > most => reply.violation(c"expires_in", c"too_late", most),
            Some(seconds) => return Some(Lifetime::Seconds(seconds)),
        }
        None
    }
}

fn now(host: Host<'_>) -> Result<i64, Failure> {
    Ok(host.unix_micros()?.div_euclid(1_000_000))
}
