//! One provider's options while `open` reads them: typed, by dotted name, secrets resolved.

use std::path::Path;

use serde_json::{Map, Value};

use super::schema::Schema;
use doorward_base::error::{Error, ErrorKind, Result};
use doorward_base::secret::Secret;

/// Longest secret file in bytes.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// A provider's options.
pub(super) struct Options {
    values: Value,
    secrets: Secrets,
}

/// Which of the options are secret.
enum Secrets {
    /// What the kind's schema says; without one it has no options.
    OfSchema(Option<Schema>),
    /// Those of these dotted names.
    Named(Vec<String>),
}

/// Why an option cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is not set.
    NotSet,
    /// It is set, to something of another type.
    OtherType,
}

impl Options {
    /// Checks the options and reads the files of secrets given as `{ file = "…" }`.
    ///
    /// # Errors
    /// `Configuration`, naming the option and what it should be.
    pub(super) fn check(provider: &str, schema: Option<&Schema>, given: &Map<String, Value>) -> Result<Self> {
        let mut values = Value::Object(given.clone());
        match schema {
            None if given.is_empty() => {}
            None => {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("provider {provider:?}: its kind has no options, yet some are set"),
                ));
            }
            Some(schema) => {
                schema.resolve_secrets(&mut values, &read_secret)?;
                schema.check(&values, provider)?;
            }
        }
        Ok(Self {
            values,
            secrets: Secrets::OfSchema(schema.cloned()),
        })
    }

    /// Options that nobody has checked, in a plugin's tests: the kind may have another opinion than its schema. `secrets`
    /// are dotted names.
    pub(super) const fn unchecked(values: Map<String, Value>, secrets: Vec<String>) -> Self {
        Self {
            values: Value::Object(values),
            secrets: Secrets::Named(secrets),
        }
    }

    /// All of them, secrets resolved, for a process that opens the kind in our place.
    ///
    /// # Errors
    /// `Internal`: never, for they were read from JSON or TOML.
    pub(super) fn json(&self) -> Result<Secret> {
        serde_json::to_vec(&self.values)
            .map(Secret::new)
            .map_err(|error| {
                Error::new(ErrorKind::Internal, "options that cannot be written").caused_by(error)
            })
    }

    pub(super) fn text(&self, name: &str) -> std::result::Result<&str, Missing> {
        match self.value(name)? {
            Value::String(text) if !self.is_secret(name) => Ok(text),
            _ => Err(Missing::OtherType),
        }
    }

    pub(super) fn secret(&self, name: &str) -> std::result::Result<&str, Missing> {
        match self.value(name)? {
            Value::String(text) if self.is_secret(name) => Ok(text),
            _ => Err(Missing::OtherType),
        }
    }

    pub(super) fn integer(&self, name: &str) -> std::result::Result<i64, Missing> {
        self.value(name)?.as_i64().ok_or(Missing::OtherType)
    }

    pub(super) fn boolean(&self, name: &str) -> std::result::Result<bool, Missing> {
        self.value(name)?.as_bool().ok_or(Missing::OtherType)
    }

    fn value(&self, name: &str) -> std::result::Result<&Value, Missing> {
        let mut value = &self.values;
        for part in name.split('.') {
            value = match value {
                Value::Array(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
                other => other.get(part),
            }
            .ok_or(Missing::NotSet)?;
        }
        Ok(value)
    }

    fn is_secret(&self, name: &str) -> bool {
        match &self.secrets {
            Secrets::OfSchema(schema) => schema.as_ref().is_some_and(|schema| schema.is_secret(name)),
            Secrets::Named(names) => names.iter().any(|known| known == name),
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        wipe(&mut self.values);
    }
}

/// Secrets may be among the values, so all texts are wiped.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => zeroize::Zeroize::zeroize(text),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text of a secret file without its final line end.
fn read_secret(path: &str) -> Result<String> {
    let cannot = |why: String| {
        Error::new(
            ErrorKind::Configuration,
            format!("the secret file {path:?} cannot be used: {why}"),
        )
    };
    if !Path::new(path).is_absolute() {
        return Err(cannot("give an absolute path".into()));
    }
    let size = std::fs::metadata(path)
        .map_err(|error| cannot(error.to_string()))?
        .len();
    if size > MAX_SECRET_FILE {
        return Err(cannot(format!("it is longer than {MAX_SECRET_FILE} bytes")));
    }
    let mut text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_arrays_have_numbers_for_names() {
        let schema = Schema::parse(
            r#"{"type":"object","properties":{"origins":{"type":"array","items":{"type":"string"}},
                "limits":{"type":"object","properties":{"deep":{"type":"array","items":{"type":"integer"}}}}}}"#,
        )
        .unwrap();
        let given: Map<String, Value> =
            serde_json::from_str(r#"{"origins":["a","b"],"limits":{"deep":[7]}}"#).unwrap();
        let options = Options::check("p", Some(&schema), &given).unwrap();
        assert_eq!(options.text("origins.0"), Ok("a"));
        assert_eq!(options.text("origins.1"), Ok("b"));
        assert_eq!(options.integer("limits.deep.0"), Ok(7));
        for absent in ["origins.2", "origins.-1", "origins.x", "origins.", "origins.0.0"] {
            assert_eq!(options.text(absent), Err(Missing::NotSet), "{absent}");
        }
        assert_eq!(options.text("origins"), Err(Missing::OtherType));
    }
}
