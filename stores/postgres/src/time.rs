//! The server's clock, and one measurement that puts ours right by it: each new connection takes one.

use sqlx::Row as _;

use super::connection::Connection;
use super::fault::Fault;
use doorward_base::clock::{Clock as _, CorrectedClock, Timestamp};

/// The server's time.
pub(super) async fn clock(c: &mut Connection) -> Result<Timestamp, Fault> {
    let row = sqlx::raw_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        .fetch_one(c)
        .await?;
    Ok(Timestamp::from_micros(row.try_get(0)?))
}

/// Takes one measurement.
pub(super) async fn measure(c: &mut Connection, clock: &CorrectedClock) -> Result<(), Fault> {
    let before = clock.boot();
    let theirs = self::clock(c).await?;
    clock.correct(before, theirs, clock.boot());
    Ok(())
}
