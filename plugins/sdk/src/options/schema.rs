//! The JSON schema of options, written by the compiler: a constant, like all that a kind declares.

use super::{Declared, Shape};

/// Text into an array: counts what does not fit.
pub(super) struct Writer<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Writer<N> {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    pub(super) const fn put(&mut self, text: &str) {
        let text = text.as_bytes();
        let mut index = 0;
        while index < text.len() {
            self.byte(text[index]);
            index += 1;
        }
    }

    /// What was written, as far as it fits.
    pub(super) const fn text(&self) -> &str {
        let len = if self.len < N { self.len } else { N };
        match str::from_utf8(self.bytes.split_at(len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }

    const fn quoted(&mut self, text: &str) {
        let text = text.as_bytes();
        self.byte(b'"');
        let mut index = 0;
        while index < text.len() {
            if matches!(text[index], b'"' | b'\\') {
                self.byte(b'\\');
            }
            self.byte(text[index]);
            index += 1;
        }
        self.byte(b'"');
    }

    const fn number(&mut self, number: i64) {
        if number < 0 {
            self.byte(b'-');
        }
        let number = number.unsigned_abs();
        let mut place: u64 = 1;
        while number / place >= 10 {
            place *= 10;
        }
        while place > 0 {
            self.byte(b'0' + (number / place % 10) as u8);
            place /= 10;
        }
    }

    /// `,"least":…,"most":…`, without the limits that forbid nothing.
    const fn limits(&mut self, least: (&str, i64), most: (&str, i64), nothing: i64) {
        if least.1 > nothing {
            self.put(least.0);
            self.number(least.1);
        }
        if most.1 < i64::MAX {
            self.put(most.0);
            self.number(most.1);
        }
    }

    /// Everything of a schema but its braces.
    const fn shape(&mut self, shape: &Shape) {
        match *shape {
            Shape::Boolean => self.put("\"type\":\"boolean\""),
            Shape::Choice(choices) => {
                self.put("\"type\":\"string\",\"enum\":[");
                let mut index = 0;
                while index < choices.len() {
                    if index > 0 {
                        self.byte(b',');
                    }
                    self.quoted(choices[index]);
                    index += 1;
                }
                self.byte(b']');
            }
            Shape::Integer { least, most } => {
                self.put("\"type\":\"integer\"");
                self.limits((",\"minimum\":", least), (",\"maximum\":", most), i64::MIN);
            }
            Shape::List { entries, .. } => {
                self.put("\"type\":\"array\",\"items\":{");
                self.shape(entries);
                self.byte(b'}');
            }
            Shape::Secret { least, most } => {
                self.put("\"type\":\"string\"");
                self.limits((",\"minLength\":", least), (",\"maxLength\":", most), 0);
                self.put(",\"writeOnly\":true");
            }
            Shape::Table(options) => self.table(options),
            Shape::Text { least, most, .. } => {
                self.put("\"type\":\"string\"");
                self.limits((",\"minLength\":", least), (",\"maxLength\":", most), 0);
            }
        }
    }

    const fn table(&mut self, options: &[Declared]) {
        self.put("\"type\":\"object\",\"additionalProperties\":false");
        if Declared::any_is_required(options) {
            self.put(",\"required\":[");
            let mut first = true;
            let mut index = 0;
            while index < options.len() {
                if options[index].is_required {
                    if !first {
                        self.byte(b',');
                    }
                    first = false;
                    self.quoted(options[index].name);
                }
                index += 1;
            }
            self.byte(b']');
        }
        self.put(",\"properties\":{");
        let mut index = 0;
        while index < options.len() {
            if index > 0 {
                self.byte(b',');
            }
            let option = &options[index];
            self.quoted(option.name);
            self.put(":{");
            self.shape(&option.shape);
            if let Some(default) = option.default {
                self.put(",\"default\":");
                self.put(default);
            }
            self.byte(b'}');
            index += 1;
        }
        self.byte(b'}');
    }

    const fn schema(&mut self, options: &[Declared]) {
        self.put("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",");
        self.table(options);
        self.put("}\0");
    }
}

/// Bytes of the schema, with the NUL at its end.
#[doc(hidden)]
pub const fn schema_len(options: &[Declared]) -> usize {
    let mut counted = Writer::<0>::new();
    counted.schema(options);
    counted.len
}

/// The schema, with a NUL at its end; `N` is its [`schema_len`].
#[doc(hidden)]
pub const fn schema<const N: usize>(options: &[Declared]) -> [u8; N] {
    let mut written = Writer::<N>::new();
    written.schema(options);
    written.bytes
}
