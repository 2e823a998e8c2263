//! The key ring, as `keys` names it.

use toml::Value;

use crate::config::reader::{Reader, bad};
use crate::error::Result;
use crate::keys::{KeySettings, MAX_KEY_ID};

pub(super) fn keys(r: &Reader<'_>) -> Result<Vec<KeySettings>> {
    let shape = || {
        bad(
            "keys",
            "takes a list of tables such as { id = \"k1\", file = \"/etc/doorward/k1.key\", use = \"seal\" }",
        )
    };
    let Some(given) = r.given("keys") else {
        return Ok(Vec::new());
    };
    let Value::Array(items) = given else {
        return Err(shape());
    };
    let mut keys: Vec<KeySettings> = Vec::new();
    for item in items {
        let Value::Table(item) = item else {
            return Err(shape());
        };
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let (Some(id), Some(file)) = (text("id"), text("file")) else {
            return Err(shape());
        };
        let named_well =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        if id.is_empty() || id.len() > MAX_KEY_ID || !id.bytes().all(named_well) {
            return Err(bad(
                "keys",
                format!(
                    "has the id `{id}`: it takes 1 to {MAX_KEY_ID} characters of a-z, 0-9, `_`, `.`, `-`"
                ),
            ));
        }
        if keys.iter().any(|key| key.id == id) {
            return Err(bad("keys", format!("has the id `{id}` twice")));
        }
        let seals = match item.get("use").map(|value| value.as_str()) {
            None | Some(Some("seal")) => true,
            Some(Some("open")) => false,
            Some(_) => {
                return Err(bad(
                    "keys",
                    format!("has a `use` of `{id}` that is neither \"seal\" nor \"open\""),
                ));
            }
        };
        if let Some(other) = item
            .keys()
            .find(|name| !["id", "file", "use", "readable_by_others"].contains(&name.as_str()))
        {
            return Err(bad(
                "keys",
                format!("does not know `{other}`: a key has `id`, `file`, `use` and `readable_by_others`"),
            ));
        }
        let readable_by_others = match item.get("readable_by_others") {
            None => false,
            Some(Value::Boolean(readable)) => *readable,
            Some(_) => {
                return Err(bad(
                    "keys",
                    format!("has a `readable_by_others` of `{id}` that is neither true nor false"),
                ));
            }
        };
        keys.push(KeySettings {
            id: id.into(),
            file: r.absolute(file),
            seals,
            readable_by_others,
        });
    }
    Ok(keys)
}
