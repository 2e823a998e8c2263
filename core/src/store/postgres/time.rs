//! Keeps our clock right by the server's: measured with each connection, each minute, and when a step of the wall clock asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::connection::Connection;
use super::fault::Fault;
use super::operation::Asked;
use super::pool::Pool;
use super::upkeep;
use crate::clock::{Clock as _, CorrectedClock};

/// How old a measurement gets.
const EVERY: Duration = Duration::from_mins(1);

/// Takes one measurement.
pub(super) async fn measure(c: &mut Connection, clock: &CorrectedClock) -> Result<(), Fault> {
    let before = clock.boot();
    let theirs = upkeep::clock(c).await?;
    clock.correct(before, theirs, clock.boot());
    Ok(())
}

/// Measures until the runtime ends.
pub(super) async fn keep_right(clock: Arc<CorrectedClock>, pool: &Arc<Pool>) {
    loop {
        // Err: nothing asked for a whole minute.
        drop(timeout(EVERY, clock.asked()).await);
        let asked = Asked::now(Arc::clone(pool), None);
        let measured = asked.read(&*clock, |c, clock| Box::pin(measure(c, clock))).await;
        if let Err(error) = measured {
            tracing::debug!(%error, "the database's clock was not measured: the next connection does it");
        }
    }
}
