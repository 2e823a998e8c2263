//! Plugins: where each file is, what it may bring, and whether it runs in a process of its own.

use std::path::PathBuf;

use crate::config::reader::{Reader, bad};
use crate::error::Result;
use crate::plugin::{Isolation, PluginSettings, PythonClass, Sandbox, isolation};

pub(super) fn plugins(r: &Reader<'_>) -> Result<Vec<PluginSettings>> {
    let mut plugins = Vec::new();
    for name in r.names("plugin") {
        let key = |leaf: &str| format!("plugin.{name}.{leaf}");
        let path = PathBuf::from(r.text(&key("path"))?.unwrap_or_default());
        if !path.is_absolute() {
            return Err(bad(
                &key("path"),
                "takes an absolute path: plugins are never searched for",
            ));
        }
        let (sha256, kinds) = (r.text(&key("sha256"))?, r.texts(&key("kinds"))?);
        let isolation = isolation(r, &key)?;
        if sha256.is_some()
            && isolation
                .as_ref()
                .is_some_and(|isolation| isolation.python.is_some())
        {
            return Err(bad(
                &key("sha256"),
                "pins one file, and a class in Python is more: leave it out",
            ));
        }
        plugins.push(PluginSettings {
            name,
            path,
            sha256,
            kinds,
            isolation,
        });
    }
    Ok(plugins)
}

fn isolation(r: &Reader<'_>, key: &dyn Fn(&str) -> String) -> Result<Option<Isolation>> {
    let choices = [Sandbox::Strict, Sandbox::Net, Sandbox::Off].map(|sandbox| (sandbox.id(), sandbox));
    let sandbox = r.choice(&key("sandbox"), &choices)?;
    let workers = r.integer(&key("workers"))?;
    let needs_landlock = r.choice(&key("landlock"), &[("required", true), ("if_there", false)])?;
    let host = r.text("plugin_host.path")?.unwrap_or_default();
    if !(host.is_empty() || host.starts_with('/')) {
        return Err(bad(
            "plugin_host.path",
            "takes an absolute path: programs are never searched for",
        ));
    }
    let python = python(r, key)?;
    // A class in Python never runs in this process: it would bring an interpreter.
    let is_isolated = r.choice(&key("isolation"), &[("none", false), ("process", true)])? || python.is_some();
    Ok(is_isolated.then(|| Isolation {
        host: PathBuf::from(if host.is_empty() {
            isolation::INSTALLED
        } else {
            &host
        }),
        sandbox,
        needs_landlock,
        workers,
        python,
    }))
}

fn python(r: &Reader<'_>, key: &dyn Fn(&str) -> String) -> Result<Option<PythonClass>> {
    let folder = r.text(&key("python_path"))?.map(PathBuf::from);
    if folder.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        return Err(bad(&key("python_path"), "takes an absolute path"));
    }
    let Some(class) = r.text(&key("python"))? else {
        return Ok(None);
    };
    match class.split_once(':') {
        Some((module, name)) if !module.is_empty() && !name.is_empty() && !class.contains('\0') => {
            Ok(Some(PythonClass { class, folder }))
        }
        _ => Err(bad(&key("python"), "takes \"module:Class\"")),
    }
}
