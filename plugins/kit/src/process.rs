//! What this process has and how it stands: before and after something that must leave no trace.

use std::collections::BTreeMap;

use doorward_plugin_testing::locale;

/// Everything about the process that a plugin must leave alone, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    pub(crate) fn take() -> Self {
        let mut state = BTreeMap::new();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (key, name) in [
            ("Threads", "threads"),
            ("Umask", "umask"),
            ("SigBlk", "blocked signals"),
            ("SigIgn", "ignored signals"),
            ("SigCgt", "caught signals"),
            ("NoNewPrivs", "no_new_privs"),
        ] {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let value = line.unwrap_or_default().trim_start_matches(':').trim();
            state.insert(name.to_owned(), value.to_owned());
        }
        for (number, target) in descriptors() {
            state.insert(format!("descriptor {number}"), target);
        }
        let folder = std::env::current_dir().unwrap_or_default();
        state.insert("working directory".into(), folder.display().to_string());
        state.insert("locale".into(), locale());
        for (name, value) in std::env::vars_os() {
            let name = format!("environment variable {}", name.display());
            state.insert(name, value.display().to_string());
        }
        Self(state)
    }

    /// The same without what may come and go while a provider serves: threads and descriptors.
    pub(crate) fn without_what_serves(mut self) -> Self {
        self.0
            .retain(|name, _| name != "threads" && !name.starts_with("descriptor "));
        self
    }

    /// What is different in `later`.
    pub(crate) fn changes(&self, later: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(later.0.keys()).collect();
        let nothing = "none".to_owned();
        names
            .into_iter()
            .filter_map(|name| {
                let before = self.0.get(name).unwrap_or(&nothing);
                let after = later.0.get(name).unwrap_or(&nothing);
                (before != after).then(|| format!("{name}: {before} before, {after} after"))
            })
            .collect()
    }
}

/// The open descriptors and where they lead, without the one that lists them.
fn descriptors() -> Vec<(String, String)> {
    let Ok(folder) = std::fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    folder
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            let number = entry.file_name().display().to_string();
            let target = target.display().to_string();
            (!target.ends_with("/fd")).then_some((number, target))
        })
        .collect()
}

/// What grows with every leak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    /// Resident memory in KiB.
    pub(crate) kib: usize,
}

impl Size {
    pub(crate) fn now() -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages: usize = statm
            .split_whitespace()
            .nth(1)
            .and_then(|pages| pages.parse().ok())
            .unwrap_or(0);
        Self {
            descriptors: descriptors().len(),
            threads: std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count),
            kib: pages * 4,
        }
    }
}
