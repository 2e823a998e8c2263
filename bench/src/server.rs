//! A PostgreSQL server for the bench: one that syncs, unlike the tests'. Answers `SQL` lines until the input ends.

use std::io::{BufRead as _, Write as _};

use doorward_tests::postgres::Server;

use crate::rounds::Outcome;

pub(crate) fn serve() -> Outcome<()> {
    let server = Server::start();
    server.psql("postgres", "ALTER SYSTEM SET fsync = on");
    server.psql("postgres", "ALTER SYSTEM SET full_page_writes = on");
    server.psql("postgres", "ALTER SYSTEM SET shared_buffers = '128MB'");
    server.kill();
    server.restart();
    let url = server.database();
    let database = url.rsplit('/').next().unwrap_or_default().to_owned();
    let mut output = std::io::stdout();
    writeln!(output, "{url}")?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        let answer = server.psql(&database, &line?);
        writeln!(output, "{}", answer.replace('\n', " "))?;
        output.flush()?;
    }
    Ok(())
}
