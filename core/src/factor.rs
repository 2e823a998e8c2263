//! Factors: what a sign-in has proved, when, and in which class. Stored as JSON beside the sign-in.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::plugin::FactorClass;

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
}

/// The stored form: short names, stable for ever.
#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    class: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    channel: String,
    at: i64,
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
                Ok(Self {
                    provider: factor.provider,
                    class,
                    channel: factor.channel,
                    at,
                })
            })
            .collect()
    }

    /// All factors of both, each provider once with its newest time, in order of provider.
    pub fn united(a: &[Self], b: &[Self]) -> Vec<Self> {
        let mut all: Vec<Self> = a.iter().chain(b).cloned().collect();
        all.sort_by(|x, y| x.provider.cmp(&y.provider).then(y.at.cmp(&x.at)));
        all.dedup_by(|later, kept| later.provider == kept.provider);
        all
    }
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
        }
    }

    #[test]
    fn round_trips_and_refuses_what_it_did_not_write() {
        let factors = vec![
            factor("email", FactorClass::Knowledge, 1),
            factor("totp", FactorClass::Possession, -2),
        ];
        assert_eq!(Factor::from_json(&Factor::to_json(&factors)).unwrap(), factors);
        for bad in ["", "{}", "[1]", r#"[{"provider":"a","class":"magic","at":1}]"#] {
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
    }
}
