//! Declarations, and hosts of other versions.

use doorward_base::error::ErrorKind;
use doorward_plugin::abi;
use doorward_plugin_testing::{Ask, Conditions, Object, TestHost};
use doorward_runtime::{Kinds, PoolSettings, Services};

use crate::driver::{Direct, Loaded as _};
use crate::finding::Findings;
use crate::subject::{Opened, Subject};

/// Extension ids that no version has, one of them an id that exists with more behind it.
const UNKNOWN: [&str; 4] = [
    "",
    "org.example.nobody-has-this/1",
    "doorward.plugin.migrate/1x",
    "doorward.plugin.secrets/99",
];

/// The declarations, as the core reads them.
pub(crate) fn declarations(subject: &mut Subject, findings: &mut Findings) {
    subject.crumb.about_to("read the declarations");
    let object = match Object::map(&subject.path) {
        Ok(object) => object,
        Err(why) => return findings.skip(format!("it cannot be mapped: {why}")),
    };
    let flags = object.module().map_or(0, |module| module.flags);
    let isolation = match subject.isolation() {
        Ok(isolation) => (flags & abi::MODULE_ISOLATED != 0).then_some(isolation),
        Err(why) => return findings.skip(why),
    };
    let settings = subject.settings(isolation);
    let loaded = Kinds::load(&[settings], &[], Services::system(), PoolSettings::for_machine());
    match loaded {
        // The file itself, and its load, are the business of others.
        Err(error)
            if error.kind() == ErrorKind::PluginRefused
                && doorward_runtime::examine(&subject.path).is_ok()
                && !error.message().contains(" did not load: ") =>
        {
            findings.fail(error.message());
        }
        _ => {}
    }
    for id in UNKNOWN {
        subject.crumb.about_to(&format!("ask for the extension {id:?}"));
        findings.demand(!object.offers(id), || {
            format!(
                "it offers an extension {id:?}, which does not exist: answer NULL to what you do not know"
            )
        });
    }
    findings.note = "the host takes its declarations".into();
}

/// A host of version 1.0.
pub(crate) fn old_host(opened: &mut Opened<'_>, findings: &mut Findings) {
    findings.note = play(opened, findings, "a host of version 1.0");
}

/// A host of a later version.
pub(crate) fn new_host(opened: &mut Opened<'_>, findings: &mut Findings) {
    findings.note = play(opened, findings, "a later host");
}

/// Everything that the author expects, and something of each operation.
fn play(opened: &mut Opened<'_>, findings: &mut Findings, host: &str) -> String {
    let played = opened.play();
    for what in played.unexpected {
        findings.fail(format!("with {host}: {what}"));
    }
    blank_questions(opened);
    format!("{} cases with {host}", played.cases)
}

/// Each operation with nothing in it: whatever is answered, it is answered.
fn blank_questions(opened: &mut Opened<'_>) {
    for (number, purpose) in [
        (abi::OP_ENROLL, abi::FOR_ENROLL),
        (abi::OP_VERIFY, abi::FOR_VERIFY),
        (abi::OP_UPDATE, abi::FOR_UPDATE),
        (abi::OP_DESCRIBE, 0),
        (abi::OP_HEALTH, 0),
    ] {
        let ask = Ask::new(number, purpose);
        opened.about_to(crate::exchange::operation(&ask));
        opened.ask(&ask);
    }
}

/// A host without extensions.
pub(crate) fn bare_host(subject: &mut Subject, findings: &mut Findings) {
    subject.crumb.about_to("load into a host without extensions");
    let direct = match Direct::load(&subject.path, TestHost::bare()) {
        Ok(direct) => direct,
        Err(why) => {
            findings.note = why;
            return;
        }
    };
    // It is loaded: so it must do without, or say at each question that it cannot.
    for kind in direct.kinds() {
        subject
            .crumb
            .about_to(&format!("open {:?} without extensions", kind.name));
        let opened = direct.open(&kind.name, "checked", &subject.options, Conditions::default());
        let Ok(asker) = opened else { continue };
        let vectors = subject.vectors.clone();
        let crumb = &mut subject.crumb;
        crate::player::play(&*asker, &vectors, Conditions::default(), &mut |what| {
            crumb.about_to(&format!("without extensions: {what}"));
        });
    }
    findings.note = "works without extensions, or says that it cannot".into();
}
