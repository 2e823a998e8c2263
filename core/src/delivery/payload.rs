//! What a row of the outbox holds: sealed, and padded so that its size says little about its content.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::letter::{ENCLOSED, Enclosed};
use crate::error::{Error, ErrorKind, Result};
use crate::id::DeliveryId;
use crate::keys::{Binding, KeyRing};
use crate::plugin::Fields;
use crate::rng::Random;
use crate::secret::Secret;

/// The smallest size that is sealed, in bytes; the others are twice the one before.
const SMALLEST: usize = 1024;

/// What to send where.
#[derive(Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) channel: String,
    pub(super) address: String,
    pub(super) template: String,
    /// Name and base64url value.
    params: Vec<(String, String)>,
    /// The link beside a code, base64url.
    link: Option<String>,
    link_is_sent: bool,
    pub(super) realm: String,
    pub(super) provider: String,
    /// Never sent.
    pub(super) decoy: bool,
}

impl Payload {
    pub(super) fn new(
        [channel, address, template]: [&str; 3],
        params: &Fields,
        enclosed: Option<&Enclosed<'_>>,
        [realm, provider]: [&str; 2],
        decoy: bool,
    ) -> Self {
        let params = params.0.iter();
        Self {
            channel: channel.into(),
            address: address.into(),
            template: template.into(),
            params: params
                .map(|(name, value)| (name.clone(), URL_SAFE_NO_PAD.encode(value.expose())))
                .collect(),
            link: enclosed.map(|enclosed| URL_SAFE_NO_PAD.encode(enclosed.link.expose())),
            link_is_sent: enclosed.is_some_and(|enclosed| enclosed.is_sent),
            realm: realm.into(),
            provider: provider.into(),
            decoy,
        }
    }

    pub(super) fn params(&self) -> Result<Fields> {
        let link = self.link.iter().filter(|_| self.link_is_sent);
        let link = link.map(|link| (ENCLOSED, link));
        let named = self.params.iter().map(|(name, value)| (name.as_str(), value));
        let decoded = named.chain(link).map(|(name, value)| {
            let value = URL_SAFE_NO_PAD.decode(value).map_err(|_| unreadable())?;
            Ok((name.into(), Secret::new(value)))
        });
        decoded.collect::<Result<Vec<_>>>().map(Fields)
    }

    /// Seals it for its row.
    pub(super) fn seal(&self, keys: &KeyRing, random: &dyn Random, id: DeliveryId) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(self)
            .map_err(|e| Error::new(ErrorKind::Internal, "a delivery cannot be written").caused_by(e))?;
        let text = Zeroizing::new(text);
        // JSON may end in spaces. Copied once, into a buffer that is large enough: no copy of a token stays behind.
        let mut padded = Zeroizing::new(vec![b' '; text.len().next_power_of_two().max(SMALLEST)]);
        if let Some(head) = padded.get_mut(..text.len()) {
            head.copy_from_slice(&text);
        }
        keys.seal(random, binding(id).bytes(), &padded)
    }

    /// Opens what [`seal`](Self::seal) made for this row.
    pub(super) fn open(keys: &KeyRing, id: DeliveryId, sealed: &[u8]) -> Result<Self> {
        let text = keys.open(binding(id).bytes(), sealed)?;
        serde_json::from_slice(text.expose()).map_err(|_| unreadable())
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        let params = self.params.iter_mut().map(|(_, value)| value);
        for value in params.chain(&mut self.link) {
            zeroize::Zeroize::zeroize(value);
        }
    }
}

fn binding(id: DeliveryId) -> Binding {
    Binding::of("delivery").and(id.as_bytes())
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Corrupt, "a delivery was written by another release")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    fn sealed(keys: &KeyRing, id: DeliveryId, address: &str, decoy: bool) -> Vec<u8> {
        let params = Fields::from([("token", "dwt_secret")]);
        Payload::new(
            ["email", address, "recovery"],
            &params,
            None,
            ["", "email"],
            decoy,
        )
        .seal(keys, &SystemRandom, id)
        .unwrap()
    }

    #[test]
    fn a_decoy_has_the_size_of_a_message() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let id = DeliveryId::from_bytes([1; 16]);
        let real = sealed(&keys, id, "ada@example.com", false);
        let decoy = sealed(&keys, id, &"x".repeat(250), true);
        assert_eq!(real.len(), decoy.len());
    }

    #[test]
    fn a_link_that_is_withheld_is_as_long_as_one_that_is_sent_and_given_to_nobody() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let id = DeliveryId::from_bytes([1; 16]);
        let link = Secret::from("dwt_link".to_owned());
        let row = |is_sent| {
            let enclosed = Enclosed { link: &link, is_sent };
            let params = Fields::from([("code", "12345678")]);
            Payload::new(
                ["email", "ada@example.com", "code"],
                &params,
                Some(&enclosed),
                ["", "code"],
                false,
            )
            .seal(&keys, &SystemRandom, id)
            .unwrap()
        };
        let given = |row: &[u8]| {
            let params = Payload::open(&keys, id, row).unwrap().params().unwrap();
            params.named(ENCLOSED).map(|link| link.expose().to_vec())
        };
        assert_eq!(row(true).len(), row(false).len());
        assert_eq!(
            (given(&row(true)), given(&row(false))),
            (Some(b"dwt_link".to_vec()), None)
        );
    }

    #[test]
    fn opens_in_its_own_row_only_and_as_it_was() {
        let keys = KeyRing::ephemeral(&SystemRandom).unwrap();
        let [a, b] = [1, 2].map(|n| DeliveryId::from_bytes([n; 16]));
        let row = sealed(&keys, a, "ada@example.com", false);
        let open = Payload::open(&keys, a, &row).unwrap();
        assert_eq!(
            (open.address.as_str(), open.template.as_str(), open.decoy),
            ("ada@example.com", "recovery", false)
        );
        let params = open.params().unwrap();
        assert_eq!(params.named("token").unwrap().expose(), b"dwt_secret");
        assert!(Payload::open(&keys, b, &row).is_err());
        assert!(!row.windows(10).any(|window| window == b"dwt_secret"));
    }
}
