//! What a party has and does not use at once: a flow, a proof, a session, a token, a claim. Each is good in its time only,
//! and whatever ends it meanwhile ends it for good.

use std::cell::Cell;
use std::time::Duration;

use doorward::clock::Clock as _;
use doorward::{FlowHandle, Outcome, Proof, Session, SessionOptions, Timestamp, TokenPurpose};

use crate::user::Methods;
use crate::world::{Came, Party, World, is_accepted, run};

/// What can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a code to an address proved, to be linked.
    Claim,
    /// A sign-in after its first step.
    Flow,
    Proof,
    /// The link of a recovery.
    Recovery,
    Session,
    /// The link of a verification.
    Verification,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Claim,
        Self::Flow,
        Self::Proof,
        Self::Recovery,
        Self::Session,
        Self::Verification,
    ];

    /// How long it is good, as `docs/configuration.md` and the pages of the operations have it.
    const fn lifetime(self) -> Duration {
        match self {
            Self::Claim | Self::Flow | Self::Proof => Duration::from_mins(10),
            Self::Recovery => Duration::from_hours(1),
            Self::Verification => Duration::from_hours(24),
            // Without use; in any case `ABSOLUTE`.
            Self::Session => Duration::from_hours(14 * 24),
        }
    }
}

const ABSOLUTE: Duration = Duration::from_hours(90 * 24);
const ACCESS: Duration = Duration::from_hours(8);
/// How old a factor may be for a sensitive operation.
const FRESH: Duration = Duration::from_mins(10);

/// What was used while it was good, and what when it was not any more.
#[derive(Default)]
pub(crate) struct Seen {
    in_time: Cell<u32>,
    late: Cell<u32>,
}

impl Seen {
    pub(crate) fn in_time(&self) -> u32 {
        self.in_time.get()
    }

    pub(crate) fn late(&self) -> u32 {
        self.late.get()
    }
}

enum Thing {
    Claim(Vec<u8>),
    /// With the code that it asks for, if it asks for one, and what is proved by then.
    Flow(FlowHandle, Option<Vec<u8>>, Methods),
    Proof(Box<Proof>),
    /// With the time at which its tokens were made.
    Session(Box<Session>, Timestamp),
    Token(Vec<u8>),
}

pub(crate) struct Held {
    kind: Kind,
    of: Party,
    /// The address that it went to.
    at: usize,
    thing: Thing,
    made: Timestamp,
    /// When it was good last.
    good: Timestamp,
}

impl World<'_> {
    fn now(&self) -> Timestamp {
        self.stage.clock.now()
    }

    /// Gets something and does nothing with it.
    pub(crate) fn keep(&mut self, by: Party, kind: Kind, at: usize) -> bool {
        let thing = match kind {
            Kind::Claim => self
                .proof(by)
                .and_then(|proof| self.claim(&proof, "mail", at, by))
                .map(Thing::Claim),
            Kind::Flow => self.begun(by),
            Kind::Proof => self.proof(by).map(Thing::Proof),
            Kind::Recovery => self
                .token(by, TokenPurpose::Recovery, "email", at, None)
                .map(Thing::Token),
            Kind::Session => self.proof(by).and_then(|proof| self.session(&proof)),
            Kind::Verification => self
                .token(by, TokenPurpose::Verify, "email", at, None)
                .map(Thing::Token),
        };
        let Some(thing) = thing else { return false };
        let now = self.now();
        self.held.push(Held {
            kind,
            of: by,
            at,
            thing,
            made: now,
            good: now,
        });
        true
    }

    fn proof(&mut self, by: Party) -> Option<Box<Proof>> {
        match self.enter(by) {
            Came::In(proof, _) => Some(proof),
            _ => None,
        }
    }

    fn session(&self, proof: &Proof) -> Option<Thing> {
        let made = run(self.auth.create_session(proof, SessionOptions::default()));
        let session = made.ok()?.require().ok()?;
        Some(Thing::Session(Box::new(session), self.now()))
    }

    /// A sign-in of which something is left to prove.
    fn begun(&self, by: Party) -> Option<Thing> {
        self.starts(by).find_map(|(start, at)| {
            let answer = self.begin(by, start, at)?;
            let coded = matches!(start, "mail" | "code");
            let Outcome::Continue(flow) = answer.outcome else {
                return None;
            };
            let code = coded.then(|| self.mailed(by, at, "code"));
            Some(Thing::Flow(flow, code.flatten(), Self::set(start, at)))
        })
    }

    /// The actor's, of before an issuer said something else of its account: whom that lets in is the issuer's.
    pub(crate) fn forget(&mut self, of: Party) {
        self.held.retain(|held| held.of != of);
    }

    /// Uses the newest of a kind, or else the newest of all; whether it was good.
    pub(crate) fn use_newest(&mut self, by: Party, kind: Kind) -> bool {
        let kinds: Vec<Kind> = self
            .held
            .iter()
            .rev()
            .filter(|held| held.of == by)
            .map(|held| held.kind)
            .collect();
        let wanted = kinds.iter().find(|one| **one == kind).or(kinds.first());
        wanted.is_some_and(|kind| self.use_kept(by, *kind))
    }

    /// Uses the newest of a kind; whether it was good.
    fn use_kept(&mut self, by: Party, kind: Kind) -> bool {
        let newest = self
            .held
            .iter()
            .rposition(|held| held.of == by && held.kind == kind);
        let Some(at) = newest else { return false };
        // What is presented twice is there to be presented again: but for what the core takes by value.
        let mut held = self.held.remove(at);
        let (now, until) = (self.now(), held.good.plus(kind.lifetime()));
        let over = now > until || (kind == Kind::Session && now > held.made.plus(ABSOLUTE));
        let good = self.present(by, &mut held, over);
        let seen = &self.stage.seen;
        let counter = if over { &seen.late } else { &seen.in_time };
        counter.set(counter.get() + u32::from(over || good));
        if over && good {
            self.late = Some(format!("{kind:?} of {:?}, now {now:?}", held.made));
        }
        if good && kind == Kind::Session {
            held.good = now;
        }
        self.held.push(held);
        good
    }

    /// What a party keeps that opens the account.
    pub(crate) fn opens_with(&mut self, by: Party) -> Option<&'static str> {
        [
            (Kind::Flow, "a flow"),
            (Kind::Proof, "a proof"),
            (Kind::Session, "a session"),
        ]
        .into_iter()
        .find_map(|(kind, name)| self.use_kept(by, kind).then_some(name))
    }

    /// Presents it; whether it was good. `over`: its time is, so that nothing of it may be.
    fn present(&mut self, by: Party, held: &mut Held, over: bool) -> bool {
        let address = held.at;
        match (&mut held.thing, held.kind) {
            (Thing::Claim(claim), _) => {
                // A link wants a fresh proof besides.
                let Some(proof) = self.proof(by) else { return false };
                is_accepted(run(self.auth.link_claim(&proof, claim)))
            }
            (Thing::Flow(flow, code, proved), _) => {
                let (code, proved) = (code.clone(), *proved);
                self.go_on(by, flow, code, proved, over)
            }
            (Thing::Proof(proof), _) => self.session(proof).is_some(),
            (Thing::Session(session, issued), _) => self.is_good(session, issued, held.made),
            (Thing::Token(token), Kind::Recovery) => self.recover_with(by, token, "email", address),
            (Thing::Token(token), _) => is_accepted(run(self.auth.consume_token(token, None))),
        }
    }

    fn go_on(
        &mut self,
        by: Party,
        flow: &FlowHandle,
        code: Option<Vec<u8>>,
        proved: Methods,
        over: bool,
    ) -> bool {
        let answer = match code.map(String::from_utf8) {
            Some(code) => {
                let with = doorward::Fields::from([("code", code.unwrap_or_default())]);
                run(self.auth.continue_flow(flow.token().expose(), None, with)).ok()
            }
            None => flow
                .next()
                .first()
                .and_then(|next| self.prove(by, flow, &next.provider))
                .map(|(answer, _)| answer),
        };
        let Some(answer) = answer else { return false };
        if over && matches!(answer.outcome, Outcome::Continue(_)) {
            return true;
        }
        matches!(self.finish(by, answer, proved, 0), Some(Came::In(..)))
    }

    /// True while a session is good: by its access token, in its time, or by its refresh token, which then makes another.
    fn is_good(&mut self, session: &mut Session, issued: &mut Timestamp, made: Timestamp) -> bool {
        let text = |token: Option<&doorward::Secret>| token.map(|token| token.expose().to_vec());
        let (Some(access), Some(refresh)) = (text(session.access_token()), text(session.refresh_token()))
        else {
            return false;
        };
        let now = self.now();
        let valid = is_accepted(run(self.auth.validate_session(&access)));
        if valid && now > made.plus(ABSOLUTE).min(issued.plus(ACCESS)) {
            self.late = Some(format!("an access token of {issued:?}, now {now:?}"));
        }
        let refreshed = run(self.auth.refresh_session(&refresh));
        let Some(next) = refreshed.ok().and_then(|answer| answer.require().ok()) else {
            return valid;
        };
        // Whoever is signed in is not for that the owner: what is sensitive wants a fresh proof.
        let stale = run(self.auth.session_proof(&next))
            .ok()
            .filter(|_| now >= made.plus(FRESH));
        if let Some(proof) = stale {
            let begun = run(self.auth.begin_enrollment("totp", None, Some(&proof)));
            if begun.is_ok_and(|answer| matches!(answer.outcome, Outcome::Continue(_))) {
                self.late = Some(format!("a session's proof of {made:?}, now {now:?}"));
            }
        }
        (*session, *issued) = (next, now);
        true
    }
}
