//! Ids: 16 bytes, made from the clock and the random source (UUIDv7, RFC 9562 section 5.7), so that inserts stay local.

use std::fmt;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::rng::{self, Random};

/// A new UUIDv7.
fn uuid_v7(now: Timestamp, random: &dyn Random) -> Result<[u8; 16]> {
    let millis = u64::try_from(now.as_micros().div_euclid(1000)).unwrap_or(0);
    let tail: [u8; 10] = rng::bytes(random)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &tail)
        .into_uuid()
        .into_bytes())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes, in the order in which they are stored.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// A new id: UUIDv7 of `now`.
            ///
            /// # Errors
            /// `Unavailable` when the random source fails.
            pub fn generate(now: Timestamp, random: &dyn Random) -> Result<Self> {
                uuid_v7(now, random).map(Self)
            }

            /// Reads the textual form, 36 characters with hyphens, in either case.
            ///
            /// # Errors
            /// `InvalidArgument` for any other text.
            pub fn parse(text: &str) -> Result<Self> {
                match uuid::Uuid::try_parse(text) {
                    Ok(id) if text.len() == 36 => Ok(Self(id.into_bytes())),
                    _ => Err(Error::new(
                        ErrorKind::InvalidArgument,
                        concat!($what, " must be a UUID of 36 characters with hyphens"),
                    )),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                uuid::Uuid::from_bytes(self.0).hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )*};
}

ids! {
    /// Names a user for life. Applications may make it themselves and refer to it from their own tables.
    UserId "the user id";
    /// Names a sign-in: one authentication on one device. Not a secret.
    SignInId "the sign-in id";
    /// Names a flow: the state between two steps of one authentication. Not a secret.
    FlowId "the flow id";
    /// Names a message in the outbox. Not a secret.
    DeliveryId "the delivery id";
    /// Names a single-use token. Not a secret.
    TokenId "the token id";
    /// Names an authenticator of a user: a password, a TOTP device, a passkey.
    AuthenticatorId "the authenticator id";
}

impl AuthenticatorId {
    /// The one id used where a kind keeps a single record per user: the primary key then makes it one.
    pub const SINGLE: Self = Self([0; 16]);
}

impl UserId {
    /// No user's. What is read of a user is read of this one where there is none, so that both take as long.
    pub const NOBODY: Self = Self([0; 16]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn ids_sort_by_time_and_round_trip_as_text() {
        let early = UserId::generate(Timestamp::from_micros(1_000_000), &SystemRandom).unwrap();
        let late = UserId::generate(Timestamp::from_micros(2_000_000), &SystemRandom).unwrap();
        assert!(early < late);
        assert_eq!(UserId::parse(&late.to_string()).unwrap(), late);
        assert_eq!(UserId::parse(&late.to_string().to_uppercase()).unwrap(), late);
        for bad in [
            "",
            "x",
            "00000000000000000000000000000000",
            "{00000000-0000-0000-0000-000000000000}",
        ] {
            assert!(UserId::parse(bad).is_err(), "{bad}");
        }
    }
}
