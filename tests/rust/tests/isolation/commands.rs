//! Every command of every call that has commands, tried from inside by `tests/plugins/walker.c` beside a process that must
//! not notice.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};

use doorward::plugin::{Kinds, Operation, PoolSettings, Sandbox};
use serde_json::{Value, json};

use crate::build;
use crate::context::{answer, ask, open, services};
use crate::landlock;
use crate::outlaws::Host;

/// A process of the same user that gives back what it is given.
struct Sentinel(Child);

impl Sentinel {
    fn new() -> Self {
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(cat.spawn().unwrap())
    }

    /// Whoever has been killed never answers again, however busy the machine is.
    fn is_alive(&mut self) -> bool {
        let (to, from) = (self.0.stdin.as_mut().unwrap(), self.0.stdout.as_mut().unwrap());
        to.write_all(b"x").is_ok() && from.read_exact(&mut [0]).is_ok()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Gone already where the test fails.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What came through to the kernel, by call, and what was reached.
fn walked(sandbox: Sandbox, scene: &str) -> BTreeMap<String, Vec<String>> {
    let mut sentinel = Sentinel::new();
    let folder = build::folder();
    let abstract_name = format!("doorward-walked-{}-{scene}", std::process::id());
    let stream = SocketAddr::from_abstract_name(&abstract_name).unwrap();
    let datagrams = SocketAddr::from_abstract_name(format!("{abstract_name}-d")).unwrap();
    let _servers = (
        UnixListener::bind_addr(&stream).unwrap(),
        UnixDatagram::bind_addr(&datagrams).unwrap(),
        UnixListener::bind(folder.join("stream")).unwrap(),
        UnixDatagram::bind(folder.join("datagrams")).unwrap(),
    );
    let host = Host::new();
    let settings = host.settings(&build::c("tests/plugins/walker.c", &[]), sandbox, 1);
    let kinds = Kinds::load(&[settings], &[], services().0, PoolSettings::of(1)).unwrap();
    kinds.start().unwrap();
    let walker = open(&kinds, "walker", &json!({})).unwrap();
    let pid = sentinel.0.id().to_string();
    let mut found = BTreeMap::new();
    for (abstract_name, path) in [
        (abstract_name.clone(), "stream"),
        (format!("{abstract_name}-d"), "datagrams"),
    ] {
        let path = folder.join(path);
        let credentials = [
            ("pid", pid.as_str()),
            ("abstract", abstract_name.as_str()),
            ("path", path.to_str().unwrap()),
        ];
        let verdict = answer(&walker, ask(Operation::Verify, &credentials)).unwrap();
        assert!(
            sentinel.is_alive(),
            "a plugin in {} ended another process",
            sandbox.id()
        );
        for (call, came) in verdict.attributes {
            let came: Vec<String> = serde_json::from_value(came).unwrap();
            let known: &mut Vec<String> = found.entry(call).or_default();
            known.extend(came);
        }
    }
    for came in found.values_mut() {
        came.sort();
        came.dedup();
    }
    found
}

fn is_what_came(found: &BTreeMap<String, Vec<String>>, expected: &Value) {
    for (call, commands) in expected.as_object().unwrap() {
        let commands = commands.as_str().unwrap();
        let mut commands: Vec<&str> = commands.split(", ").filter(|one| !one.is_empty()).collect();
        commands.sort_unstable();
        assert_eq!(found[call], commands, "{call}");
    }
}

/// What threads, memory, clocks and descriptors of one's own need.
fn own() -> Value {
    json!({
        "fcntl": "0, 1, 2, 3, 4, 1030, no 2000",
        "prctl": "15",
        "clone": "",
        "madvise": "0, 1, 2, 3, 4, 8, 14, 15, 16, 17, 18, 102, 103",
        "futex": "0, 1, 3, 4, 5, 9, 10",
        "membarrier": "8, 16",
        "clock": "0, 1, 2, 3, 4, 5, 6, 7, 11",
        "others": "",
        "reached": "",
    })
}

#[test]
#[cfg(target_arch = "x86_64")]
fn in_strict_no_command_of_any_call_reaches_another_process() {
    let found = walked(Sandbox::Strict, "strict");
    is_what_came(&found, &own());
    let none = json!({
        "ioctl": "5401, 541b, 5421, 5450, 5451",
        "socket": "", "socketpair": "", "setsockopt": "", "getsockopt": "",
    });
    is_what_came(&found, &none);
    is_what_came(&found, &json!({ "numbers": NUMBERS }));
    holds_files(&found, "in_strict_no_command_of_any_call_reaches_another_process");
}

/// Level and name.
#[cfg(target_arch = "x86_64")]
const OPTIONS: &str = "0/1, 0/2, 0/8, 0/10, 0/11, 0/14, 0/24, \
    1/2, 1/3, 1/4, 1/7, 1/8, 1/9, 1/13, 1/20, 1/21, 1/30, 1/38, 1/39, 1/66, 1/67, \
    6/1, 6/2, 6/3, 6/4, 6/5, 6/6, 6/7, 6/8, 6/11, 6/12, 6/18, 6/25, 6/30, \
    41/16, 41/23, 41/24, 41/25, 41/26, 41/49, 41/67";

#[test]
#[cfg(target_arch = "x86_64")]
fn in_net_there_are_sockets_of_the_internet_and_no_others() {
    let found = walked(Sandbox::Net, "net");
    is_what_came(&found, &own());
    let internet = json!({
        "ioctl": "5401, 541b, 5421, 5450, 5451, 8905, 8910, 8912, 8913, 8915, 891b, 8921, 8927, 8933",
        "socket": "2/1/0, 2/1/6, 2/2/0, 2/2/17, 10/1/0, 10/1/6, 10/2/0, 10/2/17",
        "socketpair": "1/1",
        "getsockopt": OPTIONS, "setsockopt": OPTIONS,
        "resolved": "localhost",
    });
    is_what_came(&found, &internet);
    let numbers = format!("{NUMBERS}, {NUMBERS_NET}");
    is_what_came(&found, &json!({ "numbers": numbers }));
    holds_files(&found, "in_net_there_are_sockets_of_the_internet_and_no_others");
}

/// Of processes, its own among them: Landlock alone. What it may read is where its own root is.
#[cfg(target_arch = "x86_64")]
fn holds_files(found: &BTreeMap<String, Vec<String>>, test: &str) {
    if landlock::is_there(test) {
        is_what_came(found, &json!({ "files": "16" }));
    }
}

/// The calls that are made with arguments that no list of commands allows, by number.
#[cfg(target_arch = "x86_64")]
const NUMBERS: &str = "0, 1, 3, 4, 5, 7, 8, 11, 12, 13, 14, 17, 19, 20, 21, 22, 24, 25, 32, 33, 35, 39, 44, 45, 46, 47, \
    63, 79, 89, 96, 98, 99, 102, 104, 107, 108, 110, 131, 186, 201, 204, 217, 218, 219, 232, 233, 262, \
    267, 269, 271, 273, 281, 286, 290, 291, 292, 318, 332, 334";
/// Those besides with which connections are opened.
#[cfg(target_arch = "x86_64")]
const NUMBERS_NET: &str = "9, 10, 23, 42, 48, 51, 52, 270, 299, 307";
