//! The kind `email_code`: what it declares and what it does.

use std::time::Duration;

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, Host, IdentifierSource, Kind, Message, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict, Zeroizing,
};

use crate::address::mailable;
use crate::code;
use crate::options::{Options, SCHEMA};
use crate::sent::{self, Sent, Typed};

/// Longest input for a code: ten digits and their grouping.
const MAX_CODE: u32 = 32;
/// The words that the application shall use.
const TEMPLATE: &std::ffi::CStr = c"sign_in_code";
/// Where a message to nobody would go (RFC 2606): written like any other, and never sent.
const NOBODY: &str = "nobody@invalid";
/// The time in which messages to one address are counted.
const HOUR: Duration = Duration::from_hours(1);

/// One configured provider of e-mail codes.
pub(crate) struct EmailCode {
    options: Options,
}

impl Kind for EmailCode {
    const DECLARATION: Declaration = Declaration {
        factor: FactorClass::Possession,
        channel: c"email",
        fields: &[&Field::new(c"code", MAX_CODE)
            .secret()
            .autocomplete(c"one-time-code")
            .asked_for(&[Purpose::Verify])
            .at_step(1)],
        properties: &[Property::CanStart],
        operations: &[Operation::Verify, Operation::Step],
        max_state: sent::LEN,
        config_schema: Some(SCHEMA),
        ..Declaration::new(c"email_code", c"Code by e-mail", IdentifierSource::Given)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
        })
    }

    /// First step: draws a code and queues the message. For nobody's address, too: then whoever reads it may sign up.
    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let address = match mailable(request.identifier_raw()) {
            Some(address) => address,
            // A question about nobody is answered like any other, whatever was typed.
            None if request.is_decoy() => NOBODY,
            None => return Ok(Verdict::Deny(Reason::InvalidInput)),
        };
        let host = request.host();
        if self.too_many(host, request.identifier())? {
            return Ok(Verdict::Deny(Reason::Locked));
        }
        let code = code::draw(host, self.options.digits)?;
        let lifetime = i64::try_from(self.options.lifetime.as_micros()).unwrap_or(0);
        let expires_at = host.unix_micros()?.saturating_add(lifetime);
        let sent = Sent::new(host, request.identifier(), &code, expires_at)?;
        self.queue(reply, address, &code)?;
        reply.state(&sent.to_bytes(), self.options.lifetime);
        reply.challenge(c"digits", self.options.digits.to_string().as_bytes());
        Ok(Verdict::Continue)
    }

    /// Second step: compares. The flow is good for one acceptance and a few attempts; the host sees to that.
    fn step(&self, request: &Request<'_>, _reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if request.purpose() != Some(Purpose::Verify) {
            return Err(Failure::unsupported());
        }
        let sent = Sent::from_bytes(request.state())?;
        let host = request.host();
        let now = host.unix_micros()?;
        Ok(
            match sent.compare(host, request.identifier(), request.credential("code"), now)? {
                Typed::Right => Verdict::Accept,
                Typed::Late => Verdict::Deny(Reason::Expired),
                Typed::Wrong => Verdict::Deny(Reason::Wrong),
                Typed::Malformed => Verdict::Deny(Reason::InvalidInput),
            },
        )
    }
}

impl EmailCode {
    /// The message: code, minutes, and the link where there is one.
    fn queue(&self, reply: &mut Reply<'_>, address: &str, code: &str) -> Result<(), Failure> {
        let minutes = self.options.lifetime.as_secs().div_ceil(60).to_string();
        let link = self.options.link.as_deref().map(|page| {
            // Growing would leave a copy of the code behind.
            let mut link = Zeroizing::new(String::with_capacity(page.len() + "#code=".len() + code.len()));
            link.push_str(page);
            link.push_str("#code=");
            link.push_str(code);
            link
        });
        let mut params = vec![("code", code), ("minutes", minutes.as_str())];
        if let Some(link) = &link {
            params.push(("link", link.as_str()));
        }
        reply.deliver(&Message {
            channel: c"email",
            address,
            template: TEMPLATE,
            params: &params,
            lifetime: self.options.lifetime,
        })
    }

    /// Counts a message to this address, whoever asks for it, and says whether there were enough within the hour.
    fn too_many(&self, host: Host<'_>, canonical: &[u8]) -> Result<bool, Failure> {
        let Some(most) = self.options.max_per_hour else {
            return Ok(false);
        };
        let kv = host.kv().ok_or_else(|| {
            Failure::config("the host keeps no counters: set max_per_hour = 0 and bound messages yourself")
        })?;
        let mut key = b"sent/".to_vec();
        key.extend_from_slice(&host.sha256(canonical)?);
        Ok(kv.add(&key, 1, Some(HOUR))? > most)
    }
}
