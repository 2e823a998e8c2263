//! What a kind keeps: opened for it, sealed after it, stored by compare-and-swap.

use serde_json::{Map, Value};

use super::Verifier;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{AuthenticatorId, UserId};
use crate::keys::Binding;
use crate::plugin::{Ask, OpenRecord, Verdict, is_spent};
use crate::provider::Provider;
use crate::secret::Secret;
use crate::store::{Authenticator, AuthenticatorAt, AuthenticatorStatus, Naming, Subject, Swapped};

impl Verifier<'_> {
    /// Stores records that the kind has rewritten in its newest format, but those that the verdict replaces itself. Who
    /// was first wins, and what cannot be stored now is rewritten again next time.
    pub(super) async fn keep_migrated(&self, provider: &Provider, subject: &Subject, verdict: &Verdict) {
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
    pub(super) async fn commit(
        &self,
        provider: &Provider,
        subject: &Subject,
        verdict: &Verdict,
    ) -> Result<bool> {
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
