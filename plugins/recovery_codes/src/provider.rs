//! The kind `recovery_codes`: what it declares and what it does.

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, LogLevel, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict,
};

use crate::code;
use crate::options::Options;
use crate::set::{self, Found, Set};

/// Longest input for a code: as it is printed, and room for spaces.
const MAX_CODE: u32 = 64;

/// One configured provider of recovery codes.
pub(crate) struct RecoveryCodes {
    options: Options,
}

impl Kind for RecoveryCodes {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Possession,
        channel: c"recovery_codes",
        fields: &[&Field::new(c"code", MAX_CODE)
            .secret()
            .autocomplete(c"one-time-code")
            .asked_for(&[Purpose::Verify])],
        properties: &[Property::Inline, Property::KeepsRecords],
        operations: &[
            Operation::Enroll,
            Operation::Verify,
            Operation::Update,
            Operation::Describe,
        ],
        max_record: set::MAX_LEN,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"recovery_codes", c"Recovery codes", IdentifierSource::User)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.draw(request, reply)
    }

    /// A new set in place of the old one, of which no code is good any more.
    fn update(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        self.draw(request, reply)
    }

    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let typed = code::parse(request.credential("code"));
        let Some(record) = request.records().next() else {
            // No set or no user: the same work as for one. The host lets nobody in on a decoy.
            Set::nobodys(self.options.codes).find(request.host(), &typed.unwrap_or_default())?;
            return Ok(Verdict::Deny(Reason::NotEnrolled));
        };
        let mut set = Set::from_bytes(record.bytes())?;
        let Some(typed) = typed else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        match set.find(request.host(), &typed)? {
            Found::Fresh(index) => {
                set.mark_used(index);
                if set.left() == 0 {
                    reply.spend_record(&record);
                    reply.show_once(c"left", b"0");
                } else {
                    reply.replace_record(&record, &set.to_bytes());
                }
                self.warn(request.host(), &set);
                Ok(Verdict::Accept)
            }
            // Right once, so no guess.
            Found::Used => Ok(Verdict::Deny(Reason::Expired)),
            Found::Unknown => Ok(Verdict::Deny(Reason::Wrong)),
        }
    }

    fn describe(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Failure> {
        if let Some(record) = request.records().next() {
            let set = Set::from_bytes(record.bytes())?;
            reply.attribute(c"left", &set.left().to_string());
            reply.attribute(c"total", &set.total().to_string());
        }
        Ok(())
    }
}

impl RecoveryCodes {
    fn draw(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let (set, codes) = Set::draw(request.host(), self.options.codes)?;
        reply.new_record(&set.to_bytes());
        reply.show_once(c"codes", codes.as_bytes());
        Ok(Verdict::Accept)
    }

    /// Tells the application when it is time to offer a new set. Told again if the host has to ask once more.
    fn warn(&self, host: Host<'_>, set: &Set) {
        if set.left() >= self.options.warn_below.into() {
            return;
        }
        let detail = format!("{{\"left\":{}}}", set.left());
        if let Err(failure) = host.audit(c"recovery_codes.few_left", &detail) {
            // A host that takes no events is no reason to refuse a good code.
            host.log(LogLevel::Warn, failure.message());
        }
    }
}
