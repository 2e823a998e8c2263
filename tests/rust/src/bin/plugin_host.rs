//! `doorward-plugin-host` as the tests start it: cargo builds a program of this crate before its tests.

fn main() -> std::process::ExitCode {
    doorward_plugin_host::run()
}
