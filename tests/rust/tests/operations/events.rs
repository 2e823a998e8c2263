//! Events: one for every authentication, refusal, refresh, reuse, end and change. And nothing that is secret, nor any
//! identifier, in them, in logs, in errors or in the database's files, where all of it has a canary in it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::event::EventName;
use doorward::{Fields, NewUserOptions, Outcome, Proof, Session, SessionOptions, Settlement, TokenPurpose};
use doorward_tests::scratch::Scratch;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use crate::context::{Browser, CANARY, World, accepted, access, claims, password, request, run, steps};

/// Keeps everything that is logged, from any thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// A world in which every secret and every identifier has the canary in it.
struct Watched {
    world: World,
    seen: BTreeSet<String>,
    /// What errors, answers and values say of themselves.
    said: String,
}

impl Watched {
    /// Checks what an operation told, as names, and keeps what its result says of itself.
    fn told<T: std::fmt::Debug>(&mut self, result: doorward::Result<T>, expected: &[&str]) -> Option<T> {
        writeln!(self.said, "{result:?}").unwrap();
        if let Err(error) = &result {
            writeln!(self.said, "{error}").unwrap();
        }
        let events = self.world.events();
        let names: Vec<&str> = events
            .iter()
            .filter_map(|event| event.split(' ').next())
            .collect();
        assert_eq!(names, expected, "{result:?} {events:?}");
        self.seen.extend(names.into_iter().map(str::to_owned));
        result.ok()
    }

    fn sign_in(&mut self, who: &str) -> Proof {
        let tried = run(self
            .world
            .auth
            .authenticate("email", Some(who.as_bytes()), password(PASS)));
        accepted(Ok(self.told(tried, &["authn_login_success"]).unwrap()))
    }

    fn session(&mut self, who: &str) -> Session {
        let proof = self.sign_in(who);
        let made = run(self.world.auth.create_session(&proof, SessionOptions::default()));
        accepted(Ok(self.told(made, &["session_created"]).unwrap()))
    }
}

const PASS: &str = "c4n4ry correct horse battery";
const NEXT: &str = "c4n4ry wrong donkey capacitor";
const ANNA: &str = "anna-c4n4ry@example.com";
const BOB: &str = "bob-c4n4ry@example.com";

fn number(text: &str) -> Fields {
    Fields::from([("number", text)])
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row for every operation")]
fn every_operation_tells_what_happened_and_nothing_secret() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let scratch = Scratch::new();
    let database = format!("sqlite:{}/doorward.db", scratch.path().display());
    let more = format!(
        "{}{}session.max_sign_ins = 3\nthrottle.id.free = 4\n",
        steps(),
        claims()
    );
    let mut w = Watched {
        world: World::on(&database, &more),
        seen: BTreeSet::new(),
        said: String::new(),
    };
    w.told(Ok(()), &["plugin_loaded", "plugin_loaded"]);
    let auth = w.world.auth.clone();
    let mut tokens: Vec<Vec<u8>> = Vec::new();

    // Users and sessions.
    for who in [ANNA, BOB] {
        let create = auth.create_user("email", who.as_bytes(), password(PASS), NewUserOptions::default());
        w.told(run(create), &["user_created", "authn_login_success"]);
        let again = auth.create_user("email", who.as_bytes(), password(PASS), NewUserOptions::default());
        w.told(run(again), &["authn_login_fail"]);
        let weak = auth.create_user(
            "email",
            b"c4n4ry@x.example",
            password(CANARY),
            NewUserOptions::default(),
        );
        w.told(run(weak), &[]);
    }
    let here = w.session(ANNA);
    let user = here.user().id;
    tokens.push(access(&here));
    tokens.push(here.refresh_token().unwrap().expose().to_vec());
    let wrong = |with| auth.authenticate("email", Some(BOB.as_bytes()), password(with));
    for _ in 0..5 {
        w.told(run(wrong(NEXT)), &["authn_login_fail"]);
    }
    w.told(run(wrong(PASS)), &["authn_login_throttled"]);
    w.world.advance(1000);
    let nobody = auth.authenticate("email", Some(b"nobody-c4n4ry@example.com"), password(PASS));
    w.told(run(nobody), &["authn_login_fail"]);
    let odd = auth.authenticate("email", Some(b"c4n4ry\0\xff"), password(PASS));
    w.told(run(odd), &["authn_login_fail"]);
    let unknown = auth.authenticate("email", Some(BOB.as_bytes()), Fields::from([("colour", PASS)]));
    w.told(run(unknown), &[]);

    // Messages and single-use tokens.
    let mut sent = |w: &mut Watched, purpose, how, expected: &[&str]| {
        let asked = auth.request_token(purpose, "email", ANNA.as_bytes(), None);
        w.told(run(asked), &["token_requested"]);
        let waiting = run(auth.take_deliveries(9, Duration::from_mins(1)));
        let one = w.told(waiting, &[]).unwrap().remove(0);
        w.told(run(auth.settle_delivery(one.id, one.attempts, how)), expected);
        let token = one.params.named("token").unwrap().expose().to_vec();
        tokens.push(token.clone());
        token
    };
    let verify = sent(&mut w, TokenPurpose::Verify, Settlement::Delivered, &[]);
    w.told(run(auth.peek_token(&verify)), &[]);
    let held = run(auth.session_proof(&here)).unwrap();
    w.told(run(auth.consume_token(&verify, None)), &[]);
    w.told(
        run(auth.consume_token(&verify, Some(&held))),
        &["token_consumed", "identifier_verified"],
    );
    w.told(
        run(auth.consume_token(&verify, Some(&held))),
        &["authn_login_fail"],
    );
    let failed = &["delivery_failed"];
    let recovery = sent(&mut w, TokenPurpose::Recovery, Settlement::Failed, failed);
    for token in [&recovery[..], b"dwt_c4n4ry", &recovery[..60]] {
        let weak = auth.update_credentials_with_token(token, "email", password("c4n4ry"));
        let is_good = token.len() == recovery.len();
        w.told(run(weak), if is_good { &[] } else { &["authn_login_fail"] });
    }
    let recovered = auth.update_credentials_with_token(&recovery, "email", password(PASS));
    w.told(
        run(recovered),
        &[
            "token_consumed",
            "authn_credentials_change",
            "session_ended",
            "way_in_kept",
        ],
    );
    let nobody = auth.request_token(TokenPurpose::Recovery, "email", b"no-c4n4ry@example.com", None);
    w.told(run(nobody), &["token_requested"]);
    let here = w.session(ANNA);
    w.world.advance(1000);

    // Refresh, reuse, ends.
    w.told(run(auth.validate_session(&access(&here))), &[]);
    w.told(run(auth.validate_session(b"dwa_c4n4ry")), &[]);
    w.told(run(auth.refresh_session(b"dwr_c4n4ry")), &[]);
    let first = here.refresh_token().unwrap().expose().to_vec();
    let next = accepted(Ok(w
        .told(run(auth.refresh_session(&first)), &["session_renewed"])
        .unwrap()));
    let second = next.refresh_token().unwrap().expose().to_vec();
    tokens.extend([access(&next), second.clone()]);
    // The first use confirms a generation: what was exchanged before is a copy from then on.
    w.told(run(auth.refresh_session(&second)), &[]);
    w.world.advance(60);
    w.told(
        run(auth.refresh_session(&first)),
        &["authn_token_reuse", "session_ended"],
    );
    let one = w.session(ANNA);
    w.told(run(auth.end_session(Some(&access(&one)))), &["session_ended"]);
    w.told(run(auth.end_session(Some(&access(&one)))), &[]);
    let (one, two) = (w.session(ANNA), w.session(ANNA));
    w.told(run(auth.end_sign_in(user, one.id())), &["session_ended"]);
    w.told(run(auth.end_sign_in(user, one.id())), &[]);
    w.session(ANNA);
    let proof = w.told(run(auth.session_proof(&two)), &[]).unwrap();
    w.told(run(auth.end_other_sessions(&proof)), &["session_ended"]);
    for _ in 0..2 {
        w.session(ANNA);
    }
    let fourth = w.sign_in(ANNA);
    let made = run(auth.create_session(&fourth, SessionOptions::default()));
    w.told(made, &["session_created", "session_ended"]);
    w.told(run(auth.end_all_sessions(user)), &["session_ended"]);

    // Changes.
    let here = w.session(ANNA);
    let proof = w.told(run(auth.session_proof(&here)), &[]).unwrap();
    let link = auth.link_identity(&proof, "username", b"anna_c4n4ry", password(PASS));
    let proof = accepted(Ok(w.told(run(link), &["identity_linked"]).unwrap()));
    let rename = auth.update_identifier(&proof, "username", b"anna_c4n4ry", b"ann_c4n4ry");
    let proof = accepted(Ok(w.told(run(rename), &["identifier_changed"]).unwrap()));
    let unlink = auth.unlink_identity(&proof, "username", b"ann_c4n4ry");
    let proof = accepted(Ok(w.told(run(unlink), &["identity_unlinked"]).unwrap()));
    let change = auth.update_credentials(&proof, "email", password(NEXT));
    let proof = accepted(Ok(w.told(run(change), &["authn_credentials_change"]).unwrap()));
    let change = auth.update_credentials(&proof, "email", password(PASS));
    let proof = accepted(Ok(w.told(run(change), &["authn_credentials_change"]).unwrap()));
    let added = auth.update_credentials(&proof, "badge", number("c4n4ry 17"));
    let proof = accepted(Ok(w.told(run(added), &["authenticator_added"]).unwrap()));
    let held = run(auth.list_authenticators(user)).unwrap();
    let badge = held.iter().find(|held| held.group == "badge").unwrap().id;
    let label = auth.rename_authenticator(&proof, "badge", badge, "c4n4ry's badge");
    w.told(run(label), &["authenticator_renamed"]);
    let stolen = auth.unlink_identity(&proof, "username", b"c4n4ry");
    w.told(run(stolen), &[]);
    let patch = r#"{"plan":"free"}"#;
    w.told(run(auth.update_attributes(user, patch, None)), &["user_updated"]);
    w.told(
        run(auth.update_session_attributes(&here, patch)),
        &["session_updated"],
    );
    w.told(run(auth.update_attributes(user, "c4n4ry", None)), &[]);

    // Steps: a sign-up in two, a flow that is none, a step-up, another user on the same browser.
    let begun = auth.begin_enrollment("member", Some(b"c4n4ry-7"), None);
    let flow = match w.told(run(begun), &["authn_continue"]).unwrap().outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    };
    tokens.push(flow.token().expose().to_vec());
    let answer = Fields::from([("answer", "c4n4ry blue")]);
    let signed_up = auth.continue_flow(flow.token().expose(), None, answer);
    w.told(run(signed_up), &["user_created", "authn_login_success"]);
    w.told(
        run(auth.continue_flow(b"dwf_c4n4ry", None, Fields::default())),
        &["authn_login_fail"],
    );
    let mut browser = Browser::default();
    let mut on_browser =
        |w: &mut Watched, provider: &str, who: Option<&str>, with: Fields, expected: &[&str]| {
            let on = auth.on(browser.request("POST"));
            let tried = run(on.authenticate(provider, who.map(str::as_bytes), with));
            let proof = accepted(Ok(w.told(tried, &["authn_login_success"]).unwrap()));
            let made = run(on.create_session(&proof, SessionOptions::default())).unwrap();
            browser.take(&made);
            w.told(Ok(made), expected);
            browser.value("access").unwrap()
        };
    on_browser(&mut w, "email", Some(BOB), password(PASS), &["session_created"]);
    on_browser(
        &mut w,
        "email",
        Some(ANNA),
        password(PASS),
        &["session_created", "session_ended"],
    );
    let token = on_browser(
        &mut w,
        "badge",
        None,
        number("c4n4ry 17"),
        &["session_stepped_up"],
    );
    w.told(run(auth.validate_session(token.as_bytes())), &[]);
    let foreign = auth.on(request("POST", &[("origin", "https://evil.example")]));
    w.told(run(foreign.check_request()), &["request_refused"]);
    w.told(run(foreign.delete_user(user)), &["request_refused"]);

    // Trusted code.
    let for_user = auth.create_session_for_user(user, &[], SessionOptions::default());
    w.told(run(for_user), &["session_created_for_user"]);
    let code = Fields::from([("code", format!("good:{CANARY}:{CANARY}@example.com"))]);
    let vouched = w.told(run(auth.authenticate("github", None, code)), &["claim_made"]);
    let Outcome::Unregistered(claim) = vouched.unwrap().outcome else {
        panic!("nobody has it");
    };
    tokens.push(claim.token().expose().to_vec());
    writeln!(w.said, "{claim:?}").unwrap();
    let proof = w.sign_in(ANNA);
    let linked = auth.link_claim(&proof, claim.token().expose());
    w.told(run(linked), &["identity_linked", "session_ended"]);
    let again = auth.create_user_from_claim(claim.token().expose(), NewUserOptions::default());
    w.told(run(again), &["authn_login_fail"]);
    w.session(ANNA);
    let proof = w.sign_in(ANNA);
    let removed = auth.remove_authenticator(&proof, "badge", badge);
    w.told(run(removed), &["authenticator_removed", "session_ended"]);
    w.session(ANNA);
    w.told(run(auth.disable_user(user)), &["user_disabled", "session_ended"]);
    let for_user = auth.create_session_for_user(user, &[], SessionOptions::default());
    w.told(run(for_user), &["authn_login_fail"]);
    w.told(run(auth.enable_user(user)), &["user_enabled"]);
    w.session(ANNA);
    w.told(run(auth.delete_user(user)), &["user_deleted", "session_ended"]);

    for name in EventName::ALL {
        // Told by plugins only, by a database that forgot, by a proxy: other tests have those.
        let elsewhere = matches!(
            name,
            EventName::AddressAdded
                | EventName::AddressOnBothSides
                | EventName::CredentialsSet
                | EventName::FactorsReset
                | EventName::MailDomainClosed
                | EventName::PluginAudit
                | EventName::PluginLoaded
                | EventName::PluginRefused
                | EventName::PluginReplaced
                | EventName::ProxyUnlisted
                | EventName::RollbackDetected
        );
        assert!(
            elsewhere || w.seen.contains(name.id()),
            "no operation here tells {}",
            name.id()
        );
    }

    // The files while they are in use, and after.
    let files = |folder: &Scratch| -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none_or(|extension| extension != "key"))
            .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
            .collect()
    };
    let mut written = files(&scratch);
    assert!(written.len() >= 3, "database, log and index: {}", written.len());
    run(auth.stop()).unwrap();
    written.extend(files(&scratch));
    let key = std::fs::read_to_string(scratch.path().join("doorward.key")).unwrap();
    let key = key.trim().as_bytes();
    let raw: Vec<u8> = key
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for (place, bytes) in &written {
        for secret in [PASS, NEXT, "c4n4ry 17", "c4n4ry blue"] {
            // A handle is what RESOLVE names a record by: kept as it is, and no secret of a kind that says so.
            let is_handle = secret == "c4n4ry 17";
            assert!(
                is_handle || !holds(bytes, secret.as_bytes()),
                "{secret:?} stands in {place}"
            );
        }
        for secret in tokens.iter().map(Vec::as_slice).chain([key, &raw]) {
            assert!(!holds(bytes, secret), "a token or a key stands in {place}");
        }
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.contains("user_deleted"), "the log is being kept");
    for (place, text) in [("log", &logged), ("what values and errors say", &w.said)] {
        let found: Vec<&str> = text.lines().filter(|line| line.contains(CANARY)).collect();
        assert!(found.is_empty(), "{place}: {found:#?}");
        for secret in tokens.iter().map(Vec::as_slice).chain([key]) {
            assert!(
                !holds(text.as_bytes(), secret),
                "a token or a key stands in the {place}"
            );
        }
    }
}
