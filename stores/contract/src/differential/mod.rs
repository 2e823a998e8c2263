//! The differential test: random histories of all operations of the port on several stores at once. Every answer is
//! compared, and so is all that can be read back in the end.
//!
//! Time is drawn and is also set back. A history is told by its seed and its number; what it leaves is removed, so that the
//! next one begins with nothing. Where two stores part, the history is told without the steps that it does not take.

mod answer;
mod draw;
mod finale;
mod random;
mod step;
mod world;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use doorward_base::clock::{Clock as _, SystemClock, Timestamp};

use crate::Fixture;
pub use answer::Answer;
pub use step::Step;
use world::World;

/// A store that takes part.
pub struct Engine {
    /// What it is called where stores part.
    pub name: &'static str,
    /// The store.
    pub fixture: Fixture,
    /// Whether touches wait until the store stops, and not only for the next write.
    pub has_late_touches: bool,
}

impl Engine {
    /// One that writes touches with the next write at the latest.
    pub const fn new(name: &'static str, fixture: Fixture) -> Self {
        Self {
            name,
            fixture,
            has_late_touches: false,
        }
    }

    fn ask(&self, step: &Step) -> Answer {
        step.ask(&*self.fixture.store, self.has_late_touches)
    }
}

/// Which histories.
#[derive(Clone, Debug)]
pub struct Histories {
    /// From what all of them are drawn.
    pub seed: u64,
    /// Their numbers.
    pub numbers: Range<u64>,
    /// Operations of each, before all is read back.
    pub steps: usize,
}

/// Where stores part.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The seed.
    pub seed: u64,
    /// The history.
    pub number: u64,
    /// The operations that it takes, the one whose answers differ last.
    pub steps: Vec<&'static str>,
    /// What each store answered to that one.
    pub answers: Vec<(&'static str, Answer)>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "history {} of seed {} parts:", self.number, self.seed)?;
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        for (name, answer) in &self.answers {
            writeln!(f, "{name}: {answer:?}")?;
        }
        Ok(())
    }
}

impl Histories {
    /// Runs them on the stores that `fresh` gives, by which the first one is what the others are compared with. How many
    /// operations were compared.
    ///
    /// # Errors
    /// The first place where two stores part.
    pub fn compare(&self, fresh: &dyn Fn() -> Vec<Engine>) -> Result<u64, Box<Divergence>> {
        let engines = fresh();
        // Now is in the midst of the hours, and half an hour from each: a store counts a deletion by its own clock.
        let midst = Duration::from_hours((world::HOURS / 2).into());
        let base = SystemClock.now().minus(midst + Duration::from_mins(30));
        let mut compared = 0;
        for number in self.numbers.clone() {
            let steps = self.history(number, base, &engines);
            match steps {
                Ok(steps) => compared += steps,
                Err(parted) => return Err(Box::new(self.told(number, parted, fresh))),
            }
        }
        Ok(compared)
    }

    /// The steps until the answers differ.
    fn history(&self, number: u64, base: Timestamp, engines: &[Engine]) -> Result<u64, Vec<Step>> {
        let reference = &*engines[0].fixture.store;
        let mut world = World::new(self.seed, number, base, reference);
        let mut steps = Vec::with_capacity(self.steps);
        let mut ask = |step: Step| {
            let parts = parts(&step, engines).is_some();
            steps.push(step);
            if parts {
                Err(std::mem::take(&mut steps))
            } else {
                Ok(())
            }
        };
        for _ in 0..self.steps {
            ask(world.step())?;
        }
        for step in world.finale() {
            ask(step)?;
        }
        Ok(steps.len() as u64)
    }

    /// Without the steps that it does not take.
    fn told(&self, number: u64, mut steps: Vec<Step>, fresh: &dyn Fn() -> Vec<Engine>) -> Divergence {
        let mut answers = replayed(&steps, fresh);
        let mut at = 0;
        while at + 1 < steps.len() && answers.is_some() {
            let mut fewer = steps.clone();
            fewer.remove(at);
            if let Some(parted) = replayed(&fewer, fresh) {
                fewer.truncate(parted.0 + 1);
                (steps, answers) = (fewer, Some(parted));
            } else {
                at += 1;
            }
        }
        Divergence {
            seed: self.seed,
            number,
            steps: steps.iter().map(Step::name).collect(),
            // Nothing: it parts only after what came before it.
            answers: answers.map_or_else(Vec::new, |(_, answers)| answers),
        }
    }
}

type Answers = Vec<(&'static str, Answer)>;

/// What the stores answer, where it differs.
fn parts(step: &Step, engines: &[Engine]) -> Option<Answers> {
    let answers: Answers = (engines.iter())
        .map(|engine| (engine.name, engine.ask(step)))
        .collect();
    let differs = answers.iter().any(|(_, answer)| *answer != answers[0].1);
    differs.then_some(answers)
}

/// The first of these steps at which fresh stores part.
fn replayed(steps: &[Step], fresh: &dyn Fn() -> Vec<Engine>) -> Option<(usize, Answers)> {
    let engines = fresh();
    let mut steps = steps.iter().enumerate();
    steps.find_map(|(at, step)| parts(step, &engines).map(|answers| (at, answers)))
}
