//! What a case has before it: the plugin, the kind, the options, the author's vectors.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, Object, TestHost};
use doorward_runtime::{Isolation, PluginSettings, PythonClass, Sandbox};
use serde_json::{Map, Value};

use crate::carried::Carried;
use crate::driver::{Asker, CoreKinds, Direct, Loaded, Refused, Reply};
use crate::exchange::{Exchange, THEN};
use crate::kind_view::KindView;
use crate::mode::Mode;
use crate::player::{self, Played};
use crate::vectors::Vectors;

/// Processes of an isolated plugin.
const WORKERS: usize = 4;

/// The plugin under the eyes of one case.
pub(crate) struct Subject {
    pub(crate) path: PathBuf,
    pub(crate) mode: Mode,
    /// It is a class in Python.
    pub(crate) python: Option<PythonClass>,
    pub(crate) sandbox: Sandbox,
    pub(crate) seed: u64,
    /// Options of the kind.
    pub(crate) options: Map<String, Value>,
    pub(crate) vectors: Vectors,
    pub(crate) crumb: Crumb,
    /// Questions of another process.
    pub(crate) carried: Vec<Carried>,
}

/// The last thing that was asked, for the report of a case that died of it.
pub(crate) struct Crumb(pub(crate) Option<File>);

impl Crumb {
    pub(crate) fn about_to(&mut self, what: &str) {
        let Some(file) = &mut self.0 else { return };
        // What cannot be written is not there: the case goes on.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(what.as_bytes()));
    }
}

impl Subject {
    /// Whether the core takes the plugin into this process and opens the kind: then it must do so isolated, too.
    pub(crate) fn opens_here(&self, kind: &str) -> bool {
        let flags = Object::map(&self.path)
            .ok()
            .and_then(Object::module)
            .map_or(0, |module| module.flags);
        if self.python.is_some() || flags & abi::MODULE_ISOLATED != 0 {
            return true;
        }
        let kinds = CoreKinds::load(self.settings(None), THEN);
        kinds.is_ok_and(|kinds| {
            kinds
                .open(kind, "checked", &self.options, Conditions::default())
                .is_ok()
        })
    }

    /// As configuration would name it.
    pub(crate) fn settings(&self, isolation: Option<Isolation>) -> PluginSettings {
        PluginSettings {
            name: "checked".into(),
            path: self.path.clone(),
            sha256: None,
            kinds: Vec::new(),
            isolation,
        }
    }

    /// In processes of which this program is the host.
    ///
    /// # Errors
    /// Where this program is cannot be said.
    pub(crate) fn isolation(&self) -> Result<Isolation, String> {
        Ok(Isolation {
            host: std::env::current_exe().map_err(|error| error.to_string())?,
            sandbox: self.sandbox,
            // What is checked is the plugin, not the machine.
            needs_landlock: false,
            workers: WORKERS,
            python: self.python.clone(),
        })
    }

    /// Loads the plugin in this case's mode.
    ///
    /// # Errors
    /// Why it cannot be.
    pub(crate) fn load(&self, host: TestHost) -> Result<Box<dyn Loaded>, String> {
        match self.mode {
            Mode::InProcess => Ok(Box::new(Direct::load(&self.path, host)?)),
            Mode::Isolated => CoreKinds::load(self.settings(Some(self.isolation()?)), THEN)
                .map(|kinds| Box::new(kinds) as Box<dyn Loaded>)
                .map_err(|error| error.message().to_owned()),
        }
    }
}

/// One kind, opened.
pub(crate) struct Opened<'a> {
    pub(crate) subject: &'a mut Subject,
    pub(crate) loaded: Box<dyn Loaded>,
    pub(crate) asker: Box<dyn Asker>,
    pub(crate) conditions: Conditions,
}

impl Opened<'_> {
    pub(crate) fn view(&self) -> &KindView {
        self.asker.view()
    }

    /// Another instance of the kind, with these options.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn another(&self, options: &Map<String, Value>) -> Result<Box<dyn Asker>, Refused> {
        self.loaded
            .open(&self.view().name, "checked", options, self.conditions)
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> Reply {
        self.asker.ask(ask, self.conditions)
    }

    /// Asks what was asked before, at the time of then.
    pub(crate) fn ask_again(&mut self, exchange: &Exchange, ask: &Ask) -> Reply {
        self.asker.set_clock(exchange.at);
        self.asker.ask(ask, self.conditions)
    }

    /// Plays the author's cases.
    pub(crate) fn play(&mut self) -> Played {
        let crumb = &mut self.subject.crumb;
        player::play(
            &*self.asker,
            &self.subject.vectors,
            self.conditions,
            &mut |what| crumb.about_to(what),
        )
    }

    /// The exchanges whose answer is the same when they are asked once more.
    pub(crate) fn repeatable(&mut self) -> Vec<Exchange> {
        let exchanges = self.play().exchanges;
        exchanges
            .into_iter()
            .filter(|exchange| {
                let again = self.ask_again(exchange, &exchange.ask);
                again.seen == exchange.reply.seen
            })
            .collect()
    }

    pub(crate) fn about_to(&mut self, what: &str) {
        self.subject.crumb.about_to(what);
    }
}
