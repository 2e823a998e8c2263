//! What Landlock holds by itself, without the list of calls: in a thread that has nothing but these rules.

#![expect(unsafe_code, reason = "two of the system's calls have no wrapper here")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use super::*;

/// Signals and abstract sockets are in the rules from this version of Landlock on.
const SCOPES: i64 = 6;

/// The newest Landlock that the kernel offers to this thread; 0: none.
fn offered() -> i64 {
    let none: *const libc::c_void = std::ptr::null();
    // SAFETY: LANDLOCK_CREATE_RULESET_VERSION asks for a number and takes no memory.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, 1) }.max(0)
}

/// Whether the test can say anything here. Where it cannot, that is told on the terminal itself.
fn is_there(test: &str) -> bool {
    let version = offered();
    if version < SCOPES {
        // Not by a macro, whose lines are kept back for tests that pass.
        let line =
            format!("NOT RUN: {test}: this kernel's Landlock is version {version}, scopes need {SCOPES}\n");
        std::io::stderr()
            .write_all(line.as_bytes())
            .expect("a terminal, or what stands for it");
    }
    version >= SCOPES
}

/// A process of the same user that gives back what it is given.
struct Sentinel(Child);

impl Sentinel {
    fn new() -> Self {
        let mut cat = Command::new("cat");
        Self(
            cat.stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("cat runs"),
        )
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn is_alive(&mut self) -> bool {
        let (to, from) = (self.0.stdin.as_mut(), self.0.stdout.as_mut());
        to.is_some_and(|to| to.write_all(b"x").is_ok())
            && from.is_some_and(|from| from.read_exact(&mut [0]).is_ok())
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What a thread reaches of another process and of the machine.
#[derive(Debug, PartialEq, Eq)]
struct Reach {
    signals: nix::Result<()>,
    connects: Option<i32>,
    reads: Option<i32>,
    writes: Option<i32>,
}

impl Reach {
    const ALL: Self = Self {
        signals: Ok(()),
        connects: None,
        reads: None,
        writes: None,
    };
    const NONE: Self = Self {
        signals: Err(Errno::EPERM),
        connects: Some(libc::EPERM),
        reads: Some(libc::EACCES),
        writes: Some(libc::EACCES),
    };

    fn of(sentinel: &Sentinel, abstract_name: &SocketAddr, folder: &Path) -> Self {
        let errno = |result: std::io::Result<()>| result.err().and_then(|error| error.raw_os_error());
        Self {
            // Without a signal: whether one could be sent.
            signals: kill(sentinel.pid(), None),
            connects: errno(UnixStream::connect_addr(abstract_name).map(drop)),
            reads: errno(std::fs::read(folder.join("there")).map(drop)),
            writes: errno(std::fs::write(folder.join("new"), "")),
        }
    }
}

/// Sends SIGKILL by every way that is not a call for it: by who owns a pipe.
fn kills_by_a_pipe(pid: Pid) {
    let (from, to) = nix::unistd::pipe().expect("a pipe");
    // F_SETOWN, F_SETSIG: not in the wrapper.
    for (command, argument) in [(libc::F_SETOWN, pid.as_raw()), (10, libc::SIGKILL)] {
        // SAFETY: numbers, for a descriptor of this thread's.
        let _ = Errno::result(unsafe { libc::fcntl(from.as_raw_fd(), command, argument) });
    }
    let _ = fcntl(&from, FcntlArg::F_SETFL(OFlag::O_ASYNC));
    let _ = nix::unistd::write(&to, b"x");
}

#[test]
fn landlock_alone_keeps_signals_abstract_sockets_and_files_inside() {
    if !is_there("landlock_alone_keeps_signals_abstract_sockets_and_files_inside") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("doorward-landlock-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder of one's own");
    std::fs::write(folder.join("there"), "").expect("a file of one's own");
    for sandbox in [Sandbox::Strict, Sandbox::Net] {
        let mut sentinel = Sentinel::new();
        let name = format!("doorward-landlock-{}-{}", std::process::id(), sandbox.id());
        let name = SocketAddr::from_abstract_name(name).expect("a name");
        let _server = UnixListener::bind_addr(&name).expect("nobody has the name");
        let wanted = Confinement {
            sandbox,
            needs_landlock: true,
            interpreter: Vec::new(),
        };
        std::thread::scope(|scope| {
            // The rules are the thread's, and end with it.
            let confined = scope.spawn(|| {
                assert_eq!(Reach::of(&sentinel, &name, &folder), Reach::ALL, "before");
                assert_eq!(files_and_ports(&wanted), Ok(None), "{}", sandbox.id());
                assert_eq!(
                    Reach::of(&sentinel, &name, &folder),
                    Reach::NONE,
                    "{}",
                    sandbox.id()
                );
                assert_eq!(kill(sentinel.pid(), Signal::SIGKILL), Err(Errno::EPERM));
                kills_by_a_pipe(sentinel.pid());
            });
            confined.join().expect("what it reaches");
        });
        assert!(sentinel.is_alive(), "{} let a signal out", sandbox.id());
        drop(std::fs::remove_file(folder.join("new")));
        // The same without the rules, or it would be no test.
        kills_by_a_pipe(sentinel.pid());
        assert!(sentinel.0.wait().is_ok());
    }
    drop(std::fs::remove_dir_all(&folder));
}

#[test]
fn where_landlock_is_not_there_it_is_demanded_or_told() {
    let without = std::thread::spawn(|| {
        let filter: BpfProgram = SeccompFilter::new(
            BTreeMap::from([(libc::SYS_landlock_create_ruleset, Vec::new())]),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
            std::env::consts::ARCH.try_into().expect("known here"),
        )
        .and_then(TryInto::try_into)
        .expect("a filter");
        // Of this thread alone, and of what it starts.
        apply_filter(&filter).expect("seccomp");
        assert_eq!(offered(), 0);
        for sandbox in [Sandbox::Strict, Sandbox::Net] {
            let confined = |needs_landlock| {
                files_and_ports(&Confinement {
                    sandbox,
                    needs_landlock,
                    interpreter: Vec::new(),
                })
            };
            let refused = confined(true).err().unwrap_or_default();
            assert!(
                refused.contains("plugin.NAME.landlock = \"if_there\""),
                "{refused}"
            );
            let told = confined(false).ok().flatten().unwrap_or_default();
            assert!(told.contains("no Landlock"), "{told}");
        }
        // And a test that needs it says that it was not run.
        let test = "landlock_alone_keeps_signals_abstract_sockets_and_files_inside";
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", &format!("sandbox::tests::{test}")])
            .output()
            .expect("this program runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && told.contains(&format!("NOT RUN: {test}")),
            "{told}"
        );
    });
    without.join().expect("what is said without Landlock");
}
