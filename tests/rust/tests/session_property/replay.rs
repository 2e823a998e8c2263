//! One history, step by step, on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward::SignInId;

use crate::database::{Fresh, Plant};
use crate::meddle::{Meddle, Prepared};
use crate::operations::{Boundary, Fault, Forge, Operation, Pick, Wait};
use crate::reference::{Answer, GRACE, How, Micros, Presented, Reference, SECOND};
use crate::subject::{Given, Subject, Which};

/// When every history begins: 2026-01-01.
const BEGIN: Micros = 1_767_225_600 * SECOND;
/// A draw that no genuine secret comes from.
const FORGED: u64 = u64::MAX;

/// Both sides, and what the world outside holds.
struct Replay {
    reference: Reference,
    subject: Arc<Subject>,
    /// Access and refresh tokens that somebody holds, the newest last.
    access: Vec<(Presented, String)>,
    refresh: Vec<(Presented, String)>,
    /// Every token that was ever given out: one text for each, and each text for one.
    texts: BTreeMap<(Presented, bool), String>,
    distinct: BTreeSet<String>,
    tally: Tally,
}

/// How often each answer was given and agreed upon.
pub(crate) type Tally = BTreeMap<String, u32>;

/// Runs a history. The difference, if there is one.
pub(crate) fn replay(
    history: &[Operation],
    evict: bool,
    fresh: Fresh,
    plant: Option<Plant>,
) -> Result<Tally, String> {
    let mut replay = Replay {
        reference: Reference::new(BEGIN, evict),
        subject: Arc::new(Subject::new(fresh, BEGIN, evict, plant)),
        access: Vec::new(),
        refresh: Vec::new(),
        texts: BTreeMap::new(),
        distinct: BTreeSet::new(),
        tally: Tally::new(),
    };
    let mut faults: &[Fault] = &[];
    for (n, operation) in history.iter().enumerate() {
        let at = |difference: String| format!("step {n}, {operation:?}: {difference}");
        if let Operation::Fail(planned) = operation {
            faults = planned;
            continue;
        }
        // An interrupted operation has its attempts for itself.
        let around = matches!(
            operation,
            Operation::RefreshAround(..) | Operation::StepUpAround(..)
        );
        let planned = if around { &[][..] } else { faults };
        replay.subject.database().fail(planned);
        let before = replay.reference.drop_confirm;
        replay.subject.database().drop_confirm(before);
        let failed = |replay: &Replay| !planned.is_empty() && !replay.subject.database().withdraw_faults();
        replay.step(operation, planned).map_err(at)?;
        if failed(&replay) {
            faults = &[];
        }
        replay.subject.database().withdraw_faults();
        let (real, expected) = (
            replay.subject.list().map_err(|e| at(e.to_string()))?,
            replay.reference.list(),
        );
        if real != expected {
            return Err(at(format!("devices {real:?} instead of {expected:?}")));
        }
    }
    Ok(replay.tally)
}

impl Replay {
    fn step(&mut self, operation: &Operation, faults: &[Fault]) -> Result<(), String> {
        match *operation {
            Operation::BackUp => {
                self.reference.back_up();
                self.subject.database().back_up();
            }
            Operation::ChangeCredentials(keep) => {
                let keep = keep.and_then(|n| self.listed(n));
                let real = self.subject.change_credentials(self.reference.epoch(), keep);
                let expected = self.reference.change_credentials(keep);
                same(&mut self.tally, &real.map_err(text)?, &expected)?;
            }
            Operation::Create { lost, stale } => self.create(lost, stale, faults)?,
            Operation::Disable => {
                let real = self.subject.set_enabled(false);
                same(&mut self.tally, &real.map_err(text)?, &self.reference.disable())?;
            }
            Operation::DropConfirm => self.reference.drop_confirm = true,
            Operation::Enable => {
                let real = self.subject.set_enabled(true);
                same(&mut self.tally, &real.map_err(text)?, &self.reference.enable())?;
            }
            Operation::EndAll => {
                let real = self.subject.end(Which::All);
                same(&mut self.tally, &real.map_err(text)?, &self.reference.end_all())?;
            }
            Operation::EndListed(n) => {
                if let Some(id) = self.listed(n) {
                    let real = self.subject.end(Which::One(id));
                    same(
                        &mut self.tally,
                        &real.map_err(text)?,
                        &self.reference.end_listed(id),
                    )?;
                }
            }
            Operation::EndOthers(n) => {
                if let Some(id) = self.listed(n) {
                    let real = self.subject.end(Which::Others(id));
                    same(
                        &mut self.tally,
                        &real.map_err(text)?,
                        &self.reference.end_others(id),
                    )?;
                }
            }
            // The caller keeps them for the next write.
            Operation::Fail(_) => {}
            Operation::Refresh { token, lost } => self.refresh(token, lost, faults)?,
            Operation::RefreshAround(token, by) => self.refresh_around(token, by)?,
            Operation::RollBack => {
                if self.reference.roll_back() {
                    self.subject.database().roll_back().map_err(text)?;
                }
            }
            Operation::SignOut { token, access } => {
                let held = if access { &self.access } else { &self.refresh };
                if let Some((token, presented)) = picked(held, token) {
                    let mut real = self.subject.sign_out(&presented, access).map_err(text)?;
                    let expected = self.reference.sign_out(&token, access);
                    if faults.contains(&Fault::UnknownOutcome) && expected == Answer::NotLive {
                        // The second attempt finds its own end and does not ask what had expired before it.
                        real.answer = expected.clone();
                    }
                    same(&mut self.tally, &real, &expected)?;
                }
            }
            Operation::StepUp { token, full, lost } => self.step_up(token, full, lost)?,
            Operation::StepUpAround(token, by) => self.step_up_around(token, by)?,
            Operation::Validate(token) => {
                if let Some((token, presented)) = picked(&self.access, token) {
                    let (real, _) = self.subject.validate(&presented).map_err(text)?;
                    let expected = self.reference.validate(&token);
                    same(&mut self.tally, &real, &expected)?;
                    let current = token.id.and_then(|id| self.reference.current(id));
                    let accepted = matches!(expected, Answer::Accepted(_));
                    if accepted && current.is_some_and(|current| current.generation != token.generation) {
                        *self.tally.entry("accepted: previous".into()).or_default() += 1;
                    }
                }
            }
            Operation::Wait(wait) => self.wait(wait),
        }
        Ok(())
    }

    fn create(&mut self, lost: bool, stale: bool, faults: &[Fault]) -> Result<(), String> {
        let epoch = self.reference.epoch() - i64::from(stale);
        let mut real = self.subject.create(epoch).map_err(text)?;
        let expected = match (self.reference.may_create(epoch), &mut real.answer) {
            (
                Ok(mut evicted),
                Answer::Created {
                    session,
                    evicted: told,
                },
            ) => {
                // Whom the cap ended is not known to the second attempt; the list of devices shows it.
                if faults.contains(&Fault::UnknownOutcome) && told.is_empty() {
                    told.clone_from(&evicted);
                    told.sort_unstable();
                }
                evicted.sort_unstable();
                self.reference.create(session.id, evicted)
            }
            (Ok(_), other) => return Err(format!("{other:?} instead of a new session")),
            (Err(answer), _) => answer,
        };
        same(&mut self.tally, &real, &expected)?;
        self.keep(&real, lost)
    }

    fn step_up(&mut self, token: Pick, full: bool, lost: bool) -> Result<(), String> {
        let Some((token, presented)) = picked(&self.access, token) else {
            return Ok(());
        };
        let (real, session) = self.subject.validate(&presented).map_err(text)?;
        same(&mut self.tally, &real, &self.reference.validate(&token))?;
        let Some(session) = session else { return Ok(()) };
        let epoch = self.reference.epoch();
        let real = self.subject.step_up(&session, epoch, full).map_err(text)?;
        let Answer::Created { session: new, .. } = &real.answer else {
            return Err(format!("{:?} instead of a step-up", real.answer));
        };
        let expected = self.reference.step_up(session.id(), new.id, full);
        same(&mut self.tally, &real, &expected)?;
        self.keep(&real, lost)
    }

    fn refresh(&mut self, token: Pick, lost: bool, faults: &[Fault]) -> Result<(), String> {
        let Some((token, presented)) = picked(&self.refresh, token) else {
            return Ok(());
        };
        let mut real = self.subject.refresh(&presented).map_err(text)?;
        let expected = self.reference.refresh(&token);
        if let Answer::Tokens { how, .. } = &mut real.answer
            && *how == How::Repeated
            && faults.contains(&Fault::UnknownOutcome)
            && matches!(expected, Answer::Tokens { how: How::Next, .. })
        {
            // Its own exchange, whose outcome it did not learn, found again.
            *how = How::Next;
        }
        same(&mut self.tally, &real, &expected)?;
        if let Answer::Tokens { how, .. } = expected
            && real.refresh.is_some() != (how != How::Current)
        {
            return Err(format!(
                "{how:?} with a refresh token: {}",
                real.refresh.is_some()
            ));
        }
        self.keep(&real, lost)
    }

    fn refresh_around(&mut self, token: Pick, by: Meddle) -> Result<(), String> {
        let (Some((token, presented)), Some(inner)) = (picked(&self.refresh, token), self.prepare(by)) else {
            return Ok(());
        };
        let subject = self.subject.clone();
        let (mut real, met) = self.interrupted(&inner, || subject.refresh(&presented).map_err(text))?;
        self.judge_inner(&inner, met)?;
        let mut expected = self.reference.refresh(&token);
        if let (Answer::Ended(told), Answer::Ended(reason)) = (&real.answer, &mut expected)
            && (*told, *reason) == ("rollback_detected", "token_reuse")
        {
            // Read before the exchange inside, the token was of a forked history; read after it, an old one.
            self.reference.rename_end(&token, told);
            *reason = told;
        }
        if let (Answer::Tokens { session: told, .. }, Answer::Tokens { session, .. }) =
            (&mut real.answer, &expected)
        {
            // The idle end is told as it was read: the one inside may have moved it. The list of devices shows it.
            told.idle_end = told.idle_end.max(session.idle_end);
        }
        if matches!(
            (&real.answer, &expected),
            (Answer::Ended(_), Answer::SignedOut(Some(_)))
        ) {
            // Two ended the same step-up before its first use, which no store counts: both say that it was they.
            real.answer = expected.clone();
        }
        same(&mut self.tally, &real, &expected)?;
        self.keep(&real, false)
    }

    fn step_up_around(&mut self, token: Pick, by: Meddle) -> Result<(), String> {
        let (Some((token, presented)), Some(inner)) = (picked(&self.access, token), self.prepare(by)) else {
            return Ok(());
        };
        let (real, session) = self.subject.validate(&presented).map_err(text)?;
        same(&mut self.tally, &real, &self.reference.validate(&token))?;
        let Some(old) = session else { return Ok(()) };
        let (epoch, subject) = (self.reference.epoch(), self.subject.clone());
        let (real, met) = self.interrupted(&inner, || subject.step_up(&old, epoch, false).map_err(text))?;
        self.judge_inner(&inner, met)?;
        let expected = match &real.answer {
            Answer::Created { session, .. } if self.reference.may_step_up(old.id(), epoch) => {
                self.reference.step_up(old.id(), session.id, false)
            }
            _ if self.reference.may_step_up(old.id(), epoch) => return Err(format!("{:?}", real.answer)),
            _ => Answer::Refused,
        };
        same(&mut self.tally, &real, &expected)?;
        self.keep(&real, false)
    }

    /// Runs the outer operation; what the inner one gave, if there was a write to interrupt.
    fn interrupted(
        &self,
        inner: &Prepared,
        outer: impl FnOnce() -> Result<Given, String>,
    ) -> Result<(Given, Option<Given>), String> {
        let slot = Arc::new(Mutex::new(None));
        let (to, subject, inner) = (slot.clone(), self.subject.clone(), inner.clone());
        let put = move || {
            let given = inner.real(&subject);
            to.lock().expect("nobody panics under it").replace(given);
        };
        self.subject.database().interrupt(Some(Box::new(put)));
        let real = outer();
        self.subject.database().interrupt(None);
        let met = slot.lock().expect("nobody panics under it").take();
        Ok((real?, met.transpose()?))
    }

    fn judge_inner(&mut self, inner: &Prepared, met: Option<Given>) -> Result<(), String> {
        let Some(real) = met else { return Ok(()) };
        let expected = inner.expected(&mut self.reference);
        same(&mut self.tally, &real, &expected).map_err(|difference| format!("inside: {difference}"))?;
        *self.tally.entry("interrupted".into()).or_default() += 1;
        self.keep(&real, false)
    }

    fn prepare(&self, by: Meddle) -> Option<Prepared> {
        Some(match by {
            Meddle::ChangeCredentials => Prepared::ChangeCredentials(self.reference.epoch()),
            Meddle::Disable => Prepared::Disable,
            Meddle::EndAll => Prepared::EndAll,
            Meddle::Refresh(token) => {
                let (token, presented) = picked(&self.refresh, token)?;
                Prepared::Refresh(token, presented)
            }
            Meddle::SignOut(token) => {
                let (token, presented) = picked(&self.refresh, token)?;
                Prepared::SignOut(token, presented)
            }
            Meddle::Validate(token) => {
                let (token, presented) = picked(&self.access, token)?;
                Prepared::Validate(token, presented)
            }
        })
    }

    /// Each token has one text for ever, and shares it with no other; whoever got it holds it.
    fn keep(&mut self, given: &Given, lost: bool) -> Result<(), String> {
        let (Answer::Created { session, .. } | Answer::Tokens { session, .. }) = &given.answer else {
            return Ok(());
        };
        let Some(token) = self.reference.current(session.id) else {
            return Err("a session that the reference does not know".into());
        };
        for (text, is_access) in [(&given.access, true), (&given.refresh, false)] {
            let Some(text) = text else { continue };
            match self.texts.get(&(token, is_access)) {
                Some(before) if before != text => return Err(format!("two texts for {token:?}")),
                Some(_) => {}
                None => {
                    self.texts.insert((token, is_access), text.clone());
                    if !self.distinct.insert(text.clone()) {
                        return Err(format!("the text of {token:?} is another token's"));
                    }
                }
            }
            if !lost {
                let held = if is_access {
                    &mut self.access
                } else {
                    &mut self.refresh
                };
                held.retain(|(_, other)| other != text);
                held.push((token, text.clone()));
            }
        }
        Ok(())
    }

    fn wait(&mut self, wait: Wait) {
        let now = match wait {
            Wait::For(time) => self.reference.now + time,
            Wait::Step(by) => {
                self.reference.step(by);
                self.subject.step_clock(self.reference.now);
                return;
            }
            Wait::Until(boundary, back, off) => {
                let Some((token, _)) = self.access.iter().rev().nth(usize::from(back)) else {
                    return;
                };
                let Some(row) = self.reference.sign_in(token) else {
                    return;
                };
                let at = match boundary {
                    Boundary::Absolute => row.absolute_end,
                    Boundary::Access => row.access_end,
                    Boundary::Grace => row.confirmed.unwrap_or(0) + GRACE,
                    Boundary::Idle => row.idle_end,
                    Boundary::PreviousAccess => row.previous_access_end,
                };
                self.reference.now.max(at + off)
            }
        };
        self.reference.pass(now);
        self.subject.set_clock(now);
    }

    fn listed(&self, n: u8) -> Option<SignInId> {
        self.reference.list().get(usize::from(n)).map(|row| row.id)
    }
}

fn same(tally: &mut Tally, real: &Given, expected: &Answer) -> Result<(), String> {
    if real.answer != *expected {
        return Err(format!("{:?} instead of {expected:?}", real.answer));
    }
    *tally.entry(name(expected)).or_default() += 1;
    Ok(())
}

/// What kind of answer it is, for the tally.
fn name(answer: &Answer) -> String {
    match answer {
        Answer::Accepted(session) if session.elevated => "accepted: stepped up".into(),
        Answer::Accepted(_) => "accepted".into(),
        Answer::Created { evicted, .. } if evicted.is_empty() => "created".into(),
        Answer::Created { .. } => "created, another evicted".into(),
        Answer::Count(_) => "counted".into(),
        Answer::Ended(reason) => format!("ended: {reason}"),
        Answer::SignedOut(reason) => format!("signed out: {}", reason.unwrap_or("not said")),
        Answer::Tokens { how, .. } => format!("tokens: {how:?}"),
        other => format!("{other:?}"),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The token that a client presents, changed if it forges.
fn picked(held: &[(Presented, String)], pick: Pick) -> Option<(Presented, String)> {
    let (token, text) = held.iter().rev().nth(usize::from(pick.back))?;
    let (mut token, mut text) = (*token, text.clone());
    let Some(forge) = pick.forge else {
        return Some((token, text));
    };
    let (prefix, digits) = text.split_at(4);
    let mut bytes = URL_SAFE_NO_PAD.decode(digits).ok()?;
    let last = bytes.len() - 1;
    match forge {
        Forge::Family => {
            // In an access token the same place is the first half of its secret.
            bytes[20] ^= 1;
            token.family = false;
            if prefix == "dwa_" {
                token.draw = FORGED;
            }
        }
        Forge::Id => {
            bytes[15] ^= 1;
            token.id = None;
        }
        Forge::NextGeneration => {
            token.generation = token.generation.checked_add(1)?;
            token.draw = FORGED;
            bytes[16..20].copy_from_slice(&token.generation.to_be_bytes());
        }
        Forge::Secret => {
            bytes[last] ^= 1;
            token.draw = FORGED;
        }
        Forge::Text => {
            token.id = None;
            text.push('A');
            return Some((token, text));
        }
    }
    Some((token, format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
}
