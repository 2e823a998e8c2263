//! What a server does with a request: it reads the row, decides, writes under a condition, answers.

use crate::protocol::{self, ATTEMPTS, Answer, EndReason, GRACE, Plan, Row, Token, Validated};
use crate::world::{self, Flight, Kind, Stage, Touch, Violation, World};
use crate::{Bug, Scene};

/// What a server learns of its own write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    Acknowledged,
    /// Deadlock or serialization: it did not happen.
    RolledBack,
    /// It happened, and the connection was lost before the answer.
    Unknown,
}

impl Scene {
    /// Steps 1 to 6 on the row as it is now; `now` is taken at the first entry.
    pub(crate) fn read(self, world: &mut World, client: usize) {
        let Some(mut flight) = world.flights[client] else {
            return;
        };
        let n = usize::from(flight.token.row);
        let row = world.rows[n];
        if flight.entered.is_none() {
            flight.entered = Some(0);
            flight.after_end = world.history.end_acknowledged;
        }
        let now = flight.entered.unwrap_or(0);
        let successor_is_old = row.is_some_and(|row| flight.token.generation < row.generation)
            && world.history.accepted[n].is_some_and(|accepted| accepted >= GRACE + now);
        let plan = match flight.kind {
            Kind::End => Plan::End(EndReason::Wanted),
            Kind::Refresh => {
                flight.is_replay |= successor_is_old && row.is_some_and(|row| row.ended.is_none());
                protocol::refresh(row, flight.token, now, self.bug)
            }
            Kind::StepUp | Kind::Validate => {
                let found = protocol::validate(row, flight.token, now, self.bug);
                if let Validated::Accepted { confirm } = found {
                    if successor_is_old {
                        world.history.violated = Some(Violation::ReplayUnnoticed);
                    }
                    accept(world, &flight);
                    if confirm {
                        queue(world, World::server_of(client), flight.token, now);
                    }
                }
                match (found, flight.kind) {
                    (Validated::Accepted { .. }, Kind::StepUp) => Plan::Insert,
                    (Validated::ConfirmFirst, Kind::Validate) => Plan::Confirm,
                    // A validation has no cookies to set: its answer is over with the read.
                    _ => {
                        world.flights[client] = None;
                        return;
                    }
                }
            }
        };
        flight.stage = match plan {
            Plan::Answer(answer) => {
                world.flights[client] = Some(flight);
                answered(world, client, answer);
                return;
            }
            plan => Stage::Planned(plan),
        };
        world.flights[client] = Some(flight);
    }

    /// The conditional write of a plan, and what the server makes of its outcome.
    pub(crate) fn write(self, world: &mut World, client: usize, commit: Commit) {
        let Some(flight) = world.flights[client] else {
            return;
        };
        let Stage::Planned(plan) = flight.stage else {
            return;
        };
        if commit != Commit::Acknowledged {
            world.budget.faults -= 1;
        }
        let answer = match commit {
            Commit::RolledBack => None,
            Commit::Acknowledged | Commit::Unknown => self.apply(world, &flight, plan),
        };
        match answer.filter(|_| commit == Commit::Acknowledged) {
            Some(answer) => answered(world, client, answer),
            None if plan == Plan::Advance && self.bug == Some(Bug::LoserClearsCookies) => {
                answered(world, client, Answer::Cleared);
            }
            None if flight.attempts + 1 == ATTEMPTS => answered(world, client, Answer::Unavailable),
            None => {
                world.flights[client] = Some(Flight {
                    stage: Stage::Asked,
                    attempts: flight.attempts + 1,
                    ..flight
                });
            }
        }
    }

    /// Some(answer): the caller's write was the one that counted. `None`: no row was affected.
    fn apply(self, world: &mut World, flight: &Flight, plan: Plan) -> Option<Answer> {
        let n = usize::from(flight.token.row);
        let now = flight.entered.unwrap_or(0);
        let row = world.rows[n];
        match plan {
            Plan::Answer(answer) => Some(answer),
            Plan::Advance => {
                let row = row.filter(|row| row.ended.is_none())?;
                if row.token(flight.token.row) != flight.token && self.bug != Some(Bug::NoCompareAndSwap) {
                    return None;
                }
                world.history.drawn[n] += 1;
                if flight.token.generation < row.generation {
                    world.history.violated = Some(Violation::TwoSuccessors);
                }
                let next = Row {
                    generation: flight.token.generation + 1,
                    current: world.history.drawn[n],
                    previous: Some(flight.token.secret),
                    confirmed: None,
                    ..row
                };
                world.rows[n] = Some(next);
                world.history.accepted[n] = None;
                Some(Answer::Session {
                    token: next.token(flight.token.row),
                    refresh_cookie: true,
                })
            }
            Plan::Redraw => {
                let row = row.filter(|row| row.ended.is_none())?;
                world.history.drawn[n] += 1;
                world.history.violated = Some(Violation::TwoSuccessors);
                world.rows[n] = Some(Row {
                    current: world.history.drawn[n],
                    ..row
                });
                None
            }
            Plan::Extend { current, confirm } => {
                let live =
                    row.is_some_and(|row| row.ended.is_none() || self.bug == Some(Bug::AcceptAfterEnd));
                if row?.token(flight.token.row) != current || !live {
                    return None;
                }
                if confirm {
                    self.confirm(world, flight.token.row, now);
                }
                world.history.seen.lost_reply_healed |= !confirm;
                Some(Answer::Session {
                    token: current,
                    refresh_cookie: !confirm,
                })
            }
            Plan::Confirm => {
                if row?.ended.is_some() || row?.token(flight.token.row) != flight.token {
                    return None;
                }
                self.confirm(world, flight.token.row, now);
                accept(world, flight);
                // A validation sets no cookies; `Unavailable` changes none either.
                Some(Answer::Unavailable)
            }
            Plan::End(reason) => {
                row?;
                self.end(world, flight.token.row, reason);
                Some(if reason == EndReason::Wanted {
                    Answer::Cleared
                } else {
                    Answer::SignedOut
                })
            }
            Plan::Insert => {
                // Only under a first sign-in that is still live: what ends it also ends its step-ups, so a step-up
                // that came a moment later must not outlive it.
                let old = row?;
                if world.rows[1].is_none() {
                    if old.ended.is_some() && self.bug != Some(Bug::StepUpOutlivesEnd) {
                        return Some(Answer::SignedOut);
                    }
                    world.rows[1] = Some(Row::new(None, true));
                }
                if self.bug == Some(Bug::StepUpElevatesOld)
                    && let Some(old) = &mut world.rows[n]
                {
                    old.elevated = true;
                }
                let new = world.rows[1].filter(|row| row.ended.is_none());
                // The children of an ended sign-in are ended with it.
                if new.is_some() && world.history.end_acknowledged[0] {
                    world.history.violated = Some(Violation::AcceptedAfterEnd);
                }
                Some(new.map_or(Answer::SignedOut, |new| Answer::Session {
                    token: new.token(1),
                    refresh_cookie: true,
                }))
            }
        }
    }

    /// First acceptance; the first use of a step-up ends what it replaces in the same write.
    fn confirm(self, world: &mut World, n: u8, now: u8) {
        let Some(row) = &mut world.rows[usize::from(n)] else {
            return;
        };
        let first_use = row.is_pending();
        world::confirm(row, &mut world.history.accepted[usize::from(n)], now);
        if first_use {
            world.history.seen.step_up_used = true;
            self.end(world, 0, EndReason::Superseded);
        }
    }

    /// Ends a sign-in and, in the same transaction, the unconfirmed one that replaces it. Whoever signs out with a
    /// step-up that was never used signs out of what it replaces as well.
    pub(crate) fn end(self, world: &mut World, n: u8, reason: EndReason) {
        let pending = world.rows[1].is_some_and(|row| row.is_pending());
        let both =
            pending && (n == 0 || self.bug != Some(Bug::PendingEndsAlone)) && reason != EndReason::Superseded;
        for m in 0..2 {
            if (m == n || both)
                && let Some(row) = &mut world.rows[usize::from(m)]
            {
                row.ended.get_or_insert(reason);
                if self.bug != Some(Bug::AcceptAfterEnd) {
                    // Every hash is cleared; no draw of the model reaches this number.
                    row.current = u8::MAX;
                    row.previous = None;
                }
            }
        }
        let history = &mut world.history;
        history.end_acknowledged[usize::from(n)] = true;
        // The person asked for the device's end, and knows of one sign-in only.
        if pending && reason != EndReason::Superseded {
            history.end_acknowledged = [true; 2];
        }
    }
}

/// The answer is made. A replay that was answered without ending the sign-in is what must never be.
fn answered(world: &mut World, client: usize, answer: Answer) {
    let Some(mut flight) = world.flights[client] else {
        return;
    };
    if matches!(answer, Answer::Session { .. }) && flight.kind == Kind::Refresh {
        accept(world, &flight);
    }
    let ended = world.row(flight.token).is_none_or(|row| row.ended.is_some());
    if flight.is_replay && !ended && answer != Answer::Unavailable {
        world.history.violated = Some(Violation::ReplayUnnoticed);
    }
    flight.stage = Stage::Answered(answer);
    world.flights[client] = Some(flight);
}

/// A token is accepted: not after an acknowledged end, and with no more factors than it was given with.
fn accept(world: &mut World, flight: &Flight) {
    let n = usize::from(flight.token.row);
    if flight.after_end[n] {
        world.history.violated = Some(Violation::AcceptedAfterEnd);
    }
    if flight.token.row == 0 && world.rows[n].is_some_and(|row| row.elevated) {
        world.history.violated = Some(Violation::Elevated);
    }
}

/// Puts a first acceptance into the server's queue: merged per generation, dropped when full.
fn queue(world: &mut World, server: usize, token: Token, now: u8) {
    let touch = Touch {
        row: token.row,
        generation: token.generation,
        age: now,
    };
    let full =
        world.queues[server].is_some_and(|held| held.row != touch.row || held.generation > touch.generation);
    if full {
        return;
    }
    if world.queues[server].is_none_or(|held| held.generation < touch.generation) {
        world.queues[server] = Some(touch);
    }
    world.history.accepted[usize::from(token.row)].get_or_insert(now);
}
