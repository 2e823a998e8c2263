//! Users: attributes, realms, disabling, deleting.

use doorward::{ErrorKind, NewUserOptions, Outcome};

use crate::context::{PASSWORD, World, accepted, access, password, run};

#[test]
fn disabling_and_deleting_end_sessions_at_once() {
    let world = World::new();
    let (a, b) = (world.user("a@example.com"), world.user("b@example.com"));
    assert_eq!(run(world.auth.disable_user(a.user().id)).unwrap(), 1);
    assert!(!world.is_live(&access(&a)) && world.is_live(&access(&b)));
    run(world.auth.enable_user(a.user().id)).unwrap();
    assert!(!world.is_live(&access(&a)), "what ended stays ended");
    assert_eq!(run(world.auth.delete_user(b.user().id)).unwrap(), 1);
    assert!(!world.is_live(&access(&b)));
    assert_eq!(
        run(world.auth.get_user(b.user().id)).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        run(world.auth.delete_user(b.user().id)).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn realms_do_not_see_each_other() {
    let world = World::new();
    let session = world.user("a@example.com");
    let elsewhere = world.auth.realm("shop").unwrap();
    assert!(
        run(elsewhere.find_user("email", b"a@example.com"))
            .unwrap()
            .is_none()
    );
    assert_eq!(
        run(elsewhere.get_user(session.user().id)).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let answer = run(elsewhere.validate_session(&access(&session))).unwrap();
    assert!(matches!(answer.outcome, Outcome::SignedOut(_)));
    let other = elsewhere.create_user(
        "email",
        b"a@example.com",
        password(PASSWORD),
        NewUserOptions::default(),
    );
    assert_ne!(accepted(run(other)).user_id(), session.user().id);
}

#[test]
fn attributes_merge_under_their_version_and_unique_ones_are_unique() {
    let world = World::with("attributes.unique = ['handle']\nattributes.public = ['handle']\n");
    let (a, b) = (world.user("a@example.com"), world.user("b@example.com"));
    let user = run(world
        .auth
        .update_attributes(a.user().id, r#"{"handle":"ada","plan":"free"}"#, None))
    .unwrap();
    assert_eq!(world.auth.public_attributes(&user), r#"{"handle":"ada"}"#);
    let taken = run(world
        .auth
        .update_attributes(b.user().id, r#"{"handle":"ada"}"#, None))
    .unwrap_err();
    assert_eq!(
        (taken.kind(), taken.what()),
        (ErrorKind::Conflict, Some("attribute"))
    );
    let lost = run(world
        .auth
        .update_attributes(a.user().id, r#"{"plan":"paid"}"#, Some(1)))
    .unwrap_err();
    assert_eq!((lost.kind(), lost.what()), (ErrorKind::Conflict, Some("version")));
    let found = run(world.auth.find_user_by_attribute("handle", "ada"))
        .unwrap()
        .unwrap();
    assert_eq!(found.id, a.user().id);
    run(world
        .auth
        .update_attributes(a.user().id, r#"{"handle":null}"#, None))
    .unwrap();
    run(world
        .auth
        .update_attributes(b.user().id, r#"{"handle":"ada"}"#, None))
    .unwrap();
}

#[test]
fn devices_are_listed_and_ended_one_by_one() {
    let world = World::new();
    let here = world.user("a@example.com");
    let there = world.session(&accepted(Ok(world.try_sign_in("a@example.com", PASSWORD))));
    let user = here.user().id;
    let listed = run(world.auth.list_sessions(user)).unwrap();
    assert_eq!(listed.len(), 2);
    let stranger = world.user("b@example.com").user().id;
    assert_eq!(
        run(world.auth.end_sign_in(stranger, there.id())).unwrap(),
        0,
        "an id without its owner"
    );
    assert!(run(world.auth.session_alive(user, there.id())).unwrap());
    assert_eq!(run(world.auth.end_sign_in(user, there.id())).unwrap(), 1);
    assert!(!run(world.auth.session_alive(user, there.id())).unwrap());
    let proof = run(world.auth.session_proof(&here)).unwrap();
    world.session(&accepted(Ok(world.try_sign_in("a@example.com", PASSWORD))));
    assert_eq!(run(world.auth.end_other_sessions(&proof)).unwrap(), 1);
    assert!(world.is_live(&access(&here)));
    assert_eq!(run(world.auth.end_all_sessions(user)).unwrap(), 1);
    assert!(!world.is_live(&access(&here)));
}
