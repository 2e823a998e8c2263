//! What the page gives to the browser: `PublicKeyCredentialCreationOptionsJSON` and `…RequestOptionsJSON` (WebAuthn
//! section 5.1), as `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_plugin::Failure;
use serde::Serialize;

use crate::credential::Credential;
use crate::options::Options;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Creation<'a> {
    rp: RelyingParty<'a>,
    user: User<'a>,
    challenge: String,
    pub_key_cred_params: Vec<Parameters>,
    timeout: u128,
    exclude_credentials: Vec<Descriptor>,
    authenticator_selection: Selection,
    attestation: &'static str,
}

#[derive(Serialize)]
struct RelyingParty<'a> {
    id: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'a> {
    id: String,
    name: &'a str,
    display_name: &'a str,
}

#[derive(Serialize)]
struct Parameters {
    #[serde(rename = "type")]
    kind: &'static str,
    alg: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    resident_key: &'static str,
    require_resident_key: bool,
    user_verification: &'static str,
}

#[derive(Serialize)]
struct Descriptor {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    transports: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    challenge: String,
    timeout: u128,
    rp_id: &'a str,
    allow_credentials: Vec<Descriptor>,
    user_verification: &'static str,
}

const PUBLIC_KEY: &str = "public-key";

/// For `navigator.credentials.create`. The credential is discoverable, so that it can start a sign-in.
pub(crate) fn creation(
    options: &Options,
    challenge: &[u8],
    user_handle: &[u8],
    name: &str,
    held: &[Credential],
) -> Result<String, Failure> {
    let algorithms = options.policy.algorithms.iter();
    json(&Creation {
        rp: RelyingParty {
            id: &options.policy.rp_id,
            name: &options.rp_name,
        },
        user: User {
            id: URL_SAFE_NO_PAD.encode(user_handle),
            name,
            display_name: name,
        },
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        pub_key_cred_params: algorithms
            .map(|algorithm| Parameters {
                kind: PUBLIC_KEY,
                alg: algorithm.cose(),
            })
            .collect(),
        timeout: options.timeout.as_millis(),
        exclude_credentials: held.iter().map(Descriptor::of).collect(),
        authenticator_selection: Selection {
            resident_key: "required",
            require_resident_key: true,
            user_verification: options.policy.user_verification.as_str(),
        },
        attestation: "none",
    })
}

/// For `navigator.credentials.get`. With no credential held, any discoverable one of this relying party may answer.
pub(crate) fn request(options: &Options, challenge: &[u8], held: &[Credential]) -> Result<String, Failure> {
    json(&Request {
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        timeout: options.timeout.as_millis(),
        rp_id: &options.policy.rp_id,
        allow_credentials: held.iter().map(Descriptor::of).collect(),
        user_verification: options.policy.user_verification.as_str(),
    })
}

impl Descriptor {
    fn of(credential: &Credential) -> Self {
        Self {
            kind: PUBLIC_KEY,
            id: URL_SAFE_NO_PAD.encode(&credential.id),
            transports: credential.transports.names(),
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::internal(error.to_string()))
}
