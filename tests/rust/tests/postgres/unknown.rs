//! The answer to a commit is lost, in every operation that writes: the server is asked what became of it, and the
//! caller is answered what stands. Each operation is run again and again, with the answer to its first commit cut off,
//! then to its second, until there is none left to cut; and the same with commits that never arrive.

use std::os::unix::fs::PermissionsExt as _;

use doorward::{Auth, Config};
use doorward_tests::scratch::Scratch;
use doorward_tests::wait::block_on as run;
use doorward_tests::writes::{CASES, SETTINGS};

use super::lost::proxied;
use super::*;

#[test]
fn whatever_becomes_of_a_commit_whose_answer_is_lost_the_operation_is_answered_what_stands() {
    let server = Server::shared();
    let (proxy, url) = proxied(&server);
    let keys = Scratch::new();
    let key = keys.path().join("k1.key");
    std::fs::write(&key, "17".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "database = '{url}'\nmigrate = true\nstore.deadline = '20s'\nkeys = [{{ id = 'k1', file = '{}' }}]\n{SETTINGS}",
        key.display()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
    run(auth.start()).unwrap();
    for (operation, prepare) in CASES {
        for cut in [Cut::After, Cut::Before] {
            let mut cuts = 0;
            loop {
                let name = format!("{operation}-{cuts}-{cut:?}@example.com").to_lowercase();
                let prepared = prepare(&auth, name);
                proxy.cut_later(b"COMMIT\0", cuts, cut);
                eprintln!("{operation}: {cut:?} at commit {cuts}");
                (prepared.write)().unwrap();
                let came = proxy.spare();
                (prepared.stands)();
                if !came {
                    break;
                }
                cuts += 1;
            }
            // Exchanging a generation is one statement that commits itself, looked after by the session protocol.
            assert!(
                cuts > 0 || *operation == "refresh_session",
                "{operation} commits nothing, so nothing was shown"
            );
        }
    }
}
