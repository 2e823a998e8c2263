//! SIGKILL and SIGSTOP to helpers, workers and spawner alike, while people sign in.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use doorward::ErrorKind;
use doorward::clock::{Clock, SystemClock};
use doorward::plugin::{Decision, Operation};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::context::{answer, open};
use crate::outlaws::{Host, Over, asked, load, since};

/// Sends the signal to helpers of one sort, again and again, under load. Nobody is let in who should not be, everybody
/// gets an answer, and when it is over everybody is let in again.
fn under_fire(signal: Signal, sort: &str) {
    let host = Host::new();
    let kinds = load(&host, 2);
    let outlaw = open(&kinds, "outlaw", &json!({})).unwrap();
    let (over, good) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let _ending = Over(&over);
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    match answer(&outlaw, asked(Operation::Verify, "accept")) {
                        Ok(verdict) => {
                            assert_eq!(verdict.decision, Decision::Accept);
                            good.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => assert!(
                            matches!(
                                error.kind(),
                                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Overloaded
                            ),
                            "{error}"
                        ),
                    }
                    let denied = answer(&outlaw, asked(Operation::Verify, "deny"));
                    assert!(
                        denied.is_err() || denied.is_ok_and(|verdict| verdict.decision == Decision::Deny)
                    );
                }
            });
        }
        for _ in 0..6 {
            std::thread::sleep(Duration::from_millis(60));
            for (pid, line) in host.processes() {
                if line.contains(sort) {
                    // It may have gone meanwhile.
                    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
                }
            }
        }
        let began = SystemClock.monotonic();
        let seen = good.load(Ordering::Relaxed);
        while good.load(Ordering::Relaxed) < seen + 20 {
            assert!(
                since(began) < Duration::from_secs(30),
                "nobody is let in any more"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    drop((outlaw, kinds));
    for (pid, _) in host.processes() {
        // One that was stopped in its first moment, and its spawner with it, ends as soon as it runs.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGCONT);
    }
    assert!(host.is_gone(), "left: {:?}", host.processes());
}

#[test]
fn workers_that_are_killed_are_replaced() {
    under_fire(Signal::SIGKILL, "--worker");
}

#[test]
fn workers_that_are_stopped_are_killed_at_the_deadline_and_replaced() {
    under_fire(Signal::SIGSTOP, "--worker");
}

#[test]
fn a_spawner_that_is_killed_takes_its_workers_along_and_is_replaced() {
    under_fire(Signal::SIGKILL, "--spawner");
}

#[test]
fn everything_stopped_at_once_is_replaced() {
    under_fire(Signal::SIGSTOP, "--");
}

/// Run by a descriptor, a program has the descriptor's name, or `exe`, in every list of processes.
#[test]
fn helpers_are_called_by_what_they_are() {
    let host = Host::new();
    let kinds = load(&host, 1);
    let outlaw = open(&kinds, "outlaw", &json!({})).unwrap();
    answer(&outlaw, asked(Operation::Verify, "accept")).unwrap();
    let mut names: Vec<String> = (host.processes().into_iter())
        .map(|(pid, _)| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["dw-spawner\n", "dw-worker\n"]);
}
