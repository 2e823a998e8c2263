//! Measures the server's clock again: each minute, and when a step of the wall clock asks.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::operation::Asked;
use super::pool::Pool;
use super::time::measure;
use doorward_base::clock::CorrectedClock;

/// How old a measurement gets.
const EVERY: Duration = Duration::from_mins(1);

/// Measures until the runtime ends.
pub(super) async fn keep_right(clock: Arc<CorrectedClock>, pool: &Arc<Pool>) {
    let again = || {
        let (clock, asked) = (Arc::clone(&clock), Asked::now(Arc::clone(pool), None));
        async move {
            let measured = asked.read(&*clock, |c, clock| Box::pin(measure(c, clock))).await;
            if let Err(error) = measured {
                tracing::debug!(%error, "the database's clock was not measured: the next connection does it");
            }
        }
    };
    repeat(EVERY, &clock, again).await;
}

/// Measures whenever so much time has passed, and when the clock asks.
async fn repeat<F: Future<Output = ()>>(every: Duration, clock: &CorrectedClock, measure: impl Fn() -> F) {
    loop {
        // Err: nothing asked all that time.
        drop(timeout(every, clock.asked()).await);
        measure().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use doorward_base::clock::{Clock as _, ManualClock, Timestamp};

    const DAY: Duration = Duration::from_hours(24);
    /// Reached only where nothing is measured.
    const PATIENCE: Duration = Duration::from_mins(2);

    /// Tells of each measurement.
    fn repeated(every: Duration, clock: &Arc<CorrectedClock>) -> (Runtime, Receiver<()>) {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let (tell, hear) = channel();
        let clock = Arc::clone(clock);
        runtime.spawn(async move {
            repeat(every, &clock, || async { tell.send(()).unwrap_or_default() }).await;
        });
        (runtime, hear)
    }

    #[test]
    fn the_offset_is_measured_again_and_again_though_nothing_asks() {
        let clock = Arc::new(CorrectedClock::new(Arc::new(ManualClock::new(
            Timestamp::from_micros(0),
        ))));
        let (runtime, measured) = repeated(Duration::from_millis(1), &clock);
        for _ in 0..3 {
            measured.recv_timeout(PATIENCE).unwrap();
        }
        runtime.shutdown_background();
        assert_eq!(EVERY, Duration::from_mins(1));
    }

    #[test]
    fn a_step_of_the_wall_clock_is_measured_at_once() {
        let wall = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
        let clock = Arc::new(CorrectedClock::new(wall.clone()));
        let (runtime, measured) = repeated(DAY, &clock);
        for _ in 0..2 {
            wall.step(wall.now().plus(DAY));
            clock.now();
            measured.recv_timeout(PATIENCE).unwrap();
            assert!(measured.try_recv().is_err(), "once");
        }
        runtime.shutdown_background();
    }
}
