//! What a page sends back: `RegistrationResponseJSON` and `AuthenticationResponseJSON` (WebAuthn section 5.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::refusal::Refusal;

/// How an authenticator is reached (section 5.8.4): a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transports(u8);

const TRANSPORTS: [&str; 6] = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];

impl Transports {
    /// The known ones among these names; others are passed over.
    fn of(names: &[String]) -> Self {
        let is_named = |(_, known): &(usize, &&str)| names.iter().any(|name| name == **known);
        let known = TRANSPORTS.iter().enumerate().filter(is_named);
        Self(known.fold(0, |bits, (index, _)| bits | 1 << index))
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> Option<Self> {
        (bits >> TRANSPORTS.len() == 0).then_some(Self(bits))
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let is_set = |(index, _): &(usize, &&str)| self.0 & 1 << index != 0;
        TRANSPORTS
            .iter()
            .enumerate()
            .filter(is_set)
            .map(|(_, name)| *name)
            .collect()
    }
}

/// The response to a registration, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// The credential that the response names.
    pub id: Vec<u8>,
    /// `clientDataJSON`, as it was hashed.
    pub client_data: Vec<u8>,
    /// The attestation object.
    pub attestation_object: Vec<u8>,
    /// How the browser says that the authenticator is reached.
    pub transports: Transports,
}

/// The response to an authentication, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResponse {
    /// The credential that the response names.
    pub id: Vec<u8>,
    /// `clientDataJSON`, as it was hashed.
    pub client_data: Vec<u8>,
    /// Authenticator data, as it was signed.
    pub authenticator_data: Vec<u8>,
    /// The signature over both.
    pub signature: Vec<u8>,
    /// Whose the authenticator says that the credential is.
    pub user_handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<R> {
    id: String,
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
struct Registration {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

#[derive(Deserialize)]
struct Authentication {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
    #[serde(rename = "userHandle", default)]
    user_handle: Option<String>,
}

impl RegistrationResponse {
    /// Reads `RegistrationResponseJSON`.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        let envelope: Envelope<Registration> = parsed(json)?;
        Ok(Self {
            id: envelope.credential_id()?,
            client_data: decoded(&envelope.response.client_data)?,
            attestation_object: decoded(&envelope.response.attestation_object)?,
            transports: Transports::of(&envelope.response.transports),
        })
    }
}

impl AuthenticationResponse {
    /// Reads `AuthenticationResponseJSON`.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(json: &[u8]) -> Result<Self, Refusal> {
        let envelope: Envelope<Authentication> = parsed(json)?;
        let handle = envelope
            .response
            .user_handle
            .as_deref()
            .filter(|text| !text.is_empty());
        Ok(Self {
            id: envelope.credential_id()?,
            client_data: decoded(&envelope.response.client_data)?,
            authenticator_data: decoded(&envelope.response.authenticator_data)?,
            signature: decoded(&envelope.response.signature)?,
            user_handle: handle.map(decoded).transpose()?,
        })
    }
}

impl<R> Envelope<R> {
    fn credential_id(&self) -> Result<Vec<u8>, Refusal> {
        if self.kind != "public-key" || self.id != self.raw_id {
            return Err(malformed());
        }
        let id = decoded(&self.id)?;
        if id.is_empty() { Err(malformed()) } else { Ok(id) }
    }
}

fn parsed<'a, R: Deserialize<'a>>(json: &'a [u8]) -> Result<R, Refusal> {
    serde_json::from_slice(json).map_err(|_| malformed())
}

/// Base64url without padding, one spelling for each value.
fn decoded(text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())
}

const fn malformed() -> Refusal {
    Refusal::Malformed("response")
}
