//! PgBouncer between us and the server, in each of its modes.

use doorward_tests::pgbouncer::Pooler;

use super::*;

/// Two processes, each with many callers, through a pool of few server connections.
fn work(pooler: &Pooler, more: &str) -> String {
    let (url, name) = pooler.database();
    let url = format!("{url}{more}");
    let stores = [store(options(&url)), store(options(&url))];
    for number in 1..=6 {
        wait(stores[0].create_user(user(number))).unwrap();
    }
    thread::scope(|scope| {
        for number in 1..=6_u8 {
            let stores = &stores;
            scope.spawn(move || {
                for round in 0..20 {
                    let id = SignInId::from_bytes([number * 25 + round; 16]);
                    let new = sign_in(number, number * 25 + round);
                    let made = wait(stores[0].create_sign_in(new)).unwrap();
                    assert!(matches!(made, CreatedSignIn::Created(_)));
                    assert!(wait(stores[1].sign_in(id)).unwrap().is_some());
                    let owner = UserId::from_bytes([number; 16]);
                    let ended = wait(stores[1].end(Ends::One(owner, id), EndReason::SignedOut, time(1)));
                    assert_eq!(ended.unwrap(), 1);
                    assert!(wait(stores[0].sign_in(id)).unwrap().unwrap().0.ended_at.is_some());
                }
            });
        }
    });
    for store in &stores {
        wait(store.health()).unwrap();
    }
    for store in stores {
        wait(store.stop()).unwrap();
    }
    name
}

/// What other programs find on the server connections that ours used.
fn is_clean(pooler: &Pooler, name: &str) {
    for (setting, default) in [
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("search_path", "\"$user\", public"),
    ] {
        assert_eq!(
            pooler.psql(name, &format!("SHOW {setting}")),
            default,
            "{setting}"
        );
    }
    let statements = pooler.psql(
        name,
        "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'sqlx%'",
    );
    assert_eq!(statements, "0");
}

#[test]
fn a_pooler_as_debian_ships_it_keeps_a_connection_for_each_of_ours() {
    let pooler = Pooler::start("session", "");
    let name = work(&pooler, "");
    is_clean(&pooler, &name);
}

#[test]
fn a_pooler_that_hands_connections_on_is_used_without_leaving_anything_on_them() {
    let pooler = Pooler::start("transaction", "default_pool_size = 3");
    let name = work(&pooler, "?pooler=transaction");
    is_clean(&pooler, &name);
}

#[test]
fn a_pooler_that_hands_connections_on_is_noticed_at_the_start_and_the_answer_says_what_to_set() {
    // Pools of any size: what the second of two transactions gets shows it.
    for size in [1, 2, 20] {
        let pooler = Pooler::start("transaction", &format!("default_pool_size = {size}"));
        let (url, name) = pooler.database();
        let store = PostgresStore::new(options(&url).deadline(Duration::from_secs(30)));
        let answer = wait(store.start());
        assert!(
            matches!(&answer, Err(StoreError::Unfit(why)) if why.contains("pooler=transaction")),
            "{size}: {answer:?}"
        );
        is_clean(&pooler, &name);
    }
}

#[test]
fn a_search_path_is_for_our_transactions_only() {
    let pooler = Pooler::start("transaction", "default_pool_size = 1");
    let (url, name) = pooler.database();
    pooler.server().psql(&name, "CREATE SCHEMA \"our's\"");
    let store = store(options(&format!(
        "{url}?pooler=transaction&search_path=%22our%27s%22,public"
    )));
    wait(store.create_user(user(1))).unwrap();
    is_clean(&pooler, &name);
    let count = "SELECT count(*) FROM \"our's\".doorward_user";
    assert_eq!(pooler.server().psql(&name, count), "1");
    wait(store.stop()).unwrap();
}

#[test]
fn a_role_that_reads_backslashes_and_a_database_that_lacks_characters() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    server.psql(
        "postgres",
        &format!("ALTER DATABASE {name} SET standard_conforming_strings = off"),
    );
    wait(store(options(&url)).create_user(user(1))).unwrap();
    server.psql(
        "postgres",
        "CREATE DATABASE narrow TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'",
    );
    let narrow = wait(PostgresStore::new(options(&server.url("narrow"))).start());
    assert!(
        matches!(&narrow, Err(StoreError::Unfit(why)) if why.contains("LATIN1") && why.contains("UTF8")),
        "{narrow:?}"
    );
}
