//! Claims: given after acceptance only, spent once, bound to realm, browser and time; linked by proof on both sides.

use doorward::{
    Answer, Auth, Claim, ErrorKind, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions, User,
    UserId,
};

use crate::context::{Browser, World, accepted, access, claims, run};

fn world() -> World {
    World::with(&claims())
}

fn code(text: &str) -> Fields {
    Fields::from([("code", text)])
}

fn issuer(auth: &Auth, provider: &str, with: &str) -> Answer<Proof> {
    run(auth.authenticate(provider, None, code(with))).unwrap()
}

fn staff(auth: &Auth, name: &str, with: &str) -> Answer<Proof> {
    let with = Fields::from([("password", with)]);
    run(auth.authenticate("staff", Some(name.as_bytes()), with)).unwrap()
}

fn claim(answer: Answer<Proof>) -> Claim {
    match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

fn go_on(auth: &Auth, flow: &FlowHandle, with: &str) -> Answer<Proof> {
    run(auth.continue_flow(flow.token().expose(), None, code(with))).unwrap()
}

fn create(auth: &Auth, claim: &Claim) -> doorward::Result<Answer<Proof>> {
    run(auth.create_user_from_claim(claim.token().expose(), NewUserOptions::default()))
}

fn link(auth: &Auth, proof: &Proof, claim: &Claim) -> doorward::Result<Answer<Proof>> {
    run(auth.link_claim(proof, claim.token().expose()))
}

fn taken(result: doorward::Result<Answer<Proof>>) -> &'static str {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    error.what().unwrap()
}

fn outcome<T>(answer: &Answer<T>) -> &'static str {
    answer.outcome.id()
}

fn identities(world: &World, user: UserId) -> Vec<String> {
    let held = run(world.auth.list_identities(user)).unwrap();
    held.iter()
        .map(|one| format!("{} {}", one.provider, one.verified_at.is_some()))
        .collect()
}

fn owner(world: &World, provider: &str, identifier: &str) -> Option<User> {
    run(world.auth.find_user(provider, identifier.as_bytes())).unwrap()
}

#[test]
fn whoever_an_issuer_vouches_for_becomes_a_user_once_and_signs_in_after_that() {
    let world = world();
    let first = issuer(&world.auth, "github", "good:7:ada@example.com");
    assert_eq!((first.http_status(), outcome(&first)), (404, "unregistered"));
    let first = claim(first);
    assert_eq!(first.provider(), "github");
    assert_eq!(first.identifier(), b"https://issuer.example 7");
    assert_eq!(first.attributes(), r#"{"email":"ada@example.com"}"#);
    assert!(first.token().expose().starts_with(b"dwc_"));
    // A second one of the same person, in another tab.
    let second = claim(issuer(&world.auth, "github", "good:7"));
    let proof = accepted(create(&world.auth, &first));
    assert_eq!(proof.factors()[0].provider, "github");
    assert_eq!(identities(&world, proof.user_id()), ["github true"]);
    let user = run(world.auth.get_user(proof.user_id())).unwrap();
    assert_eq!(user.attributes, "{}", "what it asserts is its word only");
    world.session(&proof);
    for spent in [&first, &second] {
        assert_eq!(taken(create(&world.auth, spent)), "identifier");
    }
    // Nor with an id of the caller's, known or new.
    for id in [proof.user_id(), UserId::from_bytes([7; 16])] {
        let options = NewUserOptions {
            id: Some(id),
            ..NewUserOptions::default()
        };
        let again = world.auth.create_user_from_claim(first.token().expose(), options);
        assert_eq!(taken(run(again)), "identifier");
    }
    let signed_in = issuer(&world.auth, "github", "good:7:eve@example.com")
        .require()
        .unwrap();
    assert_eq!(signed_in.user_id(), proof.user_id());
    world.session(&signed_in);
    // Another issuer's 7 is somebody else.
    assert_eq!(outcome(&issuer(&world.auth, "gitlab", "good:7")), "unregistered");
}

#[test]
fn a_flow_of_an_issuer_ends_in_a_claim_or_a_proof() {
    let world = world();
    let begin = || run(world.auth.authenticate("github", None, Fields::default())).unwrap();
    let first = flow(begin());
    assert_eq!(
        first.next()[0].challenge.named("url").unwrap().expose(),
        b"https://issuer.example/authorize"
    );
    let again = flow(go_on(&world.auth, &first, "bad"));
    let made = claim(go_on(&world.auth, &again, "good:7"));
    let gone = go_on(&world.auth, &again, "good:7");
    assert_eq!(outcome(&gone), "refused", "a flow is answered once");
    let user = accepted(create(&world.auth, &made)).user_id();
    let proof = go_on(&world.auth, &flow(begin()), "good:7").require().unwrap();
    assert_eq!(proof.user_id(), user);
}

#[test]
fn strangers_failures_at_an_issuer_close_it_to_nobody() {
    let world = World::with(&format!("{}throttle.id.free = 2\n", claims()));
    for _ in 0..5 {
        let mut step = flow(run(world.auth.authenticate("github", None, Fields::default())).unwrap());
        for _ in 0..3 {
            step = flow(go_on(&world.auth, &step, "bad"));
        }
    }
    let step = flow(run(world.auth.authenticate("github", None, Fields::default())).unwrap());
    claim(go_on(&world.auth, &step, "good:7"));
}

#[test]
fn a_directory_vouches_for_names_that_nobody_here_has_and_only_with_the_password() {
    let world = world();
    assert_eq!(outcome(&staff(&world.auth, "ada", "wrong")), "refused");
    let made = claim(staff(&world.auth, "ada", "ldapada"));
    assert_eq!(made.attributes(), r#"{"name":"Ada Lovelace"}"#);
    let user = accepted(create(&world.auth, &made)).user_id();
    assert_eq!(outcome(&staff(&world.auth, "ada", "wrong")), "refused");
    assert_eq!(
        staff(&world.auth, "ada", "ldapada").require().unwrap().user_id(),
        user
    );
    let down = Fields::from([("password", "down")]);
    let error = run(world.auth.authenticate("staff", Some(b"bob"), down)).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unavailable,
        "never a refusal, never a claim"
    );
    run(world.auth.disable_user(user)).unwrap();
    assert_eq!(outcome(&staff(&world.auth, "ada", "ldapada")), "refused");
    let boast = Fields::from([("password", "boast")]);
    let error = run(world.auth.authenticate("staff", Some(b"bob"), boast)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginFault);
}

#[test]
fn a_mailbox_is_asked_alike_for_everybody_and_its_rule_says_who_is_who() {
    let world = world();
    let begin = |address: &str| {
        run(world
            .auth
            .authenticate("mail", Some(address.as_bytes()), Fields::default()))
        .unwrap()
    };
    let made = claim(go_on(&world.auth, &flow(begin("Ada@Example.com")), "1234"));
    assert_eq!(made.identifier(), b"Ada@Example.com");
    // Two tabs: the user is made while the second flow is open, which then signs in.
    let other = flow(begin("ada@example.com"));
    let user = accepted(create(&world.auth, &made)).user_id();
    let proof = go_on(&world.auth, &other, "1234").require().unwrap();
    assert_eq!(proof.user_id(), user);
    assert_eq!(owner(&world, "mail", "ada@example.com").unwrap().id, user);
    // What no rule takes is asked about like anybody, and is nobody whatever is answered.
    let nobody = flow(begin("no address"));
    assert_eq!(outcome(&go_on(&world.auth, &nobody, "1234")), "refused");
}

#[test]
fn a_claim_is_good_in_its_browser_realm_and_time_only() {
    let world = world();
    let mut browser = Browser::default();
    let answer = issuer(&world.auth.on(browser.request("POST")), "github", "good:7");
    browser.take(&answer);
    let held = claim(answer);
    let mine = || world.auth.on(browser.request("POST"));
    let other = world.auth.on(Browser::default().request("POST"));
    let ann = world.sign_up("ann@example.com");
    for (auth, why) in [
        (&other, "another browser"),
        (&world.auth, "no browser"),
        (&mine().realm("shop").unwrap(), "another realm"),
    ] {
        assert_eq!(outcome(&create(auth, &held).unwrap()), "refused", "{why}");
        assert_eq!(
            outcome(&run(auth.peek_claim(held.token().expose())).unwrap()),
            "refused",
            "{why}"
        );
    }
    assert_eq!(outcome(&link(&other, &ann, &held).unwrap()), "refused");
    assert_eq!(
        outcome(&run(mine().create_user_from_claim(b"dwc_AAAA", NewUserOptions::default())).unwrap()),
        "refused"
    );
    let shown = accepted(run(mine().peek_claim(held.token().expose())));
    assert_eq!(
        (shown.provider(), shown.identifier(), shown.token().expose()),
        (held.provider(), held.identifier(), held.token().expose())
    );
    world.advance(600);
    assert_eq!(
        outcome(&create(&mine(), &held).unwrap()),
        "refused",
        "ten minutes"
    );
    let events = world.events().join("\n");
    assert!(
        events.contains("claim_made") && events.contains("claim_invalid"),
        "{events}"
    );
    assert!(owner(&world, "github", "https://issuer.example 7").is_none());
    let again = issuer(&mine(), "github", "good:7");
    world.advance(599);
    accepted(create(&mine(), &claim(again)));
}

#[test]
fn a_claim_crosses_processes_that_share_the_key_ring() {
    let folder =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("claims-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let database = format!("sqlite:{}", folder.join("doorward.db").display());
    let first = World::on(&database, &claims());
    let made = claim(issuer(&first.auth, "github", "good:7"));
    let second = World::on(&database, &claims());
    let user = accepted(create(&second.auth, &made)).user_id();
    assert_eq!(taken(create(&first.auth, &made)), "identifier");
    let stranger = world();
    assert_eq!(outcome(&create(&stranger.auth, &made).unwrap()), "refused");
    assert_eq!(
        issuer(&first.auth, "github", "good:7")
            .require()
            .unwrap()
            .user_id(),
        user
    );
}

#[test]
fn a_claim_is_no_way_around_the_policy() {
    let world = World::with(&format!(
        "{}policy.second_factor = ['passkey', 'email', 'username']\npolicy.require = true\n",
        claims()
    ));
    let made = claim(issuer(&world.auth, "github", "good:7"));
    let next = flow(create(&world.auth, &made).unwrap());
    assert_eq!(
        next.next()[0].provider,
        "email",
        "of another class than the issuer's"
    );
}

#[test]
fn linking_takes_a_claim_and_a_fresh_proof() {
    let world = world();
    let ann = world.sign_up("ann@example.com");
    let session = world.session(&ann);
    let made = claim(issuer(&world.auth, "github", "good:7"));
    world.advance(599);
    let stale = link(&world.auth, &ann, &made);
    let proof = stale.unwrap().require().unwrap();
    assert!(!world.is_live(&access(&session)), "other sessions end");
    assert_eq!(identities(&world, ann.user_id()), ["email false", "github true"]);
    assert_eq!(
        issuer(&world.auth, "github", "good:7")
            .require()
            .unwrap()
            .user_id(),
        ann.user_id()
    );
    // Spent, and nobody else's either.
    assert_eq!(taken(link(&world.auth, &proof, &made)), "identifier");
    assert_eq!(taken(create(&world.auth, &made)), "identifier");
    let bob = world.sign_up("bob@example.com");
    assert_eq!(taken(link(&world.auth, &bob, &made)), "identifier");
    let other = claim(issuer(&world.auth, "github", "good:8"));
    world.advance(1);
    let error = link(&world.auth, &proof, &other).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProofRequired, "not fresh");
}

#[test]
fn a_begun_link_ends_in_a_claim_for_its_user_alone() {
    let world = world();
    let (ann, bob) = (world.sign_up("ann@example.com"), world.sign_up("bob@example.com"));
    let begin = |proof: &Proof| run(world.auth.begin_link(proof, "github", None, Fields::default())).unwrap();
    let step = flow(begin(&ann));
    let step = flow(go_on(&world.auth, &step, "bad"));
    let made = claim(go_on(&world.auth, &step, "good:7"));
    assert_eq!(outcome(&create(&world.auth, &made).unwrap()), "refused");
    assert_eq!(outcome(&link(&world.auth, &bob, &made).unwrap()), "refused");
    let proof = accepted(link(&world.auth, &ann, &made));
    // What somebody has is told to whoever proved it, and to nobody before.
    let step = flow(begin(&bob));
    let theirs = run(world
        .auth
        .continue_flow(step.token().expose(), None, code("good:7")));
    assert_eq!(taken(theirs), "identifier");
    let step = flow(begin(&proof));
    let own = run(world
        .auth
        .continue_flow(step.token().expose(), None, code("good:7")));
    assert_eq!(taken(own), "identifier");
    // A directory needs the name, and may say at once.
    let at_once = |name: Option<&[u8]>, with: &str| {
        run(world
            .auth
            .begin_link(&proof, "staff", name, Fields::from([("password", with)])))
    };
    assert_eq!(at_once(None, "x").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(outcome(&at_once(Some(b"ann"), "wrong").unwrap()), "refused");
    let made = claim(at_once(Some(b"ann"), "ldapann").unwrap());
    let proof = accepted(link(&world.auth, &proof, &made));
    assert_eq!(
        identities(&world, ann.user_id()),
        ["email false", "github true", "staff true"]
    );
    for kept in ["email", "passkey", "api"] {
        let link = world
            .auth
            .begin_link(&proof, kept, Some(b"x@example.com"), Fields::default());
        assert_eq!(run(link).unwrap_err().kind(), ErrorKind::Unsupported, "{kept}");
    }
    let given = world
        .auth
        .link_identity(&proof, "github", b"https://issuer.example 9", Fields::default());
    assert_eq!(
        run(given).unwrap_err().kind(),
        ErrorKind::Unsupported,
        "never without its word"
    );
    assert!(owner(&world, "github", "https://issuer.example 9").is_none());
}

#[test]
fn guesses_in_links_count_as_guesses_at_sign_ins() {
    let world = World::with(&format!("{}throttle.id.free = 3\n", claims()));
    let ann = world.sign_up("ann@example.com");
    let guess = || {
        let with = Fields::from([("password", "wrong")]);
        outcome(&run(world.auth.begin_link(&ann, "staff", Some(b"bob"), with)).unwrap())
    };
    while guess() == "refused" {}
    assert_eq!(outcome(&staff(&world.auth, "bob", "ldapbob")), "throttled");
}

#[test]
fn a_link_dies_with_the_session_it_was_begun_in() {
    let world = world();
    let session = world.user("ann@example.com");
    let proof = run(world.auth.session_proof(&session)).unwrap();
    let step = flow(run(world.auth.begin_link(&proof, "github", None, Fields::default())).unwrap());
    let _: Answer<u64> = run(world.auth.end_session(Some(&access(&session)))).unwrap();
    assert_eq!(outcome(&go_on(&world.auth, &step, "good:7")), "refused");
}

#[test]
fn unlinking_keeps_the_last_way_in() {
    let world = world();
    let made = claim(issuer(&world.auth, "github", "good:7"));
    let proof = accepted(create(&world.auth, &made));
    let unlink = |proof: &Proof, provider: &str, identifier: &str| {
        run(world.auth.unlink_identity(proof, provider, identifier.as_bytes()))
    };
    let only = unlink(&proof, "github", "https://issuer.example 7").unwrap_err();
    assert_eq!(only.kind(), ErrorKind::LastWayIn);
    let made = claim(staff(&world.auth, "ada", "ldapada"));
    let proof = accepted(link(&world.auth, &proof, &made));
    let proof = accepted(unlink(&proof, "github", "https://issuer.example 7"));
    let last = unlink(&proof, "staff", "ada").unwrap_err();
    assert_eq!(last.kind(), ErrorKind::LastWayIn);
    // What was unlinked is nobody's again.
    assert_eq!(outcome(&issuer(&world.auth, "github", "good:7")), "unregistered");
}

#[test]
fn a_link_to_an_issuer_is_signed_in_with_on_the_request_that_holds_the_session() {
    // The usual page: "sign in to link". A claim, then the password, then the link, all in one browser.
    let world = world();
    world.sign_up("ann@example.com");
    let mut browser = Browser::default();
    let answer = issuer(&world.auth.on(browser.request("POST")), "github", "good:7");
    browser.take(&answer);
    let held = claim(answer);
    let auth = world.auth.on(browser.request("POST"));
    let signed_in = run(auth.authenticate(
        "email",
        Some(b"ann@example.com"),
        crate::context::password(crate::context::PASSWORD),
    ))
    .unwrap();
    let proof = signed_in.require().unwrap();
    let linked = link(&auth, &proof, &held).unwrap().require().unwrap();
    let session = run(auth.create_session(&linked, SessionOptions::default())).unwrap();
    assert_eq!(outcome(&session), "accepted");
}
