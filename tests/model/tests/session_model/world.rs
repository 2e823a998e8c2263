//! Who acts and what is where: two tabs on one cookie jar, a thief, two server processes, one database.

use crate::protocol::{Answer, GRACE, OLD, Plan, Row, Token};

/// The two rows that can exist: the first sign-in and its step-up.
pub(crate) type Rows = [Option<Row>; 2];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    End,
    Refresh,
    StepUp,
    Validate,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Sent, or begun again.
    Asked,
    /// The row was read; the write is still to come.
    Planned(Plan),
    /// The answer is on its way.
    Answered(Answer),
}

/// A request under way. It is over before it is `GRACE` old: delivered or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) kind: Kind,
    pub(crate) token: Token,
    pub(crate) stage: Stage,
    /// Ticks since it was sent.
    pub(crate) sent: u8,
    /// Ticks since it entered the server: the age of its `now`, kept through every retry.
    pub(crate) entered: Option<u8>,
    pub(crate) attempts: u8,
    /// Sign-ins whose end was acknowledged before it entered.
    pub(crate) after_end: [bool; 2],
    /// It presents a generation whose successor was accepted at least a grace ago: the sign-in has to end.
    pub(crate) is_replay: bool,
}

/// A first acceptance in a server's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Touch {
    pub(crate) row: u8,
    pub(crate) generation: u8,
    pub(crate) age: u8,
}

/// Refresh and access cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Jar {
    pub(crate) refresh: Option<Token>,
    pub(crate) access: Option<Token>,
}

impl Jar {
    pub(crate) fn both(token: Token) -> Self {
        Self {
            refresh: Some(token),
            access: Some(token),
        }
    }

    pub(crate) fn take(&mut self, token: Token, refresh_cookie: bool) {
        self.access = Some(token);
        if refresh_cookie {
            self.refresh = Some(token);
        }
    }
}

/// How many times each thing may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) exchanges: u8,
    pub(crate) thefts: u8,
    pub(crate) step_ups: u8,
    pub(crate) ends: u8,
    pub(crate) crashes: u8,
    pub(crate) rollbacks: u8,
    /// Writes whose outcome the server does not learn, or that the database rolls back.
    pub(crate) faults: u8,
}

/// What happened so far, as far as the invariants ask. No server reads it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each set once and never taken back"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct History {
    /// The age of the current generation's first acceptance, per sign-in.
    pub(crate) accepted: [Option<u8>; 2],
    /// Acknowledged ends that the database has not forgotten.
    pub(crate) end_acknowledged: [bool; 2],
    /// Secrets drawn per sign-in, in every history of the database.
    pub(crate) drawn: [u8; 2],
    pub(crate) thief_acted: bool,
    pub(crate) end_wanted: bool,
    pub(crate) rolled_back: bool,
    /// A late reply of the first sign-in wrote over the cookies of its step-up: the documented limit "a browser that
    /// loses its last cookie write looks like a thief", met within one round trip.
    pub(crate) step_up_overwritten: bool,
    pub(crate) seen: Seen,
    pub(crate) violated: Option<Violation>,
}

/// Things that a model worth its name reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) lost_reply_healed: bool,
    pub(crate) step_up_used: bool,
}

/// The invariants of the issue, by what breaks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Violation {
    AcceptedAfterEnd,
    Elevated,
    HonestSignedOut,
    ReplayUnnoticed,
    TwoSuccessors,
}

pub(crate) const TAB_A: usize = 0;
pub(crate) const TAB_B: usize = 1;
pub(crate) const THIEF: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) rows: Rows,
    pub(crate) backup: Option<Rows>,
    pub(crate) jar: Jar,
    pub(crate) loot: Jar,
    pub(crate) flights: [Option<Flight>; 3],
    /// One queue per server process; tab A and the thief talk to the first, tab B to the second.
    pub(crate) queues: [Option<Touch>; 2],
    pub(crate) budget: Budget,
    pub(crate) history: History,
}

impl World {
    /// A person has just signed in.
    pub(crate) fn new(budget: Budget) -> Self {
        let row = Row::new(Some(0), false);
        Self {
            rows: [Some(row), None],
            backup: None,
            jar: Jar::both(row.token(0)),
            loot: Jar::default(),
            flights: [None; 3],
            queues: [None; 2],
            budget,
            history: History {
                accepted: [Some(0), None],
                ..History::default()
            },
        }
    }

    pub(crate) fn server_of(client: usize) -> usize {
        usize::from(client == TAB_B)
    }

    pub(crate) fn row(&self, token: Token) -> Option<Row> {
        self.rows[usize::from(token.row)]
    }

    /// Time may not pass while a request, or a queued touch, would grow as old as the grace.
    pub(crate) fn may_tick(&self) -> bool {
        let flights = self.flights.iter().flatten().map(|flight| flight.sent);
        let touches = self.queues.iter().flatten().map(|touch| touch.age);
        flights.chain(touches).all(|age| age + 1 < GRACE)
    }

    pub(crate) fn tick(&mut self) {
        let older = |age: &mut u8| *age = (*age + 1).min(OLD);
        for flight in self.flights.iter_mut().flatten() {
            older(&mut flight.sent);
            flight.entered.as_mut().map(older);
        }
        self.queues
            .iter_mut()
            .flatten()
            .for_each(|touch| older(&mut touch.age));
        for rows in [Some(&mut self.rows), self.backup.as_mut()].into_iter().flatten() {
            rows.iter_mut()
                .flatten()
                .filter_map(|row| row.confirmed.as_mut())
                .for_each(older);
        }
        self.history.accepted.iter_mut().flatten().for_each(older);
    }

    /// The write of a queue: nobody waits for it, so it changes nothing unless the generation is still current.
    pub(crate) fn flush(&mut self, server: usize) {
        if let Some(touch) = self.queues[server].take()
            && let Some(row) = &mut self.rows[usize::from(touch.row)]
            && row.generation == touch.generation
            && row.ended.is_none()
        {
            let n = usize::from(touch.row);
            confirm(row, &mut self.history.accepted[n], touch.age);
        }
    }

    /// A process dies with its queue and with the requests that it has begun. What the dropped touch would have said
    /// is as if it had never been accepted: the next use says it again.
    pub(crate) fn crash(&mut self, server: usize) {
        for client in [TAB_A, TAB_B, THIEF] {
            let begun = self.flights[client].is_some_and(|flight| flight.stage != Stage::Asked);
            if begun && Self::server_of(client) == server {
                self.flights[client] = None;
            }
        }
        if let Some(lost) = self.queues[server].take()
            && self.queues[1 - server]
                .is_none_or(|other| other.row != lost.row || other.generation != lost.generation)
            && let Some(row) = self.rows[usize::from(lost.row)]
            && row.generation == lost.generation
            && row.confirmed.is_none()
        {
            self.history.accepted[usize::from(lost.row)] = None;
        }
    }

    pub(crate) fn roll_back(&mut self) {
        let Some(rows) = self.backup.take() else { return };
        self.rows = rows;
        self.history.rolled_back = true;
        for (n, row) in rows.iter().enumerate() {
            self.history.accepted[n] = row.and_then(|row| row.confirmed);
            self.history.end_acknowledged[n] &= row.is_some_and(|row| row.ended.is_some());
        }
        for flight in self.flights.iter_mut().flatten() {
            flight.is_replay = false;
            flight.after_end = [false; 2];
        }
    }
}

/// The first write wins, and from its time on the grace counts: of two acceptances in two queues that may be the
/// later one, by less than a queue's delay.
pub(crate) fn confirm(row: &mut Row, accepted: &mut Option<u8>, now: u8) {
    if row.confirmed.is_none() {
        row.confirmed = Some(now);
        *accepted = Some(now);
    }
}
