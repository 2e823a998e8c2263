//! Rounds: `WHAT COUNT CALLERS` on a line in, nanoseconds on a line out. Every program of the bench speaks this.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What one round is to do.
#[derive(Clone, Copy)]
pub(crate) struct Round<'a> {
    pub(crate) what: &'a str,
    /// How many operations in all.
    pub(crate) count: usize,
    /// How many threads share them.
    pub(crate) callers: usize,
}

/// Works when told to, until the input ends.
pub(crate) fn serve(mut work: impl FnMut(Round<'_>) -> Outcome<Duration>) -> Outcome<()> {
    let mut output = std::io::stdout();
    writeln!(output, "ready")?;
    output.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let (Some(what), Some(count), Some(callers)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("a round is WHAT COUNT CALLERS, not {line:?}").into());
        };
        let (count, callers) = (count.parse()?, callers.parse()?);
        let spent = work(Round { what, count, callers })?;
        writeln!(output, "{}", spent.as_nanos())?;
        output.flush()?;
    }
    Ok(())
}

/// Does the operations 0 to count, spread over the callers. The time from the moment when all are ready to the last
/// answer.
pub(crate) fn timed(round: Round<'_>, work: impl Fn(usize) -> Outcome<()> + Sync) -> Outcome<Duration> {
    if round.callers <= 1 {
        let began_at = SystemClock.monotonic();
        (0..round.count).try_for_each(work)?;
        return Ok(SystemClock.monotonic().saturating_sub(began_at));
    }
    let ready = Barrier::new(round.callers + 1);
    let (ready, work) = (&ready, &work);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..round.callers)
            .map(|caller| {
                scope.spawn(move || {
                    ready.wait();
                    (caller..round.count).step_by(round.callers).try_for_each(work)
                })
            })
            .collect();
        ready.wait();
        let began_at = SystemClock.monotonic();
        for caller in callers {
            caller.join().map_err(|_| "a caller panicked")??;
        }
        Ok(SystemClock.monotonic().saturating_sub(began_at))
    })
}

/// The time that 99 of 100 operations do not exceed.
pub(crate) fn slow_end(round: Round<'_>, work: impl Fn(usize) -> Outcome<()> + Sync) -> Outcome<Duration> {
    let times = Mutex::new(Vec::with_capacity(round.count));
    timed(round, |n| {
        let began_at = SystemClock.monotonic();
        work(n)?;
        let took = SystemClock.monotonic().saturating_sub(began_at);
        times.lock().map_err(|_| "a caller panicked")?.push(took);
        Ok(())
    })?;
    let mut times = times.into_inner()?;
    times.sort_unstable();
    Ok(times
        .get(times.len() * 99 / 100)
        .copied()
        .ok_or("a round of nothing")?)
}
