//! One conversation with the directory: find the person's entry, bind as it.

use std::time::Duration;

use doorward_plugin::{Failure, Host, Reason, Verdict};
use ldap3::controls::RawControl;
use ldap3::{
    LdapConn, LdapConnSettings, LdapError, Scope, SearchEntry, SearchOptions, dn_escape, ldap_escape,
};

use crate::account::{self, PASSWORD_POLICY};
use crate::options::{Finding, Options, PLACE};

/// An entry that nobody has: bound to where there is no such person, so that the directory is asked as often.
const NOBODY: &str = "uid=doorward.nobody,dc=invalid";

/// What the directory said.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// The attributes that were asked for, with their values.
    pub(crate) attributes: Vec<(String, Vec<String>)>,
}

/// A person's entry.
struct Entry {
    dn: String,
    attributes: Vec<(String, Vec<String>)>,
}

/// A connection of one verification. Never shared: a bind changes who it speaks for.
struct Conversation<'o> {
    options: &'o Options,
    connection: LdapConn,
    /// Says how long there is.
    host: Host<'o>,
}

/// Asks the directory about one person.
///
/// # Errors
/// It could not decide: unreachable, too slow, refused us, or refers to others.
pub(crate) fn verify(
    options: &Options,
    name: &str,
    password: &str,
    host: Host<'_>,
) -> Result<Answer, Failure> {
    let mut conversation = Conversation::begin(options, host)?;
    let found = match &options.finding {
        Finding::Named { user_dn } => Some(Entry {
            dn: user_dn.replace(PLACE, &dn_escape(name)),
            attributes: Vec::new(),
        }),
        Finding::Searched {
            base,
            filter,
            account,
        } => {
            if let Some((dn, secret)) = account {
                conversation.identify(dn, secret)?;
            }
            conversation.find(base, &filter.replace(PLACE, &ldap_escape(name)))?
        }
    };
    let verdict = conversation.bind(found.as_ref().map_or(NOBODY, |entry| &entry.dn), password)?;
    let answer = match (verdict, found) {
        (Verdict::Accept, Some(mut entry)) => {
            if matches!(options.finding, Finding::Named { .. }) && !options.attributes.is_empty() {
                entry.attributes = conversation.own_attributes(&entry.dn)?;
            }
            Answer {
                verdict: Verdict::Accept,
                attributes: entry.attributes,
            }
        }
        // Nobody's entry accepts nobody, whatever a directory says.
        (Verdict::Accept, None) => denied(Reason::Wrong),
        (verdict, _) => Answer {
            verdict,
            attributes: Vec::new(),
        },
    };
    // The answer stands, whether or not the directory hears the goodbye.
    let _ = conversation.connection.unbind();
    Ok(answer)
}

/// Whether the directory can be reached and knows the service account.
///
/// # Errors
/// As for [`verify`].
pub(crate) fn reach(options: &Options, host: Host<'_>) -> Result<(), Failure> {
    let mut conversation = Conversation::begin(options, host)?;
    if let Finding::Searched {
        account: Some((dn, secret)),
        ..
    } = &options.finding
    {
        conversation.identify(dn, secret)?;
    }
    Ok(())
}

fn denied(reason: Reason) -> Answer {
    Answer {
        verdict: Verdict::Deny(reason),
        attributes: Vec::new(),
    }
}

impl<'o> Conversation<'o> {
    fn begin(options: &'o Options, host: Host<'o>) -> Result<Self, Failure> {
        let mut settings = LdapConnSettings::new()
            .set_conn_timeout(left(options, host)?)
            .set_starttls(options.start_tls);
        if let Some(tls) = &options.tls {
            settings = settings.set_config(tls.clone());
        }
        let connection =
            LdapConn::with_settings(settings, &options.url).map_err(|error| undecided(&error))?;
        Ok(Self {
            options,
            connection,
            host,
        })
    }

    /// The time that the next request may take.
    fn in_time(&mut self) -> Result<&mut LdapConn, Failure> {
        let left = left(self.options, self.host)?;
        Ok(self.connection.with_timeout(left))
    }

    /// Binds as the service account.
    fn identify(&mut self, dn: &str, password: &[u8]) -> Result<(), Failure> {
        let password =
            std::str::from_utf8(password).map_err(|_| Failure::config("bind_password must be UTF-8"))?;
        let result = self
            .in_time()?
            .simple_bind(dn, password)
            .map_err(|error| undecided(&error))?;
        match result.rc {
            0 => Ok(()),
            code => Err(Failure::unavailable(format!(
                "the directory did not take bind_dn and bind_password (result code {code})"
            ))),
        }
    }

    /// The one entry that the filter finds. None, or more than one, is nobody.
    fn find(&mut self, base: &str, filter: &str) -> Result<Option<Entry>, Failure> {
        // Two are enough to know that the name is ambiguous.
        let limits = SearchOptions::new().sizelimit(2);
        let wanted = match self.options.attributes.as_slice() {
            // RFC 4511 section 4.5.1.8: no attributes.
            [] => vec!["1.1"],
            some => some.iter().map(String::as_str).collect(),
        };
        self.connection.with_search_options(limits);
        let result = self
            .in_time()?
            .search(base, Scope::Subtree, filter, wanted)
            .map_err(|error| undecided(&error))?;
        let (entries, referrals): (Vec<_>, Vec<_>) = result.0.into_iter().partition(|entry| !entry.is_ref());
        if self.options.refuse_referrals && (!referrals.is_empty() || !result.1.refs.is_empty()) {
            return Err(Failure::unavailable(
                "the directory refers to another one (referrals = \"refuse\"): set url or base to that one",
            ));
        }
        match result.1.rc {
            // 4 sizeLimitExceeded: at least two. 32 noSuchObject: base is wrong, which an operator must hear.
            0 | 4 => {}
            code => {
                return Err(Failure::unavailable(format!(
                    "the directory answered the search with result code {code} (RFC 4511 appendix A)"
                )));
            }
        }
        let mut entries = entries.into_iter().filter(|entry| !entry.is_intermediate());
        match (entries.next(), entries.next(), result.1.rc) {
            (Some(one), None, 0) => Ok(Some(self.entry(SearchEntry::construct(one)))),
            _ => Ok(None),
        }
    }

    fn entry(&self, found: SearchEntry) -> Entry {
        // Attribute names are compared without regard to case (RFC 4512 section 2.5).
        let attributes = self.options.attributes.iter().filter_map(|wanted| {
            let (_, values) = found
                .attrs
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
            Some((wanted.clone(), values.clone()))
        });
        Entry {
            attributes: attributes.collect(),
            dn: found.dn,
        }
    }

    /// The attributes that a person may read of their own entry.
    fn own_attributes(&mut self, dn: &str) -> Result<Vec<(String, Vec<String>)>, Failure> {
        let wanted = &self.options.attributes;
        let found = self
            .in_time()?
            .search(dn, Scope::Base, "(objectClass=*)", wanted)
            .map_err(|error| undecided(&error))?;
        let entry = found
            .0
            .into_iter()
            .find(|entry| !entry.is_ref() && !entry.is_intermediate());
        Ok(entry.map_or_else(Vec::new, |entry| {
            self.entry(SearchEntry::construct(entry)).attributes
        }))
    }

    /// Asks the directory whether this is the person's password.
    fn bind(&mut self, dn: &str, password: &str) -> Result<Verdict, Failure> {
        let policy = RawControl {
            ctype: PASSWORD_POLICY.into(),
            crit: false,
            val: None,
        };
        self.connection.with_controls(policy);
        let result = self
            .in_time()?
            .simple_bind(dn, password)
            .map_err(|error| undecided(&error))?;
        account::judge(&result)
    }
}

/// The time that is left, at most the configured one.
fn left(options: &Options, host: Host<'_>) -> Result<Duration, Failure> {
    let left = host.remaining().min(options.timeout);
    if left.is_zero() {
        return Err(Failure::timeout());
    }
    Ok(left)
}

/// A conversation that broke decides nothing. The library's text names addresses and certificates, no credentials.
fn undecided(error: &LdapError) -> Failure {
    match error {
        LdapError::Timeout { .. } => Failure::timeout(),
        error => Failure::unavailable(format!("the directory cannot be asked: {error}")),
    }
}
