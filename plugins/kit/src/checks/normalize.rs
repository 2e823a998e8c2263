//! `normalize` is a pure function.

use std::time::Duration;

use doorward_base::clock::{Clock, SystemClock};
use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions};

use crate::driver::{Asker, Reply, Seen};
use crate::finding::Findings;
use crate::subject::Opened;

/// What people, their systems and their enemies type.
const CORPUS: &[&[u8]] = &[
    b"ann",
    b"Ann",
    b" ann ",
    b"ANN@EXAMPLE.COM",
    b"ann@example.com",
    b"ann+tag@example.com",
    b"ann.lee",
    b"0",
    b"007",
    b"+49 30 901820",
    b"a",
    b"\0",
    b"ann\0lee",
    b"ann\nlee",
    b"ann\tlee",
    b"\x7f",
    b"' OR 1=1 --",
    b"../../etc/passwd",
    b"%00",
    b"ann%20lee",
    "zoë".as_bytes(),        // composed
    "zoe\u{308}".as_bytes(), // decomposed
    "ZOË".as_bytes(),
    "İstanbul".as_bytes(), // lower case depends on the locale, and grows
    "ISTANBUL".as_bytes(),
    "ıi".as_bytes(),
    "straße".as_bytes(),
    "STRASSE".as_bytes(),
    "Σίσυφος".as_bytes(), // two small sigmas
    "ＡＮＮ".as_bytes(),  // full width
    "ﬁn".as_bytes(),      // a ligature
    "①②③".as_bytes(),
    "٠١٢٣".as_bytes(), // Arabic digits
    "а".as_bytes(),    // Cyrillic, looks Latin
    "раураl".as_bytes(),
    "ann\u{200d}lee".as_bytes(), // zero width joiner
    "ann\u{200b}".as_bytes(),
    "\u{feff}ann".as_bytes(),
    "\u{202e}nna".as_bytes(), // right to left override
    "\u{2066}ann\u{2069}".as_bytes(),
    "שלום".as_bytes(),
    "👩\u{200d}💻".as_bytes(),
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}".as_bytes(),
    "\u{fdfa}".as_bytes(), // grows eighteenfold under NFKC
    b"\xff",
    b"\xc3",
    b"ann\xc3\x28",
    b"\xc0\x80",         // an overlong NUL
    b"\xed\xa0\x80",     // a surrogate
    b"\xf4\x90\x80\x80", // beyond Unicode
];

/// Host functions that a pure function may use.
const PURE: [&str; 11] = [
    "base64url_decode",
    "base64url_encode",
    "ct_equal",
    "hmac_sha256",
    "identifier",
    "log",
    "message",
    "sha256",
    "verdict",
    "violation",
    "wipe",
];
const REPEATS: usize = 20;
const THREADS: usize = 4;
/// What one call may take (the header: "runs on the caller's thread"); a busy machine makes it a warning only.
const BUDGET: Duration = Duration::from_millis(1);

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    if !opened.view().has(abi::OP_NORMALIZE) {
        return findings.skip("the kind has no normalize");
    }
    let most = abi::limit::IDENTIFIER;
    let mut corpus: Vec<Vec<u8>> = CORPUS.iter().map(|input| input.to_vec()).collect();
    corpus.extend([
        vec![b'a'; most],
        vec![b'.'; most],
        "ß".repeat(most / 2).into_bytes(),
    ]);
    let mut times = Vec::new();
    for input in &corpus {
        opened.about_to(&format!("normalize {}", shown(input)));
        one(&*opened.asker, input, findings, &mut times);
    }
    // The host passes neither of these on; in a loop they must do no harm all the same.
    for input in [Vec::new(), vec![b'a'; most + 1]] {
        opened.about_to(&format!("normalize {} bytes", input.len()));
        let reply = normalize(&*opened.asker, &input);
        let wrote = reply.identifier.as_ref().map_or(0, Vec::len);
        findings.demand(wrote <= most, || {
            format!("{} bytes become {wrote}: at most {most}", input.len())
        });
    }
    in_threads(&*opened.asker, &corpus, findings);
    times.sort_unstable();
    let slow = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    if slow > BUDGET && opened.subject.mode == crate::mode::Mode::InProcess {
        findings.warn(format!(
            "one of a hundred calls takes {slow:?}; {BUDGET:?} is the budget"
        ));
    }
    findings.note = format!("{} identifiers", corpus.len());
}

fn one(asker: &dyn Asker, input: &[u8], findings: &mut Findings, times: &mut Vec<Duration>) {
    let first = normalize(asker, input);
    findings.answer(shown(input), answer(&first));
    for _ in 0..REPEATS {
        let begun = SystemClock.monotonic();
        let again = normalize(asker, input);
        times.push(SystemClock.monotonic().saturating_sub(begun));
        findings.demand(answer(&again) == answer(&first), || {
            format!(
                "{} becomes {} the first time and {} later",
                shown(input),
                answer(&first),
                answer(&again)
            )
        });
    }
    let impure = first.host_calls.iter().find(|call| !PURE.contains(*call));
    if let Some(call) = impure {
        findings.fail(format!("normalizing {} calls the host's {call}", shown(input)));
    }
    match (&first.seen, &first.identifier) {
        (Seen::Accepted, Some(canonical)) => {
            let again = normalize(asker, canonical);
            findings.demand(again.identifier.as_ref() == Some(canonical), || {
                format!(
                    "{} becomes {}, which becomes {}: an answer must be its own canonical form",
                    shown(input),
                    shown(canonical),
                    answer(&again)
                )
            });
        }
        (Seen::Accepted, None) => findings.fail(format!("{} becomes nothing", shown(input))),
        (Seen::Denied(abi::INVALID_INPUT), _) => {}
        (Seen::Fault, _) => findings.fail(format!(
            "normalizing {} breaks the contract{}",
            shown(input),
            if first.message.is_empty() {
                String::new()
            } else {
                format!(": {}", first.message)
            }
        )),
        (seen, _) => findings.demand(matches!(seen, Seen::Denied(_)), || {
            format!(
                "{} is answered with {}: ACCEPT, or DENY with INVALID_INPUT",
                shown(input),
                seen.text()
            )
        }),
    }
}

fn in_threads(asker: &dyn Asker, corpus: &[Vec<u8>], findings: &mut Findings) {
    let round = || -> Vec<String> {
        corpus
            .iter()
            .map(|input| answer(&normalize(asker, input)))
            .collect()
    };
    let alone = round();
    let together: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(round)).collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    });
    for answers in together {
        let differs = corpus.iter().zip(alone.iter().zip(&answers));
        for (input, (one, other)) in differs.filter(|(_, (one, other))| one != other) {
            findings.fail(format!(
                "{} becomes {one} alone and {other} while other threads ask",
                shown(input)
            ));
        }
    }
}

fn normalize(asker: &dyn Asker, input: &[u8]) -> Reply {
    let mut ask = Ask::normalize("");
    ask.identifier_raw = input.to_vec();
    asker.ask(&ask, Conditions::default())
}

fn answer(reply: &Reply) -> String {
    match &reply.identifier {
        Some(canonical) if reply.accepted() => shown(canonical),
        _ => reply.seen.text(),
    }
}

/// An input, readable and bounded.
fn shown(bytes: &[u8]) -> String {
    let start: Vec<u8> = bytes.iter().take(24).copied().collect();
    let more = if bytes.len() > 24 {
        format!("… ({} bytes)", bytes.len())
    } else {
        String::new()
    };
    format!("\"{}\"{more}", start.escape_ascii())
}
