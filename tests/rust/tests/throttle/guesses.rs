//! What an attacker gets: the bounds of the burst, and the counts of the first hour and the first day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use doorward::Auth;
use doorward::store::Store;
use doorward::store::memory::MemoryStore;

use crate::world::{Time, WRONG, from, how, peer, process, time, try_at, wait_of};

const PROCESSES: u32 = 4;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Four processes, their clocks up to 100 ms apart.
fn processes(time: &Time) -> Vec<Auth> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    [-50, -10, 20, 50]
        .map(|ahead| process(&store, time, ahead, ""))
        .into()
}

/// 10^4 guesses at once at one name; how many were let through.
fn burst(processes: &[Auth], networks: u32) -> u32 {
    let (through, left) = (AtomicU32::new(0), AtomicU32::new(10_000));
    std::thread::scope(|scope| {
        for thread in 0..PROCESSES * 4 {
            let (through, left) = (&through, &left);
            scope.spawn(move || {
                let auth = &processes[(thread % PROCESSES) as usize];
                while let Ok(number) =
                    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                {
                    if how(auth, &peer(number % networks), "ann@example.com", WRONG) == "refused" {
                        through.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    through.into_inner()
}

/// Goes on at the first moment that it may, until then; how many were let through.
fn patient(processes: &[Auth], time: &Time, networks: u32, until: Duration) -> u32 {
    use doorward::clock::Clock as _;
    let (mut through, mut number) = (0, 0);
    while time.monotonic() < until {
        number += 1;
        let auth = &processes[(number % PROCESSES) as usize];
        let answer = try_at(auth, from(&peer(number % networks), ""), "ann@example.com", WRONG);
        let wait = wait_of(&answer);
        through += u32::from(wait.is_zero());
        time.advance(wait + Duration::from_millis(200));
    }
    through
}

fn within_a_tenth(what: &str, got: u32, expected: u32) {
    assert!(
        got.abs_diff(expected) * 10 <= expected + 9,
        "{what}: {got} guesses were let through, {expected} are expected"
    );
}

#[test]
fn one_name_from_one_network_and_from_many() {
    for (networks, most, hour, day) in [(1, 13, 16, 39), (1_000, 18, 21, 44), (1_000_000, 18, 21, 44)] {
        let time = time();
        let processes = processes(&time);
        let mut through = burst(&processes, networks);
        assert!(through <= most, "{networks} networks: {through} at once");
        through += patient(&processes, &time, networks, Duration::from_secs(HOUR));
        within_a_tenth("the first hour", through, hour);
        through += patient(&processes, &time, networks, Duration::from_secs(DAY));
        within_a_tenth("the first day", through, day);
        let later = patient(&processes, &time, networks, Duration::from_secs(2 * DAY));
        within_a_tenth("a later day", later, 24);
    }
}

#[test]
fn no_pacing_beats_one_guess_an_hour() {
    for group in [1_u32, 5, 9] {
        let time = time();
        let processes = processes(&time);
        let (mut through, mut number) = (0, 0);
        for _ in 0..10 * 24 / group {
            for _ in 0..group {
                number += 1;
                through +=
                    u32::from(how(&processes[0], &peer(number), "ann@example.com", WRONG) == "refused");
            }
            time.advance(Duration::from_secs(u64::from(group) * HOUR + 1));
        }
        assert!(through <= 241, "in groups of {group}: {through} in ten days");
    }
}

#[test]
fn many_names_from_one_network() {
    let time = time();
    let processes = processes(&time);
    let spray = |seconds: std::ops::Range<u64>| {
        let mut through = 0;
        for second in seconds {
            let name = format!("u{second}@example.com");
            through += u32::from(how(&processes[0], "192.0.2.1", &name, WRONG) == "refused");
            time.advance(Duration::from_secs(1));
        }
        through
    };
    let first = spray(0..HOUR);
    within_a_tenth("the first hour", first, 279);
    let rest = spray(HOUR..4 * HOUR);
    within_a_tenth("three more hours", rest, 3 * 180);
}

#[test]
fn many_names_from_the_networks_of_one_site() {
    let time = time();
    let processes = processes(&time);
    let mut through = 0;
    for number in 0..1_499 {
        let peer = format!("2001:db8:7:{number:x}::1");
        let name = format!("u{}@example.com", number % 300);
        through += u32::from(how(&processes[0], &peer, &name, WRONG) == "refused");
        time.advance(Duration::from_millis(100));
    }
    within_a_tenth("one /48", through, 429);
}
