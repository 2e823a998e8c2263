//! `doorward_config`: settings and callbacks, before a context is opened with them.

use std::sync::{Mutex, PoisonError};

use doorward::event::EventCallback;
use doorward::{Auth, Config, Result};

use crate::abi::Bytes;
use crate::boundary::{self, In, Out, Owned, UserPointer};
use crate::error::{Failure, status};
use crate::event::{self, EventFn};
use crate::log::{LogFn, Registration, Sink};

/// Largest configuration text, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// Longest dotted key, in bytes.
const MAX_KEY: usize = 1024;

/// The handle. A lock makes it usable from any thread; nobody waits for it long.
#[derive(Default)]
pub(crate) struct Builder(Mutex<State>);

#[derive(Clone, Default)]
struct State {
    config: Config,
    events: Option<EventCallback>,
    log: Option<Sink>,
}

/// Where `make install` of this build puts `doorward-plugin-host`. The build is told; a running program reads no
/// environment.
const INSTALLED_HOST: Option<&str> = option_env!("DOORWARD_PLUGIN_HOST");

impl Builder {
    /// A cold context, and its log for as long as it lives.
    pub(crate) fn open(&self) -> Result<(Auth, Option<Registration>)> {
        let State {
            mut config,
            events,
            log,
        } = self.state().clone();
        if let Some(events) = events {
            config.on_event(events);
        }
        if let Some(host) = INSTALLED_HOST {
            config.set_default("plugin_host.path", host)?;
        }
        // First, so that the log has what is said while the context opens.
        let log = log.as_ref().map(Registration::new);
        Ok((Auth::open(&config)?, log))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a function that gives nothing but its status.
pub(crate) fn plain(err: Out<Failure>, body: impl FnOnce() -> Result<()>) -> i32 {
    err.clear();
    match boundary::caught(body) {
        Ok(()) => status::OK,
        Err(error) => {
            let number = error.kind().number();
            if !err.is_unwanted() {
                err.put(Failure::new(error));
            }
            number
        }
    }
}

/// Runs a function that gives a handle.
pub(crate) fn handle<T>(
    place: Out<T>,
    name: &str,
    err: Out<Failure>,
    body: impl FnOnce() -> Result<T>,
) -> i32 {
    place.clear();
    plain(err, || {
        if place.is_unwanted() {
            return Err(boundary::invalid(format!("`{name}` is NULL")));
        }
        place.put(body()?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_new(config: Out<Builder>, err: Out<Failure>) -> i32 {
    handle(config, "config", err, || Ok(Builder::default()))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_load(config: In<Builder>, toml: Bytes, err: Out<Failure>) -> i32 {
    plain(err, || {
        let builder = config.required("config")?;
        let loaded = Config::from_toml(toml.text("toml", MAX_TEXT)?)?;
        builder.state().config = loaded;
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_set(config: In<Builder>, key: Bytes, value: Bytes, err: Out<Failure>) -> i32 {
    plain(err, || {
        let builder = config.required("config")?;
        let (key, value) = (key.text("key", MAX_KEY)?, value.text("value", MAX_TEXT)?);
        builder.state().config.set(key, value).map(|_| ())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_on_log(
    config: In<Builder>,
    level: i32,
    log: Option<LogFn>,
    user: UserPointer,
    err: Out<Failure>,
) -> i32 {
    plain(err, || {
        let builder = config.required("config")?;
        if !(1..=5).contains(&level) {
            return Err(boundary::invalid(format!(
                "`level` is {level} and takes 1 (error) to 5 (trace)"
            )));
        }
        builder.state().log = log.map(|log| Sink::new(level, log, user));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_on_event(
    config: In<Builder>,
    function: Option<EventFn>,
    user: UserPointer,
    err: Out<Failure>,
) -> i32 {
    plain(err, || {
        config.required("config")?.state().events = function.map(|function| event::callback(function, user));
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_free(config: Owned<Builder>) {
    boundary::caught_or((), || drop(config.take()));
}
