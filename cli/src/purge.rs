//! `doorward purge`: one call of the library takes about a second, and says whether more is left.

use doorward::Auth;

/// Removes until nothing is left; what the server writes meanwhile goes in between.
pub(crate) async fn purge(auth: &Auth) -> doorward::Result<String> {
    let mut all = auth.purge_expired().await?;
    while all.more {
        all = all.and(auth.purge_expired().await?);
    }
    Ok(format!(
        "removed {} sign-ins, {} flows, {} throttle rows, {} tokens, messages and kept values; nothing is left to remove\n",
        all.sign_ins, all.flows, all.throttles, all.others
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use doorward::clock::{Clock, SystemClock};
    use doorward::{Config, Timestamp};
    use rusqlite::Connection;

    use super::*;

    /// Far more than one slice of 20 ms removes.
    const ROWS: u64 = 40_000;

    /// Of which ten seconds have passed whenever it is looked at: each call of the library removes one slice.
    #[derive(Default)]
    struct Hasty(AtomicU64);

    impl Clock for Hasty {
        fn now(&self) -> Timestamp {
            SystemClock.now()
        }

        fn monotonic(&self) -> Duration {
            SystemClock.monotonic()
        }

        fn boot(&self) -> Duration {
            Duration::from_secs(self.0.fetch_add(10, Ordering::Relaxed))
        }
    }

    fn left(file: &std::path::Path) -> u64 {
        let count = "SELECT count(*) FROM doorward_throttle";
        let rows: i64 = Connection::open(file)
            .unwrap()
            .query_row(count, [], |row| row.get(0))
            .unwrap();
        u64::try_from(rows).unwrap()
    }

    #[test]
    fn the_command_repeats_until_nothing_is_left() {
        let folder = std::env::temp_dir().join(format!("doorward-purge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("doorward.db");
        let mut config = Config::from_toml(&format!("database = 'sqlite:{}'", file.display())).unwrap();
        config.clock(Arc::new(Hasty::default()));
        let auth = Auth::open(&config).unwrap();
        doorward::block_on(auth.start()).unwrap();
        doorward::block_on(auth.stop()).unwrap();
        let expired = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT {ROWS})
             INSERT INTO doorward_throttle (bucket, failures, allowed_at, expires_at) SELECT randomblob(32), 1, 0, n FROM n"
        );
        Connection::open(&file).unwrap().execute_batch(&expired).unwrap();
        assert_eq!(left(&file), ROWS);

        doorward::block_on(auth.start()).unwrap();
        let once = doorward::block_on(auth.purge_expired()).unwrap();
        assert!(
            once.more && once.throttles < ROWS,
            "one call removed all: {once:?}"
        );
        let said = doorward::block_on(purge(&auth)).unwrap();
        doorward::block_on(auth.stop()).unwrap();
        assert_eq!(left(&file), 0);
        let rest = format!("{} throttle rows", ROWS - once.throttles);
        assert!(
            said.contains(&rest) && said.ends_with("nothing is left to remove\n"),
            "{said}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }
}
