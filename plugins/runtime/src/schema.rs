//! The options of a kind as it describes them: the part of JSON Schema (2020-12) that configuration needs.
//!
//! Checked: `type`, `properties`, `required`, `enum`, `minimum`, `maximum`, `minLength`, `maxLength`, `items`,
//! `additionalProperties = false` (always so, whether said or not). Annotations are read over. A schema with any other
//! keyword is refused when the plugin is loaded, for a rule that nobody checks is worse than none.

use std::collections::BTreeMap;

use serde_json::Value;

use doorward_base::error::{Error, ErrorKind, Result};

/// Keywords that say nothing about what is valid.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$id",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "title",
];

/// Deepest nesting: options are tables in tables, not trees.
const MAX_DEPTH: usize = 8;

/// One option or table of options.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    kind: Type,
    members: BTreeMap<String, Schema>,
    required: Vec<String>,
    items: Option<Box<Schema>>,
    allowed: Option<Vec<Value>>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    secret: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Array,
    Boolean,
    Integer,
    Object,
    String,
}

impl Schema {
    /// Reads a kind's schema.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let schema = Self::read(&value, 0)?;
        if schema.kind != Type::Object {
            return Err("the outermost type must be \"object\"".into());
        }
        Ok(schema)
    }

    fn read(value: &Value, depth: usize) -> std::result::Result<Self, String> {
        let members = value.as_object().ok_or("a schema must be an object")?;
        if depth > MAX_DEPTH {
            return Err("it is nested too deeply".into());
        }
        let kind = match members.get("type").and_then(Value::as_str) {
            Some("array") => Type::Array,
            Some("boolean") => Type::Boolean,
            Some("integer") => Type::Integer,
            Some("object") => Type::Object,
            Some("string") => Type::String,
            _ => return Err("\"type\" must be array, boolean, integer, object or string".into()),
        };
        let mut schema = Self {
            kind,
            members: BTreeMap::new(),
            required: Vec::new(),
            items: None,
            allowed: None,
            minimum: None,
            maximum: None,
            min_length: None,
            max_length: None,
            secret: false,
        };
        for (keyword, value) in members {
            schema.keyword(keyword, value, depth)?;
        }
        Ok(schema)
    }

    fn keyword(&mut self, keyword: &str, value: &Value, depth: usize) -> std::result::Result<(), String> {
        let wrong = || format!("the value of \"{keyword}\" is of the wrong type");
        match keyword {
            "type" => {}
            "properties" => {
                for (name, member) in value.as_object().ok_or_else(wrong)? {
                    self.members.insert(name.clone(), Self::read(member, depth + 1)?);
                }
            }
            "required" => {
                for name in value.as_array().ok_or_else(wrong)? {
                    self.required.push(name.as_str().ok_or_else(wrong)?.to_owned());
                }
            }
            "items" => self.items = Some(Box::new(Self::read(value, depth + 1)?)),
            "enum" => self.allowed = Some(value.as_array().ok_or_else(wrong)?.clone()),
            "minimum" => self.minimum = Some(value.as_i64().ok_or_else(wrong)?),
            "maximum" => self.maximum = Some(value.as_i64().ok_or_else(wrong)?),
            "minLength" => self.min_length = Some(value.as_u64().ok_or_else(wrong)?),
            "maxLength" => self.max_length = Some(value.as_u64().ok_or_else(wrong)?),
            "writeOnly" => self.secret = value.as_bool().ok_or_else(wrong)?,
            "additionalProperties" if *value == Value::Bool(false) => {}
            known if ANNOTATIONS.contains(&known) => {}
            other => return Err(format!("the keyword {other:?} is not supported")),
        }
        Ok(())
    }

    /// True when the option of this dotted name is a secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        name.split('.')
            .try_fold(self, |schema, part| schema.members.get(part))
            .is_some_and(|schema| schema.secret)
    }

    /// Makes the option of this dotted name a secret. False: there is no such string.
    pub(super) fn keep_secret(&mut self, name: &str) -> bool {
        let option = name
            .split('.')
            .try_fold(self, |schema, part| schema.members.get_mut(part));
        match option {
            Some(option) if option.kind == Type::String => {
                option.secret = true;
                true
            }
            _ => false,
        }
    }

    /// Replaces every secret that is given as `{ file = "…" }` by what `read` finds there.
    pub(super) fn resolve_secrets(
        &self,
        value: &mut Value,
        read: &dyn Fn(&str) -> Result<String>,
    ) -> Result<()> {
        if self.secret {
            let file = value
                .as_object()
                .filter(|members| members.len() == 1)
                .and_then(|members| members.get("file")?.as_str().map(str::to_owned));
            if let Some(file) = file {
                *value = Value::String(read(&file)?);
            }
            return Ok(());
        }
        for (name, member) in &self.members {
            if let Some(value) = value.get_mut(name) {
                member.resolve_secrets(value, read)?;
            }
        }
        Ok(())
    }

    /// Checks a provider's options.
    ///
    /// # Errors
    /// `Configuration`, naming provider, option, what is wrong and what would be right; never a value, which may
    /// be a secret in the wrong place.
    pub(super) fn check(&self, value: &Value, provider: &str) -> Result<()> {
        self.check_at("", value).map_err(|(name, why)| {
            let name = if name.is_empty() { "its options" } else { &name };
            Error::new(
                ErrorKind::Configuration,
                format!("provider {provider:?}: {name}: {why}"),
            )
        })
    }

    fn check_at(&self, name: &str, value: &Value) -> std::result::Result<(), (String, String)> {
        let wrong = |why: String| Err((name.to_owned(), why));
        if let Some(allowed) = self.allowed.as_ref().filter(|allowed| !allowed.contains(value)) {
            let choices: Vec<String> = allowed.iter().map(Value::to_string).collect();
            return wrong(format!("must be one of {}", choices.join(", ")));
        }
        match (self.kind, value) {
            (Type::Boolean, Value::Bool(_)) => Ok(()),
            (Type::Integer, Value::Number(number)) => match number.as_i64() {
                Some(n)
                    if self.minimum.is_none_or(|min| n >= min) && self.maximum.is_none_or(|max| n <= max) =>
                {
                    Ok(())
                }
                _ => wrong(format!(
                    "must be a whole number from {} to {}",
                    self.minimum.unwrap_or(i64::MIN),
                    self.maximum.unwrap_or(i64::MAX)
                )),
            },
            (Type::String, Value::String(text)) => {
                let length = text.chars().count() as u64;
                let (min, max) = (self.min_length.unwrap_or(0), self.max_length.unwrap_or(u64::MAX));
                if (min..=max).contains(&length) {
                    Ok(())
                } else {
                    wrong(format!("must be a text of {min} to {max} characters"))
                }
            }
            (Type::Array, Value::Array(values)) => {
                for (at, value) in values.iter().enumerate() {
                    if let Some(items) = &self.items {
                        items.check_at(&format!("{name}[{at}]"), value)?;
                    }
                }
                Ok(())
            }
            (Type::Object, Value::Object(values)) => self.check_table(name, values),
            (kind, _) => wrong(format!("must be of type {}", kind.name())),
        }
    }

    fn check_table(
        &self,
        name: &str,
        values: &serde_json::Map<String, Value>,
    ) -> std::result::Result<(), (String, String)> {
        let dotted = |member: &str| {
            if name.is_empty() {
                member.to_owned()
            } else {
                format!("{name}.{member}")
            }
        };
        for (member, value) in values {
            let Some(schema) = self.members.get(member) else {
                let known: Vec<&str> = self.members.keys().map(String::as_str).collect();
                return Err((
                    dotted(member),
                    format!("there is no such option; there are: {}", known.join(", ")),
                ));
            };
            schema.check_at(&dotted(member), value)?;
        }
        match self.required.iter().find(|member| !values.contains_key(*member)) {
            Some(member) => Err((dotted(member), "must be set".into())),
            None => Ok(()),
        }
    }
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Object => "table",
            Self::String => "text",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = r#"{"type":"object","required":["issuer"],"additionalProperties":false,"properties":{
        "issuer":{"type":"string","minLength":1,"maxLength":8,"description":"who"},
        "digits":{"type":"integer","minimum":6,"maximum":8,"default":6},
        "algorithm":{"type":"string","enum":["sha1","sha256"]},
        "strict":{"type":"boolean"},
        "server":{"type":"object","properties":{"port":{"type":"integer"},"key":{"type":"string","writeOnly":true}}}}}"#;

    #[test]
    fn options_are_checked_and_errors_name_them() {
        let schema = Schema::parse(SCHEMA).unwrap();
        for (options, named) in [
            (json!({"issuer": "a"}), None),
            (
                json!({"issuer": "a", "digits": 8, "strict": true, "server": {"port": 1}}),
                None,
            ),
            (json!({}), Some("issuer: must be set")),
            (
                json!({"issuer": ""}),
                Some("issuer: must be a text of 1 to 8 characters"),
            ),
            (json!({"issuer": 1}), Some("issuer: must be of type text")),
            (
                json!({"issuer": "a", "digits": 9}),
                Some("digits: must be a whole number from 6 to 8"),
            ),
            (
                json!({"issuer": "a", "digits": 6.5}),
                Some("digits: must be a whole number"),
            ),
            (
                json!({"issuer": "a", "algorithm": "md5"}),
                Some("algorithm: must be one of"),
            ),
            (
                json!({"issuer": "a", "server": {"prt": 1}}),
                Some("server.prt: there is no such option; there are: key, port"),
            ),
        ] {
            match (schema.check(&options, "p"), named) {
                (Ok(()), None) => {}
                (Err(error), Some(named)) => assert!(error.message().contains(named), "{error}"),
                (result, _) => panic!("{options}: {result:?}"),
            }
        }
    }

    #[test]
    fn secrets_come_from_files_and_are_known_as_such() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let mut options = json!({"issuer": "a", "server": {"key": {"file": "/k"}}});
        schema
            .resolve_secrets(&mut options, &|path| Ok(format!("content of {path}")))
            .unwrap();
        assert_eq!(options["server"]["key"], "content of /k");
        assert!(
            schema.is_secret("server.key")
                && !schema.is_secret("server.port")
                && !schema.is_secret("nothing")
        );
    }

    #[test]
    fn a_rule_that_nobody_checks_is_refused() {
        for schema in [
            r#"{"type":"object","properties":{"a":{"type":"string","pattern":"x"}}}"#,
            r#"{"type":"string"}"#,
            r#"{"type":"object","additionalProperties":true}"#,
            "[]",
            "",
        ] {
            assert!(Schema::parse(schema).is_err(), "{schema}");
        }
    }
}
