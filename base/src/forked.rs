//! Where something was begun, and what a child is told whose parent had something started. Every such message is made here.

use std::sync::atomic::{AtomicU32, Ordering};

/// The process in which something was begun and not ended; at first none.
#[derive(Debug, Default)]
pub struct BegunIn(AtomicU32);

/// Where something was begun, as the asking process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// In this process.
    Here,
    /// In another one, from which this one was forked.
    Elsewhere,
    /// Nowhere, or it was ended.
    Nowhere,
}

impl BegunIn {
    /// What no process has as its id.
    const NONE: u32 = 0;

    /// Where it was begun.
    pub fn seen(&self) -> Begun {
        match self.0.load(Ordering::Acquire) {
            Self::NONE => Begun::Nowhere,
            process if process == std::process::id() => Begun::Here,
            _ => Begun::Elsewhere,
        }
    }

    /// Whether it was begun in this process.
    pub fn is_here(&self) -> bool {
        self.seen() == Begun::Here
    }

    /// It is begun in this process now.
    pub fn begin(&self) {
        self.begin_in(std::process::id());
    }

    /// It is begun in that process: what a forked child finds.
    pub fn begin_in(&self, process: u32) {
        self.0.store(process, Ordering::Release);
    }

    /// It is ended, wherever it was begun.
    pub fn end(&self) {
        self.0.store(Self::NONE, Ordering::Release);
    }

    /// It is ended if it was begun in this process: true for the one caller that ended it.
    pub fn end_here(&self) -> bool {
        self.0
            .compare_exchange(
                std::process::id(),
                Self::NONE,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_ok()
    }
}

/// Whom a fork leaves with something to do: what helps is not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// SQLite's tables of the process are wrong after such a fork, for every context.
    Sqlite,
    /// A new context may be opened in the child.
    Nothing,
}

/// The message for `what` was started in the parent.
pub fn told(what: &str, left: Left) -> String {
    let or = match left {
        Left::Sqlite => {
            "only exec helps this process: a SQLite database cannot be opened in it any more, also by a new context"
        }
        Left::Nothing => "in this process, open a new context",
    };
    format!(
        "this process was forked from one that had {what} started: start it after the fork (uWSGI: `--lazy-apps`, or \
         `lazy-apps = true`; gunicorn: without `--preload`, or in the hook `post_fork`; multiprocessing: the start method \
         `spawn`), or call `before_fork` in the parent where the language has it; {or}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_elsewhere_is_nobodys_here_to_end() {
        let begun = BegunIn::default();
        assert_eq!((begun.seen(), begun.end_here()), (Begun::Nowhere, false));
        begun.begin();
        assert_eq!(
            (begun.seen(), begun.end_here(), begun.end_here()),
            (Begun::Here, true, false)
        );
        begun.begin_in(1);
        assert_eq!((begun.seen(), begun.end_here()), (Begun::Elsewhere, false));
        begun.end();
        assert_eq!(begun.seen(), Begun::Nowhere);
    }

    #[test]
    fn each_engine_and_each_server_is_told_what_helps_it() {
        let servers = [
            "`lazy-apps = true`",
            "`--lazy-apps`",
            "`--preload`",
            "`post_fork`",
            "`spawn`",
            "`before_fork`",
        ];
        for (left, helps, does_not) in [
            (Left::Sqlite, "only exec helps", "open a new context"),
            (Left::Nothing, "open a new context", "exec"),
        ] {
            let told = told("a context", left);
            assert!(told.starts_with("this process was forked from one that had a context started: "));
            for needed in servers.into_iter().chain([helps]) {
                assert!(told.contains(needed), "{needed}: {told}");
            }
            assert!(!told.contains(does_not), "{told}");
        }
    }
}
