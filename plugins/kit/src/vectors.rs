//! `vectors.toml`: what the author says that the plugin answers.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_plugin::abi;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::driver::{Seen, reason_of};

/// The file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vectors {
    /// The kind that they are for; else every kind of the plugin.
    pub(crate) kind: Option<String>,
    /// The kind's options.
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    #[serde(default, rename = "case")]
    pub(crate) cases: Vec<VectorCase>,
}

/// One case: a question, and perhaps the steps that follow it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorCase {
    pub(crate) name: String,
    pub(crate) operation: String,
    #[serde(default)]
    pub(crate) identifier: String,
    #[serde(default)]
    pub(crate) credentials: Map<String, Value>,
    #[serde(default)]
    pub(crate) new_credentials: Map<String, Value>,
    pub(crate) record: Option<Value>,
    pub(crate) at: Option<i64>,
    pub(crate) expect: String,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) steps: Vec<VectorStep>,
    pub(crate) canonical: Option<String>,
    /// Nobody has this identifier.
    #[serde(default)]
    pub(crate) decoy: bool,
}

/// One step after a CONTINUE.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VectorStep {
    #[serde(default)]
    pub(crate) credentials: Map<String, Value>,
    pub(crate) expect: String,
    pub(crate) reason: Option<String>,
    pub(crate) at: Option<i64>,
}

impl Given<'_> {
    /// Nothing was given yet.
    pub(crate) const NOTHING: Self = Self {
        challenge: &[],
        shown: &[],
        delivered: &[],
    };
}

impl Vectors {
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let vectors: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for case in &vectors.cases {
            let place = format!("{}: case {:?}", path.display(), case.name);
            case.number().map_err(|why| format!("{place}: {why}"))?;
            let steps = case.steps.iter().map(|step| (&step.expect, &step.reason));
            for (expect, reason) in std::iter::once((&case.expect, &case.reason)).chain(steps) {
                check_expectation(expect, reason.as_deref()).map_err(|why| format!("{place}: {why}"))?;
            }
        }
        Ok(vectors)
    }
}

impl VectorCase {
    /// The operation's number.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn number(&self) -> Result<u32, String> {
        match self.operation.as_str() {
            "normalize" => Ok(abi::OP_NORMALIZE),
            "enroll" => Ok(abi::OP_ENROLL),
            "verify" => Ok(abi::OP_VERIFY),
            "update" => Ok(abi::OP_UPDATE),
            other => Err(format!(
                "operation is {other:?}; it must be normalize, enroll, verify or update"
            )),
        }
    }
}

fn check_expectation(expect: &str, reason: Option<&str>) -> Result<(), String> {
    if !["accept", "deny", "continue", "invalid", "format", "unavailable"].contains(&expect) {
        return Err(format!(
            "expect is {expect:?}; it must be accept, deny, continue, invalid, format or unavailable"
        ));
    }
    match reason {
        Some(reason) if reason_of(reason).is_none() => Err(format!("there is no reason {reason:?}")),
        _ => Ok(()),
    }
}

/// Whether that was expected.
pub(crate) fn meets(seen: Seen, expect: &str, reason: Option<&str>) -> bool {
    match (expect, seen) {
        ("accept", Seen::Accepted)
        | ("continue", Seen::Continue)
        | ("format", Seen::Format)
        | ("unavailable", Seen::Undecided(_))
        | ("invalid", Seen::Denied(abi::INVALID_INPUT)) => true,
        ("deny", Seen::Denied(given)) => reason.is_none_or(|reason| reason_of(reason) == Some(given)),
        _ => false,
    }
}

/// What earlier answers gave: `{ challenge = "…" }`, `{ shown = "…", line = 1 }`, `{ delivered = "…" }`.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) challenge: &'a [(String, Vec<u8>)],
    pub(crate) shown: &'a [(String, Vec<u8>)],
    pub(crate) delivered: &'a [(String, Vec<u8>)],
}

/// A credential's bytes: a text, or a table that says how they are written.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn value(name: &str, value: &Value, given: Given<'_>) -> Result<Vec<u8>, String> {
    if let Value::String(text) = value {
        return Ok(text.clone().into_bytes());
    }
    let wrong = || {
        format!(
            "{name}: a value is a text, {{ hex = \"…\" }}, {{ base64 = \"…\" }}, {{ challenge = \"…\" }}, {{ shown = \"…\" }} or {{ delivered = \"…\" }}"
        )
    };
    let table = value.as_object().ok_or_else(wrong)?;
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    if let Some(digits) = text("hex") {
        return hex(digits).ok_or_else(|| format!("{name}: {digits:?} is not hexadecimal"));
    }
    if let Some(encoded) = text("base64") {
        return STANDARD
            .decode(encoded)
            .map_err(|error| format!("{name}: {error}"));
    }
    let sources = [
        ("challenge", given.challenge),
        ("shown", given.shown),
        ("delivered", given.delivered),
    ];
    let named = sources
        .into_iter()
        .find_map(|(key, source)| Some((source, text(key)?)));
    let (source, wanted) = named.ok_or_else(wrong)?;
    let found = source.iter().find(|(given, _)| given == wanted);
    let (_, bytes) = found.ok_or_else(|| format!("{name}: no earlier answer gave {wanted:?}"))?;
    let Some(line) = table.get("line").and_then(Value::as_u64) else {
        return Ok(bytes.clone());
    };
    let lines = String::from_utf8_lossy(bytes);
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = lines.split_whitespace().nth(index).map(str::to_owned);
    line.map(String::into_bytes)
        .ok_or_else(|| format!("{name}: {wanted:?} has no such line"))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}
