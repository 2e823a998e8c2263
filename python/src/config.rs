//! Configuration: a TOML file or text, and keyword arguments built on the same dotted keys.

use std::fmt::Write as _;
use std::time::Duration;

use doorward::{Config, Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::argument::FilePath;
use crate::clock::ManualClock;
use crate::{delivery, error, event};

/// What a context is made from.
pub(crate) fn config(
    py: Python<'_>,
    path: Option<FilePath>,
    toml: Option<&str>,
    keys: Option<&Bound<'_, PyDict>>,
    clock: Option<&Bound<'_, ManualClock>>,
    on_event: Option<Py<PyAny>>,
    on_delivery: Option<Py<PyAny>>,
) -> PyResult<Config> {
    let raise = |e: Error| error::raise(py, &e);
    let mut config = match (path, toml) {
        (Some(_), Some(_)) => return Err(PyTypeError::new_err("pass a path or toml=, not both")),
        (Some(FilePath(path)), None) => {
            let text = std::fs::read_to_string(&path).map_err(|e| {
                let message = format!("the configuration file {} cannot be read", path.display());
                raise(Error::new(ErrorKind::Configuration, message).caused_by(e))
            })?;
            Config::from_toml(&text).map_err(raise)?
        }
        (None, Some(text)) => Config::from_toml(text).map_err(raise)?,
        (None, None) => Config::new(),
    };
    if let Some(keys) = keys {
        set_all(&mut config, "", keys)?;
    }
    if let Some(clock) = clock {
        config.clock(clock.get().port());
    }
    config.on_event(event::callback(on_event));
    if let Some(on_delivery) = on_delivery {
        config.on_delivery(delivery::callback(on_delivery));
    }
    Ok(config)
}

/// Sets every key of a nested mapping by its dotted name. `None` leaves a key as it is.
fn set_all(config: &mut Config, prefix: &str, keys: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, value) in keys {
        let name: String = name
            .extract()
            .map_err(|_| PyTypeError::new_err("names of settings are text"))?;
        let key = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}.{name}")
        };
        if let Ok(inner) = value.cast::<PyDict>() {
            config.section(&key).map_err(|e| error::raise(keys.py(), &e))?;
            set_all(config, &key, inner)?;
        } else if !value.is_none() {
            let value = if key == "database" && value.hasattr("__fspath__")? {
                let path: FilePath = value.extract()?;
                quoted(&format!("sqlite:{}", path.0.to_string_lossy()))
            } else {
                toml_of(&key, &value)?
            };
            config
                .set(&key, &value)
                .map_err(|e| error::raise(keys.py(), &e))?;
        }
    }
    Ok(())
}

/// A Python value as TOML.
fn toml_of(key: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return Ok(value.str()?.to_string());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(quoted(&text.to_string_lossy()));
    }
    if value.is_instance_of::<PyDelta>() {
        let length: Duration = value.extract().map_err(|_| {
            PyTypeError::new_err(format!("`{key}` takes a length of time that is not negative"))
        })?;
        return Ok(format!("\"{}ms\"", length.as_millis()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value
            .try_iter()?
            .map(|item| toml_of(key, &item?))
            .collect::<PyResult<Vec<_>>>()?;
        return Ok(format!("[{}]", items.join(", ")));
    }
    if let Ok(table) = value.cast::<PyDict>() {
        let mut pairs = Vec::new();
        for (name, value) in table {
            let name: String = name.extract()?;
            pairs.push(format!("{} = {}", quoted(&name), toml_of(key, &value)?));
        }
        return Ok(format!("{{ {} }}", pairs.join(", ")));
    }
    if value.hasattr("__fspath__")? {
        let path: FilePath = value.extract()?;
        return Ok(quoted(&path.0.to_string_lossy()));
    }
    let class = value.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "`{key}` takes text, numbers, bool, timedelta, paths, lists and mappings, not {class}"
    )))
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Writing to a String does not fail.
            c if c.is_control() => drop(write!(quoted, "\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
