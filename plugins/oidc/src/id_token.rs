//! The ID token, checked (OpenID Connect Core 1.0 sections 3.1.3.6 and 3.1.3.7, RFC 8725).

use doorward_plugin::{Failure, Host};
use jsonwebtoken::{DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::discovery::Metadata;
use crate::identity::MAX_SUBJECT;
use crate::jws;
use crate::keys::Keys;
use crate::options::Options;
use crate::pending::{Pending, base64url};

/// Longest ID token, in bytes.
const MAX_TOKEN: usize = 64 * 1024;
/// Numeric dates are within what a double keeps exactly (RFC 7519 section 2 allows fractions).
const MAX_DATE: f64 = 9_007_199_254_740_992.0;

/// What a token says, once it may be believed.
pub(crate) struct Claims {
    pub(crate) subject: String,
    pub(crate) all: Map<String, Value>,
}

impl Claims {
    /// True when the issuer says that the person proved two factors there: `acr` is one of the configured values, which was
    /// demanded, or `amr` (RFC 8176) has one of the configured methods.
    pub(crate) fn is_two_in_one(&self, options: &Options) -> bool {
        let used = self.all.get("amr").and_then(Value::as_array);
        let has = |method: &Value| options.amr.iter().any(|wanted| method.as_str() == Some(wanted));
        !options.acr_values.is_empty() || used.is_some_and(|used| used.iter().any(has))
    }
}

/// What the token is compared with.
pub(crate) struct Expected<'a> {
    pub(crate) options: &'a Options,
    pub(crate) metadata: &'a Metadata,
    pub(crate) pending: &'a Pending,
    pub(crate) keys: &'a Keys,
    pub(crate) code: &'a str,
    pub(crate) access_token: &'a str,
}

/// Why a token is not believed: for the operator.
pub(crate) type Disbelief = &'static str;

impl Expected<'_> {
    /// Every check there is.
    ///
    /// # Errors
    /// When the keys cannot be had.
    pub(crate) fn verify(&self, host: Host<'_>, token: &str) -> Result<Result<Claims, Disbelief>, Failure> {
        jws::install();
        if token.len() > MAX_TOKEN {
            return Ok(Err("it is too long"));
        }
        let Ok(header) = decode_header(token) else {
            return Ok(Err(
                "its header cannot be read, or names an algorithm that nobody should use",
            ));
        };
        if let Err(why) = self.acceptable(&header) {
            return Ok(Err(why));
        }
        let Some(key) = self.keys.for_token(host, &self.metadata.jwks_uri, &header)? else {
            return Ok(Err("the issuer has no key that fits it, or more than one"));
        };
        let Ok(key) = DecodingKey::from_jwk(&key) else {
            return Ok(Err("the key that it names cannot be read"));
        };
        // The signature alone: the claims are compared below, by the host's clock.
        let mut validation = Validation::new(header.alg);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let Ok(read) = decode::<Map<String, Value>>(token, &key, &validation) else {
            return Ok(Err("its signature is not the issuer's"));
        };
        let now = host.unix_micros()?.div_euclid(1_000_000);
        Ok(self.claims(host, &header, read.claims, now))
    }

    /// RFC 8725 sections 3.1 and 3.2: the algorithm is ours to choose, and what we do not know must not be critical.
    fn acceptable(&self, header: &Header) -> Result<(), Disbelief> {
        if !self.options.algorithms.contains(&header.alg) {
            return Err("it is signed with an algorithm that `algorithms` does not list");
        }
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err("its header asks for something that is not known here");
        }
        // RFC 8725 section 3.11: an access token or a logout token says that it is one.
        if header
            .typ
            .as_ref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("jwt"))
        {
            return Err("it is a token of another type");
        }
        Ok(())
    }

    fn claims(
        &self,
        host: Host<'_>,
        header: &Header,
        claims: Map<String, Value>,
        now: i64,
    ) -> Result<Claims, Disbelief> {
        let (options, pending) = (self.options, self.pending);
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let earliest = now.saturating_sub(options.clock_skew);
        let latest = now.saturating_add(options.clock_skew);
        if text("iss") != Some(&options.issuer) {
            return Err("it is another issuer's");
        }
        self.audience(&claims)?;
        if date(&claims, "exp")?.ok_or("it says not when it expires")? <= earliest {
            return Err("it has expired");
        }
        let issued = date(&claims, "iat")?.ok_or("it says not when it was issued")?;
        if issued > latest {
            return Err("it was issued in the future: compare the clocks");
        }
        if issued < pending.begun.saturating_sub(options.clock_skew) {
            return Err("it was issued before this sign-in began");
        }
        if date(&claims, "nbf")?.is_some_and(|not_before| not_before > latest) {
            return Err("it is not valid yet");
        }
        if !text("nonce").is_some_and(|nonce| host.ct_equal(nonce.as_bytes(), pending.nonce.as_bytes())) {
            return Err("its nonce is of another sign-in");
        }
        for (name, of) in [("at_hash", self.access_token), ("c_hash", self.code)] {
            if let Some(said) = claims.get(name) {
                let hash = jws::half_hash(header.alg, of).map(|hash| base64url(&hash));
                if hash.is_none() || said.as_str() != hash.as_deref() {
                    return Err("it was issued with another code or access token");
                }
            }
        }
        if let Some(max_age) = options.max_age {
            let authenticated = date(&claims, "auth_time")?.ok_or("it says not when the person signed in")?;
            if authenticated > latest || authenticated.saturating_add(max_age) < earliest {
                return Err("the person signed in longer ago than `max_age`");
            }
        }
        if !options.acr_values.is_empty()
            && !text("acr").is_some_and(|acr| options.acr_values.iter().any(|wanted| wanted == acr))
        {
            return Err("the person signed in by other means than `acr_values` asks for");
        }
        let subject = match text("sub") {
            Some(subject) if !subject.is_empty() && subject.len() <= MAX_SUBJECT => subject.to_owned(),
            _ => return Err("it has no subject of 1 to 255 bytes"),
        };
        Ok(Claims { subject, all: claims })
    }

    /// It is for this client, and for nobody else (section 3.1.3.7, items 3 to 5).
    fn audience(&self, claims: &Map<String, Value>) -> Result<(), Disbelief> {
        let client = self.options.client_id.as_str();
        let is_ours = match claims.get("aud") {
            Some(Value::String(audience)) => audience == client,
            Some(Value::Array(audiences)) => match audiences.as_slice() {
                [Value::String(audience)] => audience == client,
                _ => false,
            },
            _ => false,
        };
        if !is_ours {
            return Err("it is for another client, or not for this one alone");
        }
        match claims.get("azp") {
            None => Ok(()),
            Some(Value::String(party)) if party == client => Ok(()),
            Some(_) => Err("it was issued to another client"),
        }
    }
}

/// A numeric date, in whole seconds; one that is there and is no date is not overlooked.
#[expect(
    clippy::cast_possible_truncation,
    reason = "fractions of a second do not count, and the range is checked"
)]
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Disbelief> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) if seconds.abs() <= MAX_DATE => Ok(Some(seconds as i64)),
            _ => Err("it has a date that is none"),
        },
    }
}
