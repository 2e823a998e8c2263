//! An office on a Monday: 500 people sign in behind one address within 20 minutes, and mistype 8 times in 100.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Database;
use crate::world::{PASSWORD, WRONG, device, from, how, process, sign_up, time, try_at, wait_of};

const PEOPLE: usize = 500;
const OFFICE: &str = "192.0.2.1";
const ARRIVE: u64 = 20 * 60;

/// How the hour went.
#[derive(Default)]
pub(crate) struct Monday {
    /// In within a minute of the first try.
    pub(crate) soon: u32,
    pub(crate) late: u32,
    pub(crate) throttled: u32,
    /// Guesses of the stranger that were let through.
    pub(crate) guesses: u32,
}

#[derive(Clone, Copy)]
enum Next {
    Tries { person: usize, since: Duration },
    Guess(u32),
}

/// What happens next, in order of time; of one moment's, the first entered first.
#[derive(Default)]
struct Agenda {
    entries: BTreeMap<(Duration, usize), Next>,
    entered: usize,
}

impl Agenda {
    fn enter(&mut self, at: Duration, next: Next) {
        self.entered += 1;
        self.entries.insert((at, self.entered), next);
    }
}

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

/// One hour. `known` of a hundred people have a browser that has signed in before; a guesser tries one name a second.
pub(crate) fn monday(database: &Database, known: u64, guesser: bool) -> Monday {
    let time = time();
    let auth = process(&database.open(), &time, 0, "");
    let mut chance = Chance(5);
    let name = |person: usize| format!("p{person}@example.com");
    let mut cookies = Vec::new();
    for person in 0..PEOPLE {
        sign_up(&auth, &name(person));
        let is_known = chance.below(100) < known;
        cookies.push(if is_known {
            device(&auth, OFFICE, &name(person))
        } else {
            String::new()
        });
    }
    let mut agenda = Agenda::default();
    for person in 0..PEOPLE {
        let since = Duration::from_millis(chance.below(ARRIVE * 1000));
        agenda.enter(since, Next::Tries { person, since });
    }
    if guesser {
        agenda.enter(Duration::ZERO, Next::Guess(0));
    }
    let (begun, mut went) = (doorward::clock::Clock::now(&*time), Monday::default());
    while let Some(((at, _), next)) = agenda.entries.pop_first()
        && at < Duration::from_hours(1)
    {
        time.set(begun.plus(at));
        match next {
            Next::Guess(number) => {
                let name = format!("x{number}@example.com");
                went.guesses += u32::from(how(&auth, OFFICE, &name, WRONG) == "refused");
                agenda.enter(at + Duration::from_secs(1), Next::Guess(number + 1));
            }
            Next::Tries { person, since } => {
                let typed = if chance.below(100) < 8 { WRONG } else { PASSWORD };
                let answer = try_at(&auth, from(OFFICE, &cookies[person]), &name(person), typed);
                let again = match answer.outcome.id() {
                    "accepted" if at.saturating_sub(since) < Duration::from_mins(1) => {
                        went.soon += 1;
                        continue;
                    }
                    "accepted" => {
                        went.late += 1;
                        continue;
                    }
                    "throttled" => {
                        went.throttled += 1;
                        wait_of(&answer).max(Duration::from_secs(5))
                    }
                    _ => Duration::from_secs(10),
                };
                agenda.enter(at + again, Next::Tries { person, since });
            }
        }
    }
    went
}
