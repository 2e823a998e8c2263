//! Playing the author's cases.

use std::collections::BTreeMap;

use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, StoredRecord};
use serde_json::{Map, Value};

use crate::driver::{Asker, Reply, Seen};
use crate::exchange::{Exchange, THEN};
use crate::kind_view::KindView;
use crate::vectors::{Given, VectorCase, Vectors, meets, value};

/// What came of the cases.
#[derive(Default)]
pub(crate) struct Played {
    pub(crate) exchanges: Vec<Exchange>,
    /// Answers that their author did not expect.
    pub(crate) unexpected: Vec<String>,
    /// Each case with all its answers.
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) cases: usize,
}

/// A user's record, with the handle under which it is found.
#[derive(Clone, Debug)]
struct Kept {
    record: StoredRecord,
    handle: Option<Vec<u8>>,
}

/// What a case leaves behind: for those that name it.
#[derive(Clone, Debug, Default)]
struct After {
    records: Vec<Kept>,
    challenge: Vec<(String, Vec<u8>)>,
    shown: Vec<(String, Vec<u8>)>,
    delivered: Vec<(String, Vec<u8>)>,
}

impl After {
    /// What the answer gave stands from now on, and what earlier ones gave under other names: a step that is denied gives
    /// nothing, and takes nothing back.
    fn answered(&mut self, reply: &Reply) {
        let lists = [
            (&mut self.challenge, &reply.challenge),
            (&mut self.shown, &reply.show_once),
            (&mut self.delivered, &reply.delivered),
        ];
        for (standing, new) in lists {
            standing.retain(|(name, _)| new.iter().all(|(newer, _)| newer != name));
            standing.extend(new.iter().cloned());
        }
    }
}

/// Plays the cases that are for this kind.
pub(crate) fn play(
    asker: &dyn Asker,
    vectors: &Vectors,
    conditions: Conditions,
    about_to: &mut dyn FnMut(&str),
) -> Played {
    asker.forget();
    let mut played = Played::default();
    let mut kept: BTreeMap<String, After> = BTreeMap::new();
    let is_ours = vectors
        .kind
        .as_ref()
        .is_none_or(|kind| *kind == asker.view().name);
    for case in vectors.cases.iter().filter(|_| is_ours) {
        about_to(&format!("case {:?}", case.name));
        let mut script = Player {
            asker,
            conditions,
            case,
            said: Vec::new(),
            exchanges: Vec::new(),
        };
        let outcome = script.play(&kept);
        played.cases += 1;
        played.answers.push((case.name.clone(), script.said.join(", ")));
        match outcome {
            Ok(after) => {
                kept.insert(case.name.clone(), after);
            }
            Err(why) => played.unexpected.push(format!("case {:?}: {why}", case.name)),
        }
        played.exchanges.append(&mut script.exchanges);
    }
    asker.set_clock(THEN);
    played
}

struct Player<'a> {
    asker: &'a dyn Asker,
    conditions: Conditions,
    case: &'a VectorCase,
    said: Vec<String>,
    exchanges: Vec<Exchange>,
}

impl Player<'_> {
    fn play(&mut self, kept: &BTreeMap<String, After>) -> Result<After, String> {
        let view = self.asker.view();
        let number = self.case.number()?;
        let mut at = self.case.at.unwrap_or(THEN);
        if number == abi::OP_NORMALIZE {
            return self.normalize(at).map(|()| After::default());
        }
        let before = self.before(kept)?;
        let given = Given {
            challenge: &before.challenge,
            shown: &before.shown,
            delivered: &before.delivered,
        };
        let mut records = before.records.clone();
        let purpose = match number {
            abi::OP_ENROLL => abi::FOR_ENROLL,
            abi::OP_UPDATE => abi::FOR_UPDATE,
            _ => abi::FOR_VERIFY,
        };
        let mut ask = Ask::new(number, purpose);
        if self.case.decoy {
            ask = ask.decoy();
            records.clear();
        }
        self.identify(&mut ask, at);
        ask.credentials = values(view, purpose, 0, &self.case.credentials, given)?;
        if purpose == abi::FOR_UPDATE {
            let new = &self.case.new_credentials;
            ask.new_credentials = values(view, abi::FOR_UPDATE_NEW, 0, new, given)?;
        }
        let mut reply = self.ask(&mut ask, &records, at)?;
        let mut expected = (self.case.expect.as_str(), self.case.reason.as_deref());
        let mut number_of_step = 0;
        let mut standing = before;
        for (at_step, step) in self.case.steps.iter().enumerate() {
            self.judge(&reply, expected)?;
            let denied = matches!(reply.seen, Seen::Denied(_)) && ask.operation == abi::OP_STEP;
            if reply.seen != Seen::Continue && !denied {
                return Err(format!("{} answered, so no step can follow", reply.seen.text()));
            }
            // A denied step is repeated: same number, same state.
            if !denied {
                number_of_step += 1;
                ask.state = reply.state.clone().unwrap_or_default();
            }
            at = step.at.unwrap_or(at);
            (ask.operation, ask.step) = (abi::OP_STEP, number_of_step);
            ask.resolved.clear();
            standing.answered(&reply);
            let given = Given {
                challenge: &standing.challenge,
                shown: &standing.shown,
                delivered: &standing.delivered,
            };
            ask.credentials = values(view, purpose, number_of_step, &step.credentials, given)
                .map_err(|why| format!("step {}: {why}", at_step + 1))?;
            ask.new_credentials.clear();
            reply = self.ask(&mut ask, &records, at)?;
            expected = (step.expect.as_str(), step.reason.as_deref());
        }
        self.judge(&reply, expected)?;
        store(&mut records, view, &ask, &reply);
        standing.answered(&reply);
        Ok(After { records, ..standing })
    }

    fn judge(&self, reply: &Reply, (expect, reason): (&str, Option<&str>)) -> Result<(), String> {
        if meets(reply.seen, expect, reason) {
            return Ok(());
        }
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let message = match reply.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        let step = match self.said.len() {
            0 | 1 => String::new(),
            more => format!(" at step {}", more - 1),
        };
        Err(format!(
            "expected {expect}{reason}{step}, the plugin answers {}{message}",
            reply.seen.text()
        ))
    }

    fn normalize(&mut self, at: i64) -> Result<(), String> {
        let mut ask = Ask::normalize(&self.case.identifier);
        let reply = self.put(&mut ask, at);
        self.judge(&reply, (&self.case.expect, self.case.reason.as_deref()))?;
        match (&self.case.canonical, &reply.identifier) {
            (Some(expected), given) if given.as_deref() != Some(expected.as_bytes()) => Err(format!(
                "expected the canonical form {expected:?}, the plugin answers {:?}",
                String::from_utf8_lossy(given.as_deref().unwrap_or_default())
            )),
            _ => Ok(()),
        }
    }

    /// Who it is about.
    fn identify(&self, ask: &mut Ask, at: i64) {
        let view = self.asker.view();
        let name = match self.case.identifier.as_str() {
            "" => "somebody",
            name => name,
        };
        ask.display = name.into();
        if view.source != abi::SOURCE_GIVEN {
            return;
        }
        ask.identifier_raw = name.into();
        ask.identifier = name.into();
        if view.has(abi::OP_NORMALIZE) {
            self.asker.set_clock(at);
            let reply = self.asker.ask(&Ask::normalize(name), Conditions::default());
            ask.identifier = reply.identifier.unwrap_or_else(|| name.into());
        }
    }

    /// What the case begins with.
    fn before(&self, kept: &BTreeMap<String, After>) -> Result<After, String> {
        let bytes = match &self.case.record {
            None => return Ok(After::default()),
            Some(Value::String(earlier)) => {
                return kept
                    .get(earlier)
                    .cloned()
                    .ok_or_else(|| format!("record: no earlier case {earlier:?} went well"));
            }
            Some(given) => value("record", given, Given::NOTHING)?,
        };
        let record = StoredRecord {
            id: [1; 16],
            format: self.asker.view().record_version,
            version: 1,
            bytes,
            label: String::new(),
        };
        Ok(After {
            records: vec![Kept { record, handle: None }],
            ..After::default()
        })
    }

    /// Asks, and once more where the answer names a record.
    fn ask(&mut self, ask: &mut Ask, records: &[Kept], at: i64) -> Result<Reply, String> {
        let finds = self.asker.view().source == abi::SOURCE_FOUND && ask.purpose == abi::FOR_VERIFY;
        if finds {
            ask.subject.clear();
            ask.records.clear();
        } else {
            ask.records = records.iter().map(|kept| kept.record.clone()).collect();
        }
        let reply = self.put(ask, at);
        if reply.seen != Seen::Resolve {
            return Ok(reply);
        }
        let handle = reply.handle.ok_or("it resolves without a handle")?;
        let named = records
            .iter()
            .find(|kept| kept.handle.is_none() || kept.handle.as_deref() == Some(&handle));
        ask.subject = Ask::verify().subject;
        ask.resolved = handle;
        match named {
            Some(kept) => ask.records = vec![kept.record.clone()],
            None => ask.flags |= abi::RF_DECOY,
        }
        Ok(self.put(ask, at))
    }

    fn put(&mut self, ask: &mut Ask, at: i64) -> Reply {
        self.asker.set_clock(at);
        let reply = self.asker.ask(ask, self.conditions);
        self.said.push(reply.seen.text());
        self.exchanges.push(Exchange {
            case: self.case.name.clone(),
            at,
            ask: ask.clone(),
            reply: reply.clone(),
        });
        reply
    }
}

/// The declared fields that are given, and empty ones for those that must not be absent: as the host passes them.
fn values(
    view: &KindView,
    purpose: u32,
    step: u32,
    given: &Map<String, Value>,
    earlier: Given<'_>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let declared: Vec<_> = view.fields_at(purpose, step).collect();
    if let Some((unknown, _)) = given
        .iter()
        .find(|(name, _)| declared.iter().all(|field| field.name != **name))
    {
        return Err(format!("the kind asks for no {unknown:?} here"));
    }
    let mut values = Vec::new();
    for field in declared {
        match given.get(&field.name) {
            Some(wanted) => {
                let bytes = value(&field.name, wanted, earlier)?;
                if bytes.len() > field.max_len {
                    return Err(format!(
                        "{} has {} bytes, the kind takes {}",
                        field.name,
                        bytes.len(),
                        field.max_len
                    ));
                }
                values.push((field.name.clone(), bytes));
            }
            None if !field.optional => values.push((field.name.clone(), Vec::new())),
            None => {}
        }
    }
    Ok(values)
}

/// Stores what an accepted answer put, as the host does.
fn store(records: &mut Vec<Kept>, view: &KindView, ask: &Ask, reply: &Reply) {
    let Some((replaces, bytes)) = reply.record.as_ref().filter(|_| reply.accepted()) else {
        return;
    };
    if let Some(kept) = records.iter_mut().find(|kept| Some(kept.record.id) == *replaces) {
        kept.record.version += 1;
        kept.record.format = view.record_version;
        kept.record.bytes.clone_from(bytes);
        return;
    }
    if !view.is(abi::SEVERAL_RECORDS) || ask.purpose == abi::FOR_UPDATE {
        records.clear();
    }
    let mut id = [0; 16];
    id[0] = u8::try_from(records.len()).unwrap_or(u8::MAX);
    id[15] = 1;
    records.push(Kept {
        record: StoredRecord {
            id,
            format: view.record_version,
            version: 1,
            bytes: bytes.clone(),
            label: reply.label.clone().unwrap_or_default(),
        },
        handle: reply.handle.clone(),
    });
}
