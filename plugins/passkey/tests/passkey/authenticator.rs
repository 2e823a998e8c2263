//! An authenticator and a browser in a test: what they answer can be changed before it is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Encoder;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

pub(crate) const RP_ID: &str = "example.org";
pub(crate) const ORIGIN: &str = "https://example.org";

/// User present, user verified.
pub(crate) const UP_UV: u8 = 0x05;
pub(crate) const ATTESTED: u8 = 0x40;

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unbase64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// One credential on one authenticator.
pub(crate) struct Authenticator {
    pkcs8: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) user_handle: Vec<u8>,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
}

/// A registration before it is encoded.
pub(crate) struct Registration {
    pub(crate) client: Value,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) id: Vec<u8>,
    /// What the response says the id is.
    pub(crate) named: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) extra: Vec<u8>,
    pub(crate) format: String,
    /// Instead of the statement that belongs to the format.
    pub(crate) statement: Option<Vec<u8>>,
    pub(crate) signer: EcdsaKeyPair,
}

/// An assertion before it is signed.
pub(crate) struct Assertion {
    pub(crate) client: Value,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) named: Vec<u8>,
    pub(crate) user_handle: Option<Vec<u8>>,
    pub(crate) signer: EcdsaKeyPair,
    pub(crate) damage: fn(&mut Signed),
}

/// What is signed and the signature: to be damaged.
pub(crate) struct Signed {
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

fn key(pkcs8: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new()).unwrap()
}

fn fresh() -> Vec<u8> {
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    document.unwrap().as_ref().to_vec()
}

pub(crate) fn another_key() -> EcdsaKeyPair {
    key(&fresh())
}

/// An uncompressed point as a `COSE_Key` of this algorithm and curve.
pub(crate) fn cose(point: &[u8], algorithm: i64, curve: i64) -> Vec<u8> {
    let half = (point.len() - 1) / 2;
    let mut out = Encoder::new(Vec::new());
    out.map(5).unwrap();
    out.i64(1)
        .unwrap()
        .i64(2)
        .unwrap()
        .i64(3)
        .unwrap()
        .i64(algorithm)
        .unwrap();
    out.i64(-1).unwrap().i64(curve).unwrap();
    out.i64(-2).unwrap().bytes(&point[1..=half]).unwrap();
    out.i64(-3).unwrap().bytes(&point[half + 1..]).unwrap();
    out.into_writer()
}

pub(crate) fn client_data(kind: &str, challenge: &[u8]) -> Value {
    json!({"type": kind, "challenge": base64url(challenge), "origin": ORIGIN, "crossOrigin": false})
}

fn data(rp_id: &str, flags: u8, sign_count: u32) -> Vec<u8> {
    let mut data = sha256(rp_id.as_bytes());
    data.push(flags);
    data.extend_from_slice(&sign_count.to_be_bytes());
    data
}

pub(crate) fn sign(key: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

impl Authenticator {
    pub(crate) fn new(user_handle: &[u8]) -> Self {
        let pkcs8 = fresh();
        Self {
            id: sha256(&pkcs8)[..16].to_vec(),
            pkcs8,
            user_handle: user_handle.to_vec(),
            flags: UP_UV,
            sign_count: 0,
        }
    }

    pub(crate) fn register(&self, challenge: &[u8]) -> Registration {
        Registration {
            client: client_data("webauthn.create", challenge),
            rp_id: RP_ID.to_owned(),
            flags: self.flags | ATTESTED,
            sign_count: self.sign_count,
            id: self.id.clone(),
            named: self.id.clone(),
            key: cose(key(&self.pkcs8).public_key().as_ref(), -7, 1),
            extra: Vec::new(),
            format: "none".to_owned(),
            statement: None,
            signer: key(&self.pkcs8),
        }
    }

    pub(crate) fn assert(&self, challenge: &[u8]) -> Assertion {
        Assertion {
            client: client_data("webauthn.get", challenge),
            rp_id: RP_ID.to_owned(),
            flags: self.flags,
            sign_count: self.sign_count,
            extra: Vec::new(),
            named: self.id.clone(),
            user_handle: Some(self.user_handle.clone()),
            signer: key(&self.pkcs8),
            damage: |_| {},
        }
    }
}

impl Registration {
    /// `RegistrationResponseJSON`.
    pub(crate) fn json(&self) -> String {
        let client = self.client.to_string().into_bytes();
        let mut data = data(&self.rp_id, self.flags, self.sign_count);
        if self.flags & ATTESTED != 0 {
            data.extend_from_slice(&[7; 16]);
            data.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend_from_slice(&self.id);
            data.extend_from_slice(&self.key);
        }
        data.extend_from_slice(&self.extra);
        let statement = self.statement.clone().unwrap_or_else(|| {
            if self.format == "none" {
                return vec![0xa0];
            }
            let signature = sign(&self.signer, &[data.clone(), sha256(&client)].concat());
            let mut out = Encoder::new(Vec::new());
            out.map(2).unwrap();
            out.str("alg").unwrap().i64(-7).unwrap();
            out.str("sig").unwrap().bytes(&signature).unwrap();
            out.into_writer()
        });
        let mut object = Encoder::new(Vec::new());
        object.map(3).unwrap();
        object.str("fmt").unwrap().str(&self.format).unwrap();
        object.str("attStmt").unwrap();
        object.writer_mut().extend_from_slice(&statement);
        object.str("authData").unwrap().bytes(&data).unwrap();
        registration_json(&self.named, &client, object.writer())
    }
}

impl Assertion {
    /// `AuthenticationResponseJSON`.
    pub(crate) fn json(&self) -> String {
        let client_data = self.client.to_string().into_bytes();
        let mut authenticator_data = data(&self.rp_id, self.flags, self.sign_count);
        authenticator_data.extend_from_slice(&self.extra);
        let message = [authenticator_data.clone(), sha256(&client_data)].concat();
        let mut signed = Signed {
            signature: sign(&self.signer, &message),
            client_data,
            authenticator_data,
        };
        (self.damage)(&mut signed);
        authentication_json(&self.named, &signed, self.user_handle.as_deref())
    }
}

pub(crate) fn registration_json(id: &[u8], client_data: &[u8], attestation_object: &[u8]) -> String {
    json!({
        "id": base64url(id), "rawId": base64url(id), "type": "public-key", "clientExtensionResults": {},
        "authenticatorAttachment": "platform",
        "response": {
            "clientDataJSON": base64url(client_data), "attestationObject": base64url(attestation_object),
            "transports": ["internal", "hybrid", "from-the-future"],
        },
    })
    .to_string()
}

pub(crate) fn authentication_json(id: &[u8], signed: &Signed, user_handle: Option<&[u8]>) -> String {
    json!({
        "id": base64url(id), "rawId": base64url(id), "type": "public-key", "clientExtensionResults": {},
        "response": {
            "clientDataJSON": base64url(&signed.client_data),
            "authenticatorData": base64url(&signed.authenticator_data),
            "signature": base64url(&signed.signature),
            "userHandle": user_handle.map(base64url),
        },
    })
    .to_string()
}
