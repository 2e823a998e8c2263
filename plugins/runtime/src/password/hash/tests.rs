use super::*;
use crate::governor;
use doorward_base::clock::SystemClock;
use doorward_base::rng::SystemRandom;

const WAIT: Duration = Duration::from_mins(1);

fn cheap() -> Cost {
    Cost::new(8, 1, 1, Limits::danger_without_floor()).unwrap()
}

fn hasher_with(settings: HasherSettings) -> Hasher {
    let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
    let budget = governor::Settings::for_hashes_of(settings.cost.memory_kib());
    let governor = Governor::new(&budget, Arc::new(SystemClock)).unwrap();
    Hasher::new(settings, governor, keys, Arc::new(SystemRandom)).unwrap()
}

fn settings(cost: Cost, pepper: Option<&str>) -> HasherSettings {
    HasherSettings {
        cost,
        limits: Limits::danger_without_floor(),
        pepper: pepper.map(String::from),
    }
}

fn hasher() -> Hasher {
    hasher_with(settings(cheap(), None))
}

fn verify(hasher: &Hasher, password: &[u8], stored: &Secret) -> Result<Verdict> {
    hasher
        .verify(Secret::from(password), Against::Stored(stored.expose()), WAIT)
        .wait()
}

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// RFC 9106 section 5.3.
#[test]
fn argon2id_gives_the_tag_of_the_standard() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32)
        .build()
        .unwrap();
    let mut tag = [0; 32];
    let mut arena = vec![argon2::Block::new(); params.block_count()];
    Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .unwrap()
        .hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, &mut arena[..])
        .unwrap();
    assert_eq!(
        tag,
        [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9,
            0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59
        ]
    );
}

/// Made by the reference implementation in C, through argon2-cffi 25.1.0.
#[test]
fn verifies_what_the_reference_implementation_wrote() {
    let hasher = hasher_with(HasherSettings::default());
    let cases = [
        (
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$ISO7kkvFzh19GM8qB7patN3C3Y9HHsjlVTfEZ9T600Y",
            Standing::Current,
        ),
        (
            "$argon2id$v=19$m=12288,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$iRqhbUThTnB6DEbONYrcMMSDmGod4STH",
            Standing::Stale,
        ),
    ];
    for (stored, standing) in cases {
        let stored = Secret::from(stored);
        let right = verify(&hasher, b"correct horse battery staple", &stored).unwrap();
        assert_eq!(right, Verdict::Matched(standing));
        assert_eq!(
            verify(&hasher, b"correct horse battery stapl", &stored).unwrap(),
            Verdict::Wrong
        );
    }
}

#[test]
fn a_new_hash_is_current_and_never_the_same_twice() {
    let hasher = hasher_with(HasherSettings::default());
    let hash = || {
        hasher
            .hash(Secret::from("ring a bell for no reason"), WAIT)
            .wait()
            .unwrap()
    };
    let (first, second) = (hash(), hash());
    assert_ne!(first.expose(), second.expose());
    assert!(text(&first).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    for stored in [first, second] {
        let verdict = verify(&hasher, b"ring a bell for no reason", &stored).unwrap();
        assert_eq!(verdict, Verdict::Matched(Standing::Current));
    }
}

/// ASVS 5.0 6.2.8. 72 bytes is where bcrypt cuts (CVE-2025-22228).
#[test]
fn every_byte_at_every_position_counts() {
    const LENGTHS: [usize; 11] = [1, 8, 15, 64, 71, 72, 73, 255, 256, MAX_BYTES - 1, MAX_BYTES];
    for (pepper, len) in [None, Some("ephemeral")]
        .into_iter()
        .flat_map(|pepper| LENGTHS.map(|len| (pepper, len)))
    {
        let hasher = hasher_with(settings(cheap(), pepper));
        let password = vec![b'x'; len];
        let stored = hasher.hash(Secret::from(&password[..]), WAIT).wait().unwrap();
        assert_eq!(
            verify(&hasher, &password, &stored).unwrap(),
            Verdict::Matched(Standing::Current)
        );
        let flipped = (0..len).map(|at| {
            let mut other = password.clone();
            other[at] ^= 0x20; // the case bit
            other
        });
        let appended = [0, b' ', b'\n', b'x'].map(|byte| [&password[..], &[byte]].concat());
        let shorter = password[1..].to_vec();
        for other in flipped.chain(appended).chain([shorter]) {
            assert_eq!(verify(&hasher, &other, &stored).unwrap(), Verdict::Wrong, "{len}");
        }
    }
}

#[test]
fn bytes_are_taken_as_received() {
    let hasher = hasher();
    // No normalisation, no trimming, NUL and non-UTF-8 included: the pairs look alike and are not.
    let pairs: [(&[u8], &[u8]); 5] = [
        ("é".as_bytes(), "e\u{301}".as_bytes()),
        (b" a ", b"a"),
        (b"a\0b", b"a\0c"),
        (b"\0", b""),
        (b"\xff\xfe", b"\xff"),
    ];
    for (password, lookalike) in pairs {
        let stored = hasher.hash(Secret::from(password), WAIT).wait().unwrap();
        assert_eq!(
            verify(&hasher, password, &stored).unwrap(),
            Verdict::Matched(Standing::Current)
        );
        assert_eq!(verify(&hasher, lookalike, &stored).unwrap(), Verdict::Wrong);
    }
}

#[test]
fn a_password_beyond_the_limit_is_wrong_even_if_its_head_is_right() {
    let hasher = hasher();
    let password = vec![b'p'; MAX_BYTES];
    let stored = hasher.hash(Secret::from(&password[..]), WAIT).wait().unwrap();
    for more in [1, 1000, 1_000_000] {
        let longer = [password.clone(), vec![b'p'; more]].concat();
        assert_eq!(verify(&hasher, &longer, &stored).unwrap(), Verdict::Wrong);
    }
    let refused = hasher
        .hash(Secret::new(vec![b'p'; MAX_BYTES + 1]), WAIT)
        .wait()
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

/// Attacks A02 and A03: the same algorithm, the same cost, whatever is decided beforehand, also after the deployed
/// cost was raised.
#[test]
fn every_verification_does_the_same_work() {
    let deployed = Cost::new(256, 3, 1, Limits::danger_without_floor()).unwrap();
    let hasher = hasher_with(settings(deployed, Some("ephemeral")));
    let old = [(8, 1), (64, 2), (256, 2), (128, 3), (256, 3)].map(|(memory, passes)| {
        let cost = Cost::new(memory, passes, 1, Limits::danger_without_floor()).unwrap();
        hasher_with(settings(cost, None))
            .hash(Secret::from("x"), WAIT)
            .wait()
            .unwrap()
    });
    let mut cases = vec![Against::Nobody, Against::Stored(b""), Against::Stored(b"$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
    cases.extend(old.iter().map(|stored| Against::Stored(stored.expose())));
    for against in cases {
        for len in [0, 1, 72, MAX_BYTES, MAX_BYTES + 1, 100_000] {
            let password = Secret::new(vec![b'x'; len]);
            let plan = hasher.0.plan(&password, against).unwrap();
            let work = plan.target.cost.work_kib() + plan.filler.map_or(0, Cost::work_kib);
            let passes = u64::from(deployed.passes());
            assert!(
                deployed.work_kib() - work < passes,
                "{against:?} {len}: {work} KiB"
            );
            assert!(plan.memory_kib() <= deployed.memory_kib());
        }
    }
}

#[test]
fn nobody_is_never_matched() {
    let hasher = hasher();
    for password in ["", "password", "correct horse battery staple"] {
        let verdict = hasher
            .verify(Secret::from(password), Against::Nobody, WAIT)
            .wait()
            .unwrap();
        assert_eq!(verdict, Verdict::Wrong);
    }
    // Not even by the decoy's own tag.
    let mut plan = hasher.0.plan(&Secret::from("x"), Against::Nobody).unwrap();
    let matched = hasher
        .0
        .place
        .submit(8, WAIT, move |arena| {
            compute(
                arena,
                plan.target.cost,
                b"x",
                &plan.target.salt.clone(),
                &mut plan.target.tag,
            )?;
            Ok((plan.compute(arena, Secret::from("x"))?, plan.in_vain))
        })
        .wait()
        .unwrap();
    assert!(matches!(matched, (true, Some(InVain::Wrong))));
}

#[test]
fn a_hasher_of_tests_hashes_as_the_governed_one_does() {
    let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
    let ungoverned = Hasher::ungoverned(settings(cheap(), None), keys, Arc::new(SystemRandom)).unwrap();
    let stored = ungoverned.hash(Secret::from("x"), WAIT).wait().unwrap();
    for (password, right) in [(&b"x"[..], true), (b"y", false)] {
        let seen = [&ungoverned, &hasher()]
            .map(|hasher| matches!(verify(hasher, password, &stored).unwrap(), Verdict::Matched(_)));
        assert_eq!(seen, [right; 2]);
    }
}

#[test]
fn a_damaged_hash_is_corrupt_never_wrong_and_never_a_panic() {
    let hasher = hasher();
    let stored = text(&hasher.hash(Secret::from("x"), WAIT).wait().unwrap());
    for damaged in [
        "",
        "x",
        &stored[1..],
        &stored[..stored.len() - 30],
        &stored.replace("m=8", "m=4294967295"),
    ] {
        let error = verify(&hasher, b"x", &Secret::from(damaged)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(
            !error.to_string().contains('$'),
            "the stored hash is shown: {error}"
        );
    }
}

#[test]
fn a_hash_larger_than_the_budget_is_unavailable_before_any_memory_is_taken() {
    let hasher = hasher();
    let stored = text(&hasher.hash(Secret::from("x"), WAIT).wait().unwrap()).replace("m=8", "m=2097152");
    let error = verify(&hasher, b"x", &Secret::from(stored)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn what_should_happen_to_a_hash_follows_from_how_it_was_made() {
    let make = |cost, pepper| {
        let hasher = hasher_with(settings(cost, pepper));
        hasher.hash(Secret::from("x"), WAIT).wait().unwrap()
    };
    let cost = |memory| Cost::new(memory, 1, 1, Limits::danger_without_floor()).unwrap();
    let deployed = hasher_with(settings(cost(64), None));
    let cases = [
        (make(cost(64), None), Standing::Current),
        (make(cost(32), None), Standing::Stale),
        (make(cost(128), None), Standing::Stale),
    ];
    for (stored, standing) in cases {
        assert_eq!(
            verify(&deployed, b"x", &stored).unwrap(),
            Verdict::Matched(standing)
        );
    }
    let strict = hasher_with(HasherSettings::default());
    let weak = make(cost(64), None);
    assert_eq!(
        verify(&strict, b"x", &weak).unwrap(),
        Verdict::Matched(Standing::BelowFloor)
    );
    assert_eq!(verify(&strict, b"y", &weak).unwrap(), Verdict::Wrong);
}

#[test]
fn a_pepper_goes_in_is_named_and_can_be_introduced_and_withdrawn() {
    let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
    let with = |pepper: Option<&str>| {
        let budget = governor::Settings::for_hashes_of(8);
        let governor = Governor::new(&budget, Arc::new(SystemClock)).unwrap();
        Hasher::new(
            settings(cheap(), pepper),
            governor,
            Arc::clone(&keys),
            Arc::new(SystemRandom),
        )
        .unwrap()
    };
    let (plain, peppered) = (with(None), with(Some("ephemeral")));
    let bare = plain.hash(Secret::from("x"), WAIT).wait().unwrap();
    let stored = peppered.hash(Secret::from("x"), WAIT).wait().unwrap();
    assert!(
        text(&stored).contains(",keyid=ZXBoZW1lcmFs$"),
        "{}",
        text(&stored)
    );
    let cases = [
        (&peppered, &stored, Standing::Current),
        (&peppered, &bare, Standing::Stale),
        (&plain, &stored, Standing::Stale),
        (&plain, &bare, Standing::Current),
    ];
    for (hasher, stored, standing) in cases {
        assert_eq!(verify(hasher, b"x", stored).unwrap(), Verdict::Matched(standing));
        assert_eq!(verify(hasher, b"y", stored).unwrap(), Verdict::Wrong);
    }
    // The pepper is part of what is hashed, not only named.
    let unnamed = Secret::from(text(&stored).replace(",keyid=ZXBoZW1lcmFs", ""));
    assert_eq!(verify(&peppered, b"x", &unnamed).unwrap(), Verdict::Wrong);
    // Another key under the same id.
    let elsewhere = hasher_with(settings(cheap(), Some("ephemeral")));
    assert_eq!(verify(&elsewhere, b"x", &stored).unwrap(), Verdict::Wrong);
}

#[test]
fn an_absent_pepper_is_unavailable_never_wrong() {
    let hasher = hasher_with(settings(cheap(), Some("ephemeral")));
    let stored = text(&hasher.hash(Secret::from("x"), WAIT).wait().unwrap());
    let lost = Secret::from(stored.replace("keyid=ZXBoZW1lcmFs", "keyid=bG9zdA"));
    let error = verify(&hasher, b"x", &lost).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("\"lost\""), "{error}");

    let keys = Arc::new(KeyRing::ephemeral(&SystemRandom).unwrap());
    let governor = Governor::new(&governor::Settings::for_hashes_of(8), Arc::new(SystemClock)).unwrap();
    let error = Hasher::new(
        settings(cheap(), Some("lost")),
        governor,
        keys,
        Arc::new(SystemRandom),
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyMissing);
}
