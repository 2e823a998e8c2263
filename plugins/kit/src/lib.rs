//! `doorward plugin`: the conformance kit, and projects to begin with.
//!
//! ```text
//! doorward plugin check FILE ──► one child process per case ──► a report
//!                                  │
//!                                  ├─ in process: the test host of the SDK, which can fail, be older or be newer
//!                                  └─ isolated:   the core's own kinds, with the plugin in a process of its own
//! ```
//!
//! What is checked, and where the contract demands it, is the table in [`contract`](contract::CHECKS). A case that crashes
//! takes its child with it and nothing else; the last thing that it asked stands in the report.

#![forbid(unsafe_code)]

mod arguments;
mod carried;
mod case;
mod checks;
mod child;
mod contract;
mod driver;
mod exchange;
mod finding;
mod kind_view;
mod mode;
mod player;
mod process;
mod project;
mod randomness;
mod report;
mod run;
mod spoiled;
mod subject;
mod vectors;

use std::process::ExitCode;

pub use arguments::USAGE;

/// Runs `doorward plugin …`; `arguments` begin after `plugin`.
pub fn command(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["check", rest @ ..] => match arguments::Check::parse(rest) {
            Ok(check) => run::check(&check),
            Err(why) => usage(&why),
        },
        ["new", rest @ ..] => match project::New::parse(rest) {
            Ok(new) => match new.write() {
                Ok(said) => {
                    print!("{said}");
                    ExitCode::SUCCESS
                }
                Err(why) => {
                    eprintln!("doorward plugin: {why}");
                    ExitCode::FAILURE
                }
            },
            Err(why) => usage(&why),
        },
        [] | ["--help" | "-h"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        // What `check` starts for each case: no command for people.
        ["case", rest @ ..] => match case::Case::parse(rest) {
            Ok(case) => case.run(),
            Err(why) => usage(&why),
        },
        _ => usage("which of its commands?"),
    }
}

fn usage(why: &str) -> ExitCode {
    eprint!("doorward plugin: {why}\n\n{USAGE}");
    ExitCode::from(2)
}
