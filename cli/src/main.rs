//! The `doorward` command.
fn main() {}
