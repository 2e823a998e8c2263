//! Users that a kind finds by a handle: passkeys, which start sign-ins, and keys, which do not.

use std::sync::{Arc, Mutex};

use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::{
    Answer, Auth, Caller, ErrorKind, Fields, FlowHandle, MethodAction, NewUserOptions, Outcome, Proof,
    Session, SessionOptions, UserId,
};

use doorward_tests::intercept::{Intercept, Intercepted};

use crate::context::{Browser, OTHER, PASSWORD, World, accepted, claims, password, request, run};

fn world(more: &str) -> World {
    World::with(&format!("{}{more}", claims()))
}

fn id(text: &str) -> Fields {
    Fields::from([("id", text)])
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

fn shown(flow: &FlowHandle, name: &str) -> String {
    let value = flow.next()[0].challenge.named(name).unwrap();
    String::from_utf8(value.expose().to_vec()).unwrap()
}

fn go_on(auth: &Auth, flow: &FlowHandle, with: Fields) -> doorward::Result<Answer<Proof>> {
    run(auth.continue_flow(flow.token().expose(), None, with))
}

fn sign_up(world: &World, passkey: &str) -> Proof {
    let create = world
        .auth
        .create_user("passkey", b"Ada", id(passkey), NewUserOptions::default());
    accepted(run(create))
}

fn authenticate(auth: &Auth, passkey: &str) -> Answer<Proof> {
    run(auth.authenticate("passkey", None, id(passkey))).unwrap()
}

fn enroll(world: &World, proof: &Proof, provider: &str, with: Fields) -> doorward::Result<Answer<Proof>> {
    let begun = run(world.auth.begin_enrollment(provider, None, Some(proof)))?;
    go_on(&world.auth, &flow(begun), with)
}

fn methods(world: &World, user: UserId) -> Vec<String> {
    let next = run(world.auth.list_methods(Some(user))).unwrap();
    next.into_iter().map(|next| next.provider).collect()
}

#[test]
fn whoever_signs_up_with_a_passkey_signs_in_with_it() {
    let world = world("");
    let proof = sign_up(&world, "k1");
    let user = proof.user_id();
    world.session(&proof);
    let held = run(world.auth.list_identities(user)).unwrap();
    assert_eq!(
        (
            held.len(),
            held[0].provider.as_str(),
            held[0].identifier.as_slice()
        ),
        (1, "passkey", &b"k1"[..])
    );
    assert_eq!(methods(&world, user), ["passkey"]);
    let signed_in = authenticate(&world.auth, "k1").require().unwrap();
    assert_eq!(signed_in.user_id(), user);
    assert_eq!(signed_in.factors()[0].channel, "webauthn");
    assert_eq!(authenticate(&world.auth, "k2").outcome.id(), "refused");
    run(world.auth.disable_user(user)).unwrap();
    assert_eq!(authenticate(&world.auth, "k1").outcome.id(), "refused");
    let everybody = run(world.auth.list_methods(None)).unwrap();
    let everybody: Vec<_> = everybody.iter().map(|next| next.provider.as_str()).collect();
    assert!(
        everybody.contains(&"passkey") && !everybody.contains(&"api"),
        "{everybody:?}"
    );
}

#[test]
fn signing_up_in_two_steps_makes_user_identity_and_authenticator_or_nothing() {
    let world = world("");
    let user = UserId::from_bytes([9; 16]);
    let options = NewUserOptions {
        attributes: Some(r#"{"name":"Ada"}"#.into()),
        id: Some(user),
    };
    let begun = run(world
        .auth
        .create_user("passkey", b"Ada", Fields::default(), options))
    .unwrap();
    let step = flow(begun);
    assert_eq!(shown(&step, "name"), "Ada");
    assert!(
        run(world.auth.get_user(user)).is_err(),
        "not before it is enrolled"
    );
    let proof = accepted(go_on(&world.auth, &step, id("k1")));
    assert_eq!(proof.user_id(), user);
    assert_eq!(
        run(world.auth.get_user(user)).unwrap().attributes,
        r#"{"name":"Ada"}"#
    );
    // Without a name, and by the operation that begins an enrollment.
    let step = flow(run(world.auth.begin_enrollment("passkey", None, None)).unwrap());
    assert_eq!(shown(&step, "name"), "");
    let taken = go_on(&world.auth, &step, id("k1")).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    let other = accepted(go_on(&world.auth, &step, id("k2")));
    assert_eq!(
        authenticate(&world.auth, "k2").require().unwrap().user_id(),
        other.user_id()
    );
    // A kind that does not say whom it enrolled makes nobody.
    let step = flow(run(world.auth.begin_enrollment("passkey", None, None)).unwrap());
    let broken = go_on(&world.auth, &step, id("nobody")).unwrap_err();
    assert_eq!(broken.kind(), ErrorKind::PluginFault);
    assert_eq!(authenticate(&world.auth, "nobody").outcome.id(), "refused");
    let long = "x".repeat(257);
    let named = world
        .auth
        .create_user("passkey", long.as_bytes(), id("k3"), NewUserOptions::default());
    assert_eq!(run(named).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let api = world
        .auth
        .create_user("api", b"", Fields::default(), NewUserOptions::default());
    assert_eq!(run(api).unwrap_err().kind(), ErrorKind::Unsupported);
    let issuer = world
        .auth
        .create_user("github", b"", Fields::default(), NewUserOptions::default());
    assert_eq!(run(issuer).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_sign_in_by_steps_finds_its_user_by_the_handle() {
    let world = world("");
    let user = sign_up(&world, "k1").user_id();
    let begin = || flow(run(world.auth.authenticate("passkey", None, Fields::default())).unwrap());
    let step = begin();
    assert_eq!(shown(&step, "known"), "0", "nobody is named");
    let proof = accepted(go_on(&world.auth, &step, id("k1")));
    assert_eq!(proof.user_id(), user);
}

#[test]
fn a_user_with_a_password_adds_passkeys_and_either_is_a_way_in() {
    let world = world("");
    let ann = world.sign_up("ann@example.com");
    let begun = run(world.auth.begin_enrollment("passkey", None, Some(&ann))).unwrap();
    let step = flow(begun);
    assert_eq!(shown(&step, "name"), "ann@example.com");
    let proof = accepted(go_on(&world.auth, &step, id("k1")));
    let proof = accepted(enroll(&world, &proof, "passkey", id("k2")));
    for passkey in ["k1", "k2"] {
        let signed_in = authenticate(&world.auth, passkey).require().unwrap();
        assert_eq!(signed_in.user_id(), ann.user_id());
    }
    let mut held = methods(&world, ann.user_id());
    held.sort();
    assert_eq!(held, ["email", "passkey"]);
    let bob = world.sign_up("bob@example.com");
    let theirs = enroll(&world, &bob, "passkey", id("k2")).unwrap_err();
    assert_eq!(theirs.what(), Some("handle"), "somebody else's passkey");
    // The address may go, the passkeys are a way in; the last of them may not.
    let proof = accepted(run(world.auth.unlink_identity(
        &proof,
        "email",
        b"ann@example.com",
    )));
    let remove = |proof: &Proof| {
        let held = run(world.auth.list_authenticators(ann.user_id())).unwrap();
        let passkey = held.iter().find(|held| held.group == "passkey").unwrap().id;
        run(world.auth.remove_authenticator(proof, "passkey", passkey))
    };
    let proof = accepted(remove(&proof));
    assert_eq!(remove(&proof).unwrap_err().kind(), ErrorKind::LastWayIn);
}

#[test]
fn a_passkey_is_a_second_factor_of_its_owner_alone() {
    let world = world("policy.second_factor = ['passkey']\n");
    let ann = world.sign_up_proved("ann@example.com");
    accepted(enroll(&world, &ann, "passkey", id("k1")));
    sign_up(&world, "k2");
    let mut browser = Browser::default();
    let asked = world.try_sign_in("ann@example.com", crate::context::PASSWORD);
    let step = flow(asked);
    assert_eq!(
        (step.next()[0].provider.as_str(), step.next()[0].action),
        ("passkey", MethodAction::Verify)
    );
    let other = go_on(&world.auth, &step, id("k2")).unwrap();
    let step = flow(other);
    let challenged = flow(go_on(&world.auth, &step, Fields::default()).unwrap());
    assert_eq!(shown(&challenged, "known"), "1", "it may list the user's own");
    let again = flow(go_on(&world.auth, &challenged, id("k2")).unwrap());
    let proof = accepted(go_on(&world.auth, &again, id("k1")));
    assert_eq!(proof.factors().len(), 2);
    // In a live session it steps up, for that user alone.
    let made = run(world
        .auth
        .on(browser.request("POST"))
        .create_session(&proof, SessionOptions::default()))
    .unwrap();
    browser.take(&made);
    let live = world.auth.on(browser.request("POST"));
    assert_eq!(authenticate(&live, "k2").outcome.id(), "refused");
    let stepped = authenticate(&live, "k1").require().unwrap();
    let session: Session = accepted(run(live.create_session(&stepped, SessionOptions::default())));
    assert_eq!(session.user().id, ann.user_id());
    // Without a session it starts, and a first factor completes it: present is not verified.
    let asked = flow(authenticate(&world.auth, "k1"));
    assert_eq!(asked.next()[0].provider, "email");
    assert_eq!(asked.next().len(), 1);
}

#[test]
fn an_issuer_and_a_mailbox_are_second_factors_of_whoever_has_them() {
    let world = world("policy.second_factor = ['github', 'mail']\n");
    let ann = world.sign_up_proved("ann@example.com");
    let link = |proof: &Proof, answer: doorward::Result<Answer<Proof>>| match answer.unwrap().outcome {
        Outcome::Unregistered(claim) => accepted(run(world.auth.link_claim(proof, claim.token().expose()))),
        other => panic!("{other:?}"),
    };
    let code = |text: &str| Fields::from([("code", text)]);
    let proof = link(
        &ann,
        run(world.auth.begin_link(&ann, "github", None, code("good:7"))),
    );
    let begun = run(world
        .auth
        .begin_link(&proof, "mail", Some(b"ann@home.example"), Fields::default()));
    let begun = flow(begun.unwrap());
    link(&proof, go_on(&world.auth, &begun, code("1234")));
    let asked = || flow(world.try_sign_in("ann@example.com", crate::context::PASSWORD));
    let answer = |step: &FlowHandle, provider: Option<&str>, with: Fields| {
        run(world.auth.continue_flow(step.token().expose(), provider, with)).unwrap()
    };
    let step = asked();
    let offered: Vec<_> = step.next().iter().map(|next| next.provider.as_str()).collect();
    assert_eq!(offered, ["github", "mail"]);
    let other = answer(&step, Some("github"), code("good:8"));
    let other = flow(other);
    let proof = answer(&other, Some("github"), code("good:7")).require().unwrap();
    assert_eq!(proof.user_id(), ann.user_id());
    let step = flow(answer(&asked(), Some("mail"), Fields::default()));
    let proof = answer(&step, None, code("1234")).require().unwrap();
    assert_eq!(proof.factors().len(), 2);
    // Who has neither is not asked.
    world.sign_up("bob@example.com");
    let bob = world.try_sign_in("bob@example.com", crate::context::PASSWORD);
    assert_eq!(bob.outcome.id(), "accepted");
    assert_eq!(
        world.try_sign_in("bob@example.com", OTHER).outcome.id(),
        "refused"
    );
}

// Keys.

fn key(world: &World, proof: &Proof, key: &str, scopes: &str) -> Proof {
    let with = Fields::from([("key", key), ("scopes", scopes)]);
    let answer = run(world.auth.update_credentials(proof, "api", with)).unwrap();
    assert_eq!(answer.show_once.named("key").unwrap().expose(), key.as_bytes());
    answer.require().unwrap()
}

fn bearer(world: &World, token: &str) -> doorward::Result<Answer<Caller>> {
    let request = request("GET", &[("authorization", &format!("Bearer {token}"))]);
    run(world.auth.on(request).check_request())
}

#[test]
fn a_key_says_whose_it_is_and_what_it_is_good_for_and_makes_no_session() {
    let world = world("");
    let ann = world.sign_up("ann@example.com");
    let proof = key(&world, &ann, "ak_1", r#"["read","write"]"#);
    let proof = key(&world, &proof, "ak_2", "");
    key(&world, &proof, "ak_old", "expired");
    let answer = bearer(&world, "ak_1").unwrap();
    assert!(answer.headers.iter().next().is_none(), "no cookie");
    match answer.outcome {
        Outcome::Accepted(Caller::Key {
            user,
            provider,
            scopes,
        }) => {
            assert_eq!((user.id, provider.as_str()), (ann.user_id(), "api"));
            assert_eq!(scopes, ["read", "write"]);
        }
        other => panic!("{other:?}"),
    }
    match bearer(&world, "ak_2").unwrap().outcome {
        Outcome::Accepted(Caller::Key { scopes, .. }) => assert!(scopes.is_empty()),
        other => panic!("{other:?}"),
    }
    // Expired, unknown and of another prefix of the same provider: one answer.
    let seen = |token: &str| {
        let answer = bearer(&world, token).unwrap();
        let headers: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_owned()).collect();
        format!("{:?} {} {headers:?}", answer.outcome, answer.http_status())
    };
    assert_eq!(seen("ak_old"), seen("ak_unknown"));
    assert_eq!(seen("ak_old"), seen("ak_"));
    let events = world.events().join("\n");
    assert!(
        events.contains("expired") && events.contains("unknown_user"),
        "{events}"
    );
    // A key is a key: it signs nobody in.
    let signs_in = run(world
        .auth
        .authenticate("api", None, Fields::from([("key", "ak_1")])));
    assert_eq!(signs_in.unwrap_err().kind(), ErrorKind::Unsupported);
    run(world.auth.disable_user(ann.user_id())).unwrap();
    assert_eq!(bearer(&world, "ak_1").unwrap().outcome.id(), "refused");
}

#[test]
fn scopes_that_cannot_be_read_are_a_fault_and_no_key() {
    let world = world("");
    let mut proof = world.sign_up("ann@example.com");
    for (at, scopes) in [r#""read""#, r#"["read",1]"#, r#"{"read":true}"#, "null", "7"]
        .into_iter()
        .enumerate()
    {
        let text = format!("ak_{at}");
        proof = key(&world, &proof, &text, scopes);
        let error = bearer(&world, &text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PluginFault, "{scopes}");
    }
}

#[test]
fn guesses_at_keys_shut_no_good_key_out() {
    let world = world("throttle.net.burst = 5\n");
    let ann = world.sign_up("ann@example.com");
    key(&world, &ann, "ak_1", "[]");
    for at in 0..200 {
        let answer = bearer(&world, &format!("ak_x{at}")).unwrap();
        assert_eq!(answer.outcome.id(), "refused");
    }
    assert_eq!(bearer(&world, "ak_1").unwrap().outcome.id(), "accepted");
}

/// What was asked of a store.
struct Noting {
    inner: Arc<dyn Store>,
    calls: Mutex<Vec<&'static str>>,
}

impl Intercept for Noting {
    fn inner(&self) -> Arc<dyn Store> {
        self.inner.clone()
    }

    fn called(&self, operation: &'static str) {
        self.calls.lock().unwrap().push(operation);
    }
}

/// Looked up and verified first: nothing that others have filled is even looked at.
#[test]
fn what_cannot_be_guessed_is_right_whatever_is_closed_and_writes_nothing() {
    let noting = Arc::new(Noting {
        inner: Arc::new(MemoryStore::new()),
        calls: Mutex::default(),
    });
    let store = Arc::new(Intercepted(noting.clone()));
    let world = World::over(store, &format!("{}throttle.net.burst = 1\n", claims()));
    let ann = world.sign_up("ann@example.com");
    let ann = key(&world, &ann, "ak_1", "[]");
    accepted(enroll(&world, &ann, "passkey", id("k1")));
    let here = || {
        world
            .auth
            .on(request("POST", &[("origin", "https://app.example")]))
    };
    for _ in 0..30 {
        let wrong = here();
        let wrong = wrong.authenticate("email", Some(b"ann@example.com"), password(OTHER));
        assert!(run(wrong).is_ok());
    }
    let on = here();
    let right = on.authenticate("email", Some(b"ann@example.com"), password(PASSWORD));
    assert_eq!(run(right).unwrap().outcome.id(), "throttled");
    let writes = [
        "throttle",
        "put_flow",
        "put_token",
        "change",
        "swap_record",
        "change_kv",
    ];
    let asked = |what: &dyn Fn() -> &'static str, expected: &str| {
        noting.calls.lock().unwrap().clear();
        assert_eq!(what(), expected);
        let calls = std::mem::take(&mut *noting.calls.lock().unwrap());
        assert!(!calls.contains(&"throttles"), "{calls:?}");
        assert!(!calls.iter().any(|call| writes.contains(call)), "{calls:?}");
    };
    let passkey = |with: &str| authenticate(&here(), with).outcome.id();
    let api = |with: &str| bearer(&world, with).unwrap().outcome.id();
    asked(&|| passkey("k1"), "accepted");
    asked(&|| api("ak_1"), "accepted");
    asked(&|| passkey("k9"), "refused");
    asked(&|| api("ak_9"), "refused");
}

/// The same as a second factor: a flow takes five answers, and nothing else counts them.
#[test]
fn a_passkey_as_second_factor_is_right_whatever_was_wrong_before() {
    let more = "policy.second_factor = ['passkey']\nthrottle.step = { free = 1, first = '1h' }\n";
    let world = world(more);
    let ann = world.sign_up_proved("ann@example.com");
    accepted(enroll(&world, &ann, "passkey", id("k1")));
    sign_up(&world, "k2");
    for _ in 0..3 {
        let mut step = flow(world.try_sign_in("ann@example.com", PASSWORD));
        for _ in 0..3 {
            step = flow(go_on(&world.auth, &step, id("k2")).unwrap());
        }
        let right = go_on(&world.auth, &step, id("k1")).unwrap();
        assert_eq!(right.outcome.id(), "accepted");
    }
}
