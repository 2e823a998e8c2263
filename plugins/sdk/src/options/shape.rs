//! What an option may be: what the schema, an error and a README say of it.

use std::fmt;
use std::ops::RangeInclusive;

use super::OptionType;
use super::schema::Writer;

/// What values an option has.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// True or false.
    Boolean,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A whole number from `least` to `most`.
    Integer {
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// From `least` to `most` entries, each like `entries`.
    List {
        /// What each entry is.
        entries: &'static Shape,
        /// Fewest entries.
        least: i64,
        /// Most entries.
        most: i64,
    },
    /// A text that is never shown, of `least` to `most` characters.
    Secret {
        /// Fewest characters.
        least: i64,
        /// Most characters.
        most: i64,
    },
    /// Options with names of their own.
    Table(&'static [Declared]),
    /// A text of `least` to `most` characters.
    Text {
        /// Fewest characters.
        least: i64,
        /// Most characters.
        most: i64,
        /// What a person calls it, such as `a domain in lower case`: in place of its length.
        called: Option<&'static str>,
    },
}

impl Shape {
    /// A text of any length.
    pub const TEXT: Self = Self::Text {
        least: 0,
        most: i64::MAX,
        called: None,
    };

    /// A text of that many characters that people call so: `a domain in lower case, such as "example.org"`.
    pub const fn text(characters: RangeInclusive<i64>, called: &'static str) -> Self {
        Self::Text {
            least: *characters.start(),
            most: *characters.end(),
            called: Some(called),
        }
    }

    /// The shape within narrower limits. `None`: it has none, or not these.
    const fn within(self, limits: &RangeInclusive<i64>) -> Option<Self> {
        let (low, high) = (*limits.start(), *limits.end());
        match self {
            Self::Boolean | Self::Choice(_) | Self::Table(_) => None,
            Self::Integer { least, most }
            | Self::List { least, most, .. }
            | Self::Secret { least, most }
            | Self::Text { least, most, .. }
                if low > high || low < least || high > most =>
            {
                None
            }
            Self::Integer { .. } => Some(Self::Integer {
                least: low,
                most: high,
            }),
            Self::List { entries, .. } => Some(Self::List {
                entries,
                least: low,
                most: high,
            }),
            Self::Secret { .. } => Some(Self::Secret {
                least: low,
                most: high,
            }),
            Self::Text { called, .. } => Some(Self::Text {
                least: low,
                most: high,
                called,
            }),
        }
    }

    /// Whether a number, or a count of characters or entries, is within the limits.
    pub(super) fn holds(&self, number: i64) -> bool {
        match *self {
            Self::Integer { least, most }
            | Self::List { least, most, .. }
            | Self::Secret { least, most }
            | Self::Text { least, most, .. } => (least..=most).contains(&number),
            Self::Boolean | Self::Choice(_) | Self::Table(_) => true,
        }
    }

    /// Whether it may have this default, a literal as it is written in Rust.
    const fn may_be(&self, literal: &str) -> bool {
        let bytes = literal.as_bytes();
        match *self {
            Self::Boolean => true,
            Self::Integer { least, most } => match number(bytes) {
                Some(number) => least <= number && number <= most,
                None => false,
            },
            Self::Choice(choices) => {
                let mut index = 0;
                while index < choices.len() {
                    if is_quoted(bytes, choices[index].as_bytes()) {
                        return true;
                    }
                    index += 1;
                }
                false
            }
            Self::Text { least, most, .. } => match characters(bytes) {
                Some(count) => least <= count && count <= most,
                None => false,
            },
            Self::List { .. } | Self::Secret { .. } | Self::Table(_) => false,
        }
    }
}

/// What an option must be, as an error says it.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Boolean => f.write_str("true or false"),
            Self::Choice([one]) => write!(f, "{one:?}"),
            Self::Choice(choices) => {
                f.write_str("one of ")?;
                for (index, choice) in choices.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{choice:?}")?;
                }
                Ok(())
            }
            Self::Integer { least, most } => write!(f, "a whole number{}", Limits(least, most, "from ", "")),
            Self::List { entries, least, most } => {
                write!(
                    f,
                    "a list{}, each {entries}",
                    Limits(least, most, "of ", " entries")
                )
            }
            Self::Secret { least, most } => {
                write!(f, "a secret{}", Limits(least, most, "of ", " characters"))
            }
            Self::Table(_) => f.write_str("a table"),
            Self::Text {
                called: Some(called), ..
            } => f.write_str(called),
            Self::Text { least, most, .. } => {
                write!(f, "a text{}", Limits(least, most, "of ", " characters"))
            }
        }
    }
}

/// Least, most, what stands before them and behind them.
struct Limits(i64, i64, &'static str, &'static str);

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(least, most, before, behind) = *self;
        match (least, most) {
            (i64::MIN | 0, i64::MAX) => Ok(()),
            (least, i64::MAX) => write!(f, " {before}{least}{behind} or more"),
            // Of a number, 0 is a value like any other.
            (0, most) if !behind.is_empty() => write!(f, " {before}at most {most}{behind}"),
            (least, most) => write!(f, " {before}{least} to {most}{behind}"),
        }
    }
}

/// One option as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// Its name, without those of the tables that it is in.
    pub name: &'static str,
    /// The lines of its documentation.
    pub documentation: &'static [&'static str],
    /// What it may be.
    pub shape: Shape,
    /// Whether it has to be set.
    pub is_required: bool,
    /// The default, as JSON has it.
    pub default: Option<&'static str>,
    /// What is so when it is not set, in words.
    pub unset: Option<&'static str>,
}

/// What the macro writes, in the order in which an option is written.
impl Declared {
    #[doc(hidden)]
    pub const fn new<T: OptionType>(name: &'static str, documentation: &'static [&'static str]) -> Self {
        Self {
            name,
            documentation,
            shape: T::SHAPE,
            is_required: T::REQUIRED,
            default: None,
            unset: None,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn within(mut self, limits: RangeInclusive<i64>) -> Self {
        match self.shape.within(&limits) {
            Some(shape) => self.shape = shape,
            None => refuse(&["the limits of `", self.name, "` are not limits of its type"]),
        }
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn unset(mut self, words: &'static str) -> Self {
        if self.is_required {
            refuse(&[
                "`",
                self.name,
                "` must be set: words for its absence are of an Option",
            ]);
        }
        self.unset = Some(words);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn default(mut self, literal: &'static str) -> Self {
        if !self.shape.may_be(literal) {
            refuse(&[
                "the default of `",
                self.name,
                "` is no value that it may have: ",
                literal,
            ]);
        }
        self.default = Some(literal);
        self.is_required = false;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn checked(self) -> Self {
        if self.documentation.is_empty() {
            refuse(&[
                "`",
                self.name,
                "` has no documentation: write a /// line above it",
            ]);
        }
        // Neither is ever absent, so a list of them would have no end.
        if let Shape::List { entries, .. } = self.shape
            && matches!(entries, Shape::List { .. } | Shape::Table(_))
        {
            refuse(&[
                "`",
                self.name,
                "` is a list of lists or tables: there are lists of single values",
            ]);
        }
        self
    }

    #[doc(hidden)]
    pub const fn any_is_required(options: &[Self]) -> bool {
        let mut index = 0;
        while index < options.len() {
            if options[index].is_required {
                return true;
            }
            index += 1;
        }
        false
    }

    #[doc(hidden)]
    #[expect(clippy::expect_used, reason = "the macro asks for the names that it declared")]
    pub fn named(options: &'static [Self], name: &str) -> &'static Self {
        let mut options = options.iter();
        options
            .find(|option| option.name == name)
            .expect("a declared option")
    }
}

/// Stops the compiler with a message of these parts.
#[expect(
    clippy::panic,
    reason = "evaluated by the compiler: it is the error that the author reads"
)]
const fn refuse(parts: &[&str]) -> ! {
    let mut message = Writer::<256>::new();
    let mut index = 0;
    while index < parts.len() {
        message.put(parts[index]);
        index += 1;
    }
    panic!("{}", message.text())
}

/// A whole number in decimal, as Rust writes it.
const fn number(literal: &[u8]) -> Option<i64> {
    let is_negative = matches!(literal, [b'-', ..]);
    let mut index = if is_negative { 1 } else { 0 };
    let mut number: i64 = 0;
    while index < literal.len() {
        let digit = literal[index].wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = match number.checked_mul(10) {
            Some(tens) => tens + digit as i64,
            None => return None,
        };
        index += 1;
    }
    Some(if is_negative { -number } else { number })
}

/// Characters between the quotation marks of a text that is the same in JSON: without escapes.
const fn characters(literal: &[u8]) -> Option<i64> {
    let [b'"', within @ .., b'"'] = literal else {
        return None;
    };
    let mut count = 0;
    let mut index = 0;
    while index < within.len() {
        match within[index] {
            b'\\' | b'"' | 0..=0x1f => return None,
            // The bytes of a character behind its first.
            0x80..=0xbf => {}
            _ => count += 1,
        }
        index += 1;
    }
    Some(count)
}

/// Whether the literal is that text.
const fn is_quoted(literal: &[u8], text: &[u8]) -> bool {
    let [b'"', within @ .., b'"'] = literal else {
        return false;
    };
    if within.len() != text.len() {
        return false;
    }
    let mut index = 0;
    while index < text.len() {
        if within[index] != text[index] {
            return false;
        }
        index += 1;
    }
    true
}
