//! The options of one directory.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use doorward_plugin::{Config, Failure, Zeroizing};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// What the host checks the configuration against; README.md says the same in words.
pub(crate) const SCHEMA: &CStr = cr#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["url"],
  "properties": {
    "url": { "type": "string", "minLength": 8, "maxLength": 512 },
    "start_tls": { "type": "boolean", "default": true },
    "danger_plaintext": { "type": "boolean", "default": false },
    "ca_file": { "type": "string", "minLength": 1, "maxLength": 4096 },
    "user_dn": { "type": "string", "minLength": 3, "maxLength": 1024 },
    "base": { "type": "string", "minLength": 1, "maxLength": 1024 },
    "filter": { "type": "string", "minLength": 3, "maxLength": 1024, "default": "(uid={identifier})" },
    "bind_dn": { "type": "string", "minLength": 1, "maxLength": 1024 },
    "bind_password": { "type": "string", "minLength": 1, "maxLength": 1024, "writeOnly": true },
    "attributes": { "type": "string", "maxLength": 1024, "default": "" },
    "referrals": { "type": "string", "enum": ["ignore", "refuse"], "default": "ignore" },
    "timeout_ms": { "type": "integer", "minimum": 100, "maximum": 30000, "default": 5000 }
  }
}"#;

/// Stands for the name in `filter` and `user_dn`.
pub(crate) const PLACE: &str = "{identifier}";

/// How the person's entry is found.
pub(crate) enum Finding {
    /// Its name is made from the person's.
    Named { user_dn: String },
    /// It is searched for, as this account or anonymously.
    Searched {
        base: String,
        filter: String,
        account: Option<(String, Zeroizing<Vec<u8>>)>,
    },
}

/// Checked options.
pub(crate) struct Options {
    pub(crate) url: String,
    pub(crate) start_tls: bool,
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) finding: Finding,
    pub(crate) attributes: Vec<String>,
    /// A referral among the search's answers is an error instead of nothing.
    pub(crate) refuse_referrals: bool,
    pub(crate) timeout: Duration,
}

impl Options {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let text = |name| config.text(name).map(|text| text.map(str::to_owned));
        let url = text(c"url")?.unwrap_or_default();
        let is_tls = url.starts_with("ldaps://");
        if !is_tls && !url.starts_with("ldap://") {
            return Err(Failure::config("url must begin with ldaps:// or ldap://"));
        }
        let start_tls = !is_tls && config.boolean(c"start_tls")?.unwrap_or(true);
        if !is_tls && !start_tls && !config.boolean(c"danger_plaintext")?.unwrap_or(false) {
            return Err(Failure::config(
                "passwords would cross the network readably: use ldaps://, or start_tls, or say danger_plaintext = true",
            ));
        }
        let timeout = u64::try_from(config.integer(c"timeout_ms")?.unwrap_or(5000)).unwrap_or(5000);
        Ok(Self {
            tls: (is_tls || start_tls)
                .then(|| tls(text(c"ca_file")?.as_deref()))
                .transpose()?,
            url,
            start_tls,
            finding: finding(config)?,
            attributes: text(c"attributes")?
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            refuse_referrals: config.text(c"referrals")? == Some("refuse"),
            timeout: Duration::from_millis(timeout),
        })
    }
}

fn finding(config: &Config<'_>) -> Result<Finding, Failure> {
    let placed = |option: &str, template: String| {
        if template.matches(PLACE).count() == 0 {
            return Err(Failure::config(format!("{option} must contain {PLACE}")));
        }
        Ok(template)
    };
    match (config.text(c"user_dn")?, config.text(c"base")?) {
        (Some(template), None) => Ok(Finding::Named {
            user_dn: placed("user_dn", template.to_owned())?,
        }),
        (None, Some(base)) => {
            let filter = config.text(c"filter")?.unwrap_or("(uid={identifier})");
            let account = match (config.text(c"bind_dn")?, config.secret(c"bind_password")?) {
                (None, None) => None,
                (Some(dn), Some(password)) => Some((dn.to_owned(), Zeroizing::new(password.to_vec()))),
                _ => {
                    return Err(Failure::config(
                        "bind_dn and bind_password belong together: set both or neither",
                    ));
                }
            };
            Ok(Finding::Searched {
                base: base.to_owned(),
                filter: placed("filter", filter.to_owned())?,
                account,
            })
        }
        _ => Err(Failure::config(
            "set either base (and filter), to search for people, or user_dn, to name their entries directly",
        )),
    }
}

/// Whom to trust: the authorities of the file, or those of the system.
fn tls(ca_file: Option<&str>) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let unreadable = |why: String| Failure::config(format!("ca_file {path:?} cannot be used: {why}"));
            for certificate in
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?
            {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("it holds no certificate".into()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}
