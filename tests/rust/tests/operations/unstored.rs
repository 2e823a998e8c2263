//! First steps that no row holds: a passkey's challenge on every view of the page stores nothing and is good once.

use std::sync::Arc;
use std::thread;

use doorward::store::memory::MemoryStore;
use doorward::store::{Hash, Reply, Store};
use doorward::{Answer, Auth, Fields, FlowHandle, NewUserOptions, Outcome, Proof, SessionOptions, Timestamp};
use doorward_tests::intercept::{Intercept, Intercepted};
use doorward_tests::scratch::Scratch;

use crate::context::{Browser, World, accepted, claims, run};

fn id(text: &str) -> Fields {
    Fields::from([("id", text)])
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) | Outcome::Refused(Some(flow)) => flow,
        other => panic!("{other:?}"),
    }
}

fn begin(auth: &Auth) -> FlowHandle {
    flow(run(auth.authenticate("passkey", None, Fields::default())).unwrap())
}

fn answer(auth: &Auth, flow: &FlowHandle, with: &str) -> Answer<Proof> {
    run(auth.continue_flow(flow.token().expose(), None, id(with))).unwrap()
}

fn sign_up(world: &World) {
    let options = NewUserOptions::default();
    accepted(run(world.auth.create_user("passkey", b"Ada", id("k1"), options)));
}

/// On memory and on a file.
fn on_each(test: impl Fn(&World)) {
    let folder = Scratch::new();
    let file = format!("sqlite:{}/doorward.db", folder.path().display());
    for database in ["memory:", &file] {
        let world = World::on(database, &claims());
        sign_up(&world);
        test(&world);
    }
}

#[test]
fn a_hundred_views_of_the_sign_in_page_store_nothing_and_an_answer_is_good_once() {
    on_each(|world| {
        let views: Vec<FlowHandle> = (0..100).map(|_| begin(&world.auth)).collect();
        assert_eq!(run(world.auth.stats()).unwrap().flows, 0);
        for _ in 0..20 {
            let again = flow(answer(&world.auth, &views[7], "other"));
            assert_eq!(again.token().expose(), views[7].token().expose());
            assert_eq!(again.expires_at(), views[7].expires_at());
            assert_eq!(again.next().len(), 1);
        }
        let proof = answer(&world.auth, &views[7], "k1").require().unwrap();
        accepted(run(world.auth.create_session(&proof, SessionOptions::default())));
        world.events();
        let replayed = answer(&world.auth, &views[7], "k1");
        assert!(matches!(replayed.outcome, Outcome::Refused(None)));
        assert!(world.events().iter().any(|event| event.contains("flow_spent")));
        assert!(
            answer(&world.auth, &views[8], "k1").require().is_ok(),
            "another view"
        );
        assert_eq!(run(world.auth.stats()).unwrap().flows, 0);
    });
}

#[test]
fn one_of_many_right_answers_to_one_challenge_gets_in() {
    on_each(|world| {
        let (auth, flow) = (&world.auth, &begin(&world.auth));
        let accepted: Vec<bool> = thread::scope(|scope| {
            let asked: Vec<_> = (0..16)
                .map(|_| scope.spawn(move || answer(auth, flow, "k1").require().is_ok()))
                .collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(accepted.iter().filter(|accepted| **accepted).count(), 1);
    });
}

#[test]
fn a_flow_in_a_token_is_bound_to_browser_realm_provider_and_time() {
    on_each(|world| {
        let mut browser = Browser::default();
        let begun =
            run(world
                .auth
                .on(browser.request("POST"))
                .authenticate("passkey", None, Fields::default()))
            .unwrap();
        browser.take(&begun);
        let bound = flow(begun);
        let stranger = world.auth.on(Browser::default().request("POST"));
        for auth in [&stranger, &world.auth] {
            assert_eq!(
                answer(auth, &bound, "k1").outcome.id(),
                "refused",
                "another browser"
            );
        }
        let loose = begin(&world.auth);
        let elsewhere = world.auth.realm("elsewhere").unwrap();
        assert_eq!(
            answer(&elsewhere, &loose, "k1").outcome.id(),
            "refused",
            "another realm"
        );
        let other = Fields::from([("password", "x")]);
        let named = run(world
            .auth
            .continue_flow(loose.token().expose(), Some("email"), other));
        assert!(named.is_err(), "another provider");
        let own = world.auth.on(browser.request("POST"));
        assert!(answer(&own, &bound, "k1").require().is_ok());
        world.advance(600);
        assert_eq!(answer(&world.auth, &loose, "k1").outcome.id(), "refused", "over");
    });
}

/// A store that forgets what was spent: the planted bug.
struct Forgets(Arc<dyn Store>);

impl Intercept for Forgets {
    fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0)
    }
    fn spend(&self, _mark: Hash, _expires_at: Timestamp, _now: Timestamp) -> Reply<bool> {
        Reply::Now(Ok(true))
    }
}

#[test]
fn with_a_store_that_forgets_a_replay_gets_in() {
    let store = Forgets(Arc::new(MemoryStore::new()));
    let world = World::over(Arc::new(Intercepted(Arc::new(store))), &claims());
    sign_up(&world);
    let view = begin(&world.auth);
    for _ in 0..2 {
        assert!(answer(&world.auth, &view, "k1").require().is_ok());
    }
}
