//! `doorward-plugin-host`: see `lib.rs`, which the tests start under another name.

fn main() -> std::process::ExitCode {
    doorward_plugin_host::run()
}
