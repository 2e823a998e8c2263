//! Verification: one question to a kind about one subject, with the host's side of the contract around it.
//!
//! Unknown user, disabled user and user without that method are asked about as decoys: the same records path, the
//! same call, the same public answer. Where the kind keeps no records and verifies elsewhere, or finds the identifier
//! itself, nobody is known before it has accepted: such a question is no decoy, and whom it is about is looked up after.
//! Records go in and out sealed; what the kind changes is committed by compare-and-swap before its ACCEPT counts.

mod question;
mod records;

pub(crate) use question::{Bound, Question};
pub(crate) use records::{binding, usable, usable_authenticators};

use self::question::Standing;
use crate::address;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::factor::Factor;
use crate::id::UserId;
use crate::keys::KeyRing;
use crate::plugin::{Ask, Decision, Denial, Fields, IdentifierSource, Operation, Verdict};
use crate::provider::{Canonical, Provider};
use crate::rng::Random;
use crate::store::{Store, Subject, Touch, User};

/// What one question needs from the context.
pub(crate) struct Verifier<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) keys: &'a KeyRing,
    pub(crate) random: &'a dyn Random,
    pub(crate) now: Timestamp,
    pub(crate) realm: &'a str,
    pub(crate) agent: &'a str,
    pub(crate) address: &'a str,
    pub(crate) devices: &'a dyn Devices,
}

/// Says whether the browser that asks is one of the user's own.
pub(crate) trait Devices: Sync {
    /// True: it has signed in before, in this epoch.
    fn knows(&self, user: UserId, epoch: i64) -> bool;
}

/// What came of it.
pub(crate) enum Verified {
    /// Right: the user, under the epoch that was read before verification, and the factor where the kind proves one.
    Accepted {
        subject: Box<Subject>,
        factor: Option<Factor>,
        verdict: Box<Verdict>,
    },
    /// Right, and no user has the identifier: raw, canonical.
    Unregistered {
        raw: Vec<u8>,
        canonical: Canonical,
        factor: Option<Factor>,
        verdict: Box<Verdict>,
    },
    /// Another step; for a decoy as for anybody.
    Continue { verdict: Box<Verdict>, decoy: bool },
    /// Refused; the precise reason for the event stream, and whether it counts as a failure.
    Denied { reason: &'static str, wrong: bool },
}

/// Why a subject cannot be verified, as events say it.
const UNKNOWN: &str = "unknown_user";
/// A verdict that does not fit the question: an event for the operator, a refusal for the person.
const BROKEN: &str = "contract_broken";

impl Verifier<'_> {
    /// Asks the provider's kind to verify, or to go on with a verification.
    pub(crate) async fn verify(
        &self,
        provider: &Provider,
        subject: Option<Subject>,
        question: Question,
    ) -> Result<Verified> {
        let mut subject = subject;
        // On a lost compare-and-swap the same operation runs once more with the fresh record, then denies.
        for _ in 0..2 {
            match self.verify_once(provider, subject, &question).await? {
                Tried::Decided(verified) => return Ok(verified),
                Tried::Lost(user) => {
                    subject = self.store.subject_of(user, provider.group.clone()).await?;
                }
            }
        }
        Ok(Verified::Denied {
            reason: Denial::Wrong.id(),
            wrong: true,
        })
    }

    async fn verify_once(
        &self,
        provider: &Provider,
        subject: Option<Subject>,
        question: &Question,
    ) -> Result<Tried> {
        let mut subject = subject;
        let mut standing = question.standing(provider, subject.as_ref(), self.now);
        let mut verdict = self
            .ask(provider, subject.as_ref(), standing, question, None)
            .await?;
        if verdict.decision == Decision::Resolve {
            let handle = verdict.handle.take().unwrap_or_default();
            subject = self
                .store
                .subject_by_handle(self.realm.into(), provider.group.clone(), handle.clone())
                .await?;
            standing = match question.unusable(provider, subject.as_ref(), self.now) {
                Some(reason) => Standing::Decoy(reason),
                None => Standing::Known,
            };
            verdict = self
                .ask(provider, subject.as_ref(), standing, question, Some(handle))
                .await?;
        }
        let denied = |reason, wrong| Ok(Tried::Decided(Verified::Denied { reason, wrong }));
        match (verdict.decision, standing) {
            (Decision::Continue, standing) => Ok(Tried::Decided(Verified::Continue {
                verdict: Box::new(verdict),
                decoy: matches!(standing, Standing::Decoy(_)),
            })),
            // Whatever a kind says of a decoy, nobody is let in; the attempt counts like any wrong one.
            (_, Standing::Decoy(reason)) => denied(reason, true),
            (Decision::Accept, _) if provider.vouches() => self.vouched(provider, question, verdict).await,
            (Decision::Accept, Standing::Known) => match subject {
                Some(subject) => self.accepted(provider, subject, verdict).await,
                None => denied(BROKEN, true),
            },
            (Decision::Deny, _) => denied(verdict.denial.id(), verdict.denial == Denial::Wrong),
            (Decision::Resolve | Decision::Accept, _) => denied(BROKEN, true),
        }
    }

    /// Whoever reads the messages to an identifier has shown it by the link of one: as if the kind had accepted its code.
    pub(crate) async fn by_link(
        &self,
        provider: &Provider,
        canonical: &[u8],
        bound: Bound,
    ) -> Result<Verified> {
        let question = Question {
            raw: canonical.to_vec(),
            canonical: canonical.to_vec(),
            bound: Some(bound),
            ..Question::default()
        };
        Ok(
            match self.vouched(provider, &question, Verdict::accepting()).await? {
                Tried::Decided(verified) => verified,
                // It keeps no records, so nobody was faster.
                Tried::Lost(_) => Verified::Denied {
                    reason: BROKEN,
                    wrong: false,
                },
            },
        )
    }

    /// A kind without records accepted: only now it is asked whose the identifier is.
    async fn vouched(&self, provider: &Provider, question: &Question, verdict: Verdict) -> Result<Tried> {
        let denied = |reason| Ok(Tried::Decided(Verified::Denied { reason, wrong: true }));
        let (raw, canonical) = match (provider.source(), &verdict.identifier) {
            (IdentifierSource::Found, Some((raw, canonical))) => (raw, canonical),
            (IdentifierSource::Given, _) if !question.canonical.is_empty() => {
                (&question.raw, &question.canonical)
            }
            _ => return denied(BROKEN),
        };
        let at = provider.id(self.realm, canonical);
        match self.store.subject(at, provider.group.clone()).await?.found {
            Some(subject) => match question.unusable(provider, Some(&subject), self.now) {
                Some(reason) => denied(reason),
                None => self.accepted(provider, subject, verdict).await,
            },
            // The user is settled already, and this is not one of its identifiers.
            None if question.bound.is_some() => denied("other_user"),
            None => Ok(Tried::Decided(Verified::Unregistered {
                raw: raw.clone(),
                canonical: provider.canonical_as(canonical.clone()),
                factor: self.factor(provider, raw, &verdict),
                verdict: Box::new(verdict),
            })),
        }
    }

    /// The kind accepted this user: what it changed is committed before that counts.
    async fn accepted(&self, provider: &Provider, subject: Subject, verdict: Verdict) -> Result<Tried> {
        if !self.commit(provider, &subject, &verdict).await? {
            return Ok(Tried::Lost(subject.user.id));
        }
        self.touch(&subject, &verdict);
        let raw = subject.identity.as_ref().map(|identity| identity.raw.as_slice());
        let factor = self.factor(provider, raw.unwrap_or_default(), &verdict);
        Ok(Tried::Decided(Verified::Accepted {
            subject: Box::new(subject),
            factor,
            verdict: Box::new(verdict),
        }))
    }

    /// The factor that a verdict proves, with the addresses that gave it: of a code, the one it was sent to; of an
    /// issuer or directory, those that it asserted just now, none where it was two in one.
    fn factor(&self, provider: &Provider, raw: &[u8], verdict: &Verdict) -> Option<Factor> {
        let mut factor = provider.factor(self.now)?;
        factor.two_in_one = verdict.two_in_one;
        if provider.proves_by_message() {
            let channel = provider.address_channel().unwrap_or_default();
            factor.via = vec![address::of(self.realm, channel, raw)];
        } else if !verdict.two_in_one {
            factor.via = provider.asserted(
                self.realm,
                verdict.attributes.iter().map(|(name, value)| (name, value)),
            );
        }
        Some(factor)
    }

    /// Puts one question to the kind.
    async fn ask(
        &self,
        provider: &Provider,
        subject: Option<&Subject>,
        standing: Standing,
        question: &Question,
        resolved: Option<Vec<u8>>,
    ) -> Result<Verdict> {
        let known = subject.filter(|_| standing == Standing::Known);
        let mut records = Vec::new();
        if let Some(subject) = known {
            records = self.open_records(provider, subject)?;
        } else if provider.kind.declaration().keeps_records {
            self.keys.open_decoy(self.random);
        }
        // As it was registered: two spellings of one canonical address may be two mailboxes, and a message goes to one.
        let registered = known
            .and_then(|subject| subject.identity.as_ref())
            .map(|identity| identity.raw.clone());
        let (operation, purpose, step, state) = match &question.resumes {
            Some((purpose, step, state)) => (Operation::Step, *purpose, *step, Some(state.clone())),
            None => (Operation::Verify, Operation::Verify, 0, None),
        };
        let ask = Ask {
            operation,
            purpose,
            step,
            decoy: matches!(standing, Standing::Decoy(_)),
            subject: known.map(|subject| subject.user.id),
            known: known.and_then(|subject| self.own_browser(&subject.user)),
            records,
            state,
            resolved,
            raw: registered.unwrap_or_else(|| question.raw.clone()),
            canonical: question.canonical.clone(),
            credentials: question.credentials.clone(),
            new_credentials: question.new_credentials.clone(),
            ..self.blank(provider)
        };
        let verdict = provider.ask(ask).await?;
        if let Some(subject) = known {
            self.keep_migrated(provider, subject, &verdict).await;
        }
        Ok(verdict)
    }

    /// The user, if the browser that asks is one of the user's own.
    pub(crate) fn own_browser(&self, user: &User) -> Option<UserId> {
        self.devices.knows(user.id, user.session_epoch).then_some(user.id)
    }

    /// A question about nobody yet: for enrollment before there is a user, and as the rest of every other.
    pub(crate) fn blank(&self, provider: &Provider) -> Ask {
        Ask {
            operation: Operation::Enroll,
            purpose: Operation::Enroll,
            step: 0,
            decoy: false,
            subject: None,
            known: None,
            realm: self.realm.into(),
            provider: provider.name.clone(),
            raw: Vec::new(),
            canonical: Vec::new(),
            display: String::new(),
            credentials: Fields::default(),
            new_credentials: Fields::default(),
            records: Vec::new(),
            state: None,
            resolved: None,
            agent: self.agent.into(),
            address: self.address.into(),
        }
    }

    fn touch(&self, subject: &Subject, verdict: &Verdict) {
        if let Some(identity) = &subject.identity {
            self.store
                .touch(Touch::IdentityUsed(identity.at.clone(), self.now));
        }
        let only = match subject.authenticators.as_slice() {
            [one] => Some(one.at.id),
            _ => None,
        };
        if let Some(id) = verdict.used.or(only)
            && let Some(used) = subject.authenticators.iter().find(|held| held.at.id == id)
        {
            self.store
                .touch(Touch::AuthenticatorUsed(used.at.clone(), self.now));
        }
    }
}

enum Tried {
    Decided(Verified),
    Lost(UserId),
}
