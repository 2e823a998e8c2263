//! Options of a kind, declared once: the struct, how it is read, its JSON schema and the table of its README.

mod schema;
mod shape;
mod types;

pub use schema::{schema, schema_len};
pub use shape::{Declared, Shape};
pub use types::{FromText, Given, OptionType};

/// Declares the options of a kind.
///
/// ```
/// use doorward_plugin::{Config, Declaration, Failure, IdentifierSource, Zeroizing};
///
/// doorward_plugin::choices! {
///     /// How the codes are made.
///     #[derive(Clone, Copy)]
///     pub enum Algorithm {
///         /// What every app supports.
///         Sha1 = "sha1",
///         Sha256 = "sha256",
///     }
/// }
///
/// doorward_plugin::options! {
///     /// The options of a provider.
///     pub struct Options {
///         /// How many digits a code has.
///         digits: u8 [6..=8] = 6,
///         /// How the codes are made.
///         pub algorithm: Algorithm = "sha1",
///         /// What the app shows for the account.
///         issuer: Option<String> [1..=64] => "the provider's name",
///         /// The key of the server, which must be set.
///         key: Zeroizing<String> [16..=256],
///         /// Whose people these are.
///         domains: Vec<String> [0..=32],
///     }
/// }
///
/// const DECLARATION: Declaration = Declaration {
///     config_schema: Some(Options::SCHEMA),
///     ..Declaration::new(c"word", c"A secret word", IdentifierSource::Given)
/// };
///
/// fn open(config: &Config<'_>) -> Result<Options, Failure> {
///     Options::read(config)
/// }
/// ```
///
/// An option is written `name: type [limits] = default`, under its documentation.
///
/// - *Type*: `bool`, a whole number, `String`, `Zeroizing<String>` or `Zeroizing<Vec<u8>>` for a secret, a type of your own
///   that is read from a text ([`FromText`], [`choices!`](crate::choices)), `Vec` of one of them, or another struct that
///   `options!` declares: a table.
/// - *Limits*: least and most, both included: of a number its value, of a text its characters, of a `Vec` its entries.
/// - *Default*: a literal. An option without one must be set; where its type is `Option<…>` it may be left out, and
///   `=> "words"` says in the README what is then so. A `Vec` that is left out is empty.
///
/// The struct has `SCHEMA` for [`Declaration::config_schema`](crate::Declaration::config_schema), `read` for
/// [`Kind::open`](crate::Kind::open), and `DECLARED` for the test that compares it with a README
/// (`same_options` of the crate `doorward-plugin-testing`). What the limits forbid is refused with the option's name and what it must be.
///
/// A default outside of its limits does not compile, nor does an option without documentation:
///
/// ```compile_fail
/// doorward_plugin::options! {
///     struct Options {
///         /// How many digits a code has.
///         digits: u8 [6..=8] = 9,
///     }
/// }
/// ```
/// ```compile_fail
/// doorward_plugin::options! {
///     struct Options {
///         digits: u8 [6..=8] = 6,
///     }
/// }
/// ```
#[macro_export]
macro_rules! options {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $Options:ident {
            $(
                $(#[doc = $doc:literal])*
                $shown:vis $name:ident : $type:ty $([$limits:expr])? $(=> $unset:literal)? $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $Options {
            $($(#[doc = $doc])* $shown $name: $type,)*
        }

        #[allow(dead_code, reason = "a table in a table needs neither a schema nor reading of its own")]
        impl $Options {
            /// The options as they are declared, for the table of a README.
            $visibility const DECLARED: &'static [$crate::options::Declared] = &[$(
                $crate::options::Declared::new::<$type>(stringify!($name), &[$($doc),*])
                    $(.within($limits))? $(.unset($unset))? $(.default(stringify!($default)))?
                    .checked(),
            )*];

            /// The JSON schema of the options, with their defaults.
            $visibility const SCHEMA: &'static ::std::ffi::CStr = {
                const BYTES: &[u8] =
                    &$crate::options::schema::<{ $crate::options::schema_len($Options::DECLARED) }>($Options::DECLARED);
                match ::std::ffi::CStr::from_bytes_with_nul(BYTES) {
                    Ok(schema) => schema,
                    Err(_) => panic!("a schema that has a NUL in it"),
                }
            };

            /// Reads the options and checks them.
            ///
            /// # Errors
            /// [`Failure::config`]($crate::Failure::config): an option is missing or outside of its limits; it says which, and
            /// what it must be.
            $visibility fn read(config: &$crate::Config<'_>) -> ::std::result::Result<Self, $crate::Failure> {
                Self::read_at(&$crate::options::Given::all(config))
            }

            fn read_at(given: &$crate::options::Given<'_>) -> ::std::result::Result<Self, $crate::Failure> {
                Ok(Self {
                    $($name: given.member::<$type>(
                        $crate::options::Declared::named(Self::DECLARED, stringify!($name)),
                        None$(.or(Some($default)))?,
                    )?,)*
                })
            }
        }

        impl $crate::options::OptionType for $Options {
            type Literal = ::std::convert::Infallible;
            const SHAPE: $crate::options::Shape = $crate::options::Shape::Table(Self::DECLARED);
            const REQUIRED: bool = $crate::options::Declared::any_is_required(Self::DECLARED);

            fn read(
                given: &$crate::options::Given<'_>,
                _: &$crate::options::Shape,
            ) -> ::std::result::Result<Option<Self>, $crate::Failure> {
                Self::read_at(given).map(Some)
            }

            fn of_literal(never: Self::Literal) -> Option<Self> {
                match never {}
            }
        }
    };
}

/// Declares an enum that is an option: each variant with the text that configuration calls it, which `as_str` gives.
///
/// ```
/// doorward_plugin::choices! {
///     /// Whether a referral of the directory is an error.
///     #[derive(Clone, Copy, Debug, PartialEq, Eq)]
///     pub enum Referrals {
///         /// It is nothing.
///         Ignore = "ignore",
///         /// It is an error.
///         Refuse = "refuse",
///     }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $Choice:ident {
            $($(#[$of_variant:meta])* $Variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $Choice {
            $($(#[$of_variant])* $Variant,)+
        }

        impl $crate::options::FromText for $Choice {
            const SHAPE: $crate::options::Shape = $crate::options::Shape::Choice(&[$($text),+]);

            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$Variant),)+
                    _ => None,
                }
            }
        }

        #[allow(dead_code, reason = "not every choice is written again")]
        impl $Choice {
            /// What configuration calls it.
            $visibility const fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$Variant => $text,)+
                }
            }
        }
    };
}
