//! The kind `oidc`: what it declares and what it does.

use std::time::Duration;

use doorward_plugin::{
    Config, Declaration, FactorClass, Failure, Field, IdentifierSource, Kind, Operation, Property, Purpose,
    Reason, Reply, Request, Verdict,
};

use crate::discovery::{Discovery, Metadata};
use crate::id_token::Expected;
use crate::keys::Keys;
use crate::options::Options;
use crate::pending::{MAX_STATE, Pending};
use crate::{attributes, authorization, identity, redemption};

/// Longest authorization code that is taken, in bytes.
const MAX_CODE: u32 = 4096;
/// How long a person may take at the issuer.
const AWAY: Duration = Duration::from_mins(15);
/// Three requests to the issuer and the person's patience, in milliseconds.
const DEADLINE_MS: u32 = 20_000;

/// One issuer, at which this program is a client.
pub(crate) struct Oidc {
    options: Options,
    discovery: Discovery,
    keys: Keys,
}

impl Kind for Oidc {
    const DECLARATION: Declaration = Declaration {
        // What the issuer asks of people is its own business; the least that it can be is a password.
        factor: FactorClass::Knowledge,
        channel: c"oidc",
        fields: &[
            &Field::new(c"state", 512)
                .secret()
                .asked_for(&[Purpose::Verify])
                .at_step(1),
            &Field::new(c"code", MAX_CODE)
                .secret()
                .optional()
                .asked_for(&[Purpose::Verify])
                .at_step(1),
            &Field::new(c"iss", 1024)
                .optional()
                .asked_for(&[Purpose::Verify])
                .at_step(1),
            &Field::new(c"error", 256)
                .optional()
                .asked_for(&[Purpose::Verify])
                .at_step(1),
        ],
        properties: &[Property::CanStart, Property::TwoInOne, Property::Unguessable],
        operations: &[Operation::Verify, Operation::Step],
        max_state: MAX_STATE,
        default_deadline_ms: DEADLINE_MS,
        config_schema: Some(Options::SCHEMA),
        ..Declaration::new(c"oidc", c"OpenID Connect", IdentifierSource::Found)
    };

    fn open(config: &Config<'_>) -> Result<Self, Failure> {
        Ok(Self {
            options: Options::read(config)?,
            discovery: Discovery::default(),
            keys: Keys::default(),
        })
    }

    /// First step: where to send the browser.
    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let host = request.host();
        let metadata = self.discovery.metadata(host, &self.options.issuer)?;
        let (pending, state) = Pending::begin(host, &self.options.issuer)?;
        let url = authorization::request(host, &self.options, &metadata, &pending, &state)?;
        reply.challenge(c"url", url.as_bytes());
        reply.state(&pending.to_bytes()?, AWAY);
        Ok(Verdict::Continue)
    }

    /// Second step: the browser is back.
    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        if request.purpose() != Some(Purpose::Verify) {
            return Err(Failure::unsupported());
        }
        let host = request.host();
        let pending = Pending::from_bytes(request.state())?;
        if pending.issuer != self.options.issuer {
            return Err(Failure::format("this sign-in was begun with another issuer"));
        }
        let metadata = self.discovery.metadata(host, &self.options.issuer)?;
        // In this order: before it is known to belong to this sign-in, nothing in the answer means anything, and a code
        // goes to no issuer but the one that made it.
        if !pending.has_state(host, request.credential("state"))? {
            return Ok(deny(reply, "its state is of another sign-in"));
        }
        if let Err(why) = self.is_from_issuer(&metadata, request.credential("iss")) {
            return Ok(deny(reply, why));
        }
        match request.credential("error") {
            b"" => {}
            b"temporarily_unavailable" | b"server_error" => {
                return Err(Failure::unavailable(
                    "the issuer says that it cannot sign anybody in now",
                ));
            }
            // The person said no, or the issuer did: nothing was presented, so nothing was wrong.
            _ => {
                reply.message("the issuer did not sign the person in");
                return Ok(Verdict::Deny(Reason::InvalidInput));
            }
        }
        let Some(code) = std::str::from_utf8(request.credential("code"))
            .ok()
            .filter(|code| !code.is_empty())
        else {
            return Ok(Verdict::Deny(Reason::InvalidInput));
        };
        self.redeem(request, reply, &metadata, &pending, code)
    }
}

impl Oidc {
    /// RFC 9207: two issuers at which we are a client cannot be taken for one another.
    fn is_from_issuer(&self, metadata: &Metadata, iss: &[u8]) -> Result<(), &'static str> {
        match iss {
            b"" if metadata.says_iss => Err("it lacks `iss`, which this issuer always sends: pass it on"),
            b"" => Ok(()),
            iss if iss == self.options.issuer.as_bytes() => Ok(()),
            _ => Err("it comes from another issuer"),
        }
    }

    fn redeem(
        &self,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
        metadata: &Metadata,
        pending: &Pending,
        code: &str,
    ) -> Result<Verdict, Failure> {
        let host = request.host();
        let Some(tokens) = redemption::redeem(host, &self.options, metadata, pending, code)? else {
            return Ok(deny(reply, "its code is not good"));
        };
        let expected = Expected {
            options: &self.options,
            metadata,
            pending,
            keys: &self.keys,
            code,
            access_token: &tokens.access_token,
        };
        let mut claims = match expected.verify(host, &tokens.id_token)? {
            Ok(claims) => claims,
            Err(why) => {
                reply.message(&format!("an ID token was not believed: {why}"));
                return Ok(Verdict::Deny(Reason::Wrong));
            }
        };
        // From the token, which is signed, before anything else is asked.
        let is_two_in_one = claims.is_two_in_one(&self.options);
        if self.options.userinfo {
            attributes::add_userinfo(host, metadata, &tokens.access_token, &mut claims)?;
        }
        reply.identifier(&identity::identifier(&self.options.issuer, &claims.subject));
        attributes::write(reply, &self.options.issuer, &claims);
        Ok(if is_two_in_one {
            Verdict::AcceptTwoInOne
        } else {
            Verdict::Accept
        })
    }
}

fn deny(reply: &mut Reply<'_>, why: &str) -> Verdict {
    reply.message(&format!("an answer of the browser was refused: {why}"));
    Verdict::Deny(Reason::Wrong)
}
