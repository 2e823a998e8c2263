//! The file, before anything of it runs.

use crate::finding::Findings;
use crate::subject::Subject;

pub(crate) fn check(subject: &mut Subject, findings: &mut Findings) {
    match doorward_runtime::examine(&subject.path) {
        Ok(_) => findings.note = "exports its entry and nothing else".into(),
        Err(error) => findings.fail(error.message()),
    }
}
