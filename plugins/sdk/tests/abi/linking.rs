//! What a plugin shows to a linker: one symbol when loaded, a name of its own when linked in.

use std::path::Path;
use std::process::Command;

use crate::cc;

/// Names of the global symbols that a shared object defines.
fn exported(object: &Path) -> Vec<String> {
    let output = Command::new("readelf")
        .args(["-W", "--dyn-syms"])
        .arg(object)
        .output()
        .unwrap();
    let listing = String::from_utf8(output.stdout).unwrap();
    let columns = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    columns
        .filter(|columns| columns.len() == 8 && columns[4] == "GLOBAL" && columns[6] != "UND")
        .map(|columns| columns[7].to_owned())
        .collect()
}

#[test]
fn a_plugin_exports_its_entry_and_nothing_else() {
    for (source, name) in [
        ("plugins/template/c/pin.c", "pin-exports"),
        ("tests/plugins/hostile.c", "hostile-exports"),
    ] {
        assert_eq!(
            exported(&cc::plugin(source, name, &[])),
            ["doorward_plugin_v1"],
            "{source}"
        );
    }
}

#[test]
fn two_plugins_link_into_one_program() {
    let program = cc::program(
        "two-plugins",
        &["plugins/template/c/pin.c", "tests/plugins/hostile.c"],
        "#include <doorward_plugin.h>
        #include <stdio.h>
        const dwp_module *doorward_plugin_v1_pin(void);
        const dwp_module *doorward_plugin_v1_hostile(void);
        int main(void)
        {
            puts(doorward_plugin_v1_pin()->id);
            puts(doorward_plugin_v1_hostile()->id);
            return 0;
        }",
    );
    let output = Command::new(program).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "org.doorward.pin\norg.doorward.hostile\n"
    );
}
