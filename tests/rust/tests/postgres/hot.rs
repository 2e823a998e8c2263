//! What a refresh costs the server: the page that has the row, and no index.

use super::*;

/// Refreshes of one sign-in.
const REFRESHES: u32 = 200;
/// Reached only where the server counts nothing.
const PATIENCE: Duration = Duration::from_mins(2);

fn hash(number: u32) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.to_le_bytes());
    hash
}

#[test]
fn a_refresh_writes_to_no_index() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url));
    wait(store.create_user(user(1))).unwrap();
    let mut new = sign_in(1, 1);
    new.row.refresh_hash = Some(hash(0));
    wait(store.create_sign_in(new)).unwrap();
    for number in 0..REFRESHES {
        let next = Advance {
            id: SignInId::from_bytes([1; 16]),
            from: number,
            from_refresh_hash: hash(number),
            salt: hash(number),
            refresh_hash: hash(number + 1),
            access_hash: hash(number + 1),
            access_expires_at: time(100 + i64::from(number)),
            idle_expires_at: time(2000 + i64::from(number)),
            now: time(i64::from(number)),
        };
        assert!(wait(store.advance(next)).unwrap());
    }
    // What a connection counted is told when it is closed.
    wait(store.stop()).unwrap();
    let counted = "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'doorward_sign_in'";
    let until = SystemClock.monotonic() + PATIENCE;
    let (all, hot) = loop {
        let counted = server.psql(name, counted);
        let (all, hot) = counted.split_once(' ').unwrap();
        let (all, hot): (u32, u32) = (all.parse().unwrap(), hot.parse().unwrap());
        if all >= REFRESHES {
            break (all, hot);
        }
        assert!(SystemClock.monotonic() < until, "{counted}");
        thread::sleep(Duration::from_millis(20));
    };
    println!("{all} updates, {hot} of them to the page alone");
    // A page that is full when somebody reads the versions before is written elsewhere now and then.
    assert!(hot * 10 >= all * 8, "{hot} of {all}");
}

/// What is due by its first end is looked at, found in use, and due again by its new one.
#[test]
fn a_purge_leaves_what_a_refresh_has_kept_and_takes_it_when_that_is_over() {
    let server = Server::shared();
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let store = store(options(&url));
    wait(store.create_user(user(1))).unwrap();
    // More than a purge looks at in one go, all of them refreshed since they were made.
    let all: u32 = 700;
    server.psql(
        name,
        &format!(
            "INSERT INTO doorward_sign_in (id, user_id, epoch, generation, family_hash, access_expires_at, \
             idle_expires_at, absolute_expires_at, access_ttl, idle_ttl, persistent, authenticated_at, factors, \
             attributes, agent, address, created_at, last_seen_at, due_at) \
             SELECT md5(i::text)::uuid, id, 0, 0, sha256(i::text::bytea), 0, {kept}, {kept}, 1, 1, true, 0, '[]', '{{}}', \
             '', '', 0, 0, {first} FROM doorward_user, generate_series(1, {all}) i",
            kept = time(2000).as_micros(),
            first = time(1000).as_micros(),
        ),
    );
    let due = |at: Timestamp| {
        let due = format!(
            "SELECT count(*) FROM doorward_sign_in WHERE due_at <= {}",
            at.as_micros()
        );
        server.psql(name, &due)
    };
    let purge = |at: i64| {
        let (mut removed, mut slices) = (0, 0);
        loop {
            slices += 1;
            assert!(slices < 1_000, "there is more for ever");
            let purged = wait(store.purge(time(at), Duration::ZERO, 1000)).unwrap();
            removed += purged.sign_ins;
            if !purged.more {
                return removed;
            }
        }
    };
    assert_eq!(purge(1500), 0);
    assert_eq!(due(time(1999)), "0", "each is due again when it will be gone");
    assert_eq!(purge(1999), 0);
    assert_eq!(purge(2000), u64::from(all));
}
