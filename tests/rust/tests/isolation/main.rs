//! Plugins in processes of their own: the same answers, and whatever they do there costs one request.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it cannot go on; clippy knows that of #[test] functions only"
)]

#[path = "../plugins/build.rs"]
#[expect(dead_code, reason = "the other suite uses more of it")]
mod in_process;

/// What the other suite builds with, isolated.
mod build {
    use std::path::{Path, PathBuf};

    use doorward::plugin::{Isolation, PluginSettings, Sandbox};

    pub(crate) use crate::in_process::{beside, c, folder};

    /// The program that the core starts.
    pub(crate) fn host() -> PathBuf {
        PathBuf::from(env!("CARGO_BIN_EXE_plugin_host"))
    }

    pub(crate) fn settings(object: &Path) -> PluginSettings {
        PluginSettings {
            isolation: Some(Isolation {
                host: host(),
                sandbox: Sandbox::Strict,
                needs_landlock: false,
                workers: 2,
                python: None,
            }),
            ..crate::in_process::settings(object)
        }
    }
}

#[path = "../plugins/context.rs"]
mod context;

#[path = "../plugins/fail_closed.rs"]
mod fail_closed;
#[path = "../plugins/fetching.rs"]
mod fetching;
#[path = "../plugins/keeping.rs"]
mod keeping;
#[path = "../plugins/limiting.rs"]
mod limiting;
#[path = "../plugins/panics.rs"]
mod panics;
#[path = "../plugins/services.rs"]
mod services;

mod commands;
mod embedders;
mod environments;
mod landlock;
mod outlaws;
mod same;
mod sandbox;
mod signals;
mod threads;
