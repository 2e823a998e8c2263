//! The kind `passkey`: what it declares and what it does.

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, LogLevel, Operation,
    Property, Purpose, Reason, Record, Reply, Request, Verdict,
};

use crate::authentication::{self, UserIs};
use crate::ceremony::{self, CHALLENGE_LEN, Ceremony};
use crate::credential::{self, Credential};
use crate::options::Options;
use crate::refusal::Refusal;
use crate::response::{AuthenticationResponse, RegistrationResponse};
use crate::{challenge, registration};

/// Longest name of an account and longest label of a passkey, in bytes.
const MAX_NAME: u32 = 64;
/// Longest response: 1023 bytes of id twice, an RSA key of 8192 bits, client data, all in base64url, and extensions.
const MAX_RESPONSE: u32 = 16 * 1024;
/// Bytes of a new user handle; at most 64, random, and nothing about the person in it (section 14.6.1).
const USER_HANDLE_LEN: usize = 32;

/// One configured passkey provider.
pub(crate) struct Passkey {
    options: Options,
}

impl Kind for Passkey {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Possession,
        channel: c"webauthn",
        fields: &[
            &Field::new(c"name", MAX_NAME)
                .optional()
                .asked_for(&[Purpose::Enroll]),
            &Field::new(c"response", MAX_RESPONSE)
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"label", MAX_NAME)
                .optional()
                .asked_for(&[Purpose::Enroll])
                .at_step(1),
            &Field::new(c"response", MAX_RESPONSE)
                .secret()
                .autocomplete(c"webauthn")
                .asked_for(&[Purpose::Verify])
                .at_step(1),
        ],
        // Not INLINE: a signature on P-384 takes longer than a caller's thread should wait.
        properties: &[
            Property::KeepsRecords,
            Property::SeveralRecords,
            Property::CanStart,
            Property::Unguessable,
            // Browsers ask for a challenge on every view of a sign-in page (conditional mediation).
            Property::UnstoredStart,
            Property::TwoInOne,
        ],
        operations: &[Operation::Enroll, Operation::Verify, Operation::Step],
        max_record: credential::MAX_LEN,
        max_state: ceremony::MAX_LEN,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"passkey", c"Passkey", IdentifierSource::Found)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    /// Asks for a new credential that is none of those the user has.
    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if self.is_full(request, reply) {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let held = held(request);
        let Some(name) = self.account_name(request) else {
            reply.violation(c"name", c"not_text", 0);
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        // One user handle for all credentials of an account: an authenticator keeps one credential for each.
        let user_handle = match held.first() {
            Some((_, credential)) => credential.user_handle.clone(),
            None => random(request.host(), USER_HANDLE_LEN)?,
        };
        let challenge = random(request.host(), CHALLENGE_LEN)?;
        let options = challenge::creation(&self.options, &challenge, &user_handle, &name, &only(held))?;
        let ceremony = Ceremony::Registration {
            challenge,
            user_handle,
        };
        reply.challenge(c"options", options.as_bytes());
        reply.state(&ceremony.to_bytes()?, self.options.timeout);
        Ok(Verdict::Continue)
    }

    /// Asks for an assertion: by one of the user's credentials where the user is known, otherwise by any.
    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let held = held(request);
        let known = !request.subject().is_empty() && !request.is_decoy();
        if known && held.is_empty() {
            return nothing_held(request);
        }
        let challenge = random(request.host(), CHALLENGE_LEN)?;
        let options = challenge::request(&self.options, &challenge, &only(held))?;
        let ceremony = Ceremony::Authentication {
            challenge,
            user: if known { UserIs::Known } else { UserIs::Found },
        };
        reply.challenge(c"options", options.as_bytes());
        reply.state(&ceremony.to_bytes()?, self.options.timeout);
        Ok(Verdict::Continue)
    }

    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        match (Ceremony::from_bytes(request.state())?, request.purpose()) {
            (
                Ceremony::Registration {
                    challenge,
                    user_handle,
                },
                Some(Purpose::Enroll),
            ) => self.register(&challenge, &user_handle, request, reply),
            (Ceremony::Authentication { challenge, user }, Some(Purpose::Verify)) => {
                self.authenticate(&challenge, user, request, reply)
            }
            _ => Err(Failure::format("the state is of another ceremony")),
        }
    }
}

impl Passkey {
    fn register(
        &self,
        challenge: &[u8],
        user_handle: &[u8],
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Verdict, Failure> {
        // Another registration may have finished since the first step.
        if self.is_full(request, reply) {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let Ok(label) = std::str::from_utf8(request.credential("label")) else {
            reply.violation(c"label", c"not_text", 0);
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        let verified = RegistrationResponse::parse(request.credential("response"))
            .and_then(|response| {
                registration::verify(&self.options.policy, challenge, user_handle, &response)
            })
            .and_then(|credential| is_new(credential, &held(request)));
        match verified {
            Ok(credential) => {
                reply.handle(&credential.id);
                reply.new_record(&credential.to_bytes()?);
                if !label.is_empty() {
                    reply.label(label);
                }
                if request.subject().is_empty() {
                    reply.identifier(&credential.user_handle);
                }
                Ok(Verdict::Accept)
            }
            Err(refusal) => {
                reply.message(&refusal.to_string());
                if matches!(refusal, Refusal::Malformed(_)) || refusal.is_policy() {
                    reply.violation(c"response", refusal.code(), 0);
                    return Ok(Verdict::Deny(Reason::InvalidInput));
                }
                Ok(Verdict::Deny(Reason::Wrong))
            }
        }
    }

    fn authenticate(
        &self,
        challenge: &[u8],
        user: UserIs,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Result<Verdict, Failure> {
        let response = match AuthenticationResponse::parse(request.credential("response")) {
            Ok(response) => response,
            Err(refusal) => {
                reply.message(&refusal.to_string());
                return Ok(Verdict::Deny(Reason::InvalidInput));
            }
        };
        if user == UserIs::Found && request.resolved().is_empty() {
            reply.handle(&response.id);
            return Ok(Verdict::Resolve);
        }
        let mut held = held(request);
        let named = held.iter().position(|(_, held)| held.id == response.id);
        let Some((record, credential)) = named.map(|index| held.swap_remove(index)) else {
            authentication::verify_nobody(&self.options.policy, challenge, &response);
            return if held.is_empty() {
                nothing_held(request)
            } else {
                Ok(Verdict::Deny(Reason::NotEnrolled))
            };
        };
        match authentication::verify(&self.options.policy, challenge, user, &credential, &response) {
            Ok(updated) => {
                if updated == credential {
                    reply.used_record(&record);
                } else {
                    reply.replace_record(&record, &updated.to_bytes()?);
                }
                // A user who was found is named by the handle of the record; one who was known has to be named again.
                if user == UserIs::Known {
                    reply.identifier(&credential.user_handle);
                }
                Ok(if authentication::is_user_verified(&response) {
                    Verdict::AcceptTwoInOne
                } else {
                    Verdict::Accept
                })
            }
            Err(refusal) => {
                reply.message(&refusal.to_string());
                if refusal == Refusal::SignCount {
                    // Somebody may have copied the key: the operator has to know, and nobody is let in with it.
                    request.host().audit(c"passkey.sign_count_regressed", "")?;
                }
                Ok(Verdict::Deny(Reason::Wrong))
            }
        }
    }

    /// Whether the user has as many passkeys as are allowed; then it says so.
    fn is_full(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> bool {
        let full = request.records().len() >= self.options.max_passkeys;
        if full {
            let limit = i64::try_from(self.options.max_passkeys).unwrap_or(i64::MAX);
            reply.violation(c"response", c"too_many_passkeys", limit);
        }
        full
    }

    /// What the authenticator shows for the account: what the host knows, else what the person gave, else the site.
    fn account_name(&self, request: &Request<'_>) -> Option<String> {
        let given = std::str::from_utf8(request.credential("name")).ok()?;
        let known = std::str::from_utf8(request.display()).ok()?;
        let name = [known, given].into_iter().find(|name| !name.is_empty());
        Some(name.unwrap_or(&self.options.rp_name).to_owned())
    }
}

/// Section 7.1 step 29, as far as it is about this user.
fn is_new(credential: Credential, held: &[(Record<'_>, Credential)]) -> Result<Credential, Refusal> {
    if held.iter().any(|(_, other)| other.id == credential.id) {
        Err(Refusal::CredentialKnown)
    } else {
        Ok(credential)
    }
}

/// The user's credentials. One that cannot be read must not lock out the others.
fn held<'a>(request: &Request<'a>) -> Vec<(Record<'a>, Credential)> {
    let read = |record: Record<'a>| match Credential::from_bytes(record.bytes()) {
        Ok(credential) => Some((record, credential)),
        Err(failure) => {
            request.host().log(LogLevel::Error, failure.message());
            None
        }
    };
    request.records().filter_map(read).collect()
}

/// There is nothing to verify against, or nothing that can be read: that is no wrong passkey.
fn nothing_held(request: &Request<'_>) -> Result<Verdict, Failure> {
    if request.records().len() == 0 {
        Ok(Verdict::Deny(Reason::NotEnrolled))
    } else {
        Err(Failure::format("no passkey of this user can be read"))
    }
}

fn only(held: Vec<(Record<'_>, Credential)>) -> Vec<Credential> {
    held.into_iter().map(|(_, credential)| credential).collect()
}

fn random(host: Host<'_>, len: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = vec![0; len];
    host.random(&mut bytes)?;
    Ok(bytes)
}
