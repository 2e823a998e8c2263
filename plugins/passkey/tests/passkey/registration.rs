//! One change for each thing that WebAuthn section 7.1 says to verify: each is refused, and for that.

use doorward_passkey::credential::Credential;
use doorward_passkey::policy::{BackupEligibility, Policy};
use doorward_passkey::refusal::Refusal;
use doorward_passkey::registration;
use doorward_passkey::response::RegistrationResponse;
use serde_json::json;

use crate::authenticator::{ATTESTED, Authenticator, Registration, another_key, cose, sign};
use crate::policies::{BE, BS, CHALLENGE, Change, ED, HANDLE, UP, UV, backup, framed, relaxed, strict};

fn register(policy: &Policy, change: impl FnOnce(&mut Registration)) -> Result<Credential, Refusal> {
    let authenticator = Authenticator::new(HANDLE);
    let mut made = authenticator.register(CHALLENGE);
    change(&mut made);
    let response = RegistrationResponse::parse(made.json().as_bytes())?;
    registration::verify(policy, CHALLENGE, HANDLE, &response)
}

#[test]
fn a_registration_is_accepted_as_it_should_be() {
    let rows: [(&str, Policy, Change<Registration>); 12] = [
        ("none", strict(), |_| {}),
        ("packed, self", strict(), |made| made.format = "packed".into()),
        ("another of our origins", strict(), |made| {
            made.client["origin"] = json!("https://login.example.org");
        }),
        ("crossOrigin absent", strict(), |made| {
            made.client
                .as_object_mut()
                .map(|client| client.remove("crossOrigin"));
        }),
        ("members of the future", strict(), |made| {
            made.client["other_keys_can_be_added_here"] = json!({"deep": [1, null]});
        }),
        ("no verification where it is not required", relaxed(), |made| {
            made.flags ^= UV;
        }),
        ("backed up", strict(), |made| made.flags |= BE | BS),
        (
            "can be backed up, as required",
            backup(BackupEligibility::Required),
            |made| made.flags |= BE,
        ),
        (
            "one device only, as required",
            backup(BackupEligibility::Forbidden),
            |_| {},
        ),
        ("framed by a configured page", framed(), |made| {
            made.client["crossOrigin"] = json!(true);
            made.client["topOrigin"] = json!("https://shop.example");
        }),
        ("an extension", strict(), |made| {
            made.flags |= ED;
            made.extra = vec![0xa1, 0x63, b'f', b'o', b'o', 0xf5];
        }),
        ("an id of 1023 bytes", strict(), |made| {
            made.id = vec![9; 1023];
            made.named = made.id.clone();
        }),
    ];
    for (what, policy, change) in rows {
        let registered = register(&policy, change);
        assert!(registered.is_ok(), "{what}: {registered:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_step_of_a_registration_refuses_what_it_should() {
    let other = Refusal::Malformed;
    let rows: [(&str, Policy, Change<Registration>, Refusal); 42] = [
        // Steps 7 and 8: the client data is JSON.
        (
            "client data is no object",
            strict(),
            |made| made.client = json!("x"),
            other("client data"),
        ),
        (
            "challenge is no text",
            strict(),
            |made| made.client["challenge"] = json!(1),
            other("client data"),
        ),
        (
            "crossOrigin is no truth",
            strict(),
            |made| made.client["crossOrigin"] = json!("false"),
            other("client data"),
        ),
        // Step 9: type.
        (
            "type of an assertion",
            strict(),
            |made| made.client["type"] = json!("webauthn.get"),
            Refusal::Type,
        ),
        (
            "type of a payment",
            strict(),
            |made| made.client["type"] = json!("payment.get"),
            Refusal::Type,
        ),
        (
            "type in capitals",
            strict(),
            |made| made.client["type"] = json!("WebAuthn.create"),
            Refusal::Type,
        ),
        // Step 10: challenge.
        (
            "another challenge",
            strict(),
            |made| made.client["challenge"] = json!("AAAA"),
            Refusal::Challenge,
        ),
        (
            "no challenge",
            strict(),
            |made| made.client["challenge"] = json!(""),
            Refusal::Challenge,
        ),
        (
            "challenge, padded",
            strict(),
            |made| {
                let padded = format!("{}=", made.client["challenge"].as_str().unwrap_or_default());
                made.client["challenge"] = json!(padded);
            },
            Refusal::Challenge,
        ),
        // Step 11: origin.
        (
            "another origin",
            strict(),
            |made| made.client["origin"] = json!("https://example.com"),
            Refusal::Origin,
        ),
        (
            "another scheme",
            strict(),
            |made| made.client["origin"] = json!("http://example.org"),
            Refusal::Origin,
        ),
        (
            "another port",
            strict(),
            |made| made.client["origin"] = json!("https://example.org:8443"),
            Refusal::Origin,
        ),
        (
            "a subdomain that is not listed",
            strict(),
            |made| made.client["origin"] = json!("https://evil.example.org"),
            Refusal::Origin,
        ),
        (
            "an origin that ends like ours",
            strict(),
            |made| made.client["origin"] = json!("https://notexample.org"),
            Refusal::Origin,
        ),
        (
            "an origin that begins like ours",
            strict(),
            |made| made.client["origin"] = json!("https://example.org.evil.example"),
            Refusal::Origin,
        ),
        (
            "an origin with a path",
            strict(),
            |made| made.client["origin"] = json!("https://example.org/"),
            Refusal::Origin,
        ),
        // Steps 12 and 13: frames.
        (
            "framed, where no frame is configured",
            strict(),
            |made| made.client["crossOrigin"] = json!(true),
            Refusal::CrossOrigin,
        ),
        (
            "a top page, where none is configured",
            strict(),
            |made| made.client["topOrigin"] = json!("https://shop.example"),
            Refusal::TopOrigin,
        ),
        (
            "another top page",
            framed(),
            |made| {
                made.client["crossOrigin"] = json!(true);
                made.client["topOrigin"] = json!("https://example.com");
            },
            Refusal::TopOrigin,
        ),
        (
            "a top page without a frame",
            framed(),
            |made| made.client["topOrigin"] = json!("https://shop.example"),
            Refusal::TopOrigin,
        ),
        // Step 15: CBOR.
        (
            "bytes after the authenticator data",
            strict(),
            |made| made.extra = vec![0],
            other("authenticator data"),
        ),
        (
            "extensions announced, absent",
            strict(),
            |made| made.flags |= ED,
            other("authenticator data"),
        ),
        (
            "no credential",
            strict(),
            |made| made.flags ^= ATTESTED,
            other("authenticator data"),
        ),
        (
            "a key that is no map",
            strict(),
            |made| made.key = vec![0x01],
            other("authenticator data"),
        ),
        // Step 16: relying party.
        (
            "another relying party",
            strict(),
            |made| made.rp_id = "example.com".into(),
            Refusal::RpIdHash,
        ),
        (
            "a subdomain of the relying party",
            strict(),
            |made| made.rp_id = "login.example.org".into(),
            Refusal::RpIdHash,
        ),
        // Step 17: user presence.
        (
            "nobody there",
            strict(),
            |made| made.flags ^= UP,
            Refusal::UserPresence,
        ),
        (
            "nobody there, where verification is not required",
            relaxed(),
            |made| made.flags ^= UP | UV,
            Refusal::UserPresence,
        ),
        // Step 18: user verification.
        (
            "not verified",
            strict(),
            |made| made.flags ^= UV,
            Refusal::UserVerification,
        ),
        // Step 19: backup state.
        (
            "backed up and cannot be",
            strict(),
            |made| made.flags |= BS,
            Refusal::BackupState,
        ),
        // Step 20: backup eligibility.
        (
            "can be backed up, where that is forbidden",
            backup(BackupEligibility::Forbidden),
            |made| made.flags |= BE,
            Refusal::BackupEligibility,
        ),
        (
            "cannot, where that is required",
            backup(BackupEligibility::Required),
            |_| {},
            Refusal::BackupEligibility,
        ),
        // Step 22: algorithm.
        (
            "an algorithm that nobody offered",
            strict(),
            |made| made.key = cose(&[4; 133], -36, 3),
            Refusal::Algorithm,
        ),
        (
            "an algorithm that this policy did not offer",
            strict(),
            |made| made.key = cose(&[4; 97], -35, 2),
            Refusal::Algorithm,
        ),
        (
            "the curve of another algorithm",
            strict(),
            |made| made.key = cose(&[4; 65], -7, 2),
            other("public key"),
        ),
        // Step 24: format.
        (
            "a format of certificates",
            strict(),
            |made| {
                made.format = "tpm".into();
                made.statement = Some(vec![0xa0]);
            },
            Refusal::AttestationFormat,
        ),
        (
            "packed with certificates",
            strict(),
            |made| {
                made.format = "packed".into();
                // {"alg": -7, "sig": h'00', "x5c": [h'00']}
                made.statement = Some(b"\xa3\x63alg\x26\x63sig\x41\x00\x63x5c\x81\x41\x00".to_vec());
            },
            Refusal::AttestationFormat,
        ),
        // Step 25: statement.
        (
            "none, with something in it",
            strict(),
            |made| made.statement = Some(b"\xa1\x61x\x01".to_vec()),
            Refusal::AttestationStatement,
        ),
        (
            "packed, by another key",
            strict(),
            |made| {
                made.format = "packed".into();
                made.signer = another_key();
            },
            Refusal::AttestationStatement,
        ),
        (
            "packed, under another algorithm",
            strict(),
            |made| {
                made.format = "packed".into();
                let signature = sign(&made.signer, b"");
                let mut statement = b"\xa2\x63alg\x27\x63sig\x58".to_vec();
                statement.push(u8::try_from(signature.len()).unwrap_or_default());
                statement.extend_from_slice(&signature);
                made.statement = Some(statement);
            },
            Refusal::AttestationStatement,
        ),
        // Step 28: length of the id. Longer than 1023 bytes fits into no response that is read, but for a direct caller.
        (
            "an id of 1024 bytes",
            strict(),
            |made| {
                made.id = vec![9; 1024];
                made.named = made.id.clone();
            },
            Refusal::CredentialIdLength,
        ),
        // The id that the page names is the authenticator's.
        (
            "the response names another credential",
            strict(),
            |made| made.named = vec![1],
            Refusal::CredentialIdMismatch,
        ),
    ];
    for (what, policy, change, refusal) in rows {
        assert_eq!(register(&policy, change).err(), Some(refusal), "{what}");
    }
}
