//! What a person may see of an authenticator, as its kind tells it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use doorward_base::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::{Inner, Kind};
use crate::ask::{Ask, Asked, Decision, Fields, Verdict};
use crate::verdict;

/// Whoever looks at a list waits for it: the most that one description takes.
const PATIENCE: Duration = Duration::from_secs(1);

impl Kind {
    /// What a person may see of the one record of the question: names and values, at most 8192 bytes as JSON. Waits as
    /// [`Kind::ask`] does, and at most a second.
    ///
    /// # Errors
    /// What [`Kind::ask`] says of a kind that could not decide; `PluginFault`: it wrote something else than what is to be
    /// seen, or too much.
    pub fn describe(&self, ask: Ask) -> impl Future<Output = Result<Map<String, Value>>> + Send + use<> {
        let inner = Arc::clone(&self.0);
        async move {
            if ask.decoy || ask.subject.is_none() || ask.records.len() != 1 {
                return Err(Error::new(
                    ErrorKind::Internal,
                    "a description is of one record of somebody",
                ));
            }
            let alone = Ask {
                credentials: Fields::default(),
                new_credentials: Fields::default(),
                state: None,
                resolved: None,
                ..ask
            };
            let seen = Inner::answered(&inner, alone, PATIENCE, Inner::described).await?;
            Ok(seen.attributes.into_iter().collect())
        }
    }
}

impl Inner {
    fn described(&self, ask: &Ask, deadline: Duration, cancelled: &AtomicBool) -> Result<Verdict> {
        let _passed = self.pass(deadline)?;
        // What is rewritten for this is rewritten again when somebody signs in with it, and stored then.
        let (newest, _) = self.migrated(ask, deadline, cancelled)?;
        let ask = newest.as_ref().unwrap_or(ask);
        let (status, draft) = self
            .opened
            .raw(Asked::Describe(ask), deadline, cancelled)
            .inspect_err(|error| self.count(error))?;
        self.log(&draft);
        let attributes = verdict::described(status, draft, &self.opened.table().declaration)
            .inspect_err(|error| self.count(error))?;
        Ok(Verdict {
            attributes,
            ..Verdict::of(Decision::Accept)
        })
    }
}
