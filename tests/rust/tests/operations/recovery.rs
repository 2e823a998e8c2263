//! Single-use tokens from end to end: asked for, sent, consumed once; and what they are not good for.

use std::time::Duration;

use doorward::{Answer, Auth, Delivery, ErrorKind, Outcome, Settlement, TokenPurpose};
use doorward_tests::contract::race;
use doorward_tests::scratch::Scratch;

use crate::context::{OTHER, PASSWORD, World, accepted, access, password, run};

pub(crate) const LEASE: Duration = Duration::from_mins(1);

impl World {
    pub(crate) fn request(&self, purpose: TokenPurpose, email: &str) -> Answer<()> {
        run(self.auth.request_token(purpose, "email", email.as_bytes(), None)).unwrap()
    }

    /// Whatever waits in the outbox, settled as sent.
    pub(crate) fn mail(&self) -> Vec<Delivery> {
        mail(&self.auth)
    }

    /// The token that was sent to an address for a purpose.
    pub(crate) fn token(&self, purpose: TokenPurpose, email: &str) -> Vec<u8> {
        accepted(Ok(self.request(purpose, email)));
        token_in(&self.mail(), purpose)
    }

    fn recover(&self, token: &[u8], with: &str) -> doorward::Result<Answer<doorward::UserId>> {
        run(self
            .auth
            .update_credentials_with_token(token, "email", password(with)))
    }
}

pub(crate) fn mail(auth: &Auth) -> Vec<Delivery> {
    let taken = run(auth.take_deliveries(100, LEASE)).unwrap();
    for one in &taken {
        assert!(run(auth.settle_delivery(one.id, one.attempts, Settlement::Delivered)).unwrap());
    }
    taken
}

pub(crate) fn token_in(mail: &[Delivery], purpose: TokenPurpose) -> Vec<u8> {
    let letter = mail.iter().find(|one| one.template == purpose.id()).unwrap();
    letter.params.named("token").unwrap().expose().to_vec()
}

fn refused<T: std::fmt::Debug>(answer: doorward::Result<Answer<T>>) {
    let answer = answer.unwrap();
    assert!(matches!(answer.outcome, Outcome::Refused(None)), "{answer:?}");
    assert!(
        answer.headers.iter().all(|(name, _)| name == "WWW-Authenticate") && answer.show_once.0.is_empty()
    );
}

#[test]
fn a_forgotten_password_is_recovered_from_end_to_end() {
    let world = World::new();
    let session = world.user("Ada@Example.com");
    let other = world.session(&accepted(Ok(world.try_sign_in("ada@example.com", PASSWORD))));
    accepted(Ok(world.request(TokenPurpose::Recovery, "ada@example.com")));
    let letters = world.mail();
    let [letter] = &letters[..] else {
        panic!("{letters:?}")
    };
    assert_eq!(
        (
            letter.channel.as_str(),
            letter.template.as_str(),
            letter.provider.as_str()
        ),
        ("email", "recovery", "email")
    );
    assert_eq!(letter.address, "Ada@Example.com", "as its owner gave it");
    assert_eq!(letter.user_id, Some(session.user().id));
    let token = token_in(&letters, TokenPurpose::Recovery);
    let known = accepted(run(world.auth.peek_token(&token)));
    assert_eq!(
        (
            known.purpose,
            known.provider.as_str(),
            known.identifier.as_slice()
        ),
        (TokenPurpose::Recovery, "email", &b"ada@example.com"[..])
    );

    // What is refused leaves the token as good as before, and the sessions alive.
    let weak = world.recover(&token, "short").unwrap_err();
    assert_eq!(weak.kind(), ErrorKind::PolicyViolation);
    assert!(world.is_live(&access(&session)));
    world.events();
    assert_eq!(accepted(world.recover(&token, OTHER)), session.user().id);
    let events = world.events();
    let named = |name: &str| events.iter().any(|event| event.starts_with(name));
    for name in ["token_consumed", "authn_credentials_change", "session_ended"] {
        assert!(named(name), "{name}: {events:?}");
    }
    assert!(!world.is_live(&access(&session)) && !world.is_live(&access(&other)));
    refused(world.recover(&token, PASSWORD));
    refused(run(world.auth.peek_token(&token)));
    refused(Ok(world.try_sign_in("ada@example.com", PASSWORD)));
    accepted(Ok(world.try_sign_in("ada@example.com", OTHER)));
    let told = world.mail();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].template.as_str(), told[0].address.as_str()),
        ("credentials_changed", "Ada@Example.com")
    );
    assert!(told[0].params.named("token").is_none());
}

#[test]
fn a_recovery_token_is_no_session_no_factor_and_changes_nothing_else() {
    let world = World::with(&format!(
        "{}policy.second_factor = ['badge']\n",
        crate::context::steps()
    ));
    let session = world.user("a@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let badge = doorward::Fields::from([("number", "17")]);
    let verify = world.token(TokenPurpose::Verify, "a@example.com");
    accepted(run(world.auth.consume_token(&verify, Some(&proof))));
    accepted(run(world.auth.update_credentials(&proof, "badge", badge.clone())));
    let token = world.token(TokenPurpose::Recovery, "a@example.com");
    // Neither as a session token nor as a flow's.
    for presented in [
        &token[..],
        &[b"dwa_", &token[4..]].concat(),
        &[b"dwf_", &token[4..]].concat(),
    ] {
        assert!(!world.is_live(presented));
        refused(run(world.auth.continue_flow(presented, None, password(OTHER))));
    }
    // No second factor is recovered, nothing is verified, no identifier changes.
    let factor = run(world
        .auth
        .update_credentials_with_token(&token, "badge", badge.clone()))
    .unwrap_err();
    assert_eq!(factor.kind(), ErrorKind::Unsupported);
    refused(run(world.auth.consume_token(&token, None)));
    refused(run(world.auth.update_identifier_with_token(
        &token,
        b"a@example.com",
        b"b@example.com",
    )));
    // No credentials where there were none: `username` is none of this user's names.
    refused(run(world.auth.update_credentials_with_token(
        &token,
        "username",
        password(OTHER),
    )));
    accepted(world.recover(&token, OTHER));
    // The second factor is still asked for.
    let answer = world.try_sign_in("a@example.com", OTHER);
    let Outcome::Continue(flow) = answer.outcome else {
        panic!("{answer:?}")
    };
    accepted(run(world.auth.continue_flow(flow.token().expose(), None, badge)));
}

#[test]
fn what_may_not_recover_is_refused_alike() {
    let world = World::with("throttle.to.burst = 10\n");
    let user = world.sign_up("a@example.com").user_id();
    let token = world.token(TokenPurpose::Recovery, "a@example.com");
    run(world.auth.disable_user(user)).unwrap();
    refused(world.recover(&token, OTHER));
    run(world.auth.enable_user(user)).unwrap();
    world.events();
    refused(world.recover(&token, OTHER));
    let stale = world.events();
    assert!(stale[0].contains("reason=token_stale"), "{stale:?}");

    let (first, second) = (
        world.token(TokenPurpose::Recovery, "a@example.com"),
        world.token(TokenPurpose::Recovery, "a@example.com"),
    );
    accepted(world.recover(&first, OTHER));
    refused(world.recover(&second, PASSWORD));

    let late = world.token(TokenPurpose::Recovery, "a@example.com");
    let elsewhere = world.auth.realm("elsewhere").unwrap();
    refused(run(elsewhere.update_credentials_with_token(
        &late,
        "email",
        password(PASSWORD),
    )));
    let mut forged = late.clone();
    *forged.last_mut().unwrap() = if forged.ends_with(b"A") { b'Q' } else { b'A' };
    for wrong in [&b""[..], b"dwt_", b"garbage", &forged] {
        refused(world.recover(wrong, PASSWORD));
        refused(run(world.auth.peek_token(wrong)));
    }
    world.advance(3600);
    refused(world.recover(&late, PASSWORD));
    accepted(Ok(world.try_sign_in("a@example.com", OTHER)));

    let gone = world.token(TokenPurpose::Recovery, "a@example.com");
    run(world.auth.delete_user(user)).unwrap();
    refused(world.recover(&gone, PASSWORD));
}

#[test]
fn an_address_is_verified_by_the_token_that_was_sent_to_it() {
    let world = World::new();
    let session = world.user("a@example.com");
    let user = session.user().id;
    let verified = || run(world.auth.list_identities(user)).unwrap()[0].verified_at;
    assert_eq!(verified(), None);
    let token = world.token(TokenPurpose::Verify, "a@example.com");
    // Good for nothing else; a changed password does not matter to it.
    refused(world.recover(&token, OTHER));
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let proof = accepted(run(world.auth.update_credentials(
        &proof,
        "email",
        password(OTHER),
    )));
    assert_eq!(world.mail()[0].template, "credentials_changed");
    // A click proves nothing, nor does a proof of somebody else: the token stays good.
    let stranger = world.sign_up("stranger@example.com");
    for by in [None, Some(&stranger)] {
        let error = run(world.auth.consume_token(&token, by)).unwrap_err();
        assert_eq!(
            (error.kind(), error.what()),
            (ErrorKind::ProofRequired, Some("session"))
        );
        assert!(
            error.message().contains("recover"),
            "it says what is open: {error}"
        );
    }
    assert_eq!(verified(), None);
    world.events();
    let info = accepted(run(world.auth.consume_token(&token, Some(&proof))));
    assert_eq!((info.user_id, info.purpose), (user, TokenPurpose::Verify));
    assert_eq!(
        world.events(),
        [
            format!("token_consumed user={user} provider=email reason=verify"),
            format!("identifier_verified user={user} provider=email reason=verify"),
        ]
    );
    assert!(verified().is_some());
    assert!(world.is_live(&access(&session)), "nobody is signed out by it");
    refused(run(world.auth.consume_token(&token, Some(&proof))));
    assert!(world.mail().is_empty());
}

#[test]
fn a_new_address_is_confirmed_before_it_is_the_identifier() {
    let world = World::new();
    let session = world.user("old@example.com");
    let bob = world.user("bob@example.com");
    let user = session.user().id;
    let ask = |new: &str, proof| {
        run(world
            .auth
            .request_token(TokenPurpose::ChangeIdentifier, "email", new.as_bytes(), proof))
    };
    assert_eq!(
        ask("new@example.com", None).unwrap_err().kind(),
        ErrorKind::ProofRequired
    );
    let proof = run(world.auth.session_proof(&session)).unwrap();
    // Somebody else's: the same answer, and no token.
    accepted(ask("bob@example.com", Some(&proof)));
    let told = world.mail();
    assert_eq!((told.len(), told[0].template.as_str()), (1, "address_in_use"));
    assert!(told[0].params.named("token").is_none());
    accepted(ask("New@example.com", Some(&proof)));
    let letters = world.mail();
    assert_eq!(letters[0].address, "New@example.com");
    let token = token_in(&letters, TokenPurpose::ChangeIdentifier);
    assert_eq!(
        run(world.auth.list_identities(user)).unwrap()[0].identifier,
        b"old@example.com"
    );
    let confirm = |old: &[u8], new: &[u8]| run(world.auth.update_identifier_with_token(&token, old, new));
    refused(world.recover(&token, OTHER));
    refused(run(world.auth.consume_token(&token, None)));
    refused(confirm(b"old@example.com", b"other@example.com"));
    refused(confirm(b"old@example.com", b"no address"));
    let unknown = confirm(b"older@example.com", b"new@example.com").unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let not_ours = confirm(b"bob@example.com", b"new@example.com").unwrap_err();
    assert_eq!(not_ours.kind(), ErrorKind::NotFound);
    assert!(world.is_live(&access(&session)));
    assert_eq!(accepted(confirm(b"Old@example.com", b"New@example.com")), user);
    refused(confirm(b"old@example.com", b"new@example.com"));
    let now = run(world.auth.list_identities(user)).unwrap();
    assert_eq!(
        (now.len(), now[0].identifier.as_slice()),
        (1, &b"New@example.com"[..])
    );
    assert!(now[0].verified_at.is_some());
    assert!(!world.is_live(&access(&session)));
    assert!(world.is_live(&access(&bob)));
    // Both addresses hear of it.
    let mut told: Vec<String> = world.mail().into_iter().map(|one| one.address).collect();
    told.sort();
    assert_eq!(told, ["New@example.com", "old@example.com"]);

    // Taken meanwhile: the token stays good, and the identifier somebody else's.
    let proof = accepted(Ok(world.try_sign_in("new@example.com", PASSWORD)));
    accepted(ask("late@example.com", Some(&proof)));
    let token = token_in(&world.mail(), TokenPurpose::ChangeIdentifier);
    world.sign_up("late@example.com");
    let conflict =
        run(world
            .auth
            .update_identifier_with_token(&token, b"new@example.com", b"late@example.com"))
        .unwrap_err();
    assert_eq!(
        (conflict.kind(), conflict.what()),
        (ErrorKind::Conflict, Some("identifier"))
    );
    accepted(run(world.auth.peek_token(&token)));
}

/// An account with the address of somebody else, and a second one of whoever made it.
fn prepared(world: &World) -> doorward::Session {
    let attacker = world.user("victim@example.com");
    let proof = run(world.auth.session_proof(&attacker)).unwrap();
    let linked = world
        .auth
        .link_identity(&proof, "email", b"trojan@evil.example", password(""));
    accepted(run(linked));
    attacker
}

#[test]
fn a16_an_account_prepared_for_its_victim_is_the_victims_after_recovery() {
    let world = World::new();
    let attacker = prepared(&world);
    let proof = run(world.auth.session_proof(&attacker)).unwrap();
    let later = b"later@evil.example";
    let asked = world
        .auth
        .request_token(TokenPurpose::ChangeIdentifier, "email", later, Some(&proof));
    accepted(run(asked));
    let change = token_in(&world.mail(), TokenPurpose::ChangeIdentifier);
    let back = world.token(TokenPurpose::Recovery, "trojan@evil.example");

    let token = world.token(TokenPurpose::Recovery, "victim@example.com");
    accepted(world.recover(&token, OTHER));
    world.mail();
    // The session, the pending change, the token kept for later, the second address: none opens it again.
    assert!(!world.is_live(&access(&attacker)));
    refused(run(world.auth.update_identifier_with_token(
        &change,
        b"victim@example.com",
        later,
    )));
    refused(world.recover(&back, PASSWORD));
    for purpose in [TokenPurpose::Recovery, TokenPurpose::Verify] {
        accepted(Ok(world.request(purpose, "trojan@evil.example")));
        assert!(world.mail().is_empty(), "{purpose:?}");
    }
    refused(Ok(world.try_sign_in("trojan@evil.example", PASSWORD)));
    let address = b"trojan@evil.example";
    assert!(run(world.auth.find_user("email", address)).unwrap().is_none());
    // The owner may add and verify another address, and then it counts.
    let proof = accepted(Ok(world.try_sign_in("victim@example.com", OTHER)));
    let second = b"second@example.com";
    let linked = world
        .auth
        .link_identity(&proof, "email", second, doorward::Fields::default());
    let proof = accepted(run(linked));
    let asked = world
        .auth
        .request_token(TokenPurpose::Verify, "email", second, Some(&proof));
    accepted(run(asked));
    let verify = token_in(&world.mail(), TokenPurpose::Verify);
    accepted(run(world.auth.consume_token(&verify, Some(&proof))));
    world.token(TokenPurpose::Recovery, "second@example.com");
}

#[test]
fn a16_an_address_that_nobody_proved_recovers_nothing_beside_one_that_was_proved() {
    let world = World::new();
    let attacker = prepared(&world);
    let stranger = world.sign_up("stranger@example.com");
    let verify = world.token(TokenPurpose::Verify, "trojan@evil.example");
    let attacker = accepted(run(world.auth.validate_session(&access(&attacker))));
    let proof = run(world.auth.session_proof(&attacker)).unwrap();
    accepted(run(world.auth.consume_token(&verify, Some(&proof))));
    accepted(Ok(world.request(TokenPurpose::Recovery, "victim@example.com")));
    let asked = world.auth.request_token(
        TokenPurpose::Verify,
        "email",
        b"victim@example.com",
        Some(&stranger),
    );
    accepted(run(asked));
    assert!(world.mail().is_empty());
}

#[test]
fn a_record_whose_key_is_lost_is_recovered() {
    let folder = Scratch::new();
    let open = |more: &str| World::on(&format!("sqlite:{}/doorward.db", folder.path().display()), more);
    let world = open("");
    world.sign_up("a@example.com");
    run(world.auth.stop()).unwrap();
    std::fs::remove_file(folder.path().join("doorward.key")).unwrap();
    let other = folder.path().join("other.key");
    std::fs::write(&other, "1".repeat(64)).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&other, private).unwrap();
    let keys = format!(
        "allow_missing_keys = true\nkeys = [{{ id = 'k2', file = '{}' }}]\n",
        other.display()
    );
    let world = open(&keys);
    let tried = run(world
        .auth
        .authenticate("email", Some(b"a@example.com"), password(PASSWORD)));
    assert_eq!(tried.unwrap_err().kind(), ErrorKind::Unavailable);
    let token = world.token(TokenPurpose::Recovery, "a@example.com");
    accepted(world.recover(&token, OTHER));
    accepted(Ok(world.try_sign_in("a@example.com", OTHER)));
    run(world.auth.stop()).unwrap();
}

#[test]
fn of_64_that_present_a_token_at_once_one_is_let_through() {
    let folder = Scratch::new();
    for database in [
        "memory:".into(),
        format!("sqlite:{}/doorward.db", folder.path().display()),
    ] {
        let world = World::on(&database, "");
        let proof = world.sign_up("a@example.com");
        let verify = world.token(TokenPurpose::Verify, "a@example.com");
        let verified = race(64, |_| {
            let answer = run(world.auth.consume_token(&verify, Some(&proof))).unwrap();
            matches!(answer.outcome, Outcome::Accepted(_))
        });
        assert_eq!(verified.iter().filter(|let_through| **let_through).count(), 1);
        let recovery = world.token(TokenPurpose::Recovery, "a@example.com");
        let recovered = race(64, |n| {
            let with = format!("{OTHER} number {n}");
            match world.recover(&recovery, &with) {
                Ok(answer) => matches!(answer.outcome, Outcome::Accepted(_)).then_some(with),
                // Two that read the same record: one of them has lost.
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                    None
                }
            }
        });
        let won: Vec<String> = recovered.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "{database}");
        accepted(Ok(world.try_sign_in("a@example.com", &won[0])));
        run(world.auth.stop()).unwrap();
    }
}
