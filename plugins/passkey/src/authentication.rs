//! Verifying an authentication assertion: WebAuthn section 7.2, in its order.

use crate::authenticator_data::AuthenticatorData;
use crate::client_data::{ClientData, sha256};
use crate::credential::Credential;
use crate::policy::Policy;
use crate::public_key::PublicKey;
use crate::refusal::Refusal;
use crate::response::AuthenticationResponse;

/// Whether it was known before the ceremony who the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIs {
    /// No: the response has to say it, by the user handle.
    Found,
    /// Yes: a user handle, where there is one, has to agree.
    Known,
}

/// Verifies the response to the `challenge` of this authentication against the credential that it names, and gives the
/// credential as it is to be kept from now on.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    policy: &Policy,
    challenge: &[u8],
    user: UserIs,
    credential: &Credential,
    response: &AuthenticationResponse,
) -> Result<Credential, Refusal> {
    // Steps 5 and 6.
    verify_credential_id(credential, response)?;
    verify_user_handle(user, credential, response)?;
    // Steps 8 to 14: what the browser was asked, by whom.
    let client = ClientData::parse(&response.client_data)?;
    client.verify_type("webauthn.get")?;
    client.verify_challenge(challenge)?;
    client.verify_origin(policy)?;
    client.verify_frames(policy)?;
    // Steps 15 to 18: what the authenticator did, for whom.
    let data = AuthenticatorData::parse(&response.authenticator_data)?;
    verify_no_new_credential(&data)?;
    data.verify_rp_id_hash(policy)?;
    data.verify_user_presence()?;
    data.verify_user_verification(policy)?;
    data.verify_backup_state()?;
    // Step 19.
    verify_backup_eligibility(credential, &data)?;
    // Steps 20 and 21.
    verify_signature(credential, response)?;
    // Step 22.
    verify_sign_count(credential, &data)?;
    // Steps 23 and 24: no extension of ours; what changed.
    Ok(Credential {
        sign_count: data.sign_count,
        is_backed_up: data.is_backed_up(),
        ..credential.clone()
    })
}

/// Whether the authenticator verified its user, by what was signed: of a response that [`verify`] took.
pub fn is_user_verified(response: &AuthenticationResponse) -> bool {
    AuthenticatorData::parse(&response.authenticator_data).is_ok_and(|data| data.is_user_verified())
}

/// The work of an authentication for which there is no credential: nobody learns from the time which ids exist.
pub fn verify_nobody(policy: &Policy, challenge: &[u8], response: &AuthenticationResponse) {
    let nobody = Credential::nobodys(&response.id);
    let _ = ClientData::parse(&response.client_data).and_then(|client| client.verify_challenge(challenge));
    let _ = AuthenticatorData::parse(&response.authenticator_data)
        .and_then(|data| data.verify_rp_id_hash(policy));
    let _ = verify_signature(&nobody, response);
}

fn verify_credential_id(credential: &Credential, response: &AuthenticationResponse) -> Result<(), Refusal> {
    if credential.id == response.id {
        Ok(())
    } else {
        Err(Refusal::NotAllowed)
    }
}

fn verify_user_handle(
    user: UserIs,
    credential: &Credential,
    response: &AuthenticationResponse,
) -> Result<(), Refusal> {
    match (&response.user_handle, user) {
        (Some(handle), _) if *handle == credential.user_handle => Ok(()),
        (None, UserIs::Known) => Ok(()),
        (Some(_), _) | (None, UserIs::Found) => Err(Refusal::UserHandle),
    }
}

/// Section 6.1: "attested credential data … MUST NOT be included" in an assertion.
fn verify_no_new_credential(data: &AuthenticatorData<'_>) -> Result<(), Refusal> {
    match data.credential {
        None => Ok(()),
        Some(_) => Err(Refusal::Malformed("authenticator data")),
    }
}

/// Whether a credential can be backed up is decided when it is made, and never changes.
fn verify_backup_eligibility(credential: &Credential, data: &AuthenticatorData<'_>) -> Result<(), Refusal> {
    if credential.is_backup_eligible == data.is_backup_eligible() {
        Ok(())
    } else {
        Err(Refusal::BackupEligibility)
    }
}

fn verify_signature(credential: &Credential, response: &AuthenticationResponse) -> Result<(), Refusal> {
    let signed = [
        response.authenticator_data.as_slice(),
        &sha256(&response.client_data),
    ]
    .concat();
    if PublicKey::parse(&credential.public_key)?.is_signed(&signed, &response.signature) {
        Ok(())
    } else {
        Err(Refusal::Signature)
    }
}

/// A counter that does not grow means two authenticators with one key, or one that went wrong.
fn verify_sign_count(credential: &Credential, data: &AuthenticatorData<'_>) -> Result<(), Refusal> {
    let counts = credential.sign_count != 0 || data.sign_count != 0;
    if counts && data.sign_count <= credential.sign_count {
        Err(Refusal::SignCount)
    } else {
        Ok(())
    }
}
