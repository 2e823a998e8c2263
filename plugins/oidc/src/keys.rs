//! The issuer's keys: fetched, kept for a while, and fetched again when a token names one that is not there.

use doorward_plugin::{Failure, Host};
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::jws;
use crate::shared::Shared;
use crate::web::document;

/// How long keys are believed, in nanoseconds: ten minutes. A key that the issuer takes back is good no longer than that.
const LIFETIME_NS: u64 = 600_000_000_000;
/// Least time between two fetches because of an unknown key, in nanoseconds: five seconds.
const RETRY_NS: u64 = 5_000_000_000;
/// Most keys that are looked at.
const MAX_KEYS: usize = 64;

/// Keys that a token is compared with are read one by one: one of a kind that nobody knows here spoils no other.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

struct Kept {
    uri: Url,
    keys: Vec<Jwk>,
}

/// The keys as this process has them.
#[derive(Default)]
pub(crate) struct Keys(Shared<Kept>);

impl Keys {
    /// The key that signed a token with this header, if the issuer has it.
    pub(crate) fn for_token(
        &self,
        host: Host<'_>,
        uri: &Url,
        header: &Header,
    ) -> Result<Option<Jwk>, Failure> {
        let suits = |kept: &Kept, age: u64| {
            // Whoever can send tokens with invented key ids must not make us a source of requests.
            kept.uri == *uri && age < LIFETIME_NS && (age < RETRY_NS || chosen(&kept.keys, header).is_some())
        };
        let kept = self.0.get(host, suits, || {
            let fetched: Document = document(host, uri, &[], "its keys")?;
            let readable = fetched.keys.into_iter().take(MAX_KEYS);
            Ok(Kept {
                uri: uri.clone(),
                keys: readable
                    .filter_map(|key| serde_json::from_value(key).ok())
                    .collect(),
            })
        })?;
        Ok(chosen(&kept.keys, header))
    }
}

/// The one key that the header names; without a key id, the only one that could have signed (OpenID Connect Core 1.0
/// section 10.1).
fn chosen(keys: &[Jwk], header: &Header) -> Option<Jwk> {
    let mut fitting = keys.iter().filter(|key| {
        jws::suits(key, header.alg)
            && header
                .kid
                .as_ref()
                .is_none_or(|kid| key.common.key_id.as_ref() == Some(kid))
    });
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.clone())
}
