//! Operands: how each kind comes from C, and what the core is lent of it.

use std::time::Duration;

use doorward::plugin::FactorClass;
use doorward::session::{Lifetimes, SharedSession};
use doorward::{
    AuthenticatorId, DeliveryId, Factor, IdentifierPrefix, NewUserOptions, Proof, Result, Secret, Session,
    SessionOptions, Settlement, SignInId, Timestamp, TokenPurpose, UserId,
};
use zeroize::Zeroizing;

use crate::abi::{AssertedFactor, Bytes, Id, Pair, RawNewSession, RawNewUser, RawUserFilter};
use crate::boundary::{self, In, Versioned, invalid};
use crate::delivery::settlement;
use crate::proof::ProofView;

/// Most bytes of the name of a provider or an attribute.
const NAME: usize = 256;
/// Most bytes of an identifier, as the boundary looks at it. The core says what an identifier takes.
const IDENTIFIER: usize = 64 * 1024;
/// Most bytes of a token. Real ones are far shorter; anything longer is not ours, and is answered like that.
const TOKEN: usize = 64 * 1024;
/// Most bytes of a token that needs no memory of its own: more than one of ours has.
const SHORT: usize = 128;
/// Most bytes of attributes, a patch or another text.
const TEXT: usize = 1024 * 1024;
/// Most bytes of a body: more than `http.max_body` can be.
const BODY: usize = 2 * 1024 * 1024;
/// Most credentials at once, and most bytes of one.
const MAX_PAIRS: usize = 64;
const MAX_PAIR: usize = 64 * 1024;
/// Most factors that trusted code asserts at once.
const MAX_FACTORS: usize = 16;
/// How many users or messages are given at once, where the caller does not say.
const LIMIT: u32 = 100;
/// For how long messages are taken, where the caller does not say.
const LEASE: Duration = Duration::from_mins(1);

/// A kind of operand.
pub(crate) trait Operand: Sized {
    /// What C passes.
    type C: Copy;
    /// What the core takes.
    type Lent<'a>
    where
        Self: 'a;
    /// The operand, copied.
    fn read(raw: Self::C, name: &str) -> Result<Self>;
    /// What the core is lent.
    fn lend(&mut self) -> Self::Lent<'_>;
}

/// A kind that may be absent.
pub(crate) trait Optional: Operand {
    fn is_absent(raw: Self::C) -> bool;
}

impl<T: Optional> Operand for Option<T> {
    type C = T::C;
    type Lent<'a>
        = Option<T::Lent<'a>>
    where
        T: 'a;

    fn read(raw: T::C, name: &str) -> Result<Self> {
        if T::is_absent(raw) {
            return Ok(None);
        }
        T::read(raw, name).map(Some)
    }

    fn lend(&mut self) -> Option<T::Lent<'_>> {
        self.as_mut().map(T::lend)
    }
}

/// Kinds that C passes as `doorward_bytes`, and what the core is lent of them.
macro_rules! bytes {
    ($($(#[$doc:meta])* $kind:ident($held:ty) lends $lent:ty: |$raw:ident, $name:ident| $read:expr, |$operand:ident| $lend:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $kind($held);

        impl Operand for $kind {
            type C = Bytes;
            type Lent<'a> = &'a $lent;

            fn read($raw: Bytes, $name: &str) -> Result<Self> {
                $read.map(Self)
            }

            fn lend(&mut self) -> &$lent {
                let $operand = &self.0;
                $lend
            }
        }

        impl Optional for $kind {
            fn is_absent(raw: Bytes) -> bool {
                raw.is_absent()
            }
        }
    )*};
}

bytes! {
    /// The name of a provider or an attribute, or a reason.
    Name(String) lends str: |raw, name| raw.text(name, NAME).map(str::to_owned), |text| text;
    /// A longer text.
    Text(String) lends str: |raw, name| raw.text(name, TEXT).map(str::to_owned), |text| text;
    /// An identifier as it was given.
    Identifier(Vec<u8>) lends [u8]: |raw, name| raw.bytes(name, IDENTIFIER).map(<[u8]>::to_vec), |bytes| bytes;
    /// The body of a request: it may hold a password.
    Body(Secret) lends [u8]: |raw, name| raw.optional(name, BODY).map(|body| Secret::from(body.unwrap_or_default())), |secret| secret.expose();
    /// A token of ours, or what is said to be one.
    Token(Kept) lends [u8]: |raw, name| raw.bytes(name, TOKEN).map(Kept::of), |kept| kept.bytes();
}

/// Secret bytes, wiped when dropped. Tokens of ours need no memory of their own.
pub(crate) enum Kept {
    Short(Zeroizing<[u8; SHORT]>, usize),
    Long(Secret),
}

impl Kept {
    fn of(bytes: &[u8]) -> Self {
        let mut short = Zeroizing::new([0; SHORT]);
        match short.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                Self::Short(short, bytes.len())
            }
            None => Self::Long(Secret::from(bytes)),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(bytes, len) => bytes.get(..*len).unwrap_or_default(),
            Self::Long(secret) => secret.expose(),
        }
    }
}

/// Kinds that are one value in C and handed to the core as they are.
macro_rules! values {
    ($($kind:ty as $c:ty: |$raw:ident, $name:ident| $read:expr;)*) => {$(
        impl Operand for $kind {
            type C = $c;
            type Lent<'a> = Self;

            fn read($raw: $c, $name: &str) -> Result<Self> {
                $read
            }

            fn lend(&mut self) -> Self {
                self.clone()
            }
        }
    )*};
}

values! {
    UserId as In<Id>: |raw, name| raw.required(name).map(|id| Self::from_bytes(id.bytes));
    SignInId as In<Id>: |raw, name| raw.required(name).map(|id| Self::from_bytes(id.bytes));
    AuthenticatorId as In<Id>: |raw, name| raw.required(name).map(|id| Self::from_bytes(id.bytes));
    DeliveryId as In<Id>: |raw, name| raw.required(name).map(|id| Self::from_bytes(id.bytes));
    TokenPurpose as Bytes: |raw, name| TokenPurpose::of(raw.text(name, NAME)?)
        .ok_or_else(|| invalid(format!("`{name}` takes recovery, verify or change_identifier")));
    Settlement as i32: |raw, name| settlement(raw).ok_or_else(|| invalid(format!(
        "`{name}` is {raw} and takes DOORWARD_DELIVERED, DOORWARD_RETRY or DOORWARD_FAILED"
    )));
    u32 as Self: |raw, _name| Ok(raw);
}

impl Optional for UserId {
    fn is_absent(raw: In<Id>) -> bool {
        raw.optional().is_none()
    }
}

impl Operand for Proof {
    type C = In<ProofView>;
    type Lent<'a> = &'a Self;

    fn read(raw: In<ProofView>, name: &str) -> Result<Self> {
        raw.required(name).map(|view| view.proof().clone())
    }

    fn lend(&mut self) -> &Self {
        self
    }
}

impl Optional for Proof {
    fn is_absent(raw: In<ProofView>) -> bool {
        raw.optional().is_none()
    }
}

impl Operand for Session {
    type C = In<SharedSession>;
    type Lent<'a> = &'a Self;

    fn read(raw: In<SharedSession>, name: &str) -> Result<Self> {
        boundary::session(raw, |session| Some(session.clone()))
            .ok_or_else(|| invalid(format!("`{name}` is NULL")))
    }

    fn lend(&mut self) -> &Self {
        self
    }
}

/// How many at most. 0 is the default.
pub(crate) struct Limit(u32);

impl Operand for Limit {
    type C = u32;
    type Lent<'a> = u32;

    fn read(raw: u32, _: &str) -> Result<Self> {
        Ok(Self(if raw == 0 { LIMIT } else { raw }))
    }

    fn lend(&mut self) -> u32 {
        self.0
    }
}

/// For how long. 0 is the default.
pub(crate) struct Lease(Duration);

impl Operand for Lease {
    type C = i64;
    type Lent<'a> = Duration;

    fn read(raw: i64, name: &str) -> Result<Self> {
        Ok(Self(duration(raw, name)?.unwrap_or(LEASE)))
    }

    fn lend(&mut self) -> Duration {
        self.0
    }
}

/// The version that something must still have. 0 is any.
pub(crate) struct Version(Option<i64>);

impl Operand for Version {
    type C = i64;
    type Lent<'a> = Option<i64>;

    fn read(raw: i64, _: &str) -> Result<Self> {
        Ok(Self(Some(raw).filter(|&version| version != 0)))
    }

    fn lend(&mut self) -> Option<i64> {
        self.0
    }
}

/// Microseconds of a caller; 0 is none.
fn duration(micros: i64, name: &str) -> Result<Option<Duration>> {
    let micros =
        u64::try_from(micros).map_err(|_| invalid(format!("`{name}` is {micros} and takes 0 or more")))?;
    Ok((micros > 0).then(|| Duration::from_micros(micros)))
}

/// What a new user starts with.
pub(crate) struct NewUser(NewUserOptions);

impl Operand for NewUser {
    type C = Versioned<RawNewUser>;
    type Lent<'a> = NewUserOptions;

    fn read(raw: Self::C, _: &str) -> Result<Self> {
        let raw = raw.or_default()?;
        Ok(Self(NewUserOptions {
            attributes: attributes(raw.attributes)?,
            id: Option::read(raw.id, "id")?,
        }))
    }

    fn lend(&mut self) -> NewUserOptions {
        std::mem::take(&mut self.0)
    }
}

/// Which users, and in which order.
pub(crate) struct UserFilter(doorward::UserFilter);

impl Operand for UserFilter {
    type C = Versioned<RawUserFilter>;
    type Lent<'a> = &'a doorward::UserFilter;

    fn read(raw: Self::C, _: &str) -> Result<Self> {
        let raw = raw.or_default()?;
        let identifier = match (raw.provider.is_absent(), raw.begins.is_absent()) {
            (true, true) => None,
            (false, false) => Some(IdentifierPrefix {
                provider: raw.provider.text("provider", NAME)?.to_owned(),
                begins: raw.begins.bytes("begins", IDENTIFIER)?.to_vec(),
            }),
            _ => {
                return Err(invalid(
                    "`provider` and `begins` are given together: at which provider, and how an identifier begins there".into(),
                ));
            }
        };
        Ok(Self(doorward::UserFilter {
            enabled: yes_or_no(raw.enabled, "enabled")?,
            identifier,
            newest_first: yes_or_no(raw.newest_first, "newest_first")?.unwrap_or_default(),
        }))
    }

    fn lend(&mut self) -> &doorward::UserFilter {
        &self.0
    }
}

/// One of the three words that C has for what may be left open.
fn yes_or_no(raw: u32, name: &str) -> Result<Option<bool>> {
    match raw {
        0 => Ok(None),
        1 => Ok(Some(true)),
        2 => Ok(Some(false)),
        other => Err(invalid(format!(
            "`{name}` is {other} and takes DOORWARD_AS_CONFIGURED, DOORWARD_YES or DOORWARD_NO"
        ))),
    }
}

/// What a new session starts with.
pub(crate) struct NewSession(SessionOptions);

impl Operand for NewSession {
    type C = Versioned<RawNewSession>;
    type Lent<'a> = SessionOptions;

    fn read(raw: Self::C, _: &str) -> Result<Self> {
        let raw = raw.or_default()?;
        let persistent = yes_or_no(raw.persistent, "persistent")?;
        if raw.reserved != 0 {
            return Err(invalid("`reserved` must be 0".into()));
        }
        Ok(Self(SessionOptions {
            attributes: attributes(raw.attributes)?,
            lifetimes: Lifetimes {
                access: duration(raw.access_ttl, "access_ttl")?,
                idle: duration(raw.idle_ttl, "idle_ttl")?,
                absolute: duration(raw.absolute_ttl, "absolute_ttl")?,
                persistent,
            },
        }))
    }

    fn lend(&mut self) -> SessionOptions {
        std::mem::take(&mut self.0)
    }
}

fn attributes(raw: Bytes) -> Result<Option<String>> {
    Ok(raw.optional_text("attributes", TEXT)?.map(str::to_owned))
}

/// A kind that is an array in C: a pointer and a count.
pub(crate) trait List: Sized {
    /// What C passes of each.
    type C: Copy;
    /// What the core takes.
    type Lent<'a>
    where
        Self: 'a;
    /// The operand, copied.
    fn read(raw: In<Self::C>, n: usize, name: &str) -> Result<Self>;
    /// What the core is lent.
    fn lend(&mut self) -> Self::Lent<'_>;
}

/// Credentials: copied, and wiped after use.
pub(crate) struct Pairs(doorward::Fields);

impl List for Pairs {
    type C = Pair;
    type Lent<'a> = doorward::Fields;

    fn read(raw: In<Pair>, n: usize, name: &str) -> Result<Self> {
        let pair = |pair: &Pair| {
            let name = pair.name.text("credential name", NAME)?.to_owned();
            let value = pair.value.bytes("credential value", MAX_PAIR)?;
            Ok((name, Secret::from(value)))
        };
        let pairs = raw.list(n, MAX_PAIRS, name)?.iter().map(pair);
        pairs
            .collect::<Result<_>>()
            .map(|pairs| Self(doorward::Fields(pairs)))
    }

    fn lend(&mut self) -> doorward::Fields {
        std::mem::take(&mut self.0)
    }
}

/// Factors that trusted code vouches for.
pub(crate) struct Factors(Vec<Factor>);

impl List for Factors {
    type C = AssertedFactor;
    type Lent<'a> = &'a [Factor];

    fn read(raw: In<AssertedFactor>, n: usize, name: &str) -> Result<Self> {
        let factors = raw.list(n, MAX_FACTORS, name)?.iter().map(asserted);
        factors.collect::<Result<_>>().map(Self)
    }

    fn lend(&mut self) -> &[Factor] {
        &self.0
    }
}

fn asserted(factor: &AssertedFactor) -> Result<Factor> {
    let class = factor.factor_class.text("factor_class", NAME)?;
    let two_in_one = match (factor.two_in_one, factor.reserved) {
        (one @ (0 | 1), 0) => one == 1,
        (one, 0) => return Err(invalid(format!("`two_in_one` is {one} and takes 0 or 1"))),
        _ => return Err(invalid("`reserved` of a factor must be 0".into())),
    };
    Ok(Factor {
        provider: factor.provider.text("provider", NAME)?.to_owned(),
        class: FactorClass::of(class)
            .ok_or_else(|| invalid("`factor_class` takes knowledge, possession or inherence".into()))?,
        channel: factor
            .channel
            .optional_text("channel", NAME)?
            .unwrap_or_default()
            .to_owned(),
        at: Timestamp::from_micros(factor.at),
        via: Vec::new(),
        two_in_one,
    })
}
