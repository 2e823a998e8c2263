//! Reads typed values out of a TOML table by the schema; every error names the key, what it takes and the fix.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use super::schema::{self, Key, KeyType};
use crate::error::{Error, ErrorKind, Result};

/// An error about one key.
pub(super) fn bad(key: &str, message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("`{key}` {message}"))
}

/// Walks the whole table and refuses what the schema does not know or what has another type.
pub(super) fn check(table: &Table) -> Result<()> {
    walk(table, "")
}

fn walk(table: &Table, prefix: &str) -> Result<()> {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match (schema::find(&key), value) {
            (Ok(known), value) => check_type(known, &key, value)?,
            (Err(_), Value::Table(inner)) if !inner.is_empty() => walk(inner, &key)?,
            (Err(_), Value::Table(_)) => {} // an empty section says nothing
            (Err(error), _) => return Err(error),
        }
    }
    Ok(())
}

fn check_type(known: &Key, key: &str, value: &Value) -> Result<()> {
    match (known.takes, value) {
        (KeyType::Any | KeyType::Keys, _)
        | (KeyType::Boolean, Value::Boolean(_))
        | (KeyType::Secret | KeyType::Text, Value::String(_)) => Ok(()),
        (KeyType::Secret, Value::Table(inner)) if file_of(inner).is_some() => Ok(()),
        (KeyType::Duration, Value::String(text)) => duration(key, text).map(drop),
        (KeyType::Integer(low, high), Value::Integer(n)) if (low..=high).contains(n) => Ok(()),
        (KeyType::Texts, Value::Array(items)) if items.iter().all(Value::is_str) => Ok(()),
        (takes, _) => Err(bad(key, format!("takes {}", described(takes)))),
    }
}

fn described(takes: KeyType) -> String {
    match takes {
        KeyType::Any => "any value".into(),
        KeyType::Boolean => "true or false".into(),
        KeyType::Duration => {
            "a length of time as text, such as \"500ms\", \"30s\", \"10m\", \"8h\" or \"14d\"".into()
        }
        KeyType::Integer(low, high) => format!("a whole number from {low} to {high}"),
        KeyType::Keys => "a list of tables with `id`, `file` and `use`".into(),
        KeyType::Secret => "text, or { file = \"/absolute/path\" }".into(),
        KeyType::Text => "text".into(),
        KeyType::Texts => "a list of texts".into(),
    }
}

/// The absolute path in `{ file = "…" }`.
fn file_of(table: &Table) -> Option<&str> {
    let path = table.get("file")?.as_str()?;
    (table.len() == 1 && path.starts_with('/')).then_some(path)
}

/// Reads the value of a setter: TOML, or bare text where the key takes text.
pub(super) fn parse_value(known: &Key, key: &str, text: &str) -> Result<Value> {
    let quoted = text.starts_with('"') || text.starts_with('\'');
    let value = match known.takes {
        KeyType::Text | KeyType::Duration if !quoted => Value::String(text.into()),
        KeyType::Secret if !quoted && !text.starts_with('{') => Value::String(text.into()),
        _ => format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .ok_or_else(|| bad(key, format!("takes {}", described(known.takes))))?,
    };
    check_type(known, key, &value)?;
    Ok(value)
}

/// Reads a length of time: digits and one of `ms`, `s`, `m`, `h`, `d`.
fn duration(key: &str, text: &str) -> Result<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        Some(millis) if factor > 0 => Ok(Duration::from_millis(millis)),
        _ => Err(bad(key, format!("takes {}", described(KeyType::Duration)))),
    }
}

/// Typed access by dotted name; absent values are the schema's defaults. Relative paths are in the folder.
pub(super) struct Reader<'a>(pub(super) &'a Table, pub(super) &'a Path);

impl Reader<'_> {
    /// The value that is set, if one is.
    pub(super) fn given(&self, key: &str) -> Option<Value> {
        let mut value: Option<&Value> = None;
        for segment in key.split('.') {
            value = match value {
                None => self.0.get(segment),
                Some(Value::Table(inner)) => inner.get(segment),
                Some(_) => None,
            };
            value?;
        }
        value.cloned()
    }

    fn value(&self, key: &str) -> Result<Option<Value>> {
        let known = schema::find(key)?;
        match self.given(key) {
            Some(value) => Ok(Some(value)),
            None if known.default.is_empty() => Ok(None),
            None => parse_value(known, key, known.default).map(Some),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        Ok(self
            .value(key)?
            .and_then(|value| value.as_str().map(str::to_owned)))
    }

    /// Text that may be kept in a file of its own; the file's last line end is not part of it.
    pub(super) fn secret(&self, key: &str) -> Result<Option<String>> {
        let Some(Value::Table(inner)) = self.value(key)? else {
            return self.text(key);
        };
        let path = file_of(&inner).unwrap_or_default();
        let mut text = std::fs::read_to_string(path)
            .map_err(|e| bad(key, format!("cannot read the file {path:?}")).caused_by(e))?;
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        Ok(Some(text))
    }

    /// A path, absolute from here on: nothing is looked up anew where the process happens to be later.
    pub(super) fn path(&self, key: &str) -> Result<Option<PathBuf>> {
        Ok(self.text(key)?.map(|path| self.absolute(&path)))
    }

    /// A path that stands inside another value.
    pub(super) fn absolute(&self, path: &str) -> PathBuf {
        self.1.join(path)
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>> {
        let Some(Value::Array(items)) = self.value(key)? else {
            return Ok(Vec::new());
        };
        Ok(items
            .into_iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect())
    }

    pub(super) fn boolean(&self, key: &str) -> Result<bool> {
        Ok(self
            .value(key)?
            .and_then(|value| value.as_bool())
            .unwrap_or(false))
    }

    pub(super) fn duration(&self, key: &str) -> Result<Duration> {
        duration(key, &self.text(key)?.unwrap_or_default())
    }

    /// A whole number that the schema bounds within the type.
    pub(super) fn integer<N: TryFrom<i64>>(&self, key: &str) -> Result<N> {
        let number = self
            .value(key)?
            .and_then(|value| value.as_integer())
            .unwrap_or_default();
        N::try_from(number).map_err(|_| bad(key, "is out of range"))
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T> {
        let text = self.text(key)?.unwrap_or_default();
        choices
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| {
                let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
                bad(key, format!("takes {}", words.join(" or ")))
            })
    }

    /// The names under a section, in order.
    pub(super) fn names(&self, section: &str) -> Vec<String> {
        match self.0.get(section) {
            Some(Value::Table(inner)) => inner.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
