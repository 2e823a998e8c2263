//! Attributes: JSON objects that the application keeps with users and sessions. Merge patch is RFC 7396.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// Most bytes of a user's or session's attributes as text.
pub(crate) const MAX_ATTRIBUTES: usize = 16 * 1024;
/// Most bytes of one unique value.
const MAX_UNIQUE: usize = 1024;

/// Reads a JSON object.
pub(crate) fn parse_object(text: &str) -> Result<Value> {
    if text.len() > MAX_ATTRIBUTES {
        return Err(invalid(format!(
            "attributes take at most {MAX_ATTRIBUTES} bytes as JSON; these have {}",
            text.len()
        )));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        // The parser's own bound, which it tells by this text alone.
        Err(error) if error.to_string().starts_with("recursion limit exceeded") => Err(Error::too_deep()),
        _ => Err(invalid("attributes must be a JSON object".into())),
    }
}

/// The stored text with a merge patch applied (RFC 7396): null removes, objects merge, everything else replaces.
pub(crate) fn merged(stored: &str, patch: &str) -> Result<String> {
    let patch = parse_object(patch)?;
    let mut target: Value = serde_json::from_str(stored)
        .map_err(|e| Error::new(ErrorKind::Corrupt, "stored attributes are not JSON").caused_by(e))?;
    merge(&mut target, patch);
    let text = target.to_string();
    parse_object(&text)?;
    Ok(text)
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// The values of the declared unique attributes: text as its bytes, everything else as JSON; null and absent: none.
pub(crate) fn unique_values(attributes: &str, unique: &[String]) -> Result<Vec<(String, Vec<u8>)>> {
    let Value::Object(fields) = parse_object(attributes)? else {
        return Ok(Vec::new());
    };
    let mut values = Vec::new();
    for name in unique {
        let value = match fields.get(name) {
            None | Some(Value::Null) => continue,
            // The first byte keeps the text `1` and the number 1 apart.
            Some(Value::String(text)) => [b"s", text.as_bytes()].concat(),
            Some(other) => [b"j", other.to_string().as_bytes()].concat(),
        };
        if value.len() > MAX_UNIQUE {
            return Err(invalid(format!(
                "the unique attribute `{name}` takes at most {} bytes",
                MAX_UNIQUE - 1
            )));
        }
        values.push((name.clone(), value));
    }
    Ok(values)
}

/// The unique value to look a user up by: JSON, or else plain text.
pub(crate) fn unique_value(value: &str) -> Vec<u8> {
    [b"s", value.as_bytes()].concat()
}

/// Only the fields that are declared public, as JSON text.
pub(crate) fn public(attributes: &str, public: &[String]) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(attributes) else {
        return "{}".into();
    };
    let shown: Map<String, Value> = fields
        .into_iter()
        .filter(|(name, _)| public.contains(name))
        .collect();
    Value::Object(shown).to_string()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_patch_follows_the_standard() {
        // RFC 7396, appendix A, the rows whose target and patch are objects.
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merged(target, patch).unwrap(), result, "{target} {patch}");
        }
    }

    #[test]
    fn refuses_what_is_not_an_object_or_too_large() {
        let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_ATTRIBUTES));
        for bad in ["", "[]", "1", "{", "null", &large] {
            assert_eq!(parse_object(bad).unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn unique_values_keep_types_apart() {
        let values = |text| unique_values(text, &["n".into()]).unwrap();
        assert_ne!(values(r#"{"n":"1"}"#), values(r#"{"n":1}"#));
        assert!(values(r#"{"n":null}"#).is_empty() && values("{}").is_empty());
    }

    #[test]
    fn public_shows_only_what_is_declared() {
        assert_eq!(
            public(r#"{"name":"a","admin":true}"#, &["name".into()]),
            r#"{"name":"a"}"#
        );
    }
}
