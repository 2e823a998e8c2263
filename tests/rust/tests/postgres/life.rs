//! Start and stop.

use super::*;

#[test]
fn a_sign_in_comes_back_as_it_was_written() {
    let server = Server::shared();
    let store = store(options(&server.database()));
    let new = user(1);
    assert_eq!(
        wait(store.create_user(new.clone())).unwrap(),
        CreatedUser::Created
    );
    let row = sign_in(1, 2);
    assert_eq!(
        wait(store.create_sign_in(row.clone())).unwrap(),
        CreatedSignIn::Created(vec![])
    );
    let (found, owner) = wait(store.sign_in(row.row.id)).unwrap().unwrap();
    assert!(found == row.row, "{found:?}");
    assert_eq!(owner, new.user);
    wait(store.stop()).unwrap();
    // A stopped store says so, and starts again.
    assert!(matches!(
        wait(store.user(new.user.id)),
        Err(StoreError::Unavailable(_))
    ));
    wait(store.start()).unwrap();
    assert_eq!(wait(store.user(new.user.id)).unwrap(), Some(new.user));
}

#[test]
fn queued_touches_are_written_by_the_stop() {
    let server = Server::shared();
    let url = server.database();
    let first = store(options(&url));
    wait(first.create_user(user(1))).unwrap();
    let mut new = sign_in(1, 2);
    new.row.confirmed_at = None;
    let id = new.row.id;
    wait(first.create_sign_in(new)).unwrap();
    first.touch(Touch::Confirm {
        id,
        generation: 0,
        at: time(5),
    });
    first.touch(Touch::Seen {
        id,
        at: time(6),
        idle_expires_at: time(1006),
    });
    first.touch(Touch::Seen {
        id,
        at: time(4),
        idle_expires_at: time(900),
    });
    wait(first.stop()).unwrap();
    wait(first.start()).unwrap();
    let row = wait(first.sign_in(id)).unwrap().unwrap().0;
    assert_eq!((row.confirmed_at, row.last_seen_at), (Some(time(5)), time(6)));
    assert_eq!(row.idle_expires_at, time(1006));
}

#[test]
fn a_stopped_store_has_no_threads_and_no_connections() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url));
    let connections = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'doorward'"
    );
    assert_ne!(server.psql("postgres", &connections), "0");
    wait(store.stop()).unwrap();
    assert_eq!(server.psql("postgres", &connections), "0");
}
