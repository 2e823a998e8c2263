//! What only SQLite must do: refuse a shared file, share fsyncs, survive SIGKILL, keep its schema's word.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use doorward::id::UserId;
use doorward::store::sqlite::{SqliteSettings, SqliteStore};
use doorward::store::{CreatedUser, DeletedUser, Store, StoreError};
use doorward_tests::contract::samples::{alone, at, hash, open, put, sign_in, user, whole};
use doorward_tests::contract::{race, settled, wait};
use rusqlite::{Connection, params};

use crate::second_copy::SecondCopy;
use crate::stores::Folder;

fn started(path: &Path) -> Arc<SqliteStore> {
    let store = Arc::new(SqliteStore::open(SqliteSettings::new(path)));
    wait(store.start());
    wait(store.migrate());
    store
}

/// What the file holds, read while no store has it open.
fn count(path: &Path, sql: &str) -> i64 {
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

fn assert_shared(error: &StoreError, path: &Path) {
    assert!(matches!(error, StoreError::SharedInProcess(_)), "{error}");
    let text = error.to_string();
    for part in [path.to_str().unwrap(), "`database`", "a file of its own"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_file_that_another_sqlite_copy_has_open_is_refused_at_the_start() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    put(&*store, alone(user("")));
    wait(store.stop());

    let foreign = SecondCopy::open(&path);
    let refused = settled(store.start()).expect_err("the file is shared");
    assert_shared(&refused, &path);
    assert!(settled(store.stats(at(0))).is_err(), "it is not started");
    drop(foreign);
    wait(store.start());
    assert_eq!(wait(store.stats(at(0))).users, 1);
}

#[test]
fn a_copy_that_opens_the_file_later_is_found_and_nothing_acknowledged_is_lost() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    let mut acknowledged = vec![put(&*store, alone(user("")))];
    let foreign = SecondCopy::open(&path);
    assert_eq!(foreign.count_users(), 1);

    // By the look beside the writer, within a second.
    let refused = loop {
        let new = alone(user(""));
        match settled(store.create_user(new.clone())) {
            Ok(CreatedUser::Created) => acknowledged.push(new.user),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 1_000_000, "the foreign copy is never found");
    };
    assert_shared(&refused, &path);
    drop(foreign);
    // Its close has dropped our locks as well: only a restart makes the file ours again.
    let still = settled(store.create_user(alone(user("")))).expect_err("the locks are gone");
    assert_shared(&still, &path);
    wait(store.stop());
    let users = count(&path, "SELECT count(*) FROM doorward_user");
    assert_eq!(usize::try_from(users).unwrap(), acknowledged.len());
    wait(store.start());
    for user in acknowledged {
        assert_eq!(wait(store.user(user.id)), Some(user));
    }
    put(&*store, alone(user("")));
}

/// What fails half-way leaves nothing open, so that a child of a fork is not told that something was.
#[test]
fn a_start_without_threads_leaves_nothing_open() {
    let folder = Folder::new();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let work = Command::new(env!("CARGO_BIN_EXE_sqlite_work"))
        .arg("threadless")
        .arg(folder.path().join("doorward.db"))
        .output()
        .unwrap();
    assert!(work.status.success(), "{work:?}");
}

#[test]
fn a_copy_that_opens_the_file_later_is_found_before_the_next_connection() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    let _foreign = SecondCopy::open(&path);
    // Eight threads that begin at once need more connections than there were so far.
    let refused: Vec<_> = race(8, |_| settled(store.stats(at(0))))
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_shared(refused.first().expect("somebody needs a new connection"), &path);
}

#[test]
fn two_stores_of_one_process_share_a_file_and_migrate_it_once() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let stores = race(4, |_| started(&path));
    let made = race(4, |n| put(&*stores[n], alone(user(""))));
    for store in &stores {
        for user in &made {
            assert_eq!(wait(store.user(user.id)).as_ref(), Some(user));
        }
    }
    wait(stores[0].stop());
    put(&*stores[1], alone(user("")));
    wait(stores[0].start());
    assert_eq!(wait(stores[0].stats(at(0))).users, 5);
}

#[test]
fn sixteen_callers_share_their_fsyncs() {
    let folder = Folder::new();
    let store = started(&folder.path().join("doorward.db"));
    let users: Vec<_> = (0..16).map(|_| put(&*store, alone(user("")))).collect();
    let before = store.writer_counts();
    race(16, |n| {
        for _ in 0..100 {
            open(&*store, sign_in(&users[n], 0));
        }
    });
    let after = store.writer_counts();
    let (writes, commits) = (after.writes - before.writes, after.commits - before.commits);
    assert_eq!(writes, 1600);
    assert!(writes >= 8 * commits, "{writes} rows in {commits} commits");
    let alone = store.writer_counts();
    open(&*store, sign_in(&users[0], 1));
    assert_eq!(
        store.writer_counts().commits,
        alone.commits + 1,
        "an acknowledged write is a commit"
    );
}

#[test]
fn no_acknowledged_write_is_lost_by_a_kill() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let mut acknowledged: Vec<UserId> = Vec::new();
    for round in 1..=4 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_write_until_killed"))
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.by_ref().take(round * 60);
        acknowledged.extend(first.map(|line| UserId::parse(&line.unwrap()).unwrap()));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        // What it had printed before it died was acknowledged too; the last line may be torn.
        let rest = lines.map_while(Result::ok);
        acknowledged.extend(rest.filter_map(|line| UserId::parse(&line).ok()));
    }
    let store = started(&path);
    for id in &acknowledged {
        assert!(
            wait(store.user(*id)).is_some(),
            "{id} was acknowledged and is lost"
        );
    }
    wait(store.stop());
    assert!(acknowledged.len() >= 600);
    let sound: String = (Connection::open(&path).unwrap())
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn an_applications_reference_forbids_a_deletion_and_nobody_elses_write() {
    for deferred in ["", " DEFERRABLE INITIALLY DEFERRED", " ON DELETE RESTRICT"] {
        let folder = Folder::new();
        let path = folder.path().join("doorward.db");
        let store = started(&path);
        let (ann, bea) = (
            put(&*store, whole("", "ann@example.org")),
            put(&*store, whole("", "bea@example.org")),
        );
        wait(store.stop());
        let table =
            format!("CREATE TABLE invoice (owner BLOB NOT NULL REFERENCES doorward_user (id){deferred})");
        let application = Connection::open(&path).unwrap();
        application.execute_batch(&table).unwrap();
        application
            .execute("INSERT INTO invoice VALUES (?1)", [ann.id.as_bytes()])
            .unwrap();
        drop(application);
        wait(store.start());
        // In one batch with others' writes, which must not suffer.
        let answers = race(8, |n| match n {
            0 => wait(store.delete_user(ann.id)) == DeletedUser::Referenced,
            1 => wait(store.delete_user(bea.id)) == DeletedUser::Deleted(0),
            _ => wait(store.create_user(alone(user("")))) == CreatedUser::Created,
        });
        assert!(answers.iter().all(|fine| *fine), "{deferred} {answers:?}");
        assert_eq!(wait(store.user(ann.id)), Some(ann.clone()));
        assert_eq!(wait(store.identities(ann.id)).len(), 1);
        assert_eq!(wait(store.stats(at(0))).users, 7);
    }
}

#[test]
fn whatever_belongs_to_a_user_goes_with_it_in_every_table() {
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    let ann = put(&*store, whole("", "ann@example.org"));
    wait(store.stop());
    let file = Connection::open(&path).unwrap();
    let owned = "SELECT m.name, f.on_delete FROM sqlite_schema m JOIN pragma_table_info(m.name) c
        LEFT JOIN pragma_foreign_key_list(m.name) f ON f.\"from\" = c.name
        WHERE m.type = 'table' AND c.name = 'user_id'";
    let mut select = file.prepare(owned).unwrap();
    let owned: Vec<(String, Option<String>)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(owned.len(), 9, "{owned:?}");
    // Three have no key, but a trigger: `stores/sqlite/src/filed.rs` says why.
    let by_trigger = ["doorward_flow", "doorward_token", "doorward_outbox"];
    assert!(
        owned
            .iter()
            .all(|(table, action)| by_trigger.contains(&table.as_str())
                != (action.as_deref() == Some("CASCADE"))),
        "{owned:?}"
    );
    drop(select);
    // Written by hand: the port writes some of them only with others.
    let id = ann.id.as_bytes();
    file.execute(
        "INSERT INTO doorward_token VALUES (?1, 'recover', ?2, '', 'email', x'61', ?1, ?1, 0, 99, NULL)",
        params![id, hash(1)],
    )
    .unwrap();
    file.execute(
        "INSERT INTO doorward_outbox VALUES (?1, ?1, ?1, x'', 1, 0, 99)",
        [id],
    )
    .unwrap();
    file.execute(
        "INSERT INTO doorward_kv VALUES ('', 'plugin', x'61', ?1, x'', 1, NULL)",
        [id],
    )
    .unwrap();
    drop(file);
    wait(store.start());
    assert_eq!(wait(store.delete_user(ann.id)), DeletedUser::Deleted(0));
    wait(store.stop());
    for (table, _) in &owned {
        let left = count(
            &path,
            &format!("SELECT count(*) FROM {table} WHERE user_id IS NOT NULL"),
        );
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn a_file_that_cannot_be_used_says_why() {
    let folder = Folder::new();
    let absent = folder.path().join("absent").join("doorward.db");
    let error = settled(SqliteStore::open(SqliteSettings::new(&absent)).start()).expect_err("no folder");
    assert!(
        matches!(&error, StoreError::Unavailable(text) if text.contains("`database`")),
        "{error}"
    );

    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "not a database, and long enough to be looked at as one. ".repeat(40),
    )
    .unwrap();
    let error = settled(SqliteStore::open(SqliteSettings::new(&text)).start()).expect_err("not a database");
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[test]
fn throttle_rows_wait_for_the_disk_with_something_else_only() {
    let folder = Folder::new();
    let store = started(&folder.path().join("doorward.db"));
    let key = doorward::store::ThrottleKey {
        bucket: hash(1),
        law: doorward::store::ThrottleLaw::Rate {
            burst: 1,
            every: std::time::Duration::from_mins(1),
        },
    };
    let fail = || vec![doorward::store::ThrottleStep::Fail(key)];
    let before = store.writer_counts();
    for _ in 0..5 {
        wait(store.throttle(fail(), at(0)));
        wait(store.throttles(vec![hash(1)]));
    }
    let after = store.writer_counts();
    assert_eq!((after.commits, after.writes), (before.commits, before.writes + 5));
    wait(store.set_enabled(user("").id, true, at(0)));
    wait(store.create_user(doorward::store::NewUser {
        user: user(""),
        unique: Vec::new(),
        identity: None,
        addresses: Vec::new(),
        takes: Vec::new(),
        authenticators: Vec::new(),
        post: doorward::store::Post::default(),
    }));
    assert_eq!(store.writer_counts().commits, before.commits + 1);
    // A flow that is charged: one piece of work, one fsync for both.
    let before = store.writer_counts();
    let charged = doorward::store::Post {
        charges: vec![doorward::store::ThrottleKey {
            bucket: hash(2),
            ..key
        }],
        ..doorward::store::Post::default()
    };
    let flow = doorward_tests::contract::samples::flow(None);
    wait(store.put_flow(flow, charged, at(0)));
    let after = store.writer_counts();
    assert_eq!(
        (after.commits, after.writes),
        (before.commits + 1, before.writes + 1)
    );
    assert_ne!(wait(store.throttles(vec![hash(2)]))[0].allowed_at, at(0));
    wait(store.throttle(fail(), at(0)));
    assert_eq!(store.writer_counts().commits, before.commits + 1);
}

/// A site that was never purged: others write between two slices, in this process and in another one.
#[test]
fn a_purge_goes_slice_by_slice_and_lets_others_write() {
    const ROWS: u64 = 50_000;
    let folder = Folder::new();
    let path = folder.path().join("doorward.db");
    let store = started(&path);
    wait(store.stop());
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
             INSERT INTO doorward_spent (mark, expires_at) SELECT randomblob(32), 1 FROM n"
        ))
        .unwrap();
    wait(store.start());
    let mut other = std::process::Command::new("python3")
        .args(["-c", OTHER_WRITER])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let purging = store.clone();
    let (tell, hear) = std::sync::mpsc::channel();
    let purge = std::thread::spawn(move || {
        let (mut removed, mut slices) = (0, 0);
        loop {
            let purged = wait(purging.purge(at(1), std::time::Duration::ZERO, u32::MAX));
            removed += purged.others;
            slices += 1;
            if !purged.more {
                return (removed, slices);
            }
            let _: Result<(), _> = tell.send(slices);
        }
    });
    // A slice has passed, and there are more: what is written now is written in between.
    let begun = hear.recv().unwrap();
    wait(store.drop_flow(doorward::FlowId::from_bytes([7; 16])));
    let mut wrote = [0; 5];
    drop(other.stdin.take());
    std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut wrote).unwrap();
    let passed = hear.try_iter().last().unwrap_or(begun);
    let (removed, slices) = purge.join().unwrap();
    assert!(other.wait().unwrap().success());
    assert_eq!(removed, ROWS);
    assert!(
        passed < slices,
        "both wrote before the end: after {passed} of {slices} slices"
    );
    wait(store.stop());
}

/// Waits to be told, then writes once, as patiently as `SQLite`'s own handler.
const OTHER_WRITER: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
sys.stdin.read()
db.execute(\"UPDATE doorward_meta SET changed_at = changed_at WHERE name = 'schema'\")
print('wrote', flush=True)
sys.stdout.flush()
";
