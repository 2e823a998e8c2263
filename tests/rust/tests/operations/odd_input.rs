//! Whatever bytes come in, from a form or from the application itself: an answer or an error, never a panic or a hang,
//! and never anybody let in.

use doorward::{Fields, NewUserOptions, Outcome, Request, Secret, SessionOptions, UserId};

use crate::context::{World, accepted, run, steps};

/// Bytes as attackers and broken clients send them.
fn odd() -> Vec<Vec<u8>> {
    let mut odd: Vec<Vec<u8>> = [
        &b""[..],
        b"\0",
        b"a\0@example.com",
        b"\xff\xfe",
        b"a@example.com\r\nSet-Cookie: x=y",
        b"' OR 1=1 --",
        "\u{202e}moc.elpmaxe@a".as_bytes(),
        "a\u{0301}".repeat(40).as_bytes(),
        b"a@example.com,b@example.com",
        b"dwa_",
        b"dwr_",
        b"dwf_",
        b"dwa_AAAA",
        b"../../etc/passwd",
        b"%00",
        b"{\"a\":1}",
    ]
    .iter()
    .map(|bytes| bytes.to_vec())
    .collect();
    for prefix in ["dwa_", "dwr_", "dwf_", "dwx_"] {
        for length in [69, 70, 71, 91, 92] {
            odd.push(format!("{prefix}{}", "_".repeat(length)).into_bytes());
        }
    }
    for length in [1023, 1024, 1025, 65_537, 1 << 20] {
        odd.push(vec![b'a'; length]);
        odd.push(vec![0xf0; length]);
    }
    odd
}

#[test]
fn never_panics_hangs_or_lets_anybody_in() {
    let world = World::with(&format!("{}throttle.enabled = false\n", steps()));
    let session = world.user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let auth = &world.auth;
    let nobody =
        |answer: Outcome<doorward::Proof>| assert!(!matches!(answer, Outcome::Accepted(_)), "{answer:?}");
    for bytes in odd() {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let fields = |name: &str| Fields(vec![(name.into(), Secret::new(bytes.clone()))]);
        for provider in ["email", "username", "member", "badge", &text] {
            for with in [
                fields("password"),
                fields(&text),
                fields("answer"),
                Fields::default(),
            ] {
                if let Ok(answer) = run(auth.authenticate(provider, Some(&bytes), with.clone())) {
                    nobody(answer.outcome);
                }
                let known = Some(&b"a@example.com"[..]);
                if let Ok(answer) = run(auth.authenticate(provider, known, with)) {
                    nobody(answer.outcome);
                }
            }
            let _ = run(auth.find_user(provider, &bytes));
            let _ = run(auth.unlink_identity(&proof, provider, &bytes));
            let _ = run(auth.rename_authenticator(
                &proof,
                provider,
                doorward::AuthenticatorId::from_bytes([7; 16]),
                &text,
            ));
        }
        nobody(
            run(auth.continue_flow(&bytes, Some(&text), fields("answer")))
                .unwrap()
                .outcome,
        );
        assert!(!world.is_live(&bytes));
        let refreshed = run(auth.refresh_session(&bytes)).unwrap();
        assert!(!matches!(refreshed.outcome, Outcome::Accepted(_)));
        accepted(run(auth.end_session(Some(&bytes))));
        let _ = run(auth.find_user_by_attribute(&text, &text));
        let _ = run(auth.update_attributes(session.user().id, &text, None));
        let _ = run(auth.update_session_attributes(&session, &text));
        let options = NewUserOptions {
            attributes: Some(text.clone()),
            id: Some(UserId::from_bytes([9; 16])),
        };
        assert!(run(auth.create_user("email", &bytes, fields("password"), options)).is_err());
        let options = SessionOptions {
            attributes: Some(text.clone()),
            ..SessionOptions::default()
        };
        let _ = run(auth.create_session_for_user(session.user().id, &[], options));
        if let (Ok(realm), false) = (auth.realm(&text), text.is_empty()) {
            run(realm.get_user(session.user().id)).unwrap_err();
        }
        // The same bytes as method, header name, header value, cookie and bearer token.
        for (name, value) in [
            (&bytes[..], &b"x"[..]),
            (b"cookie", &bytes),
            (b"origin", &bytes),
            (b"authorization", &bytes),
            (b"user-agent", &bytes),
            (b"x-forwarded-for", &bytes),
            (b"sec-fetch-site", &bytes),
        ] {
            let request = Request::new(&bytes, [(name, value)], Some("192.0.2.7".parse().unwrap()));
            let on = auth.on(request);
            let checked = run(on.resume_request()).unwrap();
            assert!(!matches!(checked.outcome, Outcome::Accepted(_)));
            let _ = run(on.end_session(None)).unwrap();
        }
    }
    assert!(
        world.is_live(&crate::context::access(&session)),
        "nobody was signed out by it"
    );
}

#[test]
fn attributes_may_be_deep_but_not_endless() {
    let world = World::new();
    let user = world.user("a@example.com").user().id;
    let nested = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    for depth in [1, 100, 126, 127, 128, 1000, 2000] {
        let _ = run(world.auth.update_attributes(user, &nested(depth), None));
        run(world.auth.get_user(user)).unwrap();
    }
}
