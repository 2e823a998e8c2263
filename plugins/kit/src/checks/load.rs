//! Mapping, the entry and `load` leave no trace.

use doorward_plugin_testing::{Object, TestHost};

use crate::finding::Findings;
use crate::process::Snapshot;
use crate::subject::Subject;

pub(crate) fn check(subject: &mut Subject, findings: &mut Findings) {
    // What the dynamic linker and this process do themselves the first time is done before the first look.
    let host = TestHost::new();
    let before = Snapshot::take();
    subject.crumb.about_to("map the file: its constructors");
    let object = match Object::map(&subject.path) {
        Ok(object) => object,
        Err(why) => {
            return findings.fail(format!(
                "it cannot be mapped with all its symbols resolved: {why}"
            ));
        }
    };
    let mapped = Snapshot::take();
    compare(findings, "mapping the file", &before, &mapped);
    subject.crumb.about_to("call the entry");
    let (first, second) = (object.module(), object.module());
    let called = Snapshot::take();
    compare(findings, "its entry", &mapped, &called);
    let (Some(first), Some(second)) = (first, second) else {
        return findings.fail("its entry returns NULL");
    };
    findings.demand(std::ptr::eq(first, second), || {
        "its entry returns another address each time".into()
    });
    subject.crumb.about_to("call load");
    match host.take(first) {
        Ok(_) => compare(findings, "its load", &called, &Snapshot::take()),
        Err(refused) if refused.was_called => {
            findings.fail(format!("a host that has everything: {}", refused.message));
        }
        // Of its declarations `abi` tells.
        Err(_) => {}
    }
    findings.note = "nothing in the process changed".into();
}

fn compare(findings: &mut Findings, what: &str, before: &Snapshot, after: &Snapshot) {
    for change in before.changes(after) {
        findings.fail(format!("{what} changed the process: {change}"));
    }
}
