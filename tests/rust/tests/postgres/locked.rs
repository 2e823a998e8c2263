//! Rows and tables that somebody else holds: what waits, and what does not.

use super::*;

/// How many of our connections wait for a lock in this database.
fn waiting(server: &Server, name: &str) -> usize {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'doorward' \
         AND wait_event_type = 'Lock'"
    );
    server.psql("postgres", &sql).parse().unwrap()
}

#[test]
fn one_locked_row_costs_the_writes_of_its_user_only_and_the_answer_says_so() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url).deadline(Duration::from_secs(12)));
    for number in 1..=2 {
        wait(store.create_user(user(number))).unwrap();
        wait(store.create_sign_in(sign_in(number, number))).unwrap();
    }
    let lock = "BEGIN; SELECT 1 FROM doorward_user WHERE get_byte(uuid_send(id), 0) = 1 FOR UPDATE";
    let holder = server.hold(name, lock);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        let blocked: Vec<_> = (10..18_u8)
            .map(|number| {
                let (store, answered) = (&store, &answered);
                scope.spawn(move || {
                    let answer = wait(store.create_sign_in(sign_in(1, number)));
                    answered.fetch_add(1, Ordering::SeqCst);
                    answer
                })
            })
            .collect();
        while waiting(&server, name) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        // Everybody else goes on: look-ups, reads and writes.
        for round in 0..10 {
            let id = SignInId::from_bytes([1 + round % 2; 16]);
            assert!(wait(store.sign_in(id)).unwrap().is_some(), "{round}");
            assert_eq!(
                wait(store.create_sign_in(sign_in(2, 100 + round))).unwrap(),
                CreatedSignIn::Created(vec![]),
                "{round}"
            );
            assert!(
                waiting(&server, name) <= 1,
                "one waits in the database, the others here"
            );
        }
        let before = answered.load(Ordering::SeqCst);
        for thread in blocked {
            let answer = thread.join().unwrap();
            assert!(
                matches!(&answer, Err(StoreError::Locked(why)) if why.contains("is locked by somebody else")),
                "{answer:?}"
            );
        }
        assert_eq!(before, 0, "twenty calls passed while they waited");
    });
    drop(holder);
    assert_eq!(
        wait(store.create_sign_in(sign_in(1, 30))).unwrap(),
        CreatedSignIn::Created(vec![])
    );
}

#[test]
fn a_locked_table_of_users_leaves_a_connection_to_look_ups() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url).deadline(Duration::from_mins(2)));
    for number in 1..=8 {
        wait(store.create_user(user(number))).unwrap();
        wait(store.create_sign_in(sign_in(number, number))).unwrap();
    }
    // What `ALTER TABLE … ADD FOREIGN KEY … REFERENCES doorward_user` takes.
    let holder = server.hold(
        name,
        "BEGIN; LOCK TABLE doorward_user IN SHARE ROW EXCLUSIVE MODE",
    );
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 1..=8 {
            let (store, answered) = (&store, &answered);
            scope.spawn(move || {
                let made = wait(store.create_sign_in(sign_in(number, 20 + number))).unwrap();
                assert_eq!(made, CreatedSignIn::Created(vec![]));
                answered.fetch_add(1, Ordering::SeqCst);
            });
        }
        while waiting(&server, name) < 3 {
            thread::sleep(Duration::from_millis(5));
        }
        for round in 0..20_u8 {
            let id = SignInId::from_bytes([1 + round % 8; 16]);
            assert!(wait(store.sign_in(id)).unwrap().is_some(), "{round}");
            assert!(
                wait(store.user(UserId::from_bytes([1 + round % 8; 16])))
                    .unwrap()
                    .is_some()
            );
        }
        assert_eq!((answered.load(Ordering::SeqCst), waiting(&server, name)), (0, 3));
        drop(holder);
    });
    assert_eq!(answered.load(Ordering::SeqCst), 8);
}

#[test]
fn a_deletion_that_an_open_transaction_refers_to_says_that_it_waited_for_a_lock() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url).deadline(Duration::from_secs(4)));
    wait(store.create_user(user(1))).unwrap();
    server.psql(
        name,
        "CREATE TABLE profile (owner uuid REFERENCES doorward_user (id) ON DELETE CASCADE)",
    );
    let holder = server.hold(name, "BEGIN; INSERT INTO profile SELECT id FROM doorward_user");
    let answer = wait(store.delete_user(UserId::from_bytes([1; 16])));
    assert!(
        matches!(&answer, Err(StoreError::Locked(why)) if why.contains("is locked") && why.contains("55P03")),
        "{answer:?}"
    );
    drop(holder);
    assert_eq!(
        wait(store.delete_user(UserId::from_bytes([1; 16]))).unwrap(),
        DeletedUser::Deleted(0)
    );
}
