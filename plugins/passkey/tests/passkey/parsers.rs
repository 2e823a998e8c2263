//! Everything that a stranger sends, and everything that is stored, damaged in every way: refused or read, never a panic.

use std::sync::LazyLock;

use doorward_passkey::Ceremony;
use doorward_passkey::attestation::AttestationObject;
use doorward_passkey::authenticator_data::AuthenticatorData;
use doorward_passkey::client_data::ClientData;
use doorward_passkey::credential::Credential;
use doorward_passkey::public_key::PublicKey;
use doorward_passkey::response::{AuthenticationResponse, RegistrationResponse, Transports};
use proptest::prelude::*;

use crate::authenticator::{Authenticator, cose, unbase64url};

/// Gives the bytes to every parser.
fn read_all(bytes: &[u8]) {
    let _ = ClientData::parse(bytes);
    let _ = RegistrationResponse::parse(bytes);
    let _ = AuthenticationResponse::parse(bytes);
    let _ = AuthenticatorData::parse(bytes);
    let _ = Credential::from_bytes(bytes);
    let _ = Ceremony::from_bytes(bytes);
    if let Ok(key) = PublicKey::parse(bytes) {
        assert!(!key.is_signed(bytes, bytes));
    }
    if let Ok(object) = AttestationObject::parse(bytes) {
        let key = PublicKey::parse(&cose(&[4; 65], -7, 1)).unwrap();
        assert!(object.format == "none" || object.verify(&key, bytes).is_err());
    }
}

/// Well-formed input of every parser, to be damaged.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(seeds);

fn seeds() -> Vec<Vec<u8>> {
    let authenticator = Authenticator::new(b"handle");
    let mut made = authenticator.register(b"challenge");
    made.format = "packed".into();
    let registration = made.json();
    let assertion = authenticator.assert(b"challenge").json();
    let value: serde_json::Value = serde_json::from_str(&registration).unwrap();
    let object = unbase64url(value["response"]["attestationObject"].as_str().unwrap());
    let data = AttestationObject::parse(&object)
        .unwrap()
        .authenticator_data
        .to_vec();
    let key = cose(&[4; 65], -7, 1);
    vec![
        registration.into_bytes(),
        assertion.into_bytes(),
        made.client.to_string().into_bytes(),
        object,
        data,
        key,
        credential(b"id".to_vec(), 7, 5).to_bytes().unwrap(),
        ceremony(b"challenge".to_vec()).to_bytes().unwrap(),
    ]
}

fn credential(id: Vec<u8>, sign_count: u32, bits: u8) -> Credential {
    Credential {
        id,
        user_handle: b"handle".to_vec(),
        public_key: cose(&[4; 65], -7, 1),
        sign_count,
        aaguid: [bits; 16],
        is_backup_eligible: bits & 1 != 0,
        is_backed_up: bits & 2 != 0,
        is_user_verified: bits & 4 != 0,
        transports: Transports::default(),
    }
}

fn ceremony(challenge: Vec<u8>) -> Ceremony {
    Ceremony::Registration {
        challenge,
        user_handle: b"handle".to_vec(),
    }
}

#[test]
fn every_cut_and_every_changed_byte_is_survived() {
    for seed in SEEDS.iter() {
        for len in 0..seed.len() {
            read_all(&seed[..len]);
        }
        for index in 0..seed.len() {
            for value in [
                0x00, 0x01, 0x1b, 0x3b, 0x5b, 0x5f, 0x7b, 0x9b, 0x9f, 0xbb, 0xbf, 0xdb, 0xf8, 0xff,
            ] {
                let mut changed = seed.clone();
                changed[index] = value;
                read_all(&changed);
            }
        }
    }
}

#[test]
fn nesting_and_lengths_that_lie_are_refused_at_once() {
    let deep = 100_000;
    for opener in [b"\x81".as_slice(), b"\xa1\x01", b"\x9f", b"\xbf\x01", b"\xc1"] {
        let nested = opener.repeat(deep);
        read_all(&nested);
        assert!(AttestationObject::parse(&[b"\xa3\x67attStmt", nested.as_slice()].concat()).is_err());
        let data = [[0; 32].as_slice(), &[0x80, 0, 0, 0, 0], &nested].concat();
        assert!(AuthenticatorData::parse(&data).is_err());
    }
    // Maps, texts and byte strings of 2^64 - 1 members.
    for lie in [
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        read_all(lie);
        assert!(AttestationObject::parse(lie).is_err() && PublicKey::parse(lie).is_err());
    }
    read_all("[".repeat(deep).as_bytes());
    read_all(format!("{{\"x\":{}", "[".repeat(deep)).as_bytes());
}

#[test]
fn one_meaning_has_one_spelling() {
    let made = Authenticator::new(b"handle").register(b"challenge");
    let json = made.json();
    assert!(RegistrationResponse::parse(json.as_bytes()).is_ok());
    let id = crate::authenticator::base64url(&made.id);
    for (what, changed) in [
        ("padding", json.replace(&id, &format!("{id}=="))),
        ("another id than rawId", json.replacen(&id, "AAAA", 1)),
        ("no id", json.replace(&id, "")),
        ("another type", json.replace("public-key", "password")),
        (
            "a member twice",
            json.replacen("\"id\":", "\"id\":\"AAAA\",\"id\":", 1),
        ),
        ("something after it", format!("{json} x")),
    ] {
        assert!(
            RegistrationResponse::parse(changed.as_bytes()).is_err(),
            "{what}: {changed}"
        );
    }
    let key = cose(&[4; 65], -7, 1);
    assert!(PublicKey::parse(&key).is_ok());
    let mut twice = key.clone();
    twice[0] = 0xa6;
    twice.extend_from_slice(&[0x03, 0x26]);
    let mut more = key.clone();
    more[0] = 0xa6;
    more.extend_from_slice(&[0x04, 0x80]);
    let mut compressed = key.clone();
    compressed.truncate(45);
    compressed.push(0xf5);
    for wrong in [twice, more, compressed, [key.as_slice(), &[0]].concat()] {
        assert!(PublicKey::parse(&wrong).is_err(), "{wrong:02x?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn damaged_input_is_survived(
        seed in 0_usize..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        inserted in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut bytes = SEEDS[seed].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let at = cut.index(bytes.len());
        bytes.splice(at..at, inserted);
        read_all(&bytes);
    }

    #[test]
    fn a_record_reads_back(id in prop::collection::vec(any::<u8>(), 1..=1023), sign_count: u32, bits in 0_u8..8) {
        let made = credential(id, sign_count, bits);
        let bytes = made.to_bytes().unwrap();
        prop_assert_eq!(Credential::from_bytes(&bytes).unwrap(), made);
        prop_assert!(Credential::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn a_state_reads_back(challenge in prop::collection::vec(any::<u8>(), 1..=255)) {
        let made = ceremony(challenge);
        let bytes = made.to_bytes().unwrap();
        prop_assert_eq!(Ceremony::from_bytes(&bytes).unwrap(), made);
        prop_assert!(Ceremony::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
}
