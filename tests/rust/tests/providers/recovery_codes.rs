//! `recovery_codes`: one code, sixty-four submissions, one sign-in; and a set that replaces the one before.

use std::sync::{Arc, Barrier};

use doorward::{Answer, Fields, Outcome, Proof};
use doorward_tests::postgres::Server;

use crate::world::{World, accepted, flow, printed, run, shown};

const EMAIL: &str = "ann@example.org";

const CONFIGURATION: &str = "provider.recovery_codes.kind = 'recovery_codes'\n\
     policy.second_factor = ['recovery_codes']\nthrottle.enabled = false\n";

fn world() -> World {
    World::with(&["recovery_codes"], CONFIGURATION)
}

/// Signs up and draws a set; gives a fresh proof and the codes.
fn enrolled(world: &World) -> (Proof, Vec<String>) {
    let proof = world.session_proof(&world.sign_up_proved(EMAIL));
    let answer = run(world.auth.begin_enrollment("recovery_codes", None, Some(&proof))).unwrap();
    let codes = lines(&answer);
    (accepted(Ok(answer)), codes)
}

fn lines(answer: &Answer<Proof>) -> Vec<String> {
    shown(answer, "codes").lines().map(str::to_owned).collect()
}

fn code(code: &str) -> Fields {
    Fields::from([("code", code)])
}

/// Signs in with the password and this code.
fn sign_in(world: &World, with: &str) -> Outcome<Proof> {
    let asked = flow(world.sign_in(EMAIL));
    world.go_on(&asked, code(with)).outcome
}

#[test]
fn of_sixty_four_submissions_of_one_code_one_signs_in() {
    let server = Server::shared();
    for world in [
        world(),
        World::on_postgres(&server, &["recovery_codes"], CONFIGURATION),
    ] {
        let world = Arc::new(world);
        let (_, codes) = enrolled(&world);
        for used in &codes[..3] {
            assert_eq!(submit(&world, used, 64), 1);
        }
    }
}

/// Sends one code in so many sign-ins at once; how many of them were accepted.
fn submit(world: &Arc<World>, used: &str, submissions: usize) -> usize {
    let flows: Vec<_> = (0..submissions).map(|_| flow(world.sign_in(EMAIL))).collect();
    let barrier = Arc::new(Barrier::new(submissions));
    let threads: Vec<_> = flows
        .into_iter()
        .map(|asked| {
            let (world, barrier, used) = (world.clone(), barrier.clone(), used.to_owned());
            std::thread::spawn(move || {
                barrier.wait();
                match world.go_on(&asked, code(&used)).outcome {
                    Outcome::Accepted(_) => 1,
                    Outcome::Refused(_) => 0,
                    other => panic!("{other:?}"),
                }
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).sum()
}

#[test]
fn the_list_says_how_many_codes_are_left() {
    let world = world();
    let (proof, codes) = enrolled(&world);
    let described = || {
        let listed = run(world.auth.list_authenticators(proof.user_id())).unwrap();
        let described = listed.into_iter().map(|held| (held.kind, held.description));
        described.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(described()["recovery_codes"], r#"{"left":10,"total":10}"#);
    for (used, code) in codes[..2].iter().enumerate() {
        assert!(matches!(sign_in(&world, code), Outcome::Accepted(_)));
        let left = format!(r#"{{"left":{},"total":10}}"#, 9 - used);
        assert_eq!(described()["recovery_codes"], left);
    }
    assert_eq!(described()["password"], "{}", "it describes nothing");
}

#[test]
fn a_code_signs_in_once_and_the_last_ones_are_warned_of() {
    let world = world();
    let (_, codes) = enrolled(&world);
    world.events();
    for (used, code) in codes.iter().enumerate() {
        let Outcome::Accepted(proof) = sign_in(&world, code) else {
            panic!("{code}")
        };
        assert_eq!(proof.factors().len(), 2);
        let warned = world
            .events()
            .iter()
            .any(|event| event.contains("recovery_codes.few_left"));
        assert_eq!(warned, used + 1 > 7, "{used}");
        if used + 1 == codes.len() {
            break;
        }
        assert!(matches!(sign_in(&world, code), Outcome::Refused(_)));
        assert!(world.events().iter().any(|event| event.contains("expired")));
    }
}

#[test]
fn a_set_that_is_used_up_is_held_and_proves_nothing() {
    let server = Server::shared();
    let more = format!("provider.totp.kind = 'totp'\n{CONFIGURATION}");
    let more = more.replace("['recovery_codes']", "['totp', 'recovery_codes']");
    let plugins = ["recovery_codes", "totp"];
    for world in [
        World::with(&plugins, &more),
        World::on_postgres(&server, &plugins, &more),
    ] {
        let (proof, codes) = enrolled(&world);
        let (last, before) = codes.split_last().unwrap();
        for code in before {
            assert!(matches!(sign_in(&world, code), Outcome::Accepted(_)));
        }
        let asked = flow(world.sign_in(EMAIL));
        let answer = world.go_on(&asked, code(last));
        assert_eq!(shown(&answer, "left"), "0", "the last one says so");
        let in_time = accepted(Ok(answer));
        world.events();
        // The password is not enough because the codes are gone, and nothing is offered that cannot be proved.
        let refused = world.sign_in(EMAIL).outcome;
        assert!(matches!(refused, Outcome::Refused(None)), "{refused:?}");
        let events = world.events();
        assert!(
            events
                .iter()
                .any(|event| event.contains("second_factor_unusable")),
            "{events:?}"
        );
        let methods = run(world.auth.list_methods(Some(proof.user_id()))).unwrap();
        assert!(methods.iter().all(|method| method.provider != "recovery_codes"));
        // Whoever has just used the last one makes a new set with that sign-in.
        let update = world
            .auth
            .update_credentials(&in_time, "recovery_codes", Fields::default());
        let answer = run(update).unwrap();
        let new = lines(&answer);
        accepted(Ok(answer));
        assert!(matches!(sign_in(&world, last), Outcome::Refused(_)));
        for code in &new {
            assert!(matches!(sign_in(&world, code), Outcome::Accepted(_)), "{code}");
        }
        // Later nobody but an operator helps.
        assert!(matches!(world.sign_in(EMAIL).outcome, Outcome::Refused(None)));
        run(world.auth.reset_factors(proof.user_id(), "used up his codes")).unwrap();
        assert!(matches!(world.sign_in(EMAIL).outcome, Outcome::Accepted(_)));
    }
}

#[test]
fn a_new_set_ends_the_old_one() {
    let world = world();
    let (proof, old) = enrolled(&world);
    let refused = run(world.auth.begin_enrollment("recovery_codes", None, Some(&proof)));
    assert!(refused.is_err(), "a second set beside the first");
    let answer = run(world
        .auth
        .update_credentials(&proof, "recovery_codes", Fields::default()))
    .unwrap();
    let new = lines(&answer);
    accepted(Ok(answer));
    assert!(old.iter().all(|code| !new.contains(code)));
    assert!(matches!(sign_in(&world, &old[0]), Outcome::Refused(_)));
    assert!(matches!(sign_in(&world, &new[0]), Outcome::Accepted(_)));
}

#[test]
fn no_code_is_in_the_database() {
    let world = world();
    let (_, codes) = enrolled(&world);
    for code in &codes {
        assert!(
            !world.database_has(code.as_bytes()) && !world.database_has(code.replace('-', "").as_bytes())
        );
    }
    assert!(world.database_has(EMAIL.as_bytes()), "what is there is found");
}

/// Python reads the codes as numbers in base 32: 120 bits each, none twice, the bits evenly spread.
#[test]
fn python_finds_120_random_bits_in_each_code() {
    const SCRIPT: &str = "
import sys
alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
values = []
for line in sys.stdin:
    value = 0
    for symbol in line.strip().replace('-', ''):
        value = value * 32 + alphabet.index(symbol)
    values.append(value)
ones = [sum(value >> bit & 1 for value in values) for bit in range(121)]
print(len(values), len(set(values)), max(values).bit_length() <= 120, ones[120])
print(min(ones[:120]) > 0.3 * len(values), max(ones[:120]) < 0.7 * len(values))
";
    let world = world();
    let (mut proof, mut codes) = enrolled(&world);
    while codes.len() < 300 {
        let answer = run(world
            .auth
            .update_credentials(&proof, "recovery_codes", Fields::default()))
        .unwrap();
        codes.extend(lines(&answer));
        proof = accepted(Ok(answer));
    }
    let said = printed("python3", &["-c", SCRIPT], codes.join("\n").as_bytes());
    assert_eq!(String::from_utf8(said).unwrap(), "300 300 True 0\nTrue True\n");
}
