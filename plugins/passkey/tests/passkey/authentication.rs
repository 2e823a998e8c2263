//! One change for each thing that WebAuthn section 7.2 says to verify: each is refused, and for that.

use doorward_passkey::authentication::{self, UserIs};
use doorward_passkey::credential::Credential;
use doorward_passkey::policy::Policy;
use doorward_passkey::refusal::Refusal;
use doorward_passkey::registration;
use doorward_passkey::response::{AuthenticationResponse, RegistrationResponse};
use serde_json::json;

use crate::authenticator::{ATTESTED, Assertion, Authenticator, another_key, cose};
use crate::policies::{BE, BS, CHALLENGE, Change, ED, HANDLE, UP, UV, framed, relaxed, strict};

/// A credential of this authenticator that has been used before.
fn registered(authenticator: &Authenticator) -> Credential {
    let json = authenticator.register(CHALLENGE).json();
    let response = RegistrationResponse::parse(json.as_bytes());
    let credential =
        response.and_then(|response| registration::verify(&strict(), CHALLENGE, HANDLE, &response));
    Credential {
        sign_count: 10,
        ..credential.unwrap()
    }
}

fn authenticate(
    policy: &Policy,
    user: UserIs,
    change: impl FnOnce(&mut Assertion),
) -> Result<Credential, Refusal> {
    let mut authenticator = Authenticator::new(HANDLE);
    let credential = registered(&authenticator);
    authenticator.sign_count = 11;
    let mut made = authenticator.assert(CHALLENGE);
    change(&mut made);
    let response = AuthenticationResponse::parse(made.json().as_bytes())?;
    authentication::verify(policy, CHALLENGE, user, &credential, &response)
}

#[test]
fn an_authentication_is_accepted_as_it_should_be() {
    let rows: [(&str, Policy, UserIs, Change<Assertion>); 6] = [
        ("discoverable", strict(), UserIs::Found, |_| {}),
        ("known, and says so", strict(), UserIs::Known, |_| {}),
        ("known, without a handle", strict(), UserIs::Known, |made| {
            made.user_handle = None;
        }),
        (
            "no verification where it is not required",
            relaxed(),
            UserIs::Found,
            |made| made.flags ^= UV,
        ),
        ("framed by a configured page", framed(), UserIs::Found, |made| {
            made.client["crossOrigin"] = json!(true);
            made.client["topOrigin"] = json!("https://shop.example");
        }),
        ("an extension", strict(), UserIs::Found, |made| {
            made.flags |= ED;
            made.extra = vec![0xa1, 0x63, b'f', b'o', b'o', 0xf5];
        }),
    ];
    for (what, policy, user, change) in rows {
        let after = authenticate(&policy, user, change);
        assert_eq!(after.map(|after| after.sign_count), Ok(11), "{what}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_step_of_an_authentication_refuses_what_it_should() {
    let other = Refusal::Malformed;
    let found = UserIs::Found;
    let rows: [(&str, Policy, UserIs, Change<Assertion>, Refusal); 34] = [
        // Step 5: allowCredentials.
        (
            "another credential",
            strict(),
            UserIs::Known,
            |made| made.named = vec![1],
            Refusal::NotAllowed,
        ),
        // Step 6: user handle.
        (
            "another user",
            strict(),
            found,
            |made| made.user_handle = Some(b"another".to_vec()),
            Refusal::UserHandle,
        ),
        (
            "another user than the known one",
            strict(),
            UserIs::Known,
            |made| made.user_handle = Some(b"another".to_vec()),
            Refusal::UserHandle,
        ),
        (
            "no user, where the response has to say who",
            strict(),
            found,
            |made| made.user_handle = None,
            Refusal::UserHandle,
        ),
        (
            "an empty user, likewise",
            strict(),
            found,
            |made| made.user_handle = Some(Vec::new()),
            Refusal::UserHandle,
        ),
        // Steps 8 and 9: the client data is JSON.
        (
            "client data is no object",
            strict(),
            found,
            |made| made.client = json!([]),
            other("client data"),
        ),
        // Step 10: type.
        (
            "type of a registration",
            strict(),
            found,
            |made| made.client["type"] = json!("webauthn.create"),
            Refusal::Type,
        ),
        // Step 11: challenge.
        (
            "another challenge",
            strict(),
            found,
            |made| made.client["challenge"] = json!("AAAA"),
            Refusal::Challenge,
        ),
        (
            "no challenge",
            strict(),
            found,
            |made| made.client["challenge"] = json!(""),
            Refusal::Challenge,
        ),
        // Step 12: origin.
        (
            "another origin",
            strict(),
            found,
            |made| made.client["origin"] = json!("https://example.com"),
            Refusal::Origin,
        ),
        (
            "another port",
            strict(),
            found,
            |made| made.client["origin"] = json!("https://example.org:444"),
            Refusal::Origin,
        ),
        (
            "a subdomain that is not listed",
            strict(),
            found,
            |made| made.client["origin"] = json!("https://evil.example.org"),
            Refusal::Origin,
        ),
        // Steps 13 and 14: frames.
        (
            "framed, where no frame is configured",
            strict(),
            found,
            |made| made.client["crossOrigin"] = json!(true),
            Refusal::CrossOrigin,
        ),
        (
            "another top page",
            framed(),
            found,
            |made| {
                made.client["crossOrigin"] = json!(true);
                made.client["topOrigin"] = json!("https://example.com");
            },
            Refusal::TopOrigin,
        ),
        // Step 15: relying party.
        (
            "another relying party",
            strict(),
            found,
            |made| made.rp_id = "example.com".into(),
            Refusal::RpIdHash,
        ),
        // Step 16: user presence.
        (
            "nobody there",
            strict(),
            found,
            |made| made.flags ^= UP,
            Refusal::UserPresence,
        ),
        // Step 17: user verification.
        (
            "not verified",
            strict(),
            found,
            |made| made.flags ^= UV,
            Refusal::UserVerification,
        ),
        // Step 18: backup state.
        (
            "backed up and cannot be",
            strict(),
            found,
            |made| made.flags |= BS,
            Refusal::BackupState,
        ),
        // Step 19: backup eligibility.
        (
            "can be backed up all of a sudden",
            strict(),
            found,
            |made| made.flags |= BE,
            Refusal::BackupEligibility,
        ),
        // Authenticator data to its last byte, and none of a registration.
        (
            "bytes after the authenticator data",
            strict(),
            found,
            |made| made.extra = vec![0],
            other("authenticator data"),
        ),
        (
            "extensions announced, absent",
            strict(),
            found,
            |made| made.flags |= ED,
            other("authenticator data"),
        ),
        (
            "a new credential",
            strict(),
            found,
            |made| {
                made.flags |= ATTESTED;
                made.extra = [[0; 17].as_slice(), &[1, 9], &cose(&[4; 65], -7, 1)].concat();
            },
            other("authenticator data"),
        ),
        // Steps 20 and 21: signature.
        (
            "by another key",
            strict(),
            found,
            |made| made.signer = another_key(),
            Refusal::Signature,
        ),
        (
            "a bit of the signature",
            strict(),
            found,
            |made| made.damage = |signed| signed.signature[9] ^= 1,
            Refusal::Signature,
        ),
        (
            "no signature",
            strict(),
            found,
            |made| made.damage = |signed| signed.signature.clear(),
            Refusal::Signature,
        ),
        // CVE-2022-21449, "psychic signatures": r and s are zero.
        (
            "a signature of zeros",
            strict(),
            found,
            |made| made.damage = |signed| signed.signature = vec![0x30, 6, 2, 1, 0, 2, 1, 0],
            Refusal::Signature,
        ),
        (
            "a byte after the signature",
            strict(),
            found,
            |made| made.damage = |signed| signed.signature.push(0),
            Refusal::Signature,
        ),
        (
            "a counter changed afterwards",
            strict(),
            found,
            |made| made.damage = |signed| signed.authenticator_data[36] ^= 0xf0,
            Refusal::Signature,
        ),
        (
            "a space in the client data",
            strict(),
            found,
            |made| made.damage = |signed| signed.client_data.push(b' '),
            Refusal::Signature,
        ),
        (
            "an extension changed afterwards",
            strict(),
            found,
            |made| {
                made.flags |= ED;
                made.extra = vec![0xa1, 0x61, b'f', 0xf5];
                made.damage = |signed| signed.authenticator_data[40] = 0xf4;
            },
            Refusal::Signature,
        ),
        // Step 22: counter.
        (
            "the same counter",
            strict(),
            found,
            |made| made.sign_count = 10,
            Refusal::SignCount,
        ),
        (
            "a lower counter",
            strict(),
            found,
            |made| made.sign_count = 9,
            Refusal::SignCount,
        ),
        (
            "no counter any more",
            strict(),
            found,
            |made| made.sign_count = 0,
            Refusal::SignCount,
        ),
        // A forged counter does not get as far as the alarm.
        (
            "a lower counter, by another key",
            strict(),
            found,
            |made| {
                made.sign_count = 9;
                made.signer = another_key();
            },
            Refusal::Signature,
        ),
    ];
    for (what, policy, user, change, refusal) in rows {
        assert_eq!(authenticate(&policy, user, change).err(), Some(refusal), "{what}");
    }
}
