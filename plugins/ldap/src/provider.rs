//! The kind `ldap`: what it declares and what it does.

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, LogLevel, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict,
};

use crate::directory;
use crate::name;
use crate::options::Options;

/// Longest password, in bytes.
const MAX_PASSWORD: u32 = 1024;

/// One configured directory.
pub(crate) struct Ldap {
    options: Options,
}

impl Kind for Ldap {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Knowledge,
        channel: c"directory",
        fields: &[&Field::new(c"password", MAX_PASSWORD)
            .secret()
            .autocomplete(c"current-password")
            .asked_for(&[Purpose::Verify])],
        properties: &[Property::CanStart],
        operations: &[Operation::Normalize, Operation::Verify, Operation::Health],
        normalize_version: 1,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"ldap", c"Directory", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    fn normalize(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        match name::canonical(request.identifier_raw()) {
            Some(canonical) => {
                reply.identifier(canonical.as_bytes());
                Ok(Verdict::Accept)
            }
            None => Ok(Verdict::Deny(Reason::InvalidInput)),
        }
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let password = request.credential("password");
        // A bind with a name and no password succeeds and proves nothing (RFC 4513 section 5.1.2).
        if password.is_empty() {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        }
        let (Some(name), Ok(password)) = (
            name::canonical(request.identifier()),
            std::str::from_utf8(password),
        ) else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        let answer = directory::verify(&self.options, &name, password, request.host())?;
        if answer.verdict == Verdict::Accept {
            for (attribute, values) in &answer.attributes {
                assert_attribute(request.host(), reply, attribute, values);
            }
        }
        Ok(answer.verdict)
    }

    fn health(&self, host: Host<'_>) -> Result<(), Failure> {
        directory::reach(&self.options, host)
    }
}

/// Asserts one attribute: a list of texts, whatever their number, so that nobody is surprised by a second value.
fn assert_attribute(host: Host<'_>, reply: &mut Reply<'_>, attribute: &str, values: &[String]) {
    match std::ffi::CString::new(attribute.to_ascii_lowercase().replace('-', "_")) {
        Ok(name) => reply.attribute(&name, &serde_json::json!(values).to_string()),
        Err(_) => host.log(LogLevel::Warn, "an attribute's name has a NUL in it"),
    }
}
