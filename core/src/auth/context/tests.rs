//! How many wait for a hash, and what those are told for whom there is no room.

use super::*;
use crate::auth::Auth;
use crate::blocking::block_on;
use crate::plugin::Fields;

/// Sign-ins of so many people at once while no hash ends: how many are told that there is no room.
fn turned_away(queue: usize, people: usize) -> usize {
    let text = format!(
        "database = 'memory:'\nhashing.queue = {queue}\nhashing.budget_mib = 1\npassword.memory_kib = 64\n\
         password.passes = 1\npassword.unsafe_fast_hashes = true\nthrottle.enabled = false\n\
         provider.email.kind = 'password'\n"
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap();
    block_on(auth.start()).unwrap();
    let governor = &auth.context.governor;
    let (leave, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let workers = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(16);
    let mut tickets = Vec::new();
    for held in 1..=workers {
        let wait = wait.clone();
        tickets.push(governor.submit(64, std::time::Duration::from_mins(1), move |_| {
            let held = wait.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(held.recv().is_ok())
        }));
        while governor.usage().running < held {
            std::thread::yield_now();
        }
    }
    let mut away = 0;
    let mut waiting = Vec::new();
    for person in 0..people {
        let auth = auth.clone();
        let mut asks = Box::pin(async move {
            let with = Fields::from([("password", "wrong")]);
            let email = format!("p{person}@example.com");
            auth.authenticate("email", Some(email.as_bytes()), with).await
        });
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match asks.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(Err(error)) if error.kind() == ErrorKind::Overloaded => away += 1,
            std::task::Poll::Ready(other) => panic!("{other:?}"),
            std::task::Poll::Pending => waiting.push(asks),
        }
    }
    drop(leave);
    for ticket in tickets {
        let _: Result<bool> = ticket.wait();
    }
    drop(waiting);
    away
}

#[test]
fn as_many_wait_for_a_hash_as_the_queue_says() {
    // Beside those in the queue there may be one in the hand of each of the kind's threads.
    let threads = PoolSettings::for_machine().threads;
    assert_eq!(turned_away(1_000, 600), 0);
    let away = turned_away(16, 600);
    assert!((600 - 16 - threads..=600 - 16).contains(&away), "{away}");
}

#[test]
fn an_overload_is_told_before_anybody_is_looked_up_or_counted() {
    let text = "database = 'memory:'\nhashing.queue = 1\nhashing.budget_mib = 1\n\
                password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
                throttle.id.free = 1\nprovider.email.kind = 'password'\n";
    let auth = Auth::open(&Config::from_toml(text).unwrap()).unwrap();
    block_on(auth.start()).unwrap();
    let governor = &auth.context.governor;
    // One job that waits for its leave in each thread, and one more in the queue.
    let (leave, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(std::sync::Mutex::new(wait));
    let mut tickets = Vec::new();
    let workers = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(16);
    // Full is seen in one look. In two, a worker takes the queued job between them: then there is room again, and
    // the first sign-in below waits there until its deadline.
    let full = || {
        let usage = governor.usage();
        usage.running == workers && usage.queued == 1
    };
    while !full() {
        if !governor.has_room() {
            std::thread::yield_now();
            continue;
        }
        let wait = wait.clone();
        tickets.push(governor.submit(64, std::time::Duration::from_mins(1), move |_| {
            let held = wait.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(held.recv().is_ok())
        }));
    }
    let sign_in = || {
        let with = Fields::from([("password", "wrong")]);
        block_on(auth.authenticate("email", Some(b"a@example.com"), with))
    };
    for _ in 0..3 {
        // These are the words of the shedding, not those of a queue that was full at the end.
        let error = sign_in().unwrap_err();
        assert!(error.message().contains("hashing.queue"), "{error}");
    }
    drop(leave);
    for ticket in tickets {
        let _: Result<bool> = ticket.wait();
    }
    assert_eq!(sign_in().unwrap().outcome.id(), "refused");
}
