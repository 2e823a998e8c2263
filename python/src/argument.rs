//! What Python passes in. Each type takes the forms that people have at hand and nothing that would be guessed.

use std::path::PathBuf;
use std::time::Duration;

use doorward::{Fields, Secret};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString};
use zeroize::Zeroizing;

use crate::json;

/// Text or bytes: an identifier, a token, a credential. Wiped after use.
#[derive(Default)]
pub(crate) struct Bytes(Zeroizing<Vec<u8>>);

impl Bytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl FromPyObject<'_, '_> for Bytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self(Zeroizing::new(bytes.as_bytes().to_vec())));
        }
        if let Ok(text) = object.cast::<PyString>() {
            // `surrogateescape`: identifiers that are not UTF-8 come back as they were shown.
            let encoded = text.call_method1("encode", ("utf-8", "surrogateescape"))?;
            return Ok(Self(Zeroizing::new(
                encoded.cast::<PyBytes>()?.as_bytes().to_vec(),
            )));
        }
        // The value is not named: it may be a secret.
        Err(PyTypeError::new_err("expected str or bytes"))
    }
}

/// Credentials: a mapping of field names to text or bytes.
#[derive(Default)]
pub(crate) struct Credentials(pub(crate) Fields);

impl FromPyObject<'_, '_> for Credentials {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let mapping = object
            .cast::<PyMapping>()
            .map_err(|_| PyTypeError::new_err("expected a mapping of field names to str or bytes"))?;
        let mut fields = Vec::new();
        for item in mapping.items()?.iter() {
            let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
            let value: Bytes = value.extract().map_err(|_| {
                // The class alone: the value may be a secret.
                let class = value
                    .get_type()
                    .name()
                    .map_or_else(|_| "this".to_owned(), |name| name.to_string());
                PyTypeError::new_err(format!("the credential {name:?} takes str or bytes, not {class}"))
            })?;
            fields.push((name, Secret::new(value.as_slice())));
        }
        Ok(Self(Fields(fields)))
    }
}

/// Header lines: pairs of name and value, or a mapping, which has one line for each name.
#[derive(Default)]
pub(crate) struct HeaderLines(pub(crate) Vec<(Bytes, Bytes)>);

impl FromPyObject<'_, '_> for HeaderLines {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong = |_| {
            PyTypeError::new_err("expected pairs of name and value, each str or bytes, or a mapping of them")
        };
        let lines = match object.cast::<PyMapping>() {
            Ok(mapping) => mapping.items()?.into_any(),
            Err(_) => object.to_owned(),
        };
        let lines = lines.try_iter().map_err(wrong)?;
        let pairs = lines.map(|line| line?.extract::<(Bytes, Bytes)>());
        pairs.collect::<PyResult<_>>().map_err(wrong).map(Self)
    }
}

/// A mapping that becomes a JSON object.
pub(crate) struct Json(pub(crate) String);

impl FromPyObject<'_, '_> for Json {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.cast::<PyMapping>().is_err() {
            return Err(PyTypeError::new_err(
                "expected a mapping, which becomes a JSON object",
            ));
        }
        json::to_json(&object).map(Self)
    }
}

/// A `datetime.timedelta`.
pub(crate) struct Length(pub(crate) Duration);

impl FromPyObject<'_, '_> for Length {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object
            .extract::<Duration>()
            .map(Self)
            .map_err(|_| PyTypeError::new_err("expected a datetime.timedelta that is not negative"))
    }
}

/// A path: text or anything with `__fspath__`.
pub(crate) struct FilePath(pub(crate) PathBuf);

impl FromPyObject<'_, '_> for FilePath {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let path: PathBuf = object.extract()?;
        if path.as_os_str().is_empty() {
            return Err(PyValueError::new_err("the path is empty"));
        }
        Ok(Self(path))
    }
}

/// What a token is for, by its text.
pub(crate) struct Purpose(pub(crate) doorward::TokenPurpose);

impl FromPyObject<'_, '_> for Purpose {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text: String = object.extract()?;
        doorward::TokenPurpose::of(&text)
            .map(Self)
            .ok_or_else(|| PyValueError::new_err("purpose is recovery, verify or change_identifier"))
    }
}

/// How an attempt ended, by its text.
pub(crate) struct How(pub(crate) doorward::Settlement);

impl FromPyObject<'_, '_> for How {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match object.extract::<String>()?.as_str() {
            "delivered" => Ok(Self(doorward::Settlement::Delivered)),
            "failed" => Ok(Self(doorward::Settlement::Failed)),
            "retry" => Ok(Self(doorward::Settlement::Retry)),
            _ => Err(PyValueError::new_err("how is delivered, retry or failed")),
        }
    }
}
