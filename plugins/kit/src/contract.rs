//! The checks: what each demands, and where that is written.

use crate::checks;
use crate::finding::Findings;
use crate::subject::{Opened, Subject};

/// The header, for [`Check::written`].
const HEADER: &str = "include/doorward_plugin.h";

/// What a check looks at.
#[derive(Clone, Copy)]
pub(crate) enum Look {
    /// The file, once.
    File(fn(&mut Subject, &mut Findings)),
    /// Each of its kinds, opened; in process only.
    Raw(fn(&mut Opened<'_>, &mut Findings)),
    /// Each of its kinds, opened; in process and isolated, with equal answers.
    Kind(fn(&mut Opened<'_>, &mut Findings)),
}

/// One check.
pub(crate) struct Check {
    /// Its stable name.
    pub(crate) id: &'static str,
    /// What the contract demands.
    pub(crate) demand: &'static str,
    /// The part of the header that says so.
    pub(crate) section: &'static str,
    pub(crate) look: Look,
}

impl Check {
    /// Where the demand is written.
    pub(crate) fn written(&self) -> String {
        format!("{HEADER}, {}; docs/plugins.md, \"{}\"", self.section, PAGE)
    }

    /// Whether it runs once for each kind.
    pub(crate) const fn per_kind(&self) -> bool {
        !matches!(self.look, Look::File(_))
    }

    /// Whether it runs isolated, too.
    pub(crate) const fn isolates(&self) -> bool {
        matches!(self.look, Look::Kind(_))
    }

    pub(crate) fn of(id: &str) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.id == id)
    }
}

/// The heading of docs/plugins.md that lists the checks.
const PAGE: &str = "What the kit checks";

/// All of them, in the order in which they run.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        id: "file",
        demand: "a shared object that exports nothing but its entry, asks the dynamic linker for nothing unsafe, and can \
                 be changed by nobody but its owner",
        section: "\"THE SHAPE\" and DWP_ENTRY",
        look: Look::File(checks::file::check),
    },
    Check {
        id: "load",
        demand: "mapping the file, its entry and its load start no thread, open nothing and change nothing in the \
                 process; the entry returns the same address each time",
        section: "\"THREADS\", \"PROCESSES\" and DWP_ENTRY",
        look: Look::File(checks::load::check),
    },
    Check {
        id: "abi",
        demand: "declarations that the host takes; an extension id that nobody knows is answered with NULL",
        section: "\"GROWTH\", dwp_module, dwp_kind and \"Extensions\"",
        look: Look::File(checks::abi::declarations),
    },
    Check {
        id: "old_host",
        demand: "works with a host of version 1.0: what lies beyond struct_size is not used",
        section: "\"GROWTH\" and DWP_HAS",
        look: Look::Raw(checks::abi::old_host),
    },
    Check {
        id: "new_host",
        demand: "works with a later host: larger structs and unknown flag bits are ignored",
        section: "\"GROWTH\"",
        look: Look::Raw(checks::abi::new_host),
    },
    Check {
        id: "bare_host",
        demand: "a host without extensions is refused with a status, or the plugin does without: nobody is let in, and \
                 nothing crashes",
        section: "\"Extensions\" and \"FAILURE\"",
        look: Look::File(checks::abi::bare_host),
    },
    Check {
        id: "lifecycle",
        demand: "open, start, operations, stop and close, again and again, leave nothing behind and the process as it \
                 was; open refuses with CONFIG and says why; two instances do not know of each other; the process ends",
        section: "dwp_kind.open, .close, .start and .stop",
        look: Look::Raw(checks::lifecycle::check),
    },
    Check {
        id: "normalize",
        demand: "a pure function: the same answer every time, in every thread, process and locale; its answer is its own \
                 canonical form; no input and output",
        section: "dwp_kind.normalize",
        look: Look::Kind(checks::normalize::check),
    },
    Check {
        id: "vectors",
        demand: "answers what its author says that it answers",
        section: "dwp_kind.enroll, .verify, .update and .step",
        look: Look::Kind(checks::answers::check),
    },
    Check {
        id: "credentials",
        demand: "nothing but the right credential is accepted, and a wrong one is DENY",
        section: "\"FAILURE\" and dwp_kind.verify",
        look: Look::Kind(checks::credentials::check),
    },
    Check {
        id: "records",
        demand: "a record that is damaged, cut or somebody else's is FORMAT or DENY, and never ACCEPT",
        section: "DWP_E_FORMAT and dwp_record",
        look: Look::Kind(checks::records::check),
    },
    Check {
        id: "decoy",
        demand: "nobody is answered as a wrong credential is, after the same work",
        section: "DWP_RF_DECOY and dwp_kind.verify",
        look: Look::Kind(checks::decoy::check),
    },
    Check {
        id: "flows",
        demand: "a step needs the state that its own flow wrote, of this operation, and works in another process; any \
                 other state is FORMAT or DENY",
        section: "dwp_kind.step and host->state",
        look: Look::Kind(checks::flows::check),
    },
    Check {
        id: "concurrency",
        demand: "many threads at once on one instance get the answers that each would get alone",
        section: "\"THREADS\" and DWP_SERIAL",
        look: Look::Kind(checks::concurrency::check),
    },
    Check {
        id: "deadline",
        demand: "an operation that is cancelled or late gives up",
        section: "host->remaining_ns and host->cancelled",
        look: Look::Raw(checks::deadline::check),
    },
    Check {
        id: "limits",
        demand: "an operation that is told that a counter is closed answers as always and sends no message",
        section: "DWP_EXT_LIMIT",
        look: Look::Raw(checks::limits::check),
    },
    Check {
        id: "faults",
        demand: "while any call of the host fails, nobody is let in and nothing crashes; afterwards all is as before",
        section: "\"FAILURE\" and the host's services",
        look: Look::Raw(checks::faults::check),
    },
    Check {
        id: "fuzz",
        demand: "no input crashes it or breaks the contract, and no guess is accepted",
        section: "\"MEMORY\" and \"FAILURE\"",
        look: Look::Kind(checks::fuzz::check),
    },
    Check {
        id: "secrets",
        demand: "a credential stands in no log, event, message, attribute, challenge or label, and is not printed",
        section: "host->log, host->audit, host->message and DWP_SECRET",
        look: Look::Kind(checks::secrets::check),
    },
    Check {
        id: "describe",
        demand: "a description of a record is names and values, at most 8192 bytes, and has in it nothing that is typed, shown once or stored",
        section: "dwp_kind.describe",
        look: Look::Kind(checks::describe::check),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_lists_every_check_and_each_says_where_its_demand_is_written() {
        let guide = include_str!("../../../docs/plugins.md");
        let table = guide
            .split("\n## What the kit checks\n")
            .nth(1)
            .unwrap_or_default();
        let header = include_str!("../../../include/doorward_plugin.h");
        for check in CHECKS {
            let row = format!("| `{}` | {} |", check.id, check.demand);
            assert!(table.contains(&row), "docs/plugins.md has no row {row}");
            let names = check
                .section
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|word| {
                    word.len() > 3 && (word.contains('_') || word.chars().all(|c| c.is_ascii_uppercase()))
                });
            for name in names {
                assert!(header.contains(name), "{}: the header has no {name}", check.id);
            }
        }
    }
}
