//! No operation reads a whole table. Every claim of the storage contract runs on a server that logs its statements; each
//! statement is then planned, as a prepared one that knows no values, on tables of twenty thousand rows, and must find
//! its rows by a condition on an index.

use std::collections::BTreeSet;

use doorward_tests::contract::{CLAIMS, Fixture};

use super::*;

/// A few rows whatever happens: the schema's version, and what processes agree on.
const SMALL: &str = "doorward_meta";
/// Bounded by a limit instead, in the order of an index: what `stats` counts.
const LIMITED: &str = "AS few)";

/// Twenty thousand rows in each table, a tenth of the sign-ins still live, as in a database that is in use.
const FILLED: &str = "
INSERT INTO doorward_user (id, created_at, updated_at) SELECT md5(i::text)::uuid, i, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_unique_attribute SELECT '', 'handle', sha256(i::text::bytea), md5(i::text)::uuid FROM generate_series(1, 20000) i;
INSERT INTO doorward_identity (realm, provider, canonical, raw, rule, rule_version, user_id, created_at)
  SELECT '', 'email', i::text::bytea, i::text::bytea, 'email', 1, md5(i::text)::uuid, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_authenticator (user_id, grp, id, realm, handle, kind, record, record_version, created_at)
  SELECT md5(i::text)::uuid, 'password', md5(i::text)::uuid, '', i::text::bytea, 'password', '', 1, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_user_address SELECT md5(i::text)::uuid, sha256(i::text::bytea), 1 FROM generate_series(1, 20000) i;
INSERT INTO doorward_sign_in (id, user_id, epoch, generation, family_hash, access_expires_at, idle_expires_at,
  absolute_expires_at, access_ttl, idle_ttl, persistent, authenticated_at, factors, attributes, agent, address, created_at,
  last_seen_at, ended_at, replaces, due_at)
  SELECT md5(i::text)::uuid, md5(i::text)::uuid, 0, 0, sha256(i::text::bytea), i, i, i, 1, 1, true, i, '[]', '{}', '', '', i, i,
  CASE WHEN i % 10 = 0 THEN NULL ELSE i END, CASE WHEN i % 5 = 0 THEN md5((i + 1)::text)::uuid END, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_flow (id, step, secret_hash, user_id, attempts_left, state, expires_at)
  SELECT md5(i::text)::uuid, 0, sha256(i::text::bytea), md5(i::text)::uuid, 3, '', i FROM generate_series(1, 20000) i;
INSERT INTO doorward_spent SELECT sha256(i::text::bytea), i FROM generate_series(1, 20000) i;
INSERT INTO doorward_token (id, purpose, secret_hash, realm, provider, canonical, user_id, expires_at)
  SELECT md5(i::text)::uuid, 'verify', sha256(i::text::bytea), '', 'email', i::text::bytea, md5(i::text)::uuid, i
  FROM generate_series(1, 20000) i;
INSERT INTO doorward_outbox (id, user_id, payload, due_at, expires_at)
  SELECT md5(i::text)::uuid, md5(i::text)::uuid, '', i, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_throttle SELECT sha256(i::text::bytea), 1, i, i FROM generate_series(1, 20000) i;
INSERT INTO doorward_kv SELECT '', 'i' || i % 50, i::text::bytea, '', 1, i FROM generate_series(1, 20000) i;
ANALYZE;
SET plan_cache_mode = force_generic_plan;
";

#[test]
fn no_operation_reads_a_whole_table() {
    let server = Server::start();
    server.psql(
        "postgres",
        "LOAD 'auto_explain'; \
         ALTER ROLE doorward SET session_preload_libraries = 'auto_explain'; \
         ALTER ROLE doorward SET auto_explain.log_min_duration = 0; \
         ALTER ROLE doorward SET auto_explain.log_nested_statements = on",
    );
    let mut database = String::new();
    for (_, claim) in CLAIMS {
        database = server.database();
        let fixture = Fixture::start(Arc::new(PostgresStore::new(options(&database))), ());
        claim(&*fixture.store);
    }
    let statements = statements(&server.log());
    assert!(
        statements.len() > 80,
        "the server logs no statements: {}",
        statements.len()
    );
    // The last claim's database, emptied.
    server.psql("postgres", "ALTER ROLE doorward RESET ALL");
    let name = database.rsplit('/').next().unwrap();
    let mut script =
        String::from("TRUNCATE doorward_user, doorward_throttle, doorward_kv, doorward_spent CASCADE;");
    script += FILLED;
    for (number, statement) in statements.iter().enumerate() {
        let none = vec!["NULL"; parameters(statement)].join(", ");
        let values = if none.is_empty() {
            none
        } else {
            format!("({none})")
        };
        let asked = [
            format!("PREPARE p{number} AS {statement};\nSELECT 'statement {number}';\n"),
            format!("EXPLAIN EXECUTE p{number}{values};\n"),
        ];
        script.extend(asked);
    }
    let plans = server.script(name, &script);
    let mut whole = Vec::new();
    let mut planned = 0;
    for plan in plans.split("statement ").skip(1) {
        let (number, plan) = plan.split_once('\n').unwrap();
        let statement = statements.iter().nth(number.parse().unwrap()).unwrap();
        planned += 1;
        if statement.contains(LIMITED) {
            continue;
        }
        for node in unconditional(plan)
            .into_iter()
            .filter(|node| !node.contains(SMALL))
        {
            whole.push(format!("{node}\n    {statement}"));
        }
    }
    assert_eq!(planned, statements.len());
    assert!(whole.is_empty(), "{}", whole.join("\n"));
}

/// Each statement about a table of ours in a log of plans, once.
fn statements(log: &str) -> BTreeSet<String> {
    let texts = log.lines().filter_map(|line| line.split_once("Query Text: "));
    let ours = |text: &&str| {
        let verb = text.split(' ').next().unwrap_or_default();
        text.contains("doorward_") && matches!(verb, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "WITH")
    };
    texts
        .map(|(_, text)| text.trim())
        .filter(ours)
        .map(ToOwned::to_owned)
        .collect()
}

/// How many values a statement takes.
fn parameters(statement: &str) -> usize {
    let numbers = statement.split('$').skip(1).filter_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// The scans of tables of ours in a plan that have no condition on an index.
fn unconditional(plan: &str) -> Vec<String> {
    let lines: Vec<&str> = plan.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((node, _)) = line.split_once("  (cost=") else {
            continue;
        };
        // The heap part of a bitmap scan has its condition in the part below.
        if node.contains(" Scan") && node.contains("doorward_") && !node.contains("Bitmap Heap Scan") {
            let mut detail = lines[at + 1..].iter().take_while(|line| !line.contains("(cost="));
            if !detail.any(|line| line.contains("Index Cond:") || line.contains("TID Cond:")) {
                found.push(node.trim().trim_start_matches("->").trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn a_scan_without_a_condition_is_seen() {
    let plan = "Limit  (cost=0.00..1.00 rows=1 width=1)\n  ->  Seq Scan on doorward_user  (cost=0.00..1.00 rows=1 width=1)\n\
                \x20       Filter: (a = 1)\n\
                Index Scan using doorward_user_pkey on doorward_user  (cost=0.00..1.00 rows=1 width=1)\n\
                \x20 Index Cond: (id = $1)\n";
    assert_eq!(unconditional(plan), ["Seq Scan on doorward_user"]);
    assert_eq!((parameters("a = $2 AND b = $11"), parameters("a")), (11, 0));
}
