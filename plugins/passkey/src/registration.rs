//! Registering a new credential: WebAuthn section 7.1, in its order.

use crate::attestation::AttestationObject;
use crate::authenticator_data::AuthenticatorData;
use crate::client_data::{ClientData, sha256};
use crate::credential::{Credential, MAX_CREDENTIAL_ID};
use crate::policy::{BackupEligibility, Policy};
use crate::public_key::PublicKey;
use crate::refusal::Refusal;
use crate::response::RegistrationResponse;

/// Verifies the response to the `challenge` of this registration and gives what to keep. That no other user has the
/// credential is the host's to see: its id is the record's handle.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    policy: &Policy,
    challenge: &[u8],
    user_handle: &[u8],
    response: &RegistrationResponse,
) -> Result<Credential, Refusal> {
    // Steps 7 to 13: what the browser was asked, by whom.
    let client = ClientData::parse(&response.client_data)?;
    client.verify_type("webauthn.create")?;
    client.verify_challenge(challenge)?;
    client.verify_origin(policy)?;
    client.verify_frames(policy)?;
    // Steps 14 and 15.
    let client_data_hash = sha256(&response.client_data);
    let object = AttestationObject::parse(&response.attestation_object)?;
    let data = AuthenticatorData::parse(object.authenticator_data)?;
    // Steps 16 to 19: what the authenticator did, for whom.
    data.verify_rp_id_hash(policy)?;
    data.verify_user_presence()?;
    data.verify_user_verification(policy)?;
    data.verify_backup_state()?;
    // Steps 20 and 21.
    verify_backup_eligibility(policy, &data)?;
    // Step 22.
    let attested = data.credential.ok_or(Refusal::Malformed("authenticator data"))?;
    let key = PublicKey::parse(attested.public_key)?;
    verify_algorithm(policy, &key)?;
    // Steps 23 to 27: no extension of ours; the statement, and what it takes to believe it.
    object.verify(&key, &[object.authenticator_data, &client_data_hash].concat())?;
    // Step 28.
    verify_credential_id(attested.id, &response.id)?;
    // Step 29 is the host's and, for the user's own credentials, the provider's; step 30: the record.
    Ok(Credential {
        id: attested.id.to_vec(),
        user_handle: user_handle.to_vec(),
        public_key: attested.public_key.to_vec(),
        sign_count: data.sign_count,
        aaguid: attested.aaguid,
        is_backup_eligible: data.is_backup_eligible(),
        is_backed_up: data.is_backed_up(),
        is_user_verified: data.is_user_verified(),
        transports: response.transports,
    })
}

fn verify_backup_eligibility(policy: &Policy, data: &AuthenticatorData<'_>) -> Result<(), Refusal> {
    match policy.backup_eligibility {
        BackupEligibility::Forbidden if data.is_backup_eligible() => Err(Refusal::BackupEligibility),
        BackupEligibility::Required if !data.is_backup_eligible() => Err(Refusal::BackupEligibility),
        _ => Ok(()),
    }
}

fn verify_algorithm(policy: &Policy, key: &PublicKey) -> Result<(), Refusal> {
    if policy.algorithms.contains(&key.algorithm()) {
        Ok(())
    } else {
        Err(Refusal::Algorithm)
    }
}

fn verify_credential_id(attested: &[u8], named: &[u8]) -> Result<(), Refusal> {
    if attested.is_empty() || attested.len() > MAX_CREDENTIAL_ID {
        Err(Refusal::CredentialIdLength)
    } else if attested == named {
        Ok(())
    } else {
        Err(Refusal::CredentialIdMismatch)
    }
}
