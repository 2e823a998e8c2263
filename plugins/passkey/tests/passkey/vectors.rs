//! The specification's own test vectors: WebAuthn level 3, section 16.

use crate::authenticator::{
    ORIGIN, RP_ID, Signed, authentication_json, base64url, registration_json, sha256,
};
use doorward_passkey::attestation::AttestationObject;
use doorward_passkey::authentication::{self, UserIs};
use doorward_passkey::authenticator_data::AuthenticatorData;
use doorward_passkey::credential::Credential;
use doorward_passkey::policy::{BackupEligibility, Policy, UserVerification};
use doorward_passkey::public_key::{Algorithm, PublicKey};
use doorward_passkey::refusal::Refusal;
use doorward_passkey::response::{AuthenticationResponse, RegistrationResponse};
use doorward_passkey::{Ceremony, doorward_module, registration};
use doorward_plugin_testing::{Ask, ConfigValue, Outcome, StoredRecord, TestHost};
use serde::Deserialize;

const HANDLE: &[u8] = b"user handle";

#[derive(Deserialize)]
struct Fixture {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    registration: Registered,
    authentication: Authenticated,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    challenge: String,
    #[serde(rename = "credential_id")]
    credential_id: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authenticated {
    challenge: String,
    authenticator_data: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    signature: String,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

fn vectors() -> Vec<Vector> {
    let fixture: Fixture =
        serde_json::from_str(include_str!("../fixtures/webauthn_l3_section_16.json")).unwrap();
    fixture.vectors
}

/// The vectors set user verification at random, so it cannot be required.
fn policy() -> Policy {
    Policy {
        rp_id: RP_ID.into(),
        origins: vec![ORIGIN.into()],
        top_origins: vec!["https://example.com".into()],
        user_verification: UserVerification::Preferred,
        backup_eligibility: BackupEligibility::Allowed,
        algorithms: Algorithm::ALL.to_vec(),
    }
}

impl Vector {
    fn register(&self) -> Result<Credential, Refusal> {
        self.register_object(&hex(&self.registration.attestation_object))
    }

    fn register_object(&self, object: &[u8]) -> Result<Credential, Refusal> {
        let made = &self.registration;
        let json = registration_json(&hex(&made.credential_id), &hex(&made.client_data), object);
        let response = RegistrationResponse::parse(json.as_bytes())?;
        registration::verify(&policy(), &hex(&made.challenge), HANDLE, &response)
    }

    /// The same authenticator data without the statement: what a browser makes of it for a site that asks for none.
    fn register_anonymous(&self) -> Result<Credential, Refusal> {
        let object = hex(&self.registration.attestation_object);
        let data = AttestationObject::parse(&object).unwrap().authenticator_data;
        let mut anonymous = minicbor::Encoder::new(Vec::new());
        anonymous.map(3).unwrap();
        anonymous.str("fmt").unwrap().str("none").unwrap();
        anonymous.str("attStmt").unwrap().map(0).unwrap();
        anonymous.str("authData").unwrap().bytes(data).unwrap();
        self.register_object(anonymous.writer())
    }

    fn assertion(&self) -> String {
        let signed = Signed {
            client_data: hex(&self.authentication.client_data),
            authenticator_data: hex(&self.authentication.authenticator_data),
            signature: hex(&self.authentication.signature),
        };
        authentication_json(&hex(&self.registration.credential_id), &signed, Some(HANDLE))
    }

    fn authenticate(&self, credential: &Credential) -> Result<Credential, Refusal> {
        let response = AuthenticationResponse::parse(self.assertion().as_bytes())?;
        let challenge = hex(&self.authentication.challenge);
        authentication::verify(&policy(), &challenge, UserIs::Found, credential, &response)
    }
}

#[test]
fn registrations_without_foreign_certificates_are_accepted_as_they_stand() {
    let mut accepted = Vec::new();
    for vector in vectors() {
        match vector.register() {
            Ok(credential) => {
                assert_eq!(credential.id, hex(&vector.registration.credential_id));
                accepted.push(vector.name);
            }
            Err(refusal) => assert_eq!(refusal, refused_for(&vector.name), "{}", vector.name),
        }
    }
    assert_eq!(
        accepted,
        [
            "none.ES256",
            "packed-self.ES256",
            "none.ES256.crossOrigin",
            "none.ES256.topOrigin",
            "none.ES256.long-credential-id"
        ]
    );
}

/// What each of the others is refused for: an algorithm that is not offered comes before its statement.
fn refused_for(name: &str) -> Refusal {
    match name {
        "packed.ES512" | "packed.Ed448" => Refusal::Algorithm,
        _ => Refusal::AttestationFormat,
    }
}

#[test]
fn every_supported_algorithm_signs_in() {
    let mut signed_in = Vec::new();
    for vector in vectors() {
        match vector.register_anonymous() {
            Ok(credential) => {
                let after = vector.authenticate(&credential).unwrap();
                assert_eq!(after.sign_count, 0, "{}", vector.name);
                signed_in.push(vector.name);
            }
            Err(refusal) => assert_eq!(refusal, refused_for(&vector.name), "{}", vector.name),
        }
    }
    assert_eq!(signed_in.len(), 13, "all 15 but ES512 and Ed448: {signed_in:?}");
}

#[test]
fn a_bit_of_any_vector_that_is_flipped_is_seen() {
    for vector in vectors() {
        let Ok(credential) = vector.register_anonymous() else {
            continue;
        };
        let message = [
            hex(&vector.authentication.authenticator_data),
            sha256(&hex(&vector.authentication.client_data)),
        ]
        .concat();
        let signature = hex(&vector.authentication.signature);
        let key = PublicKey::parse(&credential.public_key).unwrap();
        assert!(key.is_signed(&message, &signature), "{}", vector.name);
        for index in [0, 32, 33, 36, 37, message.len() - 1] {
            let mut changed = message.clone();
            changed[index] ^= 1;
            assert!(
                !key.is_signed(&changed, &signature),
                "{} message {index}",
                vector.name
            );
        }
        for index in 0..signature.len() {
            let mut changed = signature.clone();
            changed[index] ^= 1;
            assert!(
                !key.is_signed(&message, &changed),
                "{} signature {index}",
                vector.name
            );
        }
    }
}

#[test]
fn keys_of_algorithms_that_are_not_offered_are_named_as_such() {
    for vector in vectors() {
        let object = hex(&vector.registration.attestation_object);
        let data = AttestationObject::parse(&object).unwrap().authenticator_data;
        let key = AuthenticatorData::parse(data)
            .unwrap()
            .credential
            .unwrap()
            .public_key;
        let refused = PublicKey::parse(key).err();
        let expected =
            matches!(vector.name.as_str(), "packed.ES512" | "packed.Ed448").then_some(Refusal::Algorithm);
        assert_eq!(refused, expected, "{}", vector.name);
    }
}

/// The same through the ABI: the state of the flow holds the vector's challenge.
#[test]
fn the_provider_takes_the_vectors_from_enrollment_to_sign_in() {
    let host = TestHost::new();
    let text = |value: &str| ConfigValue::Text(value.to_owned());
    let options = [
        ("rp_id", text(RP_ID)),
        ("user_verification", text("preferred")),
        ("top_origins.0", text("https://example.com")),
    ];
    let passkey = host
        .adopt(doorward_module())
        .open("passkey", "passkey", &options)
        .unwrap();
    let mut held: Vec<StoredRecord> = Vec::new();
    for vector in vectors().into_iter().take(5) {
        let state = Ceremony::Registration {
            challenge: hex(&vector.registration.challenge),
            user_handle: HANDLE.to_vec(),
        };
        let made = &vector.registration;
        let response = registration_json(
            &hex(&made.credential_id),
            &hex(&made.client_data),
            &hex(&made.attestation_object),
        );
        let enrolled = passkey.ask(
            &Ask::step_of_enroll(&state.to_bytes().unwrap())
                .records(&held)
                .credential("response", response),
        );
        assert_eq!(
            enrolled.outcome(),
            Outcome::Accepted,
            "{}: {}",
            vector.name,
            enrolled.message
        );
        assert_eq!(
            enrolled.handle.as_deref(),
            Some(hex(&made.credential_id).as_slice())
        );
        assert!(enrolled.store(&mut held));
        let state = Ceremony::Authentication {
            challenge: hex(&vector.authentication.challenge),
            user: UserIs::Known,
        };
        let signed_in = passkey.ask(
            &Ask::step_of_verify(&state.to_bytes().unwrap())
                .records(&held)
                .credential("response", vector.assertion()),
        );
        assert_eq!(
            signed_in.outcome(),
            Outcome::Accepted,
            "{}: {}",
            vector.name,
            signed_in.message
        );
    }
    assert_eq!(held.len(), 5);
    assert_eq!(base64url(&held[4].bytes).len() * 3 / 4, held[4].bytes.len());
}
