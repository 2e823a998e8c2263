//! Nobody's flow stands beside somebody's rows, so that both cost the same. Whoever that is may go between two of its steps:
//! the next one is answered as nobody's, on each engine.

use std::os::unix::fs::PermissionsExt as _;

use doorward_tests::postgres::Server;
use doorward_tests::scratch::Scratch;
use rusqlite::Connection;

use crate::context::{World, run, steps};
use crate::flows::{enroll, seen_while};

const ANN: &str = "1234567";
const NOBODY: &str = "7654321";
/// Answers to nobody's first flow; the second one begins with the next.
const ANSWERS: usize = 5;

/// What nobody sees, where the only user goes before the answer with this number.
fn without(database: &str, keys: &str, goes: Option<usize>, is_beside: impl Fn(&str) -> bool) -> Vec<String> {
    let world = World::on(database, &format!("{keys}{}throttle.enabled = false\n", steps()));
    let ann = enroll(&world, ANN).user_id();
    // Found, so that she is everybody's double in this process.
    let begun = world
        .auth
        .authenticate("member", Some(ANN.as_bytes()), doorward::Fields::default());
    assert_eq!(run(begun).unwrap().outcome.id(), "continue");
    let seen = seen_while(&world, NOBODY, |answer| {
        if answer == 0 {
            assert!(
                is_beside(&ann.to_string()),
                "it stands beside nobody: nothing is shown by this test"
            );
        }
        if goes == Some(answer) {
            run(world.auth.delete_user(ann)).unwrap();
        }
    });
    run(world.whole.stop()).unwrap();
    seen
}

fn is_answered_alike(see: impl Fn(Option<usize>) -> Vec<String>) {
    let stays = see(None);
    assert!(stays.len() > 2 * ANSWERS, "{stays:#?}");
    for goes in [0, 1, ANSWERS - 1, ANSWERS + 1] {
        assert_eq!(see(Some(goes)), stays, "before answer {goes}");
    }
}

#[test]
fn who_stands_beside_nobodys_flow_goes_between_its_steps_on_memory() {
    is_answered_alike(|goes| without("memory:", "", goes, |_| true));
}

#[test]
fn who_stands_beside_nobodys_flow_goes_between_its_steps_on_sqlite() {
    is_answered_alike(|goes| {
        let folder = Scratch::in_memory();
        let file = folder.path().join("doorward.db");
        without(&format!("sqlite:{}", file.display()), "", goes, |ann| {
            let id = ann.replace('-', "");
            let sql = format!(
                "SELECT count(*) FROM doorward_flow WHERE user_id IS NULL AND lower(substr(hex(filed_under), 1, 30)) = '{}'",
                &id[..30]
            );
            let rows: i64 = Connection::open(&file)
                .unwrap()
                .query_row(&sql, [], |row| row.get(0))
                .unwrap();
            rows == 1
        })
    });
}

/// The server's time goes on, whatever the test's clock does: nothing of it is compared.
fn without_times(told: &str) -> String {
    told.chars()
        .filter(|one| !one.is_ascii_digit() && *one != '.')
        .collect()
}

#[test]
fn who_stands_beside_nobodys_flow_goes_between_its_steps_on_postgres() {
    let server = Server::shared();
    let folder = Scratch::new();
    let key = folder.path().join("k1.key");
    std::fs::write(&key, "17".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let keys = format!(
        "migrate = true\nkeys = [{{ id = 'k1', file = '{}' }}]\n",
        key.display()
    );
    is_answered_alike(|goes| {
        let url = server.database();
        let (_, database) = url.rsplit_once('/').unwrap();
        // Whom it stands beside is in its sealed state alone.
        let nobodys = "SELECT count(*) FROM doorward_flow WHERE user_id IS NULL";
        let seen = without(&url, &keys, goes, |_| server.psql(database, nobodys) == "1");
        seen.iter().map(|told| without_times(told)).collect()
    });
}
