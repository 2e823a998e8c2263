//! Whatever the world sends, as the host passes it on.

use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use crate::driver::Seen;
use crate::exchange::{Exchange, THEN, operation};
use crate::finding::Findings;
use crate::kind_view::KindView;
use crate::mode::Mode;
use crate::randomness::Dice;
use crate::spoiled;
use crate::subject::Opened;

const QUESTIONS: usize = 3000;
const QUESTIONS_ISOLATED: usize = 1000;
/// In a shorter field a random value may be the right one.
const LEAST_TO_GUESS: usize = 5;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let seed = opened.subject.seed;
    let mut dice = Dice::of(seed);
    let view = opened.view().clone();
    let mut bases: Vec<(i64, Ask)> = opened
        .play()
        .exchanges
        .into_iter()
        .map(|Exchange { at, ask, .. }| (at, ask))
        .collect();
    bases.extend(blanks(&view).into_iter().map(|ask| (THEN, ask)));
    let questions = match opened.subject.mode {
        Mode::InProcess => QUESTIONS,
        Mode::Isolated => QUESTIONS_ISOLATED,
    };
    for number in 0..questions {
        let Some((at, base)) = dice.one_of(&bases) else {
            break;
        };
        let (ask, guessed) = Fuzzer {
            view: &view,
            dice: &mut dice,
        }
        .question(base);
        let what = format!("question {number} of --seed {seed}: {}", shape(&ask));
        opened.about_to(&what);
        opened.asker.set_clock(*at);
        let reply = opened.ask(&ask);
        findings.demand(reply.seen != Seen::Fault, || {
            let message = if reply.message.is_empty() {
                String::new()
            } else {
                format!(": {}", reply.message)
            };
            format!("{what}: {}{message}", reply.seen.text())
        });
        let verifies = ask.purpose == abi::FOR_VERIFY && view.is(abi::KEEPS_RECORDS);
        findings.demand(!(guessed && verifies && reply.accepted()), || {
            format!("{what}: accepted")
        });
    }
    findings.note = format!("{questions} questions of --seed {seed}");
}

/// Each operation with nothing in it.
fn blanks(view: &KindView) -> Vec<Ask> {
    let mut blanks = Vec::new();
    for (number, purpose) in [
        (abi::OP_NORMALIZE, 0),
        (abi::OP_ENROLL, abi::FOR_ENROLL),
        (abi::OP_VERIFY, abi::FOR_VERIFY),
        (abi::OP_UPDATE, abi::FOR_UPDATE),
        (abi::OP_STEP, abi::FOR_ENROLL),
        (abi::OP_STEP, abi::FOR_VERIFY),
        (abi::OP_DESCRIBE, 0),
    ] {
        if !view.has(number) {
            continue;
        }
        let mut ask = Ask::new(number, purpose);
        ask.step = u32::from(number == abi::OP_STEP);
        let fields = view.fields_at(purpose, ask.step);
        ask.credentials = fields.map(|field| (field.name.clone(), Vec::new())).collect();
        if purpose == abi::FOR_UPDATE {
            let fields = view.fields_at(abi::FOR_UPDATE_NEW, 0);
            ask.new_credentials = fields.map(|field| (field.name.clone(), Vec::new())).collect();
        }
        if view.is(abi::KEEPS_RECORDS) {
            ask.records = Ask::verify().records;
        }
        blanks.push(ask);
    }
    blanks
}

/// What the question is, in a line.
fn shape(ask: &Ask) -> String {
    let fields: Vec<String> = ask
        .credentials
        .iter()
        .map(|(name, value)| format!("{name} of {} bytes", value.len()))
        .collect();
    let records: Vec<usize> = ask.records.iter().map(|record| record.bytes.len()).collect();
    format!(
        "{}, {}; records of {records:?} bytes, state of {}, identifier of {}",
        operation(ask),
        fields.join(", "),
        ask.state.len(),
        ask.identifier_raw.len()
    )
}

struct Fuzzer<'a> {
    view: &'a KindView,
    dice: &'a mut Dice,
}

impl Fuzzer<'_> {
    /// A question made of `base`; whether all its secrets are guesses, long enough to be wrong.
    fn question(&mut self, base: &Ask) -> (Ask, bool) {
        let mut ask = base.clone();
        let mut guessed = !ask.credentials.is_empty();
        let fields: Vec<_> = self.view.fields_at(ask.purpose, ask.step).cloned().collect();
        for (name, value) in &mut ask.credentials {
            let field = fields.iter().find(|field| field.name == *name);
            let most = field.map_or(0, |field| field.max_len);
            let (new, replaced) = self.value(value, most);
            // The first bytes of a long secret that is all of one kind can be right by chance, others not.
            let is_guess = replaced && new != *value && (new.is_empty() || new.len() >= LEAST_TO_GUESS);
            if field.is_none_or(|field| field.secret) {
                guessed &= is_guess;
            }
            *value = new;
        }
        for (name, value) in &mut ask.new_credentials {
            let fields = self.view.fields_at(abi::FOR_UPDATE_NEW, 0);
            let most = fields
                .filter(|field| field.name == *name)
                .map(|field| field.max_len)
                .max();
            *value = self.value(value, most.unwrap_or(0)).0;
        }
        for record in &mut ask.records {
            record.bytes = self.value(&record.bytes, self.view.max_record).0;
        }
        if self.dice.below(8) == 0 {
            ask.records.clear();
        }
        if ask.operation == abi::OP_STEP {
            ask.state = self.value(&ask.state, self.view.max_state).0;
        }
        if self.view.source == abi::SOURCE_GIVEN || ask.operation == abi::OP_NORMALIZE {
            ask.identifier_raw = self.value(&ask.identifier_raw, abi::limit::IDENTIFIER).0;
            if ask.operation == abi::OP_NORMALIZE && ask.identifier_raw.is_empty() {
                ask.identifier_raw.push(b'x');
            }
        }
        ask.agent = self.value(b"Mozilla/5.0", 256).0;
        ask.address = self.value(b"192.0.2.1", 45).0;
        if ask.operation == abi::OP_VERIFY && self.dice.below(6) == 0 {
            ask = ask.decoy();
            ask.records.clear();
        }
        (ask, guessed)
    }

    /// Another value of at most `most` bytes, and whether nothing of the old one is in it.
    fn value(&mut self, old: &[u8], most: usize) -> (Vec<u8>, bool) {
        let mut new = old.to_vec();
        let replaced = match self.dice.below(9) {
            0 | 1 => false,
            2 => {
                new.clear();
                true
            }
            3 => {
                let len = self.dice.below(most.min(512) + 1);
                new = self.dice.bytes(len);
                true
            }
            4 => {
                new = vec![self.dice.byte(); most];
                true
            }
            5 => {
                let bytes = spoiled::flipped(old, old.len().max(1), self.dice);
                new = self.dice.one_of(&bytes).cloned().unwrap_or_default();
                false
            }
            6 => {
                new.truncate(self.dice.below(old.len() + 1));
                false
            }
            7 => {
                let at = self.dice.below(new.len() + 1);
                let interesting: [&[u8]; 6] =
                    [b"\0", b"\xff\xff\xff\xff", b"%n", b"\"", "é".as_bytes(), b"{}"];
                let more = self.dice.one_of(&interesting).copied().unwrap_or_default();
                new.splice(at..at, more.iter().copied());
                false
            }
            _ => {
                new.extend_from_slice(old);
                false
            }
        };
        new.truncate(most);
        (new, replaced)
    }
}
