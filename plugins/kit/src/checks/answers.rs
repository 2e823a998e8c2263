//! The author's own vectors.

use crate::finding::Findings;
use crate::subject::Opened;

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let played = opened.play();
    if played.cases == 0 {
        return findings.skip("no vectors for this kind");
    }
    for what in played.unexpected {
        findings.fail(what);
    }
    findings.note = format!("{} cases", played.cases);
    for (name, answer) in played.answers {
        findings.answer(format!("case {name:?}"), answer);
    }
}
