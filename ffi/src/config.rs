//! `doorward_config`: settings and callbacks, before a context is opened with them.

use std::sync::{Arc, Mutex, PoisonError};

use doorward::delivery::DeliveryCallback;
use doorward::event::EventCallback;
use doorward::{Auth, Config, Error, Result};

use crate::abi::Bytes;
use crate::boundary::{self, In, Owned, Tag, hand_over};
use crate::delivery::{self, DeliveryFn};
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
    deliver: Option<DeliveryCallback>,
    log: Option<Sink>,
    /// The first mistake, which `doorward_open` tells.
    wrong: Option<Arc<Error>>,
}

/// Where `make install` of this build puts `doorward-plugin-host`. The build is told; a running program reads no
/// environment.
const INSTALLED_HOST: Option<&str> = option_env!("DOORWARD_PLUGIN_HOST");

impl Builder {
    /// A cold context, and its log for as long as it lives.
    pub(crate) fn open(&self) -> std::result::Result<(Auth, Option<Registration>), Arc<Error>> {
        let State {
            mut config,
            events,
            deliver,
            log,
            wrong,
        } = self.state().clone();
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if let Some(events) = events {
            config.on_event(events);
        }
        if let Some(deliver) = deliver {
            config.on_delivery(deliver);
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

/// Changes a configuration, and keeps the first mistake. NULL: nothing to change.
fn change(config: In<Builder>, step: impl FnOnce(&mut State) -> Result<()>) {
    let Some(builder) = config.optional() else { return };
    let mut state = builder.state();
    if let (Err(error), None) = (boundary::caught(|| step(&mut state)), &state.wrong) {
        state.wrong = Some(Arc::new(error));
    }
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_new() -> *mut Builder {
    boundary::caught_or(std::ptr::null_mut(), || hand_over(Builder::default()))
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_load(config: In<Builder>, toml: Bytes) {
    change(config, |state| {
        state.config = Config::from_toml(toml.text("toml", MAX_TEXT)?)?;
        Ok(())
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_set(config: In<Builder>, key: Bytes, value: Bytes) {
    change(config, |state| {
        let (key, value) = (key.text("key", MAX_KEY)?, value.text("value", MAX_TEXT)?);
        state.config.set(key, value).map(|_| ())
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_on_log(config: In<Builder>, level: i32, log: Option<LogFn>, tag: Tag) {
    change(config, |state| {
        if !(1..=5).contains(&level) {
            return Err(boundary::invalid(format!(
                "`level` is {level} and takes 1 (error) to 5 (trace)"
            )));
        }
        state.log = log.map(|log| Sink::new(level, log, tag));
        Ok(())
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_on_event(config: In<Builder>, function: Option<EventFn>, tag: Tag) {
    change(config, |state| {
        state.events = function.map(|function| event::callback(function, tag));
        Ok(())
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_on_delivery(config: In<Builder>, function: Option<DeliveryFn>, tag: Tag) {
    change(config, |state| {
        state.deliver = function.map(|function| delivery::callback(function, tag));
        Ok(())
    });
}

#[unsafe(no_mangle)]
extern "C" fn doorward_config_free(config: Owned<Builder>) {
    boundary::caught_or((), || drop(config.take()));
}
