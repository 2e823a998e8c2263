//! Other people's foreign keys, roles, migrations, encryption.

use super::*;

#[test]
fn a_foreign_key_of_the_application_forbids_the_deletion_also_when_deferred() {
    let server = Server::shared();
    for (number, rule) in [
        (1, ""),
        (2, "ON DELETE RESTRICT"),
        (3, "DEFERRABLE INITIALLY DEFERRED"),
    ] {
        let url = server.database();
        let store = store(options(&url));
        wait(store.create_user(user(number))).unwrap();
        wait(store.create_sign_in(sign_in(number, number))).unwrap();
        let name = url.rsplit('/').next().unwrap();
        server.psql(
            name,
            &format!(
                "CREATE TABLE account (owner uuid REFERENCES doorward_user (id) {rule}); \
                 INSERT INTO account SELECT id FROM doorward_user"
            ),
        );
        let id = UserId::from_bytes([number; 16]);
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Referenced,
            "{rule}"
        );
        assert!(
            wait(store.sign_in(SignInId::from_bytes([number; 16])))
                .unwrap()
                .is_some(),
            "{rule}"
        );
        server.psql(name, "DELETE FROM account");
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Deleted(1),
            "{rule}"
        );
        assert_eq!(
            wait(store.delete_user(id)).unwrap(),
            DeletedUser::Absent,
            "{rule}"
        );
        assert_eq!(
            server.psql(name, "SELECT count(*) FROM doorward_sign_in"),
            "0",
            "{rule}"
        );
    }
}

#[test]
fn a_role_without_the_right_to_create_runs_everything_but_migrations() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let role = format!("runtime_{name}");
    server.psql(
        name,
        &format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    );
    let runtime = PostgresStore::new(options(&url.replace("doorward@", &format!("{role}@"))));
    wait(runtime.start()).unwrap();
    assert_eq!(wait(runtime.schema()).unwrap().found, 0);
    assert!(matches!(
        wait(runtime.create_user(user(1))),
        Err(StoreError::Schema(_))
    ));
    assert!(matches!(wait(runtime.migrate()), Err(StoreError::Schema(_))));
    let owner = store(options(&url));
    assert!(matches!(
        wait(runtime.user(UserId::from_bytes([1; 16]))),
        Err(StoreError::Schema(_))
    ));
    server.psql(
        name,
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    wait(runtime.stop()).unwrap();
    wait(runtime.start()).unwrap();
    assert_eq!(wait(runtime.schema()).unwrap().found, 1);
    assert_eq!(wait(runtime.create_user(user(1))).unwrap(), CreatedUser::Created);
    let items = vec![Agreed {
        name: "provider/email".into(),
        value: "password".into(),
    }];
    assert_eq!(
        wait(runtime.agree(items.clone(), false, time(0))).unwrap(),
        Vec::<Disagreement>::new()
    );
    assert_eq!(wait(owner.agreed("provider/".into())).unwrap(), items);
    assert_eq!(
        wait(runtime.delete_user(UserId::from_bytes([1; 16]))).unwrap(),
        DeletedUser::Deleted(0)
    );
}

#[test]
fn garbage_begins_no_transaction_that_writes() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let role = format!("reader_{name}");
    let owner = store(options(&url));
    let flow = doorward_tests::contract::samples::flow(None);
    wait(owner.put_flow(flow.clone(), Post::default(), time(0))).unwrap();
    assert!(wait(owner.spend([7; 32], time(600), time(1))).unwrap());
    server.psql(
        name,
        &format!(
            "CREATE ROLE {role} LOGIN; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        ),
    );
    let reader = PostgresStore::new(options(&url.replace("doorward@", &format!("{role}@"))));
    wait(reader.start()).unwrap();
    server.psql(
        name,
        &format!("REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM {role}"),
    );
    let now = doorward_tests::contract::samples::at(1);
    let take = |secret| wait(reader.take_flow(flow.id, 0, secret, now));
    assert_eq!(take([0x5a; 32]).unwrap(), None);
    let token = doorward::TokenId::from_bytes([1; 16]);
    assert_eq!(wait(reader.token(token, [2; 32], time(1))).unwrap(), None);
    assert!(
        wait(reader.sign_in(SignInId::from_bytes([1; 16])))
            .unwrap()
            .is_none()
    );
    assert!(
        !wait(reader.spend([7; 32], time(600), time(1))).unwrap(),
        "spent before"
    );
    // What is good is written, and this role must not: else nothing was shown.
    assert!(take(flow.secret_hash).is_err());
    assert!(wait(reader.spend([8; 32], time(600), time(1))).is_err());
}

#[test]
fn processes_that_migrate_at_once_make_one_schema() {
    let server = Server::shared();
    let url = server.database();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let store = store(options(&url).connections(1));
                let state = wait(store.schema()).unwrap();
                assert_eq!((state.found, state.current), (1, 1));
                wait(store.stop()).unwrap();
            });
        }
    });
    // What a later release left is not touched.
    let name = url.rsplit('/').next().unwrap();
    server.psql(
        name,
        "UPDATE doorward_meta SET value = '9999' WHERE name = 'schema'",
    );
    let late = PostgresStore::new(options(&url));
    wait(late.start()).unwrap();
    assert!(matches!(wait(late.migrate()), Err(StoreError::Schema(text)) if text.contains("9999")));
    // Nor what another commit before the first release left.
    server.psql(name, "UPDATE doorward_meta SET value = '1' WHERE name = 'schema'");
    let refused = [wait(late.schema()).map(drop), wait(late.migrate())];
    for answer in refused {
        assert!(matches!(answer, Err(StoreError::Schema(text)) if text.contains("another commit")));
    }
}

#[test]
fn a_server_that_cannot_prove_itself_is_refused_where_proof_is_asked_for() {
    let server = Server::shared();
    let url = server.database();
    // This server has no certificate at all.
    for mode in ["verify-full", "verify-ca", "require"] {
        let store = PostgresStore::new(options(&format!("{url}?sslmode={mode}")));
        let answer = wait(store.start());
        assert!(
            matches!(&answer, Err(StoreError::Unavailable(why)) if why.contains("TLS")),
            "{answer:?}"
        );
    }
    let plain = PostgresStore::new(options(&format!("{url}?sslmode=disable")));
    wait(plain.start()).unwrap();
}

#[test]
fn a_server_that_only_reads_is_refused() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    server.psql(
        "postgres",
        &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
    );
    let answer = wait(PostgresStore::new(options(&url)).start());
    assert!(
        matches!(&answer, Err(StoreError::Unavailable(why)) if why.contains("read-only")),
        "{answer:?}"
    );
}

#[test]
fn several_hosts_are_refused_and_the_answer_says_what_to_name_instead() {
    for url in [
        "postgres://u@h1,h2/d",
        "postgres://u:p@h1:5432,h2:5433/d",
        "postgres:///d?host=h1,h2&user=u",
        "postgres://u@h1/d?target_session_attrs=read-write",
    ] {
        let refused = PostgresOptions::parse(url).unwrap_err();
        assert!(refused.message().contains("name one"), "{url}: {refused}");
    }
    PostgresOptions::parse("postgres://u:p,p@h1/d,d").unwrap();
}
