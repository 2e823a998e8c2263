//! One step of the world: a request is sent, read, written, answered or lost; time passes; things break.

use stateright::Model;

use crate::Scene;
use crate::protocol::{Answer, EndReason, Plan, Token};
use crate::server::Commit;
use crate::world::{Flight, Jar, Kind, Stage, TAB_A, TAB_B, THIEF, Violation, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Backup,
    Crash(usize),
    Deliver(usize),
    EndByOwner(u8),
    Flush(usize),
    /// The reply, or the request itself, is lost for ever.
    Lose(usize),
    Read(usize),
    RollBack,
    Send(usize, Kind),
    Steal,
    Tick,
    Write(usize, Commit),
}

impl Model for Scene {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.budget)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        // A counter-example is complete; what follows it is of no interest.
        if world.history.violated.is_some() {
            return;
        }
        for client in [TAB_A, TAB_B, THIEF] {
            match world.flights[client] {
                None => actions.extend(sends(world, client)),
                Some(flight) => {
                    match flight.stage {
                        Stage::Asked => actions.push(Action::Read(client)),
                        Stage::Planned(plan) => {
                            actions.push(Action::Write(client, Commit::Acknowledged));
                            if world.budget.faults > 0 && plan != Plan::Confirm {
                                actions.push(Action::Write(client, Commit::Unknown));
                                actions.push(Action::Write(client, Commit::RolledBack));
                            }
                        }
                        Stage::Answered(_) => actions.push(Action::Deliver(client)),
                    }
                    // A thief who loses a reply, or a request not yet read, is a thief who does nothing.
                    if client != THIEF && flight.stage != Stage::Asked {
                        actions.push(Action::Lose(client));
                    }
                }
            }
        }
        if world.may_tick() {
            actions.push(Action::Tick);
        }
        for server in 0..2 {
            if world.queues[server].is_some() {
                actions.push(Action::Flush(server));
            }
            if world.budget.crashes > 0 {
                actions.push(Action::Crash(server));
            }
        }
        if world.budget.thefts > 0 && world.jar.refresh.is_some() {
            actions.push(Action::Steal);
        }
        if world.budget.ends > 0 {
            for n in 0..2 {
                if world.rows[usize::from(n)].is_some_and(|row| row.ended.is_none() && !row.is_pending()) {
                    actions.push(Action::EndByOwner(n));
                }
            }
        }
        if world.budget.rollbacks > 0 {
            actions.push(match world.backup {
                None => Action::Backup,
                Some(_) => Action::RollBack,
            });
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        match action {
            Action::Backup => world.backup = Some(world.rows),
            Action::Crash(server) => {
                world.budget.crashes -= 1;
                world.crash(server);
            }
            Action::Deliver(client) => deliver(&mut world, client),
            Action::EndByOwner(n) => {
                world.budget.ends -= 1;
                world.history.end_wanted = true;
                self.end(&mut world, n, EndReason::Wanted);
            }
            Action::Flush(server) => world.flush(server),
            Action::Lose(client) => world.flights[client] = None,
            Action::Read(client) => self.read(&mut world, client),
            Action::RollBack => {
                world.budget.rollbacks -= 1;
                world.roll_back();
            }
            Action::Send(client, kind) => send(&mut world, client, kind),
            Action::Steal => {
                world.budget.thefts -= 1;
                world.loot = world.jar;
            }
            Action::Tick => world.tick(),
            Action::Write(client, commit) => self.write(&mut world, client, commit),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        crate::properties()
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.history.drawn.iter().sum::<u8>() <= self.budget.exchanges
    }
}

/// The token that a client presents for this.
fn presented(world: &World, client: usize, kind: Kind) -> Option<Token> {
    let jar = if client == THIEF { world.loot } else { world.jar };
    match kind {
        Kind::End | Kind::Refresh => jar.refresh,
        Kind::StepUp | Kind::Validate => jar.access,
    }
}

/// Tab A does everything, tab B and the thief what needs no person.
fn sends(world: &World, client: usize) -> impl Iterator<Item = Action> {
    let kinds = [
        (Kind::Refresh, true),
        (Kind::Validate, true),
        (Kind::End, client == TAB_A && world.budget.ends > 0),
        (Kind::StepUp, client == TAB_A && world.budget.step_ups > 0),
    ];
    kinds
        .into_iter()
        .filter(move |(kind, may)| *may && presented(world, client, *kind).is_some())
        .map(move |(kind, _)| Action::Send(client, kind))
}

fn send(world: &mut World, client: usize, kind: Kind) {
    let Some(token) = presented(world, client, kind) else {
        return;
    };
    match kind {
        Kind::End => world.budget.ends -= 1,
        Kind::StepUp => world.budget.step_ups -= 1,
        Kind::Refresh | Kind::Validate => {}
    }
    world.history.thief_acted |= client == THIEF;
    world.history.end_wanted |= kind == Kind::End;
    world.flights[client] = Some(Flight {
        kind,
        token,
        stage: Stage::Asked,
        sent: 0,
        entered: None,
        attempts: 0,
        after_end: [false; 2],
        is_replay: false,
    });
}

/// The reply reaches the browser. Only here the cookies change.
fn deliver(world: &mut World, client: usize) {
    let Some(flight) = world.flights[client].take() else {
        return;
    };
    let Stage::Answered(answer) = flight.stage else {
        return;
    };
    if client == THIEF {
        if let Answer::Session {
            token,
            refresh_cookie,
        } = answer
        {
            world.loot.take(token, refresh_cookie);
        }
        return;
    }
    let history = &mut world.history;
    let excused =
        history.thief_acted || history.end_wanted || history.rolled_back || history.step_up_overwritten;
    match answer {
        Answer::Session {
            token,
            refresh_cookie,
        } => {
            let newer = world.jar.refresh.is_some_and(|held| held.row > token.row);
            history.step_up_overwritten |= newer && refresh_cookie;
            world.jar.take(token, refresh_cookie);
        }
        Answer::Cleared => {
            world.jar = Jar::default();
            if !excused {
                history.violated = Some(Violation::HonestSignedOut);
            }
        }
        // Refused with what the jar still holds: trying again would be refused again.
        Answer::SignedOut if flight.kind == Kind::Refresh && world.jar.refresh == Some(flight.token) => {
            if !excused {
                history.violated = Some(Violation::HonestSignedOut);
            }
        }
        Answer::SignedOut | Answer::Unavailable => {}
    }
}
