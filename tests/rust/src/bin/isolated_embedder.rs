//! Programs that make life hard for a library with children of its own, each over an isolated plugin:
//!
//! ```text
//! isolated_embedder HOW HOST PLUGIN FOLDER
//! reaper    a thread waits for every child there is, all the time
//! ignorer   SIGCHLD is ignored, so no child leaves a status
//! naked     0, 1 and 2 are closed
//! chroot    the master opens, a child of it locks itself into the empty FOLDER, gives up root, and serves
//! prefork   the master opens, two children of it serve at once, and it does, too
//! ```
//!
//! Prints `good` for each process that was served as it should be.

#![expect(
    unsafe_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "it forks and closes, as C servers do, and stops where it cannot go on"
)]

use std::path::PathBuf;
use std::time::Duration;

use doorward::plugin::{
    Ask, Decision, Fields, Isolation, Kind, Kinds, Operation, PluginSettings, PoolSettings, Sandbox, Services,
};
use doorward::{AuthenticatorId, ErrorKind, Secret, block_on};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Uid, fork, setgroups, setresgid, setresuid};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, how, host, plugin, folder] = &arguments[..] else {
        panic!("isolated_embedder HOW HOST PLUGIN FOLDER");
    };
    match how.as_str() {
        "reaper" => drop(std::thread::spawn(|| {
            loop {
                if waitpid(None, None).is_err() {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        })),
        // SAFETY: no handler is set that could run.
        "ignorer" => drop(unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.unwrap()),
        "naked" => {
            for descriptor in [0, 2] {
                // SAFETY: nothing of this program uses them.
                unsafe { nix::libc::close(descriptor) };
            }
        }
        _ => {}
    }
    let settings = PluginSettings {
        name: "outlaw".into(),
        path: PathBuf::from(plugin),
        sha256: None,
        kinds: Vec::new(),
        isolation: Some(Isolation {
            host: PathBuf::from(host),
            sandbox: Sandbox::Strict,
            needs_landlock: false,
            workers: 2,
            python: None,
        }),
    };
    let kinds = Kinds::load(&[settings], &[], Services::system(), PoolSettings::of(2)).unwrap();
    let kind = kinds.open("outlaw", "outlaw", &serde_json::Map::new()).unwrap();
    match how.as_str() {
        "chroot" => in_child(|| {
            std::env::set_current_dir(folder).unwrap();
            nix::unistd::chroot(".").unwrap();
            let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
            setgroups(&[]).unwrap();
            setresgid(group, group, group).unwrap();
            setresuid(user, user, user).unwrap();
            assert!(!std::path::Path::new("/proc").exists());
            served(&kinds, &kind);
        }),
        "prefork" => {
            for _ in 0..2 {
                in_child(|| served(&kinds, &kind));
            }
            served(&kinds, &kind);
        }
        _ => served(&kinds, &kind),
    }
}

/// Runs it in a forked process and waits for that.
fn in_child(body: impl FnOnce()) {
    // SAFETY: this process has one thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            body();
            std::process::exit(0);
        }
        ForkResult::Parent { child } => {
            assert!(matches!(waitpid(child, None), Ok(WaitStatus::Exited(_, 0))));
        }
    }
}

/// Good answers, deaths in between, good answers.
fn served(kinds: &Kinds, kind: &Kind) {
    kinds.start().unwrap();
    for _ in 0..3 {
        assert_eq!(
            block_on(kind.ask(ask("accept"), LONG)).unwrap().decision,
            Decision::Accept
        );
        for deed in ["segfault", "_exit", "hang"] {
            let error = block_on(kind.ask(ask(deed), LONG)).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
                "{error}"
            );
        }
    }
    kinds.stop();
    println!("good");
}

const LONG: Duration = Duration::from_secs(30);

fn ask(deed: &str) -> Ask {
    Ask {
        operation: Operation::Verify,
        purpose: Operation::Verify,
        step: 0,
        decoy: false,
        realm: String::new(),
        subject: Some(doorward::UserId::from_bytes([7; 16])),
        known: None,
        provider: "outlaw".into(),
        raw: b"ann".to_vec(),
        canonical: b"ann".to_vec(),
        display: "Ann".into(),
        credentials: Fields::from([("do", deed)]),
        new_credentials: Fields::default(),
        records: vec![doorward::plugin::OpenRecord {
            id: AuthenticatorId::SINGLE,
            version: 1,
            bytes: Secret::new([0, 0, 0, 1, 1]),
            label: String::new(),
        }],
        state: None,
        resolved: None,
        agent: String::new(),
        address: String::new(),
    }
}
