//! What is charged whatever comes of it: each counter's burst and pace, what a closed one answers, the lane of known
//! browsers, and that nothing is given back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward::event::{Event, EventName};
use doorward::store::Store;
use doorward::store::memory::MemoryStore;
use doorward::{
    Answer, Auth, ErrorKind, Fields, NewUserOptions, Outcome, Proof, SessionOptions, TokenPurpose,
};

use crate::world::{
    PASSWORD, Time, configured, device, device_in, from, password, run, sign_up, time, try_at, wait_of,
};

struct World {
    time: Time,
    auth: Auth,
    store: Arc<dyn Store>,
    events: Arc<Mutex<Vec<Event>>>,
}

/// A process with a provider `code` whose codes go by mail.
fn world(more: &str) -> World {
    let program = std::env::current_exe().unwrap();
    let built = program
        .ancestors()
        .nth(2)
        .unwrap()
        .join("libdoorward_email_code.so");
    assert!(
        built.exists(),
        "build the workspace first: cargo build --workspace"
    );
    let (time, store) = (time(), Arc::new(MemoryStore::new()) as Arc<dyn Store>);
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = events.clone();
    let mut config = configured(
        &store,
        &time,
        0,
        &format!(
            "plugin.email_code.path = '{}'\nprovider.code = {{ kind = 'email_code', rule = 'email' }}\n{more}",
            built.display()
        ),
    );
    config.on_event(Arc::new(move |event: &Event| {
        told.lock().unwrap().push(event.clone());
    }));
    let auth = Auth::open(&config).unwrap().trusted();
    run(auth.start()).unwrap();
    World {
        time,
        auth,
        store,
        events,
    }
}

impl World {
    /// Asks for a code to be sent to this address.
    fn begin(&self, peer: &str, cookies: &str, address: &str) -> Answer<Proof> {
        run(self.auth.on(from(peer, cookies)).authenticate(
            "code",
            Some(address.as_bytes()),
            Fields::default(),
        ))
        .unwrap()
    }

    /// Where the messages go that were queued since the last look, each with its code or token.
    fn mail(&self) -> Vec<(String, String)> {
        let mut mail = Vec::new();
        for one in run(self.auth.take_deliveries(1_000, Duration::from_mins(1))).unwrap() {
            let said = ["code", "token"].iter().find_map(|name| one.params.named(name));
            let said = String::from_utf8(said.unwrap().expose().to_vec()).unwrap();
            run(self
                .auth
                .settle_delivery(one.id, one.attempts, doorward::Settlement::Delivered))
            .unwrap();
            mail.push((one.address, said));
        }
        mail
    }

    fn answer(&self, peer: &str, begun: &Answer<Proof>, code: &str) -> Answer<Proof> {
        let Outcome::Continue(flow) = &begun.outcome else {
            panic!("{:?}", begun.outcome)
        };
        let cookie = begun.headers.iter().map(|(_, line)| line);
        let mut cookie = cookie.filter(|line| line.starts_with("__Host-doorward-flow="));
        let cookie = cookie.next().unwrap().split(';').next().unwrap();
        run(self.auth.on(from(peer, cookie)).continue_flow(
            flow.token().expose(),
            None,
            Fields::from([("code", code)]),
        ))
        .unwrap()
    }

    /// A user who signs in by codes sent to this address, and the cookie of a browser of theirs.
    fn known(&self, address: &str) -> String {
        let peer = "198.51.100.200";
        self.mail();
        let begun = self.begin(peer, "", address);
        let (_, code) = self.mail().pop().unwrap();
        let Outcome::Unregistered(claim) = self.answer(peer, &begun, &code).outcome else {
            panic!("somebody is already")
        };
        let made = run(self
            .auth
            .on(from(peer, &cookies(&begun)))
            .create_user_from_claim(claim.token().expose(), NewUserOptions::default()))
        .unwrap();
        let proof = made.require().unwrap();
        let on = self.auth.on(from(peer, ""));
        device_in(&run(on.create_session(&proof, SessionOptions::default())).unwrap())
    }

    fn flows(&self) -> u64 {
        run(self.auth.stats()).unwrap().flows
    }

    fn told(&self, name: EventName) -> Vec<Event> {
        let mut events = self.events.lock().unwrap();
        let (these, others) = events.drain(..).partition(|event| event.name == name);
        *events = others;
        these
    }

    fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
    }
}

/// The cookies that an answer sets.
fn cookies<T>(answer: &Answer<T>) -> String {
    let lines = answer
        .headers
        .iter()
        .map(|(_, line)| line.split(';').next().unwrap());
    let all: Vec<&str> = lines.filter(|line| line.starts_with("__Host-")).collect();
    all.join("; ")
}

fn address(number: u32) -> String {
    format!("u{number}@example.com")
}

const BEGIN: &str = "throttle.begin = { burst = 3, every = '10s' }\nthrottle.begin48 = { burst = 5, every = '4s' }\n\
                     throttle.begin_device = { burst = 2, every = '30s' }\n";

#[test]
fn flows_of_strangers_are_charged_to_their_network() {
    let world = world(BEGIN);
    let begun = |number| world.begin("192.0.2.1", "", &address(number));
    for number in 0..3 {
        assert_eq!(begun(number).outcome.id(), "continue");
    }
    world.mail();
    for _ in 0..5 {
        let answer = begun(3);
        assert_eq!(wait_of(&answer), Duration::from_secs(10), "{:?}", answer.outcome);
    }
    assert_eq!((world.flows(), world.mail().len()), (3, 0), "nothing is stored");
    let elsewhere = world.begin("192.0.2.2", "", &address(3));
    assert_eq!(elsewhere.outcome.id(), "continue");
    // One in ten seconds, and whoever comes to an end is given nothing back.
    for _ in 0..3 {
        world.pass(10);
        let begun = begun(4);
        assert_eq!(begun.outcome.id(), "continue");
        if let Some((_, code)) = world.mail().into_iter().find(|(to, _)| *to == address(4)) {
            assert_eq!(
                world.answer("192.0.2.1", &begun, &code).outcome.id(),
                "unregistered"
            );
        }
        assert_eq!(
            self::World::begin(&world, "192.0.2.1", "", &address(5))
                .outcome
                .id(),
            "throttled"
        );
    }
}

#[test]
fn flows_from_all_over_a_48_are_charged_together() {
    let world = world(BEGIN);
    let begun = |net: u32| {
        let peer = format!("2001:db8:7:{net:x}::1");
        world.begin(&peer, "", &address(net)).outcome.id()
    };
    let how: Vec<_> = (0..7).map(begun).collect();
    assert_eq!(how[..5], ["continue"; 5]);
    assert_eq!(how[5..], ["throttled"; 2]);
    world.pass(4);
    assert_eq!([begun(8), begun(9)], ["continue", "throttled"]);
    let other = world.begin("2001:db8:8::1", "", &address(9));
    assert_eq!(other.outcome.id(), "continue", "another /48");
}

#[test]
fn flows_of_a_known_browser_have_a_counter_of_their_own() {
    let world = world(BEGIN);
    let known = world.known("ann@example.com");
    for number in 0..9 {
        drop(world.begin("192.0.2.1", "", &address(number)));
    }
    let begun = |cookies: &str, of: &str| world.begin("192.0.2.1", cookies, of);
    let ann = "ann@example.com";
    assert_eq!(begun("", ann).outcome.id(), "throttled", "a stranger");
    assert_eq!(
        begun(&known, "bob@example.com").outcome.id(),
        "throttled",
        "another's"
    );
    assert_eq!(begun(&known, ann).outcome.id(), "continue");
    assert_eq!(begun(&known, ann).outcome.id(), "continue");
    assert_eq!(wait_of(&begun(&known, ann)), Duration::from_secs(30));
    world.pass(30);
    assert_eq!(begun(&known, ann).outcome.id(), "continue");
    assert_eq!(begun(&known, ann).outcome.id(), "throttled");
}

#[test]
fn one_process_stores_so_many_flows_of_strangers_and_of_known_browsers_more() {
    let world = world("throttle.begin_all = { burst = 4, every = '5s' }\n");
    let known = world.known("ann@example.com");
    let begin = |number: u32, cookies: &str, of: &str| {
        let on = world.auth.on(from(&format!("192.0.2.{number}"), cookies));
        run(on.authenticate("code", Some(of.as_bytes()), Fields::default()))
    };
    // One was begun as ann signed up.
    for number in 1..4 {
        assert!(begin(number, "", &address(number)).is_ok());
    }
    let flows = world.flows();
    let error = begin(9, "", &address(9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(error.message().contains("throttle.begin_all"), "{error}");
    assert_eq!(world.flows(), flows);
    let owner = begin(9, &known, "ann@example.com").unwrap();
    assert_eq!(owner.outcome.id(), "continue", "never for known browsers");
    world.pass(5);
    assert!(begin(10, "", &address(10)).is_ok());
    assert!(begin(11, "", &address(11)).is_err());
    // Another process has its own.
    let other = crate::world::process(&world.store, &world.time, 0, "");
    assert!(run(other.stats()).unwrap().flows > 0);
}

const MAIL: &str = "throttle.to_code = { burst = 2, every = '10m' }\nthrottle.to = { burst = 2, every = '20m' }\n\
                    throttle.to_device = { burst = 2, every = '5m' }\n";

#[test]
fn codes_to_one_address_end_in_silence_and_the_last_one_stays_good() {
    let world = world(MAIL);
    let known = world.known("ann@example.com");
    world.pass(3600);
    let ann = "ann@example.com";
    let mut sent = Vec::new();
    let mut begun = Vec::new();
    for number in 0..5 {
        let answer = world.begin(&format!("192.0.2.{number}"), "", ann);
        assert_eq!(answer.outcome.id(), "continue", "the same answer");
        begun.push(answer);
        sent.extend(world.mail());
    }
    assert_eq!(sent.len(), 2);
    // Closed: the flow is stored as ever, and the last code is as good as before.
    assert_eq!(world.flows(), 5);
    let good = world.answer("192.0.2.1", &begun[1], &sent[1].1);
    assert_eq!(good.outcome.id(), "accepted");
    drop(world.begin("192.0.2.9", "", ann));
    assert_eq!(world.mail(), [], "a success gives nothing back");
    // A known browser has its own budget.
    for messages in [1, 1, 0] {
        assert_eq!(world.begin("192.0.2.9", &known, ann).outcome.id(), "continue");
        assert_eq!(world.mail().len(), messages);
    }
    world.pass(300);
    drop(world.begin("192.0.2.9", &known, ann));
    assert_eq!(world.mail().len(), 1, "the lane's pace");
    drop(world.begin("192.0.2.9", "", ann));
    assert_eq!(world.mail().len(), 0);
    world.pass(300);
    drop(world.begin("192.0.2.9", "", ann));
    assert_eq!(world.mail().len(), 1, "the strangers' pace");
}

#[test]
fn tokens_to_one_address_end_in_silence_by_purpose() {
    let world = world(MAIL);
    sign_up(&world.auth, "ann@example.com");
    let ask = |purpose, name: &str| {
        let on = world.auth.on(from("192.0.2.1", ""));
        let asked = run(on.request_token(purpose, "email", name.as_bytes(), None)).unwrap();
        assert_eq!(asked.outcome.id(), "accepted");
        world.mail()
    };
    for messages in [1, 1, 0, 0] {
        assert_eq!(ask(TokenPurpose::Recovery, "ann@example.com").len(), messages);
    }
    assert_eq!(
        ask(TokenPurpose::Recovery, "ANN@example.com").len(),
        0,
        "however written"
    );
    let last = ask(TokenPurpose::Verify, "ann@example.com");
    assert_eq!(last.len(), 1, "another purpose");
    world.pass(1200);
    assert_eq!(ask(TokenPurpose::Recovery, "ann@example.com").len(), 1);
    assert_eq!(ask(TokenPurpose::Recovery, "ann@example.com").len(), 0);
    // The operator is told that nothing was sent: an event without a user.
    let asked = world.told(EventName::TokenRequested);
    assert_eq!(asked.iter().filter(|event| event.user_id.is_some()).count(), 4);
    assert_eq!(asked.iter().filter(|event| event.user_id.is_none()).count(), 4);
}

#[test]
fn messages_that_strangers_cause_are_charged_to_their_network() {
    let world = world("throttle.mail_net = { burst = 3, every = '5s' }\n");
    let known = world.known("ann@example.com");
    let mail = |peer: &str, cookies: &str, of: &str| {
        assert_eq!(world.begin(peer, cookies, of).outcome.id(), "continue");
        world.mail().len()
    };
    let sent: Vec<_> = (0..5)
        .map(|number| mail("192.0.2.1", "", &address(number)))
        .collect();
    assert_eq!(sent, [1, 1, 1, 0, 0]);
    assert_eq!(mail("192.0.2.2", "", &address(7)), 1, "another network");
    assert_eq!(mail("192.0.2.1", &known, "ann@example.com"), 1, "a known browser");
    world.pass(5);
    assert_eq!(mail("192.0.2.1", "", &address(8)), 1);
    assert_eq!(mail("192.0.2.1", "", &address(9)), 0);
    assert_eq!(world.told(EventName::MailDomainClosed).len(), 0);
}

#[test]
fn messages_to_nobody_are_charged_to_their_domain_and_the_operator_is_told() {
    let world = world("throttle.mail_domain = { burst = 3, every = '60s' }\n");
    let known = world.known("ann@flooded.example");
    let mail = |number: u32, cookies: &str, of: &str| {
        let peer = format!("192.0.2.{number}");
        assert_eq!(world.begin(&peer, cookies, of).outcome.id(), "continue");
        world.mail().len()
    };
    // One was sent as ann signed up: nobody had the address then.
    let sent: Vec<_> = (0..4)
        .map(|number| mail(number, "", &format!("x{number}@Flooded.example")))
        .collect();
    assert_eq!(sent, [1, 1, 0, 0]);
    let told = world.told(EventName::MailDomainClosed);
    let reasons: Vec<_> = told.iter().map(|event| event.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("flooded.example"); 2]);
    // Whoever is somebody there, known or not, and everybody elsewhere.
    assert_eq!(mail(9, "", "ann@flooded.example"), 1);
    assert_eq!(mail(9, &known, "ann@flooded.example"), 1);
    assert_eq!(mail(9, "", "x@other.example"), 1);
    world.pass(60);
    assert_eq!(mail(10, "", "x9@flooded.example"), 1);
    assert_eq!(mail(11, "", "x10@flooded.example"), 0);
}

#[test]
fn new_users_are_charged_to_their_network() {
    let world = world("throttle.sign_up = { burst = 2, every = '30s' }\n");
    let make = |peer: &str, name: &str| {
        let on = world.auth.on(from(peer, ""));
        let new = NewUserOptions::default();
        run(on.create_user("email", name.as_bytes(), password(PASSWORD), new))
    };
    assert_eq!(
        make("192.0.2.1", "a@example.com").unwrap().outcome.id(),
        "accepted"
    );
    // Who finds a name taken is not made, and not charged here.
    let taken = make("192.0.2.1", "a@example.com").unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert_eq!(
        make("192.0.2.1", "b@example.com").unwrap().outcome.id(),
        "accepted"
    );
    let closed = make("192.0.2.1", "c@example.com").unwrap();
    assert_eq!(wait_of(&closed), Duration::from_secs(30));
    let closed = make("192.0.2.1", "a@example.com").unwrap();
    assert_eq!(wait_of(&closed), Duration::from_secs(30), "nor what is taken");
    assert_eq!(run(world.auth.stats()).unwrap().users, 2);
    assert_eq!(
        make("192.0.2.2", "c@example.com").unwrap().outcome.id(),
        "accepted"
    );
    world.pass(30);
    assert_eq!(
        make("192.0.2.1", "d@example.com").unwrap().outcome.id(),
        "accepted"
    );
    assert_eq!(
        make("192.0.2.1", "e@example.com").unwrap().outcome.id(),
        "throttled"
    );
    // Trusted code without a request makes as many as it likes.
    for number in 0..9 {
        sign_up(&world.auth, &address(number));
    }
    // Whoever deletes a user is given nothing back.
    let gone = try_at(&world.auth, from("192.0.2.7", ""), "d@example.com", PASSWORD);
    let gone = gone.require().unwrap().user_id();
    run(world.auth.delete_user(gone)).unwrap();
    assert_eq!(
        make("192.0.2.1", "e@example.com").unwrap().outcome.id(),
        "throttled"
    );
}

#[test]
fn wrong_keys_are_counted_by_network_for_the_operator_and_written_nowhere() {
    let program = std::env::current_exe().unwrap();
    let plugin = program.ancestors().nth(2).unwrap().join("libdoorward_api_key.so");
    let world = world(&format!(
        "plugin.api_key.path = '{}'\nprovider.key.kind = 'api_key'\nbearer.prefixes.dwk_ = 'key'\n",
        plugin.display()
    ));
    let ask = |peer: &str, key: &str| {
        let bearer = format!("Bearer {key}");
        let peer = Some(peer.parse().unwrap());
        let request = doorward::Request::new("GET", [("authorization", bearer.as_str())], peer);
        let asked = run(world.auth.on(request).check_request()).unwrap();
        assert_eq!(asked.outcome.id(), "refused");
    };
    let garbage = |number: u32| format!("dwk_{number:016}_{}", "A".repeat(43));
    for number in 0..3 {
        ask("192.0.2.1", &garbage(number));
    }
    ask("192.0.2.2", "dwk_nonsense");
    ask("192.0.2.1", &garbage(3));
    let told = world.told(EventName::AuthenticationFailed);
    let counts: Vec<u64> = told.iter().map(|event| event.count).collect();
    assert_eq!(counts, [1, 2, 3, 1, 4]);
    world.pass(3600);
    ask("192.0.2.1", &garbage(4));
    assert_eq!(world.told(EventName::AuthenticationFailed)[0].count, 1);
    let rows = run(world.store.purge(
        doorward::clock::Clock::now(&*world.time).plus(Duration::from_hours(100)),
        Duration::ZERO,
        100,
    ));
    assert_eq!(rows.unwrap().throttles, 0);
}

/// Whoever has an account, and a known browser, sends codes to strangers' addresses no further than who has none.
#[test]
fn an_account_of_ones_own_is_no_way_to_send_codes_to_strangers() {
    for known in [false, true] {
        let world = world("");
        let peer = "192.0.2.1";
        let name = "mallory@evil.example";
        sign_up(&world.auth, name);
        let cookie = if known {
            device(&world.auth, peer, name)
        } else {
            String::new()
        };
        let proof = try_at(&world.auth, from(peer, &cookie), name, PASSWORD)
            .require()
            .unwrap();
        world.mail();
        let mut sent = 0;
        for number in 0..1_000 {
            let on = world.auth.on(from(peer, &cookie));
            let to = format!("u{number}@d{number}.example");
            let begun = run(on.begin_link(&proof, "code", Some(to.as_bytes()), Fields::default())).unwrap();
            assert!(
                matches!(begun.outcome, Outcome::Continue(_) | Outcome::Throttled(_)),
                "{begun:?}"
            );
            sent += world.mail().len();
        }
        // 300 at once from one network, as anybody; a known browser has three of its own.
        println!("known {known}: {sent} messages, {} flows", world.flows());
        assert!(sent <= 303, "known: {known}: {sent} messages");
        assert!(world.flows() <= 320, "known: {known}: {} flows", world.flows());
    }
}
