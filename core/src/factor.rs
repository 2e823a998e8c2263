//! Factors: what a sign-in has proved, when, and in which class. Stored as JSON beside the sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::plugin::FactorClass;
use crate::store::Hash;

/// One factor that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The provider name it was proved through.
    pub provider: String,
    /// Its class.
    pub class: FactorClass,
    /// Its channel, such as `app`; may be empty.
    pub channel: String,
    /// When it was proved.
    pub at: Timestamp,
    /// The addresses each of which alone gave it when it was proved: hashes, as [`UserAddress`](crate::store::UserAddress)
    /// has them. One name may have codes at two mailboxes: they are two factors. What trusted code asserts may leave it
    /// empty: a configured name has its own reach.
    pub via: Vec<Hash>,
    /// True when the kind said that it was two factors in one: a passkey with its user verified, an issuer whose
    /// configured `acr` or `amr` came. It counts at second names only.
    pub two_in_one: bool,
}

/// The stored form: short names, stable for ever.
#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    class: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    channel: String,
    at: i64,
    /// As base64url.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    two_in_one: bool,
}

impl Factor {
    /// The factors as JSON.
    pub fn to_json(factors: &[Self]) -> String {
        let stored: Vec<Stored> = factors
            .iter()
            .map(|factor| Stored {
                provider: factor.provider.clone(),
                class: factor.class.id().into(),
                channel: factor.channel.clone(),
                at: factor.at.as_micros(),
                via: factor.via.iter().map(text_of).collect(),
                two_in_one: factor.two_in_one,
            })
            .collect();
        // Strings and integers always serialise; an empty list would only prove less.
        serde_json::to_string(&stored).unwrap_or_else(|_| "[]".into())
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// `Corrupt` for anything else, an unknown class included.
    pub fn from_json(text: &str) -> Result<Vec<Self>> {
        let corrupt = || {
            Error::new(
                ErrorKind::Corrupt,
                "the stored factors of a sign-in cannot be read",
            )
        };
        let stored: Vec<Stored> = serde_json::from_str(text).map_err(|_| corrupt())?;
        stored
            .into_iter()
            .map(|factor| {
                let class = FactorClass::of(&factor.class).ok_or_else(corrupt)?;
                let at = Timestamp::from_micros(factor.at);
                let via = factor
                    .via
                    .iter()
                    .map(|text| address_of(text))
                    .collect::<Option<Vec<_>>>();
                Ok(Self {
                    provider: factor.provider,
                    class,
                    channel: factor.channel,
                    at,
                    via: via.ok_or_else(corrupt)?,
                    two_in_one: factor.two_in_one,
                })
            })
            .collect()
    }

    /// All factors of both, each provider and what it went through once with its newest time, in order of provider.
    pub fn united(a: &[Self], b: &[Self]) -> Vec<Self> {
        let mut all: Vec<Self> = a.iter().chain(b).cloned().collect();
        all.sort_by(|x, y| {
            let same = x.provider.cmp(&y.provider).then(x.via.cmp(&y.via));
            same.then(y.at.cmp(&x.at)).then(y.two_in_one.cmp(&x.two_in_one))
        });
        all.dedup_by(|later, kept| later.provider == kept.provider && later.via == kept.via);
        all
    }
}

fn text_of(address: &Hash) -> String {
    URL_SAFE_NO_PAD.encode(address)
}

fn address_of(text: &str) -> Option<Hash> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(provider: &str, class: FactorClass, at: i64) -> Factor {
        Factor {
            provider: provider.into(),
            class,
            channel: String::new(),
            at: Timestamp::from_micros(at),
            via: Vec::new(),
            two_in_one: false,
        }
    }

    #[test]
    fn round_trips_and_refuses_what_it_did_not_write() {
        let factors = vec![
            factor("email", FactorClass::Knowledge, 1),
            factor("totp", FactorClass::Possession, -2),
        ];
        assert_eq!(Factor::from_json(&Factor::to_json(&factors)).unwrap(), factors);
        let rich = vec![Factor {
            via: vec![[1; 32], [0xfe; 32]],
            two_in_one: true,
            ..factor("code", FactorClass::Possession, 3)
        }];
        assert_eq!(Factor::from_json(&Factor::to_json(&rich)).unwrap(), rich);
        for bad in [
            r#"[{"provider":"a","class":"possession","at":1,"via":["ff"]}]"#,
            "",
            "{}",
            "[1]",
            r#"[{"provider":"a","class":"magic","at":1}]"#,
        ] {
            assert!(Factor::from_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_union_keeps_each_provider_once_with_its_newest_time() {
        let (old, new) = (
            factor("email", FactorClass::Knowledge, 1),
            factor("email", FactorClass::Knowledge, 9),
        );
        let totp = factor("totp", FactorClass::Possession, 5);
        assert_eq!(
            Factor::united(&[old, totp.clone()], std::slice::from_ref(&new)),
            vec![new, totp]
        );
        let at = |address, at| Factor {
            via: vec![[address; 32]],
            ..factor("code", FactorClass::Possession, at)
        };
        let both = Factor::united(&[at(1, 5)], &[at(2, 6), at(1, 7)]);
        assert_eq!(both, [at(1, 7), at(2, 6)], "codes at two mailboxes are two");
    }
}
