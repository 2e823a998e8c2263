//! The Rust side of `make bench`: Doorward as a Rust program calls it, the raw cost of the same work, and a
//! PostgreSQL server to do it on. `bench/run` starts these as processes of their own and tells them when to work, so
//! that they take turns on one file: a raw connection may not be open in a process that has Doorward's.

mod inline;
mod ours;
mod raw;
mod rounds;
mod roundtrip;
mod seed;
mod server;

use std::process::ExitCode;

use rounds::Outcome;

const USAGE: &str =
    "usage: doorward-bench ours CONFIG FOLDER | raw DATABASE FOLDER | inline PLUGIN [HOST] | roundtrip
       doorward-bench seed CONFIG DATABASE FOLDER USERS SESSIONS | server";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("doorward-bench {}: {error}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    match *arguments {
        ["ours", config, folder] => ours::serve(config, folder),
        ["raw", database, folder] => raw::serve(database, folder),
        ["inline", plugin] => inline::serve(plugin, None),
        ["inline", plugin, host] => inline::serve(plugin, Some(host)),
        ["roundtrip"] => roundtrip::serve(),
        ["echo"] => roundtrip::echo(),
        ["seed", config, database, folder, users, sessions] => {
            seed::seed(config, database, folder, users.parse()?, sessions.parse()?)
        }
        ["server"] => server::serve(),
        _ => Err(USAGE.into()),
    }
}
