//! No operation reads a whole table: every claim of the storage contract runs on a server that logs the plan of each
//! statement, and each plan must find its rows by an index.

use doorward_tests::contract::{CLAIMS, Fixture};

use super::*;

/// How a node of a plan reads a table of ours.
#[derive(Debug, PartialEq, Eq)]
struct Scan {
    node: String,
    has_condition: bool,
    query: String,
}

/// A few rows whatever happens: the schema's version and what processes agree on.
const SMALL: &str = "doorward_meta";
/// What bounds its reading by a limit instead, in the order of an index.
const LIMITED: &str = "AS few)";

#[test]
fn no_operation_reads_a_whole_table() {
    let server = Server::start();
    // Prepared plans, which know no values; sequential scans only where nothing else is possible.
    server.psql(
        "postgres",
        "LOAD 'auto_explain'; \
         ALTER ROLE doorward SET session_preload_libraries = 'auto_explain'; \
         ALTER ROLE doorward SET auto_explain.log_min_duration = 0; \
         ALTER ROLE doorward SET auto_explain.log_nested_statements = on; \
         ALTER ROLE doorward SET plan_cache_mode = force_generic_plan; \
         ALTER ROLE doorward SET enable_seqscan = off",
    );
    for (_, claim) in CLAIMS {
        let options = options(&server.database());
        let fixture = Fixture::start(Arc::new(PostgresStore::new(options)), ());
        claim(&*fixture.store);
    }
    let log = server.log();
    let scans = scans(&log);
    assert!(scans.len() > 1000, "the server logs no plans: {}", scans.len());
    let mut whole: Vec<String> = scans
        .into_iter()
        .filter(|scan| !scan.has_condition && !scan.node.contains(SMALL) && !scan.query.contains(LIMITED))
        .map(|scan| format!("{}\n    {}", scan.node, scan.query))
        .collect();
    whole.sort();
    whole.dedup();
    assert!(whole.is_empty(), "{}", whole.join("\n"));
}

/// Every scan of a table of ours in a log of plans in text form.
fn scans(log: &str) -> Vec<Scan> {
    let mut scans = Vec::new();
    let mut query = String::new();
    let lines: Vec<&str> = log.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if let Some((_, text)) = line.split_once("Query Text: ") {
            text.clone_into(&mut query);
        }
        let Some((node, _)) = line.split_once("  (cost=") else {
            continue;
        };
        // The heap part of a bitmap scan has its condition in the part below.
        let is_scan =
            node.contains("Scan") && node.contains("doorward_") && !node.contains("Bitmap Heap Scan");
        if is_scan && !query.starts_with("CREATE") {
            let detail = lines[at + 1..].iter().take_while(|line| !line.contains("(cost="));
            let mut detail = detail.take_while(|line| line.starts_with('\t'));
            scans.push(Scan {
                node: node.trim().trim_start_matches("->").trim().to_owned(),
                has_condition: detail.any(|line| line.contains("Index Cond:")),
                query: query.clone(),
            });
        }
    }
    scans
}

#[test]
fn a_scan_without_a_condition_is_seen() {
    let log = "LOG:  duration: 1 ms  plan:\n\tQuery Text: SELECT a FROM doorward_user\n\
               \tSeq Scan on doorward_user  (cost=0.00..1.00 rows=1 width=1)\n\t  Filter: (a = 1)\n\
               LOG:  duration: 1 ms  plan:\n\tQuery Text: SELECT b FROM doorward_user WHERE id = $1\n\
               \tLimit  (cost=0.00..1.00 rows=1 width=1)\n\
               \t  ->  Index Scan using doorward_user_pkey on doorward_user  (cost=0.00..1.00 rows=1 width=1)\n\
               \t        Index Cond: (id = $1)\n";
    let found = scans(log);
    assert_eq!(
        found.iter().map(|scan| scan.has_condition).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(found[0].query, "SELECT a FROM doorward_user");
}
