//! Asking for a single-use token in the name of an address: sent to the address that is stored.
//!
//! Nobody who asks learns whether an address exists: for one that does not, a decoy's token and a decoy's message are
//! written by the same work.

use std::time::Duration;

use super::Auth;
use super::call::Call;
use super::charges::{Message, Postage};
use super::identities::check_given;
use super::sign_in::unsupported;
use super::tokens::TokenPurpose;
use crate::config::FirstProof;
use crate::delivery::Letter;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventName};
use crate::id::UserId;
use crate::identifier::ProviderId;
use crate::outcome::{Answer, Outcome};
use crate::plugin::Fields;
use crate::policy::{Account, Fault};
use crate::proof::Proof;
use crate::provider::Provider;
use crate::store::{Identity, Post, Posted, Subject, ThrottleKey};

impl Auth {
    /// Has a token sent to an address, through the outbox. `Accepted` says that it was asked for, not that the address
    /// exists: answer the person with "if we know this address, a message is on its way".
    ///
    /// The message goes to the address as its owner once gave it, whatever spelling is asked with. For
    /// [`TokenPurpose::ChangeIdentifier`] it goes to the new address, and `proof` must be a fresh one of the user who
    /// wants it. Recovery needs none; once it is shown whose an account is (a verified address, an issuer's identity, a
    /// second factor), only verified addresses recover anything, and never one of a second factor; another one is verified
    /// with a fresh proof only. Messages are charged by address and network: beyond, the answer is the same, and what was
    /// sent last is still good.
    ///
    /// # Errors
    /// - `Unsupported`: the provider's identifiers are no addresses (`provider.NAME.channel`).
    /// - `ProofRequired`: a new address without a fresh proof.
    /// - `PolicyViolation`: a new address that its rule does not take.
    /// - `InvalidArgument`: an unknown provider name; [`TokenPurpose::SignInLink`], which comes with a code.
    #[doc = include_str!("../../doc/operations/request_token.md")]
    pub async fn request_token(
        &self,
        purpose: TokenPurpose,
        provider: &str,
        identifier: &[u8],
        proof: Option<&Proof>,
    ) -> Result<Answer<()>> {
        let call = match self.enter_by_person().await? {
            Ok(call) => call,
            Err(refused) => return Ok(refused),
        };
        if purpose == TokenPurpose::SignInLink {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a link to sign in comes with a code: `authenticate` asks for both",
            ));
        }
        let provider = call.provider(provider)?;
        let Some(channel) = provider.channel.as_deref() else {
            return Err(unsupported(provider, "be sent messages: set its `channel`"));
        };
        if purpose == TokenPurpose::ChangeIdentifier {
            return call.request_change(provider, channel, identifier, proof).await;
        }
        if let Some(proof) = proof {
            call.sensitive(proof).await?;
        }
        let given = call.named_by(provider, identifier)?;
        let named = given.bytes();
        let asked = Asked {
            purpose,
            address: given.bytes().to_vec(),
            by: proof,
            charges: Vec::new(),
        };
        call.request(provider, given.at.clone(), asked, |subject, account| {
            // Judged for nobody as well, by the account of a double.
            let identity = subject.and_then(|subject| subject.identity.as_ref());
            let judged = identity.or(account.identities.first());
            let counts = judged.is_some_and(|identity| call.counts(purpose, provider, identity, account));
            let found = subject.zip(identity).and_then(|(subject, identity)| {
                let by_owner = purpose == TokenPurpose::Verify
                    && proof.is_some_and(|proof| proof.user_id() == subject.user.id);
                // A disabled user is told nothing, like nobody.
                ((counts || by_owner) && subject.user.disabled_at.is_none()).then(|| {
                    let epoch = (purpose == TokenPurpose::Recovery).then_some(subject.user.session_epoch);
                    (subject.user.id, epoch, identity.raw.clone())
                })
            });
            let (owner, address) = match found {
                Some((user, epoch, raw)) => (Some((user, epoch)), raw),
                None => (None, named.to_vec()),
            };
            Sent {
                purpose,
                channel,
                canonical: named.to_vec(),
                owner,
                address,
                in_use: None,
            }
        })
        .await
    }
}

/// What a message is charged to.
struct Asked<'a> {
    purpose: TokenPurpose,
    /// The address, canonical.
    address: Vec<u8>,
    by: Option<&'a Proof>,
    /// What it is charged to besides.
    charges: Vec<ThrottleKey>,
}

/// What is sent, and in whose name.
struct Sent<'a> {
    purpose: TokenPurpose,
    channel: &'a str,
    canonical: Vec<u8>,
    /// `None`: a decoy. Otherwise the user, and the epoch that the token is good under, if under one only.
    owner: Option<(UserId, Option<i64>)>,
    /// Where to: the stored address, or the one that is to be confirmed. A decoy's is never used.
    address: Vec<u8>,
    /// In place of a decoy: somebody else, whose address it is and who is told that it was asked for.
    in_use: Option<(UserId, Vec<u8>)>,
}

/// The message to the owner of an address that somebody else wants.
const IN_USE: &str = "address_in_use";

impl Call<'_> {
    /// A new address, asked for by the user who wants it. Whether it is somebody else's is not told.
    pub(super) async fn request_change(
        &self,
        provider: &Provider,
        channel: &str,
        identifier: &[u8],
        proof: Option<&Proof>,
    ) -> Result<Answer<()>> {
        let Some(proof) = proof else {
            return Err(Error::new(
                ErrorKind::ProofRequired,
                "a new address needs a fresh proof of the user who wants it",
            ));
        };
        check_given(provider)?;
        self.sensitive(proof).await?;
        let identifier = provider.typed(identifier);
        let canonical = provider.canonical(identifier)?.bytes;
        let given = self.named_by(provider, identifier)?;
        let charges = match self.change_charges(proof.user_id()).await? {
            Ok(charges) => charges,
            Err(wait) => return Ok(self.throttled(Some(&provider.name), wait)),
        };
        let asked = Asked {
            purpose: TokenPurpose::ChangeIdentifier,
            address: given.bytes().to_vec(),
            by: Some(proof),
            charges,
        };
        let to = (channel, identifier, &canonical[..]);
        self.request_address(provider, given.at.clone(), asked, to, proof)
            .await
    }

    /// Asks an address whether it is the proof's user's, to whom the answer binds it. Whether it is somebody else's is not
    /// told.
    pub(super) async fn request_link(
        &self,
        provider: &Provider,
        channel: &str,
        proof: &Proof,
        identity: &Identity,
        charges: Vec<ThrottleKey>,
    ) -> Result<Answer<()>> {
        let asked = Asked {
            purpose: TokenPurpose::Verify,
            address: identity.at.canonical.clone(),
            by: Some(proof),
            charges,
        };
        let to = (channel, &identity.raw[..], &identity.at.canonical[..]);
        self.request_address(provider, identity.at.clone(), asked, to, proof)
            .await
    }

    /// A message to an address that the proof's user wants to have: to whoever reads there, or, where it is somebody
    /// else's, to that owner. `to`: channel, address, and the same in canonical form.
    async fn request_address(
        &self,
        provider: &Provider,
        at: ProviderId,
        asked: Asked<'_>,
        (channel, address, canonical): (&str, &[u8], &[u8]),
        proof: &Proof,
    ) -> Result<Answer<()>> {
        let purpose = asked.purpose;
        self.request(provider, at.clone(), asked, |subject, account| {
            // Whose address it is and has not proved it, gives it up to whoever reads this message.
            let yields = || {
                let over = account.over(&at);
                over.is_some_and(|address| account.yields(&address, std::slice::from_ref(&at)).is_some())
            };
            let others = subject.filter(|subject| subject.user.id != proof.user_id());
            let is_free = subject.is_none() || others.is_some() && yields();
            // A disabled user is told nothing, like nobody.
            let told = others.filter(|one| !is_free && one.user.disabled_at.is_none());
            Sent {
                purpose,
                channel,
                canonical: canonical.to_vec(),
                // Good under this epoch only: a later change of the user ends it.
                owner: is_free.then(|| (proof.user_id(), Some(proof.epoch()))),
                address: address.to_vec(),
                in_use: told.and_then(|one| Some((one.user.id, one.identity.as_ref()?.raw.clone()))),
            }
        })
        .await
    }

    /// The one path of every request: counted, looked up, drawn, sealed, stored; for somebody and for nobody.
    async fn request<'s>(
        &self,
        provider: &Provider,
        at: ProviderId,
        asked: Asked<'_>,
        judge: impl FnOnce(Option<&Subject>, &Account<'_>) -> Sent<'s>,
    ) -> Result<Answer<()>> {
        let look = self.store().subject(at, provider.group.clone()).await?;
        let read = look.read();
        // What was read in vain is kept as long as who was found: freed sooner, it would leave warmer memory.
        let (subject, _kept) = (look.found, look.beside);
        // Where there is nobody, somebody's account is looked at all the same.
        let found = subject.as_ref().map(|subject| subject.user.id);
        let double = self.context.double.of(found, &asked.address);
        let beside = read.unwrap_or(double);
        let account = self.account(beside).await?;
        let by = asked.by.map(|proof| (proof.user_id(), proof.epoch()));
        let postage = self.postage(&Message {
            address: &asked.address,
            purpose: asked.purpose.id(),
            is_code: false,
            by,
            owner: subject
                .as_ref()
                .map(|subject| (subject.user.id, subject.user.session_epoch)),
        });
        let sent = judge(subject.as_ref(), &account);
        Ok(
            match self.send(provider, &sent, asked.charges, postage, beside).await? {
                None => Answer::of(Outcome::Accepted(())),
                Some(wait) => self.throttled(Some(&provider.name), wait),
            },
        )
    }

    /// True when a message to this address, which nobody with a proof asked for, is worth anything: the address is
    /// proved, or nobody has shown whose the account is. A second name's address recovers nothing, ever.
    fn counts(
        &self,
        purpose: TokenPurpose,
        provider: &Provider,
        identity: &Identity,
        account: &Account<'_>,
    ) -> bool {
        let recovers = purpose == TokenPurpose::Recovery;
        if recovers && self.is_second_factor(provider) && !self.planted(Fault::SecondsRecover) {
            return false;
        }
        let proved = account
            .over(&identity.at)
            .is_some_and(|address| account.is_proved(&address));
        let refused = recovers && self.context.settings.recovery.first_proof == FirstProof::Refuse;
        proved || !account.is_established() && !refused || self.planted(Fault::UnprovedRecovers)
    }

    /// Stores the token with its message, or with a decoy where that may not be sent: the same answer and the same work,
    /// and what was sent before stays good. `Some`: nothing was stored, and for how long nothing will be.
    async fn send(
        &self,
        provider: &Provider,
        sent: &Sent<'_>,
        charges: Vec<ThrottleKey>,
        postage: Postage,
        beside: UserId,
    ) -> Result<Option<Duration>> {
        let user_id = sent.owner.map(|(user, _)| user);
        let at = provider.id(self.realm, &sent.canonical);
        let (secret, token) = self.draw_token(sent.purpose, at, sent.owner)?;
        let expires_at = token.expires_at;
        let letter = |decoy| {
            let (template, address, user_id, params) = if let Some((owner, address)) = &sent.in_use {
                (IN_USE, address, Some(*owner), Fields::default())
            } else {
                let token = Fields(vec![("token".into(), secret.text())]);
                (sent.purpose.id(), &sent.address, user_id, token)
            };
            self.letter(&Letter {
                channel: sent.channel,
                address: &String::from_utf8_lossy(address),
                template,
                params,
                enclosed: None,
                realm: self.realm,
                provider: &provider.name,
                user_id,
                decoy,
                expires_at,
            })
        };
        let is_decoy = sent.owner.is_none() && sent.in_use.is_none();
        let post = Post {
            charges,
            deliveries: vec![letter(is_decoy)?],
            postage: postage.keys,
            decoys: vec![letter(true)?],
            link: None,
            beside,
        };
        let posted = self.store().put_token(token, post, self.now).await?;
        if let Some(wait) = self.posted(posted, &postage.domains) {
            return Ok(Some(wait));
        }
        self.emit(&Event {
            user_id: user_id.filter(|_| posted == Posted::Done),
            provider: Some(provider.name.clone()),
            reason: Some(sent.purpose.id().into()),
            ..self.event(EventName::TokenRequested)
        });
        Ok(None)
    }
}
