//! Verification: one question to a kind about one subject, with the host's side of the contract around it.
//!
//! Unknown user, disabled user and user without that method are asked about as decoys: the same records path, the
//! same call, the same public answer. Where the kind keeps no records and verifies elsewhere, or finds the identifier
//! itself, nobody is known before it has accepted: such a question is no decoy, and whom it is about is looked up after. Records go in and out sealed; what the kind changes is committed by
//! compare-and-swap before its ACCEPT counts.

use serde_json::{Map, Value};

use crate::address;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::factor::Factor;
use crate::id::{AuthenticatorId, UserId};
use crate::keys::{Binding, KeyRing};
use crate::plugin::{
    Ask, Decision, Denial, Fields, IdentifierSource, OpenRecord, Operation, Verdict, is_spent,
};
use crate::provider::{Canonical, Provider};
use crate::rng::Random;
use crate::secret::Secret;
use crate::store::{
    Authenticator, AuthenticatorAt, AuthenticatorStatus, Naming, Store, Subject, Swapped, Touch, User,
};

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

/// One question.
#[derive(Default)]
pub(crate) struct Question {
    pub(crate) raw: Vec<u8>,
    pub(crate) canonical: Vec<u8>,
    pub(crate) credentials: Fields,
    pub(crate) new_credentials: Fields,
    /// For a step: which operation it resumes, its number and the state of the step before.
    pub(crate) resumes: Option<(Operation, u32, Secret)>,
    /// True when the flow was begun for nobody: stays a decoy whatever the subject is now.
    pub(crate) decoy: bool,
    /// Whose answer it must be, where that is settled before the kind is asked: nobody else's handle is good here.
    pub(crate) bound: Option<Bound>,
}

/// The user that an answer must be of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) user: UserId,
    /// The epoch under which the factors before were proved; `None`: this is the first one.
    pub(crate) epoch: Option<i64>,
}

impl Question {
    /// Why this subject cannot be verified with this provider; `None`: it can.
    fn unusable(
        &self,
        provider: &Provider,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Option<&'static str> {
        let (Some(subject), false) = (subject, self.decoy) else {
            return Some(UNKNOWN);
        };
        if subject.user.disabled_at.is_some() {
            return Some(Denial::Disabled.id());
        }
        if let Some(bound) = self.bound {
            if bound.user != subject.user.id {
                return Some("other_user");
            }
            if bound
                .epoch
                .is_some_and(|epoch| epoch != subject.user.session_epoch)
            {
                return Some("user_changed");
            }
        }
        let keeps_records = provider.kind.declaration().keeps_records;
        (keeps_records && usable_authenticators(provider, subject, now).next().is_none())
            .then_some(Denial::NotEnrolled.id())
    }

    /// How the question is put first, before a handle is known.
    fn standing(&self, provider: &Provider, subject: Option<&Subject>, now: Timestamp) -> Standing {
        let opens = provider.vouches() || provider.finds_by_handle();
        if opens && subject.is_none() && !self.decoy && self.bound.is_none() {
            return Standing::Open;
        }
        match self.unusable(provider, subject, now) {
            Some(reason) => Standing::Decoy(reason),
            None => Standing::Known,
        }
    }
}

/// How a question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// About a user.
    Known,
    /// About whoever the kind will say: it looks elsewhere, or at a handle.
    Open,
    /// About nobody, for this reason.
    Decoy(&'static str),
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

    /// Stores records that the kind has rewritten in its newest format, but those that the verdict replaces itself. Who
    /// was first wins, and what cannot be stored now is rewritten again next time.
    async fn keep_migrated(&self, provider: &Provider, subject: &Subject, verdict: &Verdict) {
        for put in &verdict.migrated {
            let is_replaced = verdict.records.iter().any(|other| other.replaces == put.replaces);
            let mut held = usable_authenticators(provider, subject, self.now);
            let Some(current) = held.find(|held| put.replaces == Some(held.at.id) && !is_replaced) else {
                continue;
            };
            let expect = current.record_version;
            let next = Authenticator {
                record_version: expect + 1,
                ..current.clone()
            };
            let stored = match self.seal(&next, &put.bytes) {
                Ok(sealed) => self
                    .store
                    .swap_record(current.at.clone(), expect, sealed, Naming::default(), self.now)
                    .await
                    .map_err(Error::from),
                Err(error) => Err(error),
            };
            if let Err(error) = stored {
                tracing::warn!(
                    provider = provider.name,
                    "a rewritten record is not stored: {error}"
                );
            }
        }
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

    /// Opens the records of the subject's group that this kind may read, but those in which nothing is left.
    pub(crate) fn open_records(&self, provider: &Provider, subject: &Subject) -> Result<Vec<OpenRecord>> {
        usable_authenticators(provider, subject, self.now)
            .map(|authenticator| self.open_record(authenticator))
            .filter(|open| open.as_ref().map_or(true, |open| !is_spent(&open.bytes)))
            .collect()
    }

    /// Opens a record as its kind reads it.
    fn open_record(&self, authenticator: &Authenticator) -> Result<OpenRecord> {
        let bytes = self
            .keys
            .open(binding(authenticator).bytes(), &authenticator.record)?;
        Ok(OpenRecord {
            id: authenticator.at.id,
            version: authenticator.record_version,
            bytes,
            label: authenticator.label.clone(),
        })
    }

    /// What a person may see of an authenticator, a JSON object, as its kind tells it; `{}` where it tells nothing or
    /// cannot: who wants to see what there is is not refused for that.
    pub(crate) async fn description(&self, provider: &Provider, held: &Authenticator) -> String {
        let described = async {
            let record = self.open_record(held)?;
            if is_spent(&record.bytes) {
                return Ok(Map::new());
            }
            let ask = Ask {
                subject: Some(held.at.user_id),
                records: vec![record],
                ..self.blank(provider)
            };
            provider.kind.describe(ask).await
        };
        match described.await {
            Ok(seen) => Value::Object(seen).to_string(),
            Err(error) => {
                tracing::warn!(
                    target: "doorward::plugin", provider = provider.name, "an authenticator is listed without a description: {error}"
                );
                "{}".into()
            }
        }
    }

    /// Seals a record for its place.
    pub(crate) fn seal(&self, of: &Authenticator, plain: &Secret) -> Result<Vec<u8>> {
        self.keys.seal(self.random, binding(of).bytes(), plain.expose())
    }

    /// A new authenticator with the record that a kind gave.
    pub(crate) fn new_authenticator(
        &self,
        provider: &Provider,
        user_id: UserId,
        put: &crate::plugin::PutRecord,
    ) -> Result<Authenticator> {
        let id = if provider.kind.declaration().several_records {
            AuthenticatorId::generate(self.now, self.random)?
        } else {
            AuthenticatorId::SINGLE
        };
        let mut new = Authenticator {
            at: AuthenticatorAt {
                user_id,
                group: provider.group.clone(),
                id,
            },
            realm: self.realm.into(),
            handle: put.handle.clone(),
            kind: provider.kind.declaration().name.clone(),
            record: Vec::new(),
            record_version: 1,
            label: put.label.clone().unwrap_or_default(),
            status: AuthenticatorStatus::Active,
            created_at: self.now,
            last_used_at: None,
            expires_at: None,
            set_over: None,
            failures: 0,
        };
        new.record = self.seal(&new, &put.bytes)?;
        Ok(new)
    }

    /// Commits the records that a verification replaced. False: somebody else was first.
    async fn commit(&self, provider: &Provider, subject: &Subject, verdict: &Verdict) -> Result<bool> {
        for put in &verdict.records {
            let Some(current) = put.replaces.and_then(|id| {
                usable_authenticators(provider, subject, self.now).find(|held| held.at.id == id)
            }) else {
                return Err(Error::new(
                    ErrorKind::PluginFault,
                    format!(
                        "the kind of `{}` gave a new record in a verification",
                        provider.name
                    ),
                ));
            };
            let expect = current.record_version;
            let next = Authenticator {
                record_version: expect + 1,
                ..current.clone()
            };
            let sealed = self.seal(&next, &put.bytes)?;
            let naming = Naming {
                label: put.label.clone(),
                handle: put.handle.clone(),
            };
            let swap = self
                .store
                .swap_record(current.at.clone(), expect, sealed, naming, self.now);
            match swap.await? {
                Swapped::Done => {}
                Swapped::Lost => return Ok(false),
                Swapped::Taken => return Err(Error::conflict("handle", "the handle is taken")),
            }
        }
        Ok(true)
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

/// The authenticators that may be used now and that this kind wrote.
pub(crate) fn usable_authenticators<'s>(
    provider: &'s Provider,
    subject: &'s Subject,
    now: Timestamp,
) -> impl Iterator<Item = &'s Authenticator> {
    subject
        .authenticators
        .iter()
        .filter(move |held| usable(provider, held, now))
}

/// True when an authenticator may be used with this provider now: it is of its group, its kind wrote it, and it is
/// neither suspended nor expired.
pub(crate) fn usable(provider: &Provider, held: &Authenticator, now: Timestamp) -> bool {
    held.at.group == provider.group && held.kind == provider.kind.declaration().name && held.is_usable(now)
}

/// What a record is sealed to: moving it to another user, group, id, kind or version makes it unreadable.
pub(crate) fn binding(of: &Authenticator) -> Binding {
    Binding::of("record")
        .and(of.at.user_id.as_bytes())
        .and(of.at.group.as_bytes())
        .and(of.at.id.as_bytes())
        .and(of.kind.as_bytes())
        .and(&of.record_version.to_be_bytes())
}
