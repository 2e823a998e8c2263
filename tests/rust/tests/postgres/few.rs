//! A server that has fewer connections than are asked for, and one that only reads from now on.

use super::*;

#[test]
fn a_refused_connection_waits_for_one_that_there_is() {
    let server = Server::shared();
    let url = server.database();
    let owner = store(options(&url));
    for number in 1..=12 {
        wait(owner.create_user(user(number))).unwrap();
    }
    let name = url.rsplit('/').next().unwrap();
    let role = format!("limited_{name}");
    server.psql(
        name,
        &format!(
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT 2; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ),
    );
    let url = url.replace("doorward@", &format!("{role}@"));
    let limited = PostgresStore::new(options(&url).deadline(Duration::from_mins(2)));
    wait(limited.start()).unwrap();
    thread::scope(|scope| {
        for number in 1..=12_u8 {
            let limited = &limited;
            scope.spawn(move || {
                for round in 0..10 {
                    let made = wait(limited.create_sign_in(sign_in(number, 13 * number + round)));
                    assert!(matches!(made, Ok(CreatedSignIn::Created(_))), "{made:?}");
                    let id = SignInId::from_bytes([13 * number + round; 16]);
                    assert!(wait(limited.sign_in(id)).unwrap().is_some());
                }
            });
        }
    });
    // Nobody of this process has one: the server's answer is the answer.
    let other = PostgresStore::new(options(&url).deadline(Duration::from_mins(2)));
    let first = wait(other.start());
    assert!(
        matches!(&first, Err(StoreError::Unavailable(why)) if why.contains("53300")),
        "{first:?}"
    );
    wait(limited.stop()).unwrap();
    wait(other.start()).unwrap();
}

/// Makes a server one that takes no writes, or again one that does.
fn read_only(server: &Server, on: &str) {
    server.psql(
        "postgres",
        &format!("ALTER SYSTEM SET default_transaction_read_only = {on}"),
    );
    server.psql("postgres", "SELECT pg_reload_conf()");
    while server.psql("postgres", "SHOW default_transaction_read_only") != on {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_takes_no_writes_any_more_is_left_by_writes_and_by_look_ups() {
    let server = Server::start();
    let store = store(options(&server.database()).deadline(Duration::from_secs(20)));
    wait(store.create_user(user(1))).unwrap();
    wait(store.create_sign_in(sign_in(1, 1))).unwrap();
    let id = SignInId::from_bytes([1; 16]);
    for by_write in [true, false] {
        read_only(&server, "on");
        // Look-ups go on for a second at most, the time for which a sign of life counts.
        let began = SystemClock.monotonic();
        let refused = loop {
            let answer = if by_write {
                wait(store.create_sign_in(sign_in(1, 2))).map(|_| ())
            } else {
                wait(store.sign_in(id)).map(|_| ())
            };
            if let Err(error) = answer {
                break error;
            }
            assert!(
                SystemClock.monotonic().saturating_sub(began) < Duration::from_mins(1),
                "nobody notices"
            );
        };
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        let next = wait(store.sign_in(id));
        assert!(
            matches!(&next, Err(StoreError::Unavailable(why)) if why.contains("read-only")),
            "{next:?}"
        );
        assert!(wait(store.health()).is_err());
        read_only(&server, "off");
        wait(store.health()).unwrap();
        assert!(wait(store.sign_in(id)).unwrap().is_some());
        assert!(wait(store.create_sign_in(sign_in(1, 3))).is_ok());
    }
}
