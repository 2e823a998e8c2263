//! The kind `email_code`: what it declares and what it does.

use doorward_plugin::{
    Allowed, Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Message, Operation,
    Property, Purpose, Reason, Reply, Request, Verdict, Zeroizing,
};

use crate::address::mailable;
use crate::code;
use crate::options::{Link, Options};
use crate::sent::{self, Sent, Typed};

/// Longest input for a code: ten digits and their grouping.
const MAX_CODE: u32 = 32;
/// The words that the application shall use.
const TEMPLATE: &std::ffi::CStr = c"sign_in_code";
/// Where a message to nobody would go (RFC 2606): written like any other, and never sent.
const NOBODY: &str = "nobody@invalid";

/// The counter of messages to one address, and how many it takes at once.
const LIMIT: &std::ffi::CStr = c"message";
const BURST: u32 = 3;

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
        config_schema: Some(Options::SCHEMA),
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
        let code = code::draw(host, self.options.digits)?;
        let lifetime = i64::try_from(self.options.lifetime().as_micros()).unwrap_or(0);
        let expires_at = host.unix_micros()?.saturating_add(lifetime);
        let sent = Sent::new(host, request.identifier(), &code, expires_at)?;
        // One code a lifetime, after a few at once: what was sent last is still good then. Nobody is told.
        let subject = if request.identifier().is_empty() {
            NOBODY.as_bytes()
        } else {
            request.identifier()
        };
        if host.limit(LIMIT, subject, BURST, self.options.lifetime())? == Allowed::Open {
            self.queue(reply, address, &code)?;
        }
        reply.state(&sent.to_bytes(), self.options.lifetime());
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
        let minutes = self.options.lifetime().as_secs().div_ceil(60).to_string();
        let link = self.options.link.as_ref().map(|Link(page)| {
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
            lifetime: self.options.lifetime(),
        })
    }
}
