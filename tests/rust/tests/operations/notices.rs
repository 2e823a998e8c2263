//! Notices: an owner learns of every change of the ways into the account, at the addresses that are theirs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use doorward::store::memory::MemoryStore;
use doorward::store::{Change, Changed, Reply, Store};
use doorward::{Fields, NewUserOptions, Outcome, Proof, Settlement, TokenPurpose};
use doorward_tests::intercept::{Intercept, Intercepted};

use crate::context::{OTHER, PASSWORD, World, accepted, claims, password, run};

const OWN: &str = "owner@example.com";

/// `what`, the provider, and the address.
type Notice = (String, String, String);
/// What an operation is expected to tell, under which provider, and what it told.
type Step = (&'static str, &'static str, Vec<Notice>);

/// What was told: the parameter `what`, the provider, and to whom.
fn told(world: &World) -> Vec<Notice> {
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    for one in &taken {
        run(world
            .auth
            .settle_delivery(one.id, one.attempts, Settlement::Delivered))
        .unwrap();
    }
    let text = |fields: &Fields, name: &str| {
        String::from_utf8(fields.named(name).unwrap().expose().to_vec()).unwrap()
    };
    taken
        .iter()
        .filter(|one| one.template == "credentials_changed")
        .map(|one| {
            let (what, provider) = (text(&one.params, "what"), text(&one.params, "provider"));
            (what, provider, one.address.clone())
        })
        .collect()
}

fn token(world: &World, purpose: TokenPurpose, address: &str, proof: Option<&Proof>) -> Vec<u8> {
    let asked = world
        .auth
        .request_token(purpose, "email", address.as_bytes(), proof);
    accepted(run(asked));
    let taken = run(world.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
    let letter = taken.iter().find(|one| one.template == purpose.id()).unwrap();
    letter.params.named("token").unwrap().expose().to_vec()
}

/// Goes through every operation that changes a way in; gives what each was expected to tell, and what it told.
fn walk(world: &World) -> Vec<Step> {
    let auth = &world.auth;
    let mut seen = Vec::new();
    let proof = world.sign_up(OWN);
    let user = proof.user_id();
    assert_eq!(told(world), [], "an account that is made is no change of one");
    let mut note = |what, provider| seen.push((what, provider, told(world)));

    let linked = auth.link_identity(&proof, "username", b"owner", Fields::default());
    let proof = accepted(run(linked));
    note("identity_linked", "username");
    let unlinked = auth.unlink_identity(&proof, "username", b"owner");
    let proof = accepted(run(unlinked));
    note("identity_unlinked", "username");

    let code = Fields::from([("code", "good:owner")]);
    let claim = match run(auth.authenticate("github", None, code)).unwrap().outcome {
        Outcome::Unregistered(claim) => claim,
        other => panic!("{other:?}"),
    };
    let proof = accepted(run(auth.link_claim(&proof, claim.token().expose())));
    note("identity_linked", "github");

    // At once, and in a flow.
    let key = Fields::from([("key", "ak_owner"), ("scopes", "[]")]);
    let proof = accepted(run(auth.update_credentials(&proof, "api", key)));
    note("authenticator_added", "api");
    let flow = match run(auth.begin_enrollment("passkey", None, Some(&proof)))
        .unwrap()
        .outcome
    {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    };
    assert_eq!(told(world), [], "nothing has happened yet");
    let passkey = Fields::from([("id", "k1")]);
    let proof = accepted(run(auth.continue_flow(flow.token().expose(), None, passkey)));
    let mut note = |what, provider| seen.push((what, provider, told(world)));
    note("authenticator_added", "passkey");

    let id = run(auth.list_authenticators(user))
        .unwrap()
        .iter()
        .find(|one| one.group == "passkey")
        .unwrap()
        .id;
    run(auth.rename_authenticator(&proof, "passkey", id, "blue")).unwrap();
    assert_eq!(told(world), [], "a label opens nothing");
    let proof = accepted(run(auth.remove_authenticator(&proof, "passkey", id)));
    let mut note = |what, provider| seen.push((what, provider, told(world)));
    note("authenticator_removed", "passkey");

    let changed = auth.update_credentials(&proof, "email", password(OTHER));
    let proof = accepted(run(changed));
    note("credentials", "email");
    let changed = auth.update_identifier(&proof, "email", OWN.as_bytes(), b"next@example.com");
    let proof = accepted(run(changed));
    note("identifier", "email");
    let confirm = token(world, TokenPurpose::ChangeIdentifier, OWN, Some(&proof));
    let changed = auth.update_identifier_with_token(&confirm, b"next@example.com", OWN.as_bytes());
    accepted(run(changed));
    let mut note = |what, provider| seen.push((what, provider, told(world)));
    note("identifier", "email");
    let recovery = token(world, TokenPurpose::Recovery, OWN, None);
    let recovered = auth.update_credentials_with_token(&recovery, "email", password(PASSWORD));
    accepted(run(recovered));
    let mut note = |what, provider| seen.push((what, provider, told(world)));
    note("recovery", "email");
    seen
}

#[test]
fn every_operation_that_changes_a_way_in_tells_the_owner() {
    let world = World::with(&claims());
    let seen = walk(&world);
    let kinds: BTreeSet<&str> = seen.iter().map(|(what, ..)| *what).collect();
    assert_eq!(kinds.len(), 7, "every sort of notice is among them: {kinds:?}");
    for (what, provider, told) in seen {
        assert!(!told.is_empty(), "{what} of {provider} told nobody");
        for one in &told {
            assert_eq!((one.0.as_str(), one.1.as_str()), (what, provider), "{told:?}");
        }
    }
}

/// A store that loses what a change says: the walk above must see that.
struct Silent(Arc<dyn Store>);

impl Intercept for Silent {
    fn inner(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn change(&self, mut change: Change) -> Reply<Changed> {
        change.deliveries.clear();
        self.0.change(change)
    }
}

#[test]
fn a_planted_silence_is_noticed_of_each_operation() {
    let silent = Arc::new(Silent(Arc::new(MemoryStore::new())));
    let world = World::over(Arc::new(Intercepted(silent)), &claims());
    for (what, provider, told) in walk(&world) {
        assert_eq!(told, [], "{what} of {provider}");
    }
}

#[test]
fn proved_addresses_are_told_and_no_stranger() {
    let world = World::new();
    let auth = &world.auth;
    let to = |world: &World| -> BTreeSet<String> { told(world).into_iter().map(|one| one.2).collect() };
    let proof = world.sign_up(OWN);
    // Nobody proved anything: the address that was there is told, the one that comes is not: it may be anybody's.
    let linked = auth.link_identity(&proof, "email", b"stranger@example.org", Fields::default());
    let proof = accepted(run(linked));
    assert_eq!(to(&world), BTreeSet::from([OWN.to_owned()]));
    // Once one is proved, what nobody proved is told nothing.
    let verify = token(&world, TokenPurpose::Verify, OWN, Some(&proof));
    accepted(run(auth.consume_token(&verify, Some(&proof))));
    let proof = accepted(run(auth.update_credentials(&proof, "email", password(OTHER))));
    assert_eq!(to(&world), BTreeSet::from([OWN.to_owned()]));
    // All that are proved are told.
    let verify = token(&world, TokenPurpose::Verify, "stranger@example.org", Some(&proof));
    accepted(run(auth.consume_token(&verify, Some(&proof))));
    accepted(run(auth.update_credentials(&proof, "email", password(PASSWORD))));
    let both = [OWN, "stranger@example.org"].map(str::to_owned);
    assert_eq!(to(&world), BTreeSet::from(both));
}

#[test]
fn what_did_not_happen_is_told_to_nobody() {
    let world = World::new();
    let proof = world.sign_up(OWN);
    let new = NewUserOptions::default();
    accepted(run(world.auth.create_user(
        "email",
        b"other@example.com",
        password(PASSWORD),
        new,
    )));
    let changed = world
        .auth
        .update_identifier(&proof, "email", OWN.as_bytes(), b"other@example.com");
    assert!(run(changed).is_err());
    let removed = world.auth.unlink_identity(&proof, "email", OWN.as_bytes());
    assert!(run(removed).is_err(), "the last way in");
    assert_eq!(told(&world), []);
}
