//! What a child is told whose parent had something started: what was, and what helps. Every such message is made here.

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
