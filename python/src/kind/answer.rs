//! What a method returned or raised, as the reply.

use std::ffi::CString;
use std::path::Path;
use std::time::Duration;

use doorward_plugin::{Failure, Host, LogLevel, Reason, Record, Reply, Request, Verdict};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Writes an `Accept`, `Continue`, `Deny` or `Resolve` of `doorward.plugin`.
pub(super) fn write(
    answer: &Bound<'_, PyAny>,
    request: &Request<'_>,
    reply: &mut Reply<'_>,
) -> PyResult<Verdict> {
    let types = answer.py().import("doorward.plugin")?;
    let is = |name: &str| types.getattr(name).and_then(|class| answer.is_instance(&class));
    if is("Accept")? {
        accept(answer, request, reply)
    } else if is("Continue")? {
        for (name, value) in pairs(&answer.getattr("challenge")?)? {
            reply.challenge(&name, &value);
        }
        let state: Vec<u8> = answer.getattr("state")?.extract()?;
        reply.state(&state, Duration::from_secs(answer.getattr("seconds")?.extract()?));
        Ok(Verdict::Continue)
    } else if is("Deny")? {
        for violation in answer.getattr("violations")?.try_iter()? {
            let (field, code, limit): (String, String, i64) = violation?.extract()?;
            reply.violation(&text(&field)?, &text(&code)?, limit);
        }
        Ok(Verdict::Deny(reason(
            &answer.getattr("reason")?.extract::<String>()?,
        )?))
    } else if is("Resolve")? {
        reply.handle(&answer.getattr("handle")?.extract::<Vec<u8>>()?);
        Ok(Verdict::Resolve)
    } else {
        // Not even its value is told: it may be a credential.
        Err(PyTypeError::new_err(format!(
            "a method of a kind returns Accept, Continue, Deny or Resolve, not {}",
            answer.get_type().name()?
        )))
    }
}

fn accept(answer: &Bound<'_, PyAny>, request: &Request<'_>, reply: &mut Reply<'_>) -> PyResult<Verdict> {
    let bytes = |name: &str| answer.getattr(name)?.extract::<Option<Vec<u8>>>();
    if let Some(identifier) = bytes("identifier")? {
        reply.identifier(&identifier);
    }
    if let Some(handle) = bytes("handle")? {
        reply.handle(&handle);
    }
    let replaces = bytes("replaces")?;
    match (bytes("record")?, replaces) {
        (Some(record), None) => reply.new_record(&record),
        (Some(record), Some(id)) => reply.replace_record(&named(request, &id)?, &record),
        (None, Some(_)) => return Err(PyValueError::new_err("Accept(replaces=…) needs record=…")),
        (None, None) => {}
    }
    if let Some(label) = answer.getattr("label")?.extract::<Option<String>>()? {
        reply.label(&label);
    }
    if let Some(id) = bytes("used")? {
        reply.used_record(&named(request, &id)?);
    }
    for (name, value) in pairs(&answer.getattr("show_once")?)? {
        reply.show_once(&name, &value);
    }
    let json = answer.py().import("json")?;
    for (name, value) in answer.getattr("attributes")?.cast::<PyDict>()? {
        let value: String = json.call_method1("dumps", (value,))?.extract()?;
        reply.attribute(&text(&name.extract::<String>()?)?, &value);
    }
    Ok(Verdict::Accept)
}

fn named<'r>(request: &Request<'r>, id: &[u8]) -> PyResult<Record<'r>> {
    request
        .records()
        .find(|record| record.id().as_slice() == id)
        .ok_or_else(|| PyValueError::new_err("that is the id of none of the request's records"))
}

/// Names and values; values are text or bytes.
fn pairs(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<(CString, Vec<u8>)>> {
    mapping
        .cast::<PyDict>()?
        .iter()
        .map(|(name, value)| {
            let value = match value.extract::<String>() {
                Ok(value) => value.into_bytes(),
                Err(_) => value.extract()?,
            };
            Ok((text(&name.extract::<String>()?)?, value))
        })
        .collect()
}

fn text(text: &str) -> PyResult<CString> {
    CString::new(text).map_err(|_| PyValueError::new_err("names have no NUL in them"))
}

fn reason(said: &str) -> PyResult<Reason> {
    [
        ("disabled", Reason::Disabled),
        ("expired", Reason::Expired),
        ("invalid_input", Reason::InvalidInput),
        ("locked", Reason::Locked),
        ("must_change", Reason::MustChange),
        ("not_enrolled", Reason::NotEnrolled),
        ("wrong", Reason::Wrong),
    ]
    .into_iter()
    .find(|(name, _)| *name == said)
    .map(|(_, reason)| reason)
    .ok_or_else(|| PyValueError::new_err("Deny has one of the reasons that doorward.plugin lists"))
}

/// What was raised: one of `doorward.plugin`'s failures says why it could not be decided; anything else is a bug. Of a
/// bug only type and place are told, since its text may hold a credential.
pub(super) fn failure(py: Python<'_>, raised: &PyErr, host: Host<'_>) -> Failure {
    let class = |name: &str| {
        py.import("doorward.plugin")
            .and_then(|types| types.getattr(name))
            .is_ok_and(|class| raised.is_instance(py, &class))
    };
    let said = || raised.value(py).to_string();
    if class("Unavailable") {
        return Failure::unavailable(said());
    }
    if class("TimedOut") {
        return Failure::timeout();
    }
    if class("NotUnderstood") {
        return Failure::format(said());
    }
    if class("BadOption") {
        return Failure::config(said());
    }
    let place = place(py, raised).unwrap_or_default();
    let name = raised
        .get_type(py)
        .name()
        .map_or_else(|_| "something".to_owned(), |name| name.to_string());
    let told = format!("a method of a kind raised {name}{place}");
    host.log(LogLevel::Error, &told);
    Failure::internal(told)
}

/// Where it was raised: the last line of the author's own, whatever it called. The method is the first frame; its author's
/// are the files in its folder and below.
fn place(py: Python<'_>, raised: &PyErr) -> Option<String> {
    let mut traceback = raised.traceback(py)?.into_any();
    let (mut folder, mut last) = (None, None);
    while !traceback.is_none() {
        let line: u32 = traceback.getattr("tb_lineno").ok()?.extract().ok()?;
        let code = traceback.getattr("tb_frame").ok()?.getattr("f_code").ok()?;
        let file: String = code.getattr("co_filename").ok()?.extract().ok()?;
        let folder = folder.get_or_insert_with(|| Path::new(&file).parent().map(Path::to_owned));
        if (folder.as_ref()).is_none_or(|folder| Path::new(&file).starts_with(folder)) {
            last = Some(format!(" at {file}:{line}"));
        }
        traceback = traceback.getattr("tb_next").ok()?;
    }
    last
}
