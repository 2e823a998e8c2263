//! What a plugin offers besides its kinds: the extensions that its module answers, read once when it is loaded.

#![expect(unsafe_code, reason = "a plugin's extensions are foreign memory")]

use std::ffi::CString;
use std::sync::Arc;

use doorward_plugin_abi as abi;

use super::foreign::{growing, text};
use super::kind_table::KindTable;

/// Longest name of a kind or an option.
const MAX_NAME: usize = 256;

/// What was offered.
#[derive(Default)]
pub(super) struct Offered {
    /// Kinds that rewrite records of older formats, and how.
    pub(super) migrations: Vec<(String, abi::Operation)>,
    /// Options that are secret: kind and dotted name.
    pub(super) secrets: Vec<(String, String)>,
}

impl Offered {
    /// Asks the module for the extensions that this version knows.
    ///
    /// # Safety
    /// `extension` is a module's, and follows the header: it gives NULL or the constant struct of that id.
    pub(super) unsafe fn by(extension: Option<abi::ModuleExtension>, kinds: &[&str]) -> Result<Self, String> {
        let mut offered = Self::default();
        let Some(extension) = extension else {
            return Ok(offered);
        };
        // SAFETY: the module's own function, with ids that end with a NUL (caller).
        let (migrate, secrets) = unsafe {
            (
                extension(abi::EXT_MIGRATE.as_ptr()).cast::<abi::Migrate>(),
                extension(abi::EXT_SECRETS.as_ptr()).cast::<abi::Secrets>(),
            )
        };
        if !migrate.is_null() {
            // SAFETY: the struct of that id (caller).
            let migrate = unsafe { growing(migrate) }.map_err(|why| format!("its dwp_migrate is {why}"))?;
            let operation = migrate.operation.ok_or("its dwp_migrate has no `operation`")?;
            for kind in kinds {
                let name = CString::new(*kind).map_err(|_| "a kind's name has a NUL")?;
                // SAFETY: the plugin's own function, with a name that ends with a NUL.
                if let Some(migrates) = unsafe { operation(name.as_ptr()) } {
                    offered.migrations.push(((*kind).to_owned(), migrates));
                }
            }
        }
        if !secrets.is_null() {
            // SAFETY: the struct of that id (caller).
            let secrets = unsafe { growing(secrets) }.map_err(|why| format!("its dwp_secrets is {why}"))?;
            if secrets.n_options > abi::limit::SECRETS {
                return Err(format!(
                    "its dwp_secrets lists {} options; {} are possible",
                    secrets.n_options,
                    abi::limit::SECRETS
                ));
            }
            if secrets.n_options > 0 && (secrets.options.is_null() || !secrets.options.is_aligned()) {
                return Err("its dwp_secrets has a list that is NULL or not aligned".into());
            }
            for at in 0..secrets.n_options as usize {
                // SAFETY: not NULL, aligned, `n_options` long, with texts that end with a NUL (header).
                let (kind, option) = unsafe {
                    let secret = secrets.options.add(at).read();
                    (text(secret.kind, MAX_NAME), text(secret.option, MAX_NAME))
                };
                match (kind, option) {
                    (Ok(Some(kind)), Ok(Some(option))) => offered.secrets.push((kind, option)),
                    _ => return Err("its dwp_secrets names an option without a proper name".into()),
                }
            }
        }
        Ok(offered)
    }

    /// Gives it to the kinds, which nobody else holds yet; what is secret is given back.
    pub(super) fn to(self, kinds: &mut [Arc<KindTable>]) -> Result<Vec<(String, String)>, String> {
        for (name, option) in &self.secrets {
            let named = kinds.iter_mut().filter_map(Arc::get_mut);
            let kind = named.into_iter().find(|kind| kind.declaration.name == *name);
            let kind = kind.ok_or(format!(
                "its dwp_secrets names the kind {name:?}, which it has not"
            ))?;
            if !kind
                .schema
                .as_mut()
                .is_some_and(|schema| schema.keep_secret(option))
            {
                return Err(format!(
                    "its dwp_secrets names the option {option:?}, which is no string of the kind's config_schema"
                ));
            }
        }
        for (name, operation) in self.migrations {
            for kind in kinds.iter_mut().filter_map(Arc::get_mut) {
                if kind.declaration.name == name && kind.declaration.keeps_records {
                    kind.operations.migrate = Some(operation);
                }
            }
        }
        Ok(self.secrets)
    }
}
