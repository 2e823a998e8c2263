//! What the processes on one database have in common: its schema, its keys, and the settings that must be equal.

use super::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Agreed, SchemaState};

impl Context {
    /// Schema, clock and agreement, before the first operation.
    pub(super) async fn prepare(&self) -> Result<()> {
        let SchemaState { found, current } = self.store.schema().await?;
        if found < current && self.settings.store.migrate {
            self.store.migrate().await?;
        } else if found != current {
            return Err(Error::new(
                ErrorKind::SchemaMismatch,
                format!(
                    "the database has schema {found}, this release needs {current}: run `migrate`, or set `migrate = true`"
                ),
            ));
        }
        self.check_keys().await?;
        let disagreements = self.store.agree(self.agreed(), false, self.now()).await?;
        match disagreements.first() {
            None => self.finish_first_start().await,
            Some(first) => Err(Error::new(
                ErrorKind::Disagreement,
                format!(
                    "`{}` is `{}` here and `{}` in the database: make them equal, or run `doorward agree {}`",
                    first.name, first.ours, first.stored, first.name
                ),
            )),
        }
    }

    /// Every key that the database names must be here, unless absent ones are allowed.
    async fn check_keys(&self) -> Result<()> {
        if self.settings.allow_missing_keys {
            return Ok(());
        }
        for item in self.store.agreed("key/".into()).await? {
            let id = item.name.trim_start_matches("key/");
            if !self.keys.has(id) {
                return Err(Error::new(
                    ErrorKind::KeyMissing,
                    format!(
                        "the database was sealed with key \"{id}\", which is not in `keys`: add it, or set \
                         `allow_missing_keys = true` to go on without what it sealed"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What must be equal in all processes.
    fn agreed(&self) -> Vec<Agreed> {
        let mut items = self.providers.agreed();
        let session = &self.settings.session;
        items.push(Agreed {
            name: "session".into(),
            value: format!(
                "access_ttl={} grace={} idle_ttl={} absolute_ttl={} max_sign_ins={}",
                session.access_ttl.as_millis(),
                session.grace.as_millis(),
                session.idle_ttl.as_millis(),
                session.absolute_ttl.as_millis(),
                session.max_sign_ins
            ),
        });
        let mut unique = self.settings.unique_attributes.clone();
        unique.sort();
        items.push(Agreed {
            name: "attributes/unique".into(),
            value: unique.join(","),
        });
        items.extend(self.keys.ids().map(|id| Agreed {
            name: format!("key/{id}"),
            value: self.keys.check_value(id),
        }));
        items
    }

    /// Brings the schema to this release, started or not.
    pub(in crate::auth) async fn migrate(&self) -> Result<()> {
        self.with_store(async { Ok(self.store.migrate().await?) }).await
    }

    /// Overwrites one agreed item with what this process has, started or not: what it mends refuses a start.
    pub(in crate::auth) async fn agree(&self, name: &str) -> Result<()> {
        let Some(item) = self.agreed().into_iter().find(|item| item.name == name) else {
            let message = format!("this configuration has no item `{name}` to agree on");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        self.with_store(async { Ok(self.store.agree(vec![item], true, self.now()).await?) })
            .await?;
        Ok(())
    }
}
