//! `api_key`: a request with a key is its user's, without a session; Python finds keys and typing errors without a database.

use doorward::{Answer, Caller, Fields, Outcome, Proof, Request, SignedOut};

use crate::world::{World, accepted, challenged, flow, printed, run, shown};

const EMAIL: &str = "ann@example.org";

fn world() -> World {
    World::with(
        &["api_key"],
        "provider.api_key.kind = 'api_key'\nprovider.api_key.config.prefix = 'acme'\n\
         provider.api_key.config.scopes = 'read write admin'\nbearer.prefixes.acme_ = 'api_key'\n\
         throttle.enabled = false\n",
    )
}

/// Makes a key with these wishes; gives it and the renewed proof.
fn make(world: &World, proof: &Proof, fields: Fields) -> (String, Proof) {
    let begun = flow(run(world.auth.begin_enrollment("api_key", None, Some(proof))).unwrap());
    assert_eq!(challenged(&begun, "scopes"), "admin read write");
    let answer = world.go_on(&begun, fields);
    let key = shown(&answer, "key");
    (key, accepted(Ok(answer)))
}

fn check(world: &World, key: &str) -> Answer<Caller> {
    let header = format!("Bearer {key}");
    let headers = [("authorization", header.as_str())];
    let headers = headers.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let request = Request::new(b"POST", headers, Some("192.0.2.7".parse().unwrap()));
    run(world.auth.on(request).check_request()).unwrap()
}

#[test]
fn a_request_with_a_key_is_its_users_and_has_no_session() {
    let world = world();
    let proof = world.session_proof(&world.sign_up(EMAIL));
    let wishes = Fields::from([
        ("label", "backup"),
        ("scopes", "write read"),
        ("expires_in", "3600"),
    ]);
    let (key, proof) = make(&world, &proof, wishes);
    let (plain, proof) = make(&world, &proof, Fields::default());
    for (key, expected) in [(&key, &["read", "write"][..]), (&plain, &[])] {
        let answer = check(&world, key);
        assert!(answer.headers.is_empty());
        let Outcome::Accepted(Caller::Key {
            user,
            provider,
            scopes,
        }) = answer.outcome
        else {
            panic!("{:?}", answer.outcome)
        };
        assert_eq!((user.id, provider.as_str()), (proof.user_id(), "api_key"));
        assert_eq!(scopes, expected);
    }
    let held = run(world.auth.list_authenticators(proof.user_id())).unwrap();
    let mut keys: Vec<_> = held.iter().filter(|held| held.kind == "api_key").collect();
    keys.sort_by_key(|key| key.label.as_str());
    assert_eq!(
        (keys.len(), keys[0].label.as_str(), keys[1].label.as_str()),
        (2, "", "backup")
    );
    assert!(!world.database_has(key.as_bytes()) && !world.database_has(&key.as_bytes()[18..61]));
    assert!(
        world.database_has(&key.as_bytes()[5..17]),
        "the id names the record"
    );
    // A key past its end, and one that was removed.
    world.advance(3599);
    assert!(matches!(check(&world, &key).outcome, Outcome::Accepted(_)));
    world.advance(1);
    world.events();
    assert!(matches!(check(&world, &key).outcome, Outcome::Refused(_)));
    assert!(world.events().iter().any(|event| event.contains("expired")));
    let proof = world.session_proof(&accepted(Ok(world.sign_in(EMAIL))));
    accepted(run(world
        .auth
        .remove_authenticator(&proof, "api_key", keys[0].id)));
    assert!(matches!(check(&world, &plain).outcome, Outcome::Refused(_)));
}

#[test]
fn a_key_is_no_way_to_sign_in() {
    let world = world();
    let proof = world.session_proof(&world.sign_up(EMAIL));
    let (key, _) = make(&world, &proof, Fields::default());
    let fields = Fields::from([("key", key.as_str())]);
    let tried = run(world.auth.authenticate("api_key", None, fields));
    assert_eq!(tried.unwrap_err().kind(), doorward::ErrorKind::Unsupported);
}

#[test]
fn one_wrong_symbol_lets_nobody_in() {
    let world = world();
    let proof = world.session_proof(&world.sign_up(EMAIL));
    let (key, _) = make(&world, &proof, Fields::default());
    for at in 5..key.len() {
        let mut wrong = key.clone().into_bytes();
        wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
        let wrong = String::from_utf8(wrong).unwrap();
        assert!(
            matches!(check(&world, &wrong).outcome, Outcome::Refused(_)),
            "{at}"
        );
    }
    let other_prefix = key.replace("acme_", "acm_");
    assert!(matches!(
        check(&world, &other_prefix).outcome,
        Outcome::RequestRefused(_) | Outcome::SignedOut(SignedOut::Invalid)
    ));
}

/// The pattern of README.md and zip's checksum find keys in a text, and only those that were keys.
#[test]
fn python_finds_leaked_keys_offline() {
    const SCRIPT: &str = r"
import re, sys, zlib
pattern, text = sys.stdin.read().split('\n', 1)
alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
def checksum(body):
    number, symbols = zlib.crc32(body.encode()), ''
    for _ in range(6):
        number, symbol = divmod(number, 62)
        symbols = alphabet[symbol] + symbols
    return symbols
for found in re.findall(pattern, text):
    print(found, checksum(found[:-6]) == found[-6:])
";
    let readme = include_str!("../../../../plugins/api_key/README.md");
    let pattern = readme
        .lines()
        .find_map(|line| line.strip_suffix("then compare the checksum"))
        .unwrap()
        .trim();
    let world = world();
    let mut proof = world.session_proof(&world.sign_up(EMAIL));
    let mut keys = Vec::new();
    for _ in 0..8 {
        let (key, renewed) = make(&world, &proof, Fields::default());
        keys.push(key);
        proof = renewed;
    }
    // A key with two symbols exchanged looks like one and is none.
    let swapped = keys.iter().find_map(|key| {
        let (a, b) = (&key[20..21], &key[21..22]);
        (a != b).then(|| format!("{}{b}{a}{}", &key[..20], &key[22..]))
    });
    let swapped = swapped.unwrap();
    let input = format!(
        "{pattern}\nconfig: {{\"token\": \"{}\"}} acme_short curl -H 'Authorization: Bearer {swapped}'",
        keys.join("\"}, {\"token\": \"")
    );
    let mut expected: Vec<String> = keys.iter().map(|key| format!("{key} True")).collect();
    expected.push(format!("{swapped} False"));
    let found = String::from_utf8(printed("python3", &["-c", SCRIPT], input.as_bytes())).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}
