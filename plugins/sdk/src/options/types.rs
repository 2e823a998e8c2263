//! What an option can be read as.

use std::ffi::CString;

use zeroize::Zeroizing;

use super::{Declared, Shape};
use crate::{Config, Failure};

/// A type that an option of [`options!`](crate::options) can have. For a type of your own, implement [`FromText`].
pub trait OptionType: Sized {
    /// What a default is written as.
    type Literal;
    /// What values there are, before the limits of the one option.
    const SHAPE: Shape;
    /// Whether an option that has no default must be set.
    const REQUIRED: bool = true;

    /// Reads it. `None`: it is not set.
    ///
    /// # Errors
    /// [`Failure::config`]: it is not of that shape.
    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure>;

    /// A default. `None`: it is none of the values.
    fn of_literal(literal: Self::Literal) -> Option<Self>;

    /// What it is when it is neither set nor has a default.
    fn unset() -> Option<Self> {
        None
    }
}

/// A type of your own that is written as a text: an address, a list of words, one of a few names.
///
/// ```
/// use doorward_plugin::options::{FromText, Shape};
///
/// struct Domain(String);
///
/// impl FromText for Domain {
///     const SHAPE: Shape = Shape::text(1..=253, "a domain in lower case, such as \"example.org\"");
///
///     fn from_text(text: &str) -> Option<Self> {
///         (text == text.to_lowercase()).then(|| Self(text.to_owned()))
///     }
/// }
/// ```
pub trait FromText: Sized {
    /// What texts there are, and what an error and a README call them.
    const SHAPE: Shape;

    /// The value. `None`: the text is not one.
    fn from_text(text: &str) -> Option<Self>;
}

/// One option, as a host gives it.
pub struct Given<'a> {
    config: &'a Config<'a>,
    /// With those of the tables that it is in; empty: all options.
    name: String,
}

impl<'a> Given<'a> {
    #[doc(hidden)]
    pub fn all(config: &'a Config<'a>) -> Self {
        Self {
            config,
            name: String::new(),
        }
    }

    /// One option of a table, or its default.
    #[doc(hidden)]
    pub fn member<T: OptionType>(
        &self,
        declared: &Declared,
        default: Option<T::Literal>,
    ) -> Result<T, Failure> {
        let given = self.inner(declared.name);
        if let Some(value) = T::read(&given, &declared.shape)? {
            return Ok(value);
        }
        let value = match default {
            Some(literal) => T::of_literal(literal),
            None => T::unset(),
        };
        value.ok_or_else(|| Failure::config(format!("{} must be set, to {}", given.name, declared.shape)))
    }

    fn inner(&self, name: impl std::fmt::Display) -> Self {
        let name = match self.name.as_str() {
            "" => name.to_string(),
            table => format!("{table}.{name}"),
        };
        Self {
            config: self.config,
            name,
        }
    }

    fn c_name(&self) -> CString {
        // A name is of Rust, or a number: without NUL.
        CString::new(self.name.as_str()).unwrap_or_default()
    }

    fn text(&self, shape: &Shape) -> Result<Option<&'a str>, Failure> {
        let text = self
            .config
            .text(&self.c_name())
            .map_err(|_| self.refused(shape))?;
        self.measured(text, shape)
    }

    fn secret(&self, shape: &Shape) -> Result<Option<&'a [u8]>, Failure> {
        self.config
            .secret(&self.c_name())
            .map_err(|_| self.refused(shape))
    }

    fn measured<'t>(&self, text: Option<&'t str>, shape: &Shape) -> Result<Option<&'t str>, Failure> {
        match text {
            Some(text) if !shape.holds(count(text.chars().count())) => Err(self.refused(shape)),
            text => Ok(text),
        }
    }

    fn refused(&self, shape: &Shape) -> Failure {
        Failure::config(format!("{} must be {shape}", self.name))
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

macro_rules! whole_numbers {
    ($($number:ty: $least:expr, $most:expr;)+) => {$(
        impl OptionType for $number {
            type Literal = $number;
            const SHAPE: Shape = Shape::Integer { least: $least, most: $most };

            fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
                let number = given.config.integer(&given.c_name()).map_err(|_| given.refused(shape))?;
                let Some(number) = number else { return Ok(None) };
                if !shape.holds(number) {
                    return Err(given.refused(shape));
                }
                Self::try_from(number).map(Some).map_err(|_| given.refused(shape))
            }

            fn of_literal(literal: Self) -> Option<Self> {
                Some(literal)
            }
        }
    )+};
}

whole_numbers! {
    i32: i32::MIN as i64, i32::MAX as i64;
    i64: i64::MIN, i64::MAX;
    u8: 0, u8::MAX as i64;
    u16: 0, u16::MAX as i64;
    u32: 0, u32::MAX as i64;
    u64: 0, i64::MAX;
    usize: 0, i64::MAX;
}

impl OptionType for bool {
    type Literal = Self;
    const SHAPE: Shape = Shape::Boolean;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        let given_value = given.config.boolean(&given.c_name());
        given_value.map_err(|_| given.refused(shape))
    }

    fn of_literal(literal: Self) -> Option<Self> {
        Some(literal)
    }
}

impl OptionType for String {
    type Literal = &'static str;
    const SHAPE: Shape = Shape::TEXT;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        Ok(given.text(shape)?.map(str::to_owned))
    }

    fn of_literal(literal: &'static str) -> Option<Self> {
        Some(literal.to_owned())
    }
}

impl<T: FromText> OptionType for T {
    type Literal = &'static str;
    const SHAPE: Shape = T::SHAPE;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        let Some(text) = given.text(shape)? else {
            return Ok(None);
        };
        T::from_text(text).map(Some).ok_or_else(|| given.refused(shape))
    }

    fn of_literal(literal: &'static str) -> Option<Self> {
        T::from_text(literal)
    }
}

/// A secret that is text.
impl OptionType for Zeroizing<String> {
    type Literal = std::convert::Infallible;
    const SHAPE: Shape = Shape::Secret {
        least: 0,
        most: i64::MAX,
    };

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        let Some(bytes) = given.secret(shape)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| given.refused(shape))?;
        let text = given.measured(Some(text), shape)?;
        Ok(text.map(|text| Zeroizing::new(text.to_owned())))
    }

    fn of_literal(never: Self::Literal) -> Option<Self> {
        match never {}
    }
}

/// A secret that is bytes.
impl OptionType for Zeroizing<Vec<u8>> {
    type Literal = std::convert::Infallible;
    const SHAPE: Shape = <Zeroizing<String> as OptionType>::SHAPE;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        let Some(bytes) = given.secret(shape)? else {
            return Ok(None);
        };
        let characters = std::str::from_utf8(bytes).map_or(bytes.len(), |text| text.chars().count());
        if !shape.holds(count(characters)) {
            return Err(given.refused(shape));
        }
        Ok(Some(Zeroizing::new(bytes.to_vec())))
    }

    fn of_literal(never: Self::Literal) -> Option<Self> {
        match never {}
    }
}

/// An option that may be left out.
impl<T: OptionType> OptionType for Option<T> {
    type Literal = std::convert::Infallible;
    const SHAPE: Shape = T::SHAPE;
    const REQUIRED: bool = false;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        Ok(T::read(given, shape)?.map(Some))
    }

    fn of_literal(never: Self::Literal) -> Option<Self> {
        match never {}
    }

    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// A list; left out, it is empty.
impl<T: OptionType> OptionType for Vec<T> {
    type Literal = std::convert::Infallible;
    const SHAPE: Shape = Shape::List {
        entries: &T::SHAPE,
        least: 0,
        most: i64::MAX,
    };
    const REQUIRED: bool = false;

    fn read(given: &Given<'_>, shape: &Shape) -> Result<Option<Self>, Failure> {
        let mut entries = Vec::new();
        while let Some(entry) = T::read(&given.inner(entries.len()), &T::SHAPE)? {
            entries.push(entry);
            if let Shape::List { most, .. } = shape
                && count(entries.len()) > *most
            {
                return Err(given.refused(shape));
            }
        }
        if !shape.holds(count(entries.len())) {
            return Err(given.refused(shape));
        }
        Ok(Some(entries))
    }

    fn of_literal(never: Self::Literal) -> Option<Self> {
        match never {}
    }
}
