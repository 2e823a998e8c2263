//! A row of the table beside its goal: printed, and judged at the end.

use crate::engine::Engine;

/// What a figure is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Within a tenth of the page's.
    About(u64),
    Exactly(u64),
    AtMost(u64),
}

/// One row on one engine.
pub(crate) struct Sheet {
    engine: Engine,
    row: String,
    off: Vec<String>,
}

impl Sheet {
    pub(crate) fn new(engine: Engine, row: impl Into<String>) -> Self {
        Self {
            engine,
            row: row.into(),
            off: Vec::new(),
        }
    }

    pub(crate) fn figure(&mut self, what: &str, got: impl TryInto<u64>, goal: Goal) {
        let got = got.try_into().unwrap_or(u64::MAX);
        let (good, words) = match goal {
            Goal::About(page) => (got.abs_diff(page) * 10 <= page, format!("{page} ± 10 %")),
            Goal::Exactly(page) => (got == page, page.to_string()),
            Goal::AtMost(page) => (got <= page, format!("at most {page}")),
        };
        let line = format!(
            "{:8}  {:52} {what:34} {got:>8}   ({words}){}",
            format!("{:?}", self.engine).to_lowercase(),
            self.row,
            if good { "" } else { "   OFF" }
        );
        println!("{line}");
        if !good {
            self.off.push(line);
        }
    }

    /// Fails where a figure is off.
    pub(crate) fn close(self) {
        assert!(self.off.is_empty(), "\n{}", self.off.join("\n"));
    }
}

#[test]
fn a_figure_that_is_off_by_more_than_a_tenth_is_noticed() {
    let closes = |got: u64, goal| {
        let mut sheet = Sheet::new(Engine::Memory, "itself");
        sheet.figure("a figure", got, goal);
        std::panic::catch_unwind(|| sheet.close()).is_ok()
    };
    assert!(closes(90, Goal::About(100)) && closes(110, Goal::About(100)));
    assert!(!closes(89, Goal::About(100)) && !closes(111, Goal::About(100)));
    assert!(closes(7, Goal::Exactly(7)) && !closes(8, Goal::Exactly(7)));
    assert!(closes(7, Goal::AtMost(7)) && !closes(8, Goal::AtMost(7)));
}
