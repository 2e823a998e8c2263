//! Starting, stopping and what a fork needs, by many threads at once.

use std::sync::Barrier;
use std::thread;

use doorward::{Auth, Config, ErrorKind, Outcome};
use doorward_tests::scratch::Scratch;

use crate::context::{PASSWORD, password, run};

fn open(scratch: &Scratch) -> Auth {
    let text = format!(
        "database = 'sqlite:{}/doorward.db'\npassword.memory_kib = 64\npassword.passes = 1\n\
         password.unsafe_fast_hashes = true\nprovider.email.kind = 'password'\nthrottle.enabled = false\n",
        scratch.path().display()
    );
    Auth::open(&Config::from_toml(&text).unwrap()).unwrap()
}

fn sign_in(auth: &Auth) -> doorward::Result<bool> {
    let answer = run(auth.authenticate("email", Some(b"a@example.com"), password(PASSWORD)))?;
    Ok(matches!(answer.outcome, Outcome::Accepted(_)))
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn many_threads_start_one_context_once() {
    let scratch = Scratch::new();
    let auth = open(&scratch);
    for round in 0..20 {
        let (count, together) = (8, Barrier::new(8));
        thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(|| {
                    together.wait();
                    run(auth.start()).unwrap();
                    run(auth.stats()).unwrap();
                });
            }
        });
        if round % 2 == 0 {
            run(auth.stop()).unwrap();
            assert_eq!(run(auth.stats()).unwrap_err().kind(), ErrorKind::InvalidState);
        } else {
            run(auth.before_fork()).unwrap();
        }
    }
    // The first calls after a fork race in the same way.
    run(auth.stop()).unwrap();
    run(auth.start()).unwrap();
    run(auth.before_fork()).unwrap();
    let together = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                together.wait();
                run(auth.stats()).unwrap();
            });
        }
    });
    run(auth.stop()).unwrap();
    drop(auth);
    assert!(threads() < 64, "nothing is left running");
}

#[test]
fn calls_under_way_survive_quiescing_and_stopping() {
    let scratch = Scratch::new();
    let auth = open(&scratch);
    run(auth.start()).unwrap();
    let create = auth.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        doorward::NewUserOptions::default(),
    );
    run(create).unwrap().require().unwrap();
    for quiesce in [true, false] {
        let together = Barrier::new(5);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    for _ in 0..25 {
                        // Decided rightly, or not decided: never a refusal, never a hang.
                        match sign_in(&auth) {
                            Ok(accepted) => assert!(accepted),
                            Err(error) if error.kind() == ErrorKind::Unavailable => {}
                            // A stop, unlike a fork, is for good until the next start.
                            Err(error) if !quiesce && error.kind() == ErrorKind::InvalidState => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            together.wait();
            for _ in 0..5 {
                if quiesce {
                    run(auth.before_fork()).unwrap();
                } else {
                    run(auth.stop()).unwrap();
                    run(auth.start()).unwrap();
                }
            }
        });
        assert!(sign_in(&auth).unwrap());
    }
    run(auth.stop()).unwrap();
}

#[test]
fn a_start_that_is_given_up_half_way_can_be_made_again() {
    let scratch = Scratch::new();
    let auth = open(&scratch);
    {
        // Polled once and dropped: whatever it had claimed is free again.
        let mut start = Box::pin(auth.start());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _: std::task::Poll<_> = start.as_mut().poll(&mut context);
    }
    run(auth.start()).unwrap();
    run(auth.stats()).unwrap();
    run(auth.stop()).unwrap();
}

/// In a process of its own, where nobody else's threads come and go.
#[test]
fn a_refused_start_leaves_nothing_running_and_may_be_tried_again() {
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "lifecycle::a_refused_start_alone"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn a_refused_start_alone() {
    let scratch = Scratch::new();
    let auth = open(&scratch);
    run(auth.start()).unwrap();
    run(auth.stop()).unwrap();
    let key = scratch.path().join("doorward.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "0".repeat(64)).unwrap();
    let other = open(&scratch);
    let before = threads();
    for _ in 0..3 {
        assert_eq!(run(other.start()).unwrap_err().kind(), ErrorKind::Disagreement);
    }
    assert!(threads() <= before + 4, "the refused start's threads are gone");
    std::fs::write(&key, kept).unwrap();
    run(auth.start()).unwrap();
    run(auth.stop()).unwrap();
}
