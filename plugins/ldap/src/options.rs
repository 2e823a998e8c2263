//! The options of one directory.

use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

use doorward_plugin::options::{FromText, Shape};
use doorward_plugin::{Config, Failure, Zeroizing, choices, options};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

options! {
    /// The options as an operator writes them.
    struct Written {
        /// The server; its name must be in its certificate.
        url: Server,
        /// On `ldap://`: TLS before anything else (RFC 4511 section 4.14).
        start_tls: bool = true,
        /// Lets passwords cross the network readably, with `start_tls = false`.
        danger_plaintext: bool = false,
        /// Path of PEM: whom to trust.
        ca_file: Option<String> [1..=4096] => "the system's authorities",
        /// The DN under which people are searched for, with its whole subtree.
        base: Option<String> [1..=1024],
        /// Which entry is the person's (RFC 4515); the name is escaped.
        filter: Template = "(uid={identifier})",
        /// The DN of the account that searches; set it with `bind_password`, or neither.
        bind_dn: Option<String> [1..=1024] => "anonymous",
        /// The password of `bind_dn`.
        bind_password: Option<Zeroizing<Vec<u8>>> [1..=1024],
        /// Names the entry by its DN without a search, in place of `base`; the name is escaped.
        user_dn: Option<Template>,
        /// Names with spaces between: asserted with the verdict, each as a list of texts, in lower case with `_` for `-`.
        attributes: String [0..=1024] = "",
        /// Referrals are never followed; `refuse` answers *unavailable* when the directory gives one.
        referrals: Referrals = "ignore",
        /// For the connection and for each request, in milliseconds, within the deadline of the call.
        timeout_ms: u64 [100..=30_000] = 5000,
    }
}

choices! {
    /// What a referral among the search's answers is.
    #[derive(PartialEq, Eq)]
    enum Referrals {
        /// Nothing.
        Ignore = "ignore",
        /// An error.
        Refuse = "refuse",
    }
}

/// Stands for the name in `filter` and `user_dn`.
pub(crate) const PLACE: &str = "{identifier}";

/// DN and password of who searches.
type Account = (String, Zeroizing<Vec<u8>>);

/// How the person's entry is found.
pub(crate) enum Finding {
    /// Its name is made from the person's.
    Named { user_dn: String },
    /// It is searched for, as this account or anonymously.
    Searched {
        base: String,
        filter: String,
        account: Option<Account>,
    },
}

/// Options as the protocol needs them.
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
    pub(crate) const SCHEMA: &CStr = Written::SCHEMA;

    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Failure> {
        let written = Written::read(config)?;
        let Server(url) = written.url;
        let is_tls = url.starts_with("ldaps://");
        let start_tls = !is_tls && written.start_tls;
        if !is_tls && !start_tls && !written.danger_plaintext {
            return Err(Failure::config(
                "passwords would cross the network readably: use ldaps://, or start_tls, or say danger_plaintext = true",
            ));
        }
        Ok(Self {
            tls: (is_tls || start_tls)
                .then(|| tls(written.ca_file.as_deref()))
                .transpose()?,
            url,
            start_tls,
            attributes: written.attributes.split_whitespace().map(str::to_owned).collect(),
            refuse_referrals: written.referrals == Referrals::Refuse,
            timeout: Duration::from_millis(written.timeout_ms),
            finding: match (written.user_dn, written.base) {
                (Some(Template(user_dn)), None) => Finding::Named { user_dn },
                (None, Some(base)) => Finding::Searched {
                    base,
                    filter: written.filter.0,
                    account: account(written.bind_dn, written.bind_password)?,
                },
                _ => {
                    return Err(Failure::config(
                        "set either base (and filter), to search for people, or user_dn, to name their entries directly",
                    ));
                }
            },
        })
    }
}

fn account(dn: Option<String>, password: Option<Zeroizing<Vec<u8>>>) -> Result<Option<Account>, Failure> {
    match (dn, password) {
        (None, None) => Ok(None),
        (Some(dn), Some(password)) => Ok(Some((dn, password))),
        _ => Err(Failure::config(
            "bind_dn and bind_password belong together: set both or neither",
        )),
    }
}

/// The address of a directory.
struct Server(String);

impl FromText for Server {
    const SHAPE: Shape = Shape::text(8..=512, "an address that begins with `ldaps://` or `ldap://`");

    fn from_text(text: &str) -> Option<Self> {
        let is_ldap = text.starts_with("ldaps://") || text.starts_with("ldap://");
        is_ldap.then(|| Self(text.to_owned()))
    }
}

/// A text in which the name has its place.
struct Template(String);

impl FromText for Template {
    const SHAPE: Shape = Shape::text(3..=1024, "3 to 1024 characters, with `{identifier}` among them");

    fn from_text(text: &str) -> Option<Self> {
        text.contains(PLACE).then(|| Self(text.to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_options_that_are_declared() {
        doorward_plugin_testing::same_options(include_str!("../README.md"), Written::DECLARED);
    }
}
