//! What a flow or a proof is for can be asked: sign-up, sign-in, enrollment, linking, step-up.

use doorward::{Answer, Auth, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions, UserId};

use crate::context::{Browser, PASSWORD, World, accepted, claims, password, run};

fn id(text: &str) -> Fields {
    Fields::from([("id", text)])
}

fn flow(answer: doorward::Result<Answer<Proof>>) -> FlowHandle {
    match answer.unwrap().outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

/// What a flow says of itself.
fn said(flow: &FlowHandle) -> (&'static str, Option<&str>, Option<UserId>) {
    (flow.purpose(), flow.provider(), flow.user_id())
}

fn go_on(auth: &Auth, flow: &FlowHandle, with: Fields) -> doorward::Result<Answer<Proof>> {
    run(auth.continue_flow(flow.token().expose(), None, with))
}

#[test]
fn each_flow_and_each_proof_says_what_it_is_for() {
    let world = World::with(&format!("{}policy.second_factor = ['passkey']\n", claims()));
    let auth = &world.auth;
    // A sign-up in steps: nobody's yet, and then a proof that makes a session.
    let created = auth.create_user("passkey", b"Eve", Fields::default(), NewUserOptions::default());
    let signing_up = flow(run(created));
    assert_eq!(
        (signing_up.purpose(), signing_up.provider()),
        ("sign_up", Some("passkey"))
    );
    assert_eq!(accepted(go_on(auth, &signing_up, id("k0"))).purpose(), "sign_in");
    // An enrollment is of the proof's user, and what it gives is for sensitive operations, like the proof it began with.
    let session = world.proved_user("ada@example.com");
    let ada = session.user().id;
    let proof = run(auth.session_proof(&session)).unwrap();
    assert_eq!(proof.purpose(), "session");
    let enrolling = flow(run(auth.begin_enrollment("passkey", None, Some(&proof))));
    assert_eq!(said(&enrolling), ("enroll", Some("passkey"), Some(ada)));
    let proof = accepted(go_on(auth, &enrolling, id("k1")));
    assert_eq!(proof.purpose(), "session");
    // A link is of whoever began it; its claim is linked, and makes nobody.
    let to = Some(&b"ada@home.example"[..]);
    let linking = flow(run(auth.begin_link(&proof, "mail", to, Fields::default())));
    assert_eq!(said(&linking), ("link", Some("mail"), Some(ada)));
    let answered = go_on(auth, &linking, Fields::from([("code", "1234")])).unwrap();
    assert!(matches!(answered.outcome, Outcome::Unregistered(_)));
    // A sign-in is whose the first factor says. Each answer keeps what it is for.
    let signing_in = flow(run(auth.authenticate(
        "email",
        Some(b"ada@example.com"),
        password(PASSWORD),
    )));
    assert_eq!(
        (signing_in.purpose(), signing_in.user_id()),
        ("sign_in", Some(ada))
    );
    let challenged = flow(go_on(auth, &signing_in, Fields::default()));
    assert_eq!(said(&challenged), ("sign_in", Some("passkey"), Some(ada)));
    let both = accepted(go_on(auth, &challenged, id("k1")));
    assert_eq!(both.purpose(), "sign_in");
    // A step-up is of the live session's user, and its proof makes that session's successor alone.
    let mut browser = Browser::default();
    let made = auth.on(browser.request("POST"));
    browser.take(&run(made.create_session(&both, SessionOptions::default())).unwrap());
    let live = auth.on(browser.request("POST"));
    let begun = run(live.authenticate("passkey", None, Fields::default())).unwrap();
    browser.take(&begun);
    let stepping_up = flow(Ok(begun));
    assert_eq!(said(&stepping_up), ("step_up", Some("passkey"), Some(ada)));
    let live = auth.on(browser.request("POST"));
    let stepped = accepted(go_on(&live, &stepping_up, id("k1")));
    assert_eq!(stepped.purpose(), "step_up");
    accepted(run(live.create_session(&stepped, SessionOptions::default())));
}
