//! The templates: the tested files of `plugins/template`, and what of them becomes the project's own.

/// A language in which a project can be written.
pub(crate) struct Template {
    pub(crate) language: &'static str,
    /// Path in the project, and the text of the template. `{name}` stands for the project's name.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// What is replaced in the files: each of them occurs. `{name}` is the name, `{Name}` its title.
    pub(crate) replaced: &'static [(&'static str, &'static str)],
    /// The command that builds it, and what that makes.
    pub(crate) build: &'static str,
    pub(crate) object: &'static str,
    /// The command that checks it.
    pub(crate) check: &'static str,
    /// The lines that configure it.
    pub(crate) configured: &'static str,
    /// The file to read first.
    pub(crate) source: &'static str,
    /// The page of the template: the project's has its options.
    pub(crate) page: &'static str,
}

const HEADER: &str = include_str!("../../../../include/doorward_plugin.h");
const HEADER_CPP: &str = include_str!("../../../../include/doorward_plugin.hpp");
const PASSPHRASE_VECTORS: &str = include_str!("../../../template/rust/vectors.toml");
const PIN_VECTORS: &str = include_str!("../../../template/c/vectors.toml");

/// Where the sources of the SDK are: put there when the project is written.
pub(crate) const SDK: &str = "{sdk}";

const CHECK: &str = "doorward plugin check {object} --vectors vectors.toml";
const CONFIGURED: &str = "path = \"/absolute/path/to/{object}\"";

/// All of them, sorted by name. Another language is one more entry.
pub(crate) const TEMPLATES: &[Template] = &[
    Template {
        language: "c",
        files: &[
            ("{name}.c", include_str!("../../../template/c/pin.c")),
            ("Makefile", include_str!("../../../template/c/Makefile")),
            ("vectors.toml", PIN_VECTORS),
            ("include/doorward_plugin.h", HEADER),
        ],
        replaced: &[
            (
                "-I../../../include pin.c -o pin.so",
                "-Iinclude {name}.c -o {name}.so",
            ),
            ("../../../include", "include"),
            ("pin.so", "{name}.so"),
            ("pin.c\n", "{name}.c\n"),
            (
                ".name = \"pin\", .title = \"PIN\"",
                ".name = \"{name}\", .title = \"{Name}\"",
            ),
            (".channel = \"pin\"", ".channel = \"{name}\""),
            ("org.doorward.pin", "org.example.{name}"),
            (".vendor = \"Doorward\"", ".vendor = \"Example\""),
            ("DWP_ENTRY(pin)", "DWP_ENTRY({name})"),
            ("kind = \"pin\"", "kind = \"{name}\""),
        ],
        build: "make",
        object: "{name}.so",
        check: CHECK,
        configured: CONFIGURED,
        source: "{name}.c",
        page: include_str!("../../../template/c/README.md"),
    },
    Template {
        language: "cpp",
        files: &[
            ("{name}.cpp", include_str!("../../../template/cpp/pin.cpp")),
            ("exports.map", include_str!("../../../template/cpp/exports.map")),
            ("Makefile", include_str!("../../../template/cpp/Makefile")),
            ("vectors.toml", PIN_VECTORS),
            ("include/doorward_plugin.h", HEADER),
            ("include/doorward_plugin.hpp", HEADER_CPP),
        ],
        replaced: &[
            ("../../../include", "include"),
            ("pin.so", "{name}.so"),
            ("pin.cpp", "{name}.cpp"),
            ("about(\"pin\", \"PIN\")", "about(\"{name}\", \"{Name}\")"),
            (".channel(\"pin\")", ".channel(\"{name}\")"),
            (
                "DOORWARD_PLUGIN(pin, \"org.doorward.pin\", \"1.0.0\", \"Doorward\"",
                "DOORWARD_PLUGIN({name}, \"org.example.{name}\", \"1.0.0\", \"Example\"",
            ),
            ("kind = \"pin\"", "kind = \"{name}\""),
        ],
        build: "make",
        object: "{name}.so",
        check: CHECK,
        configured: CONFIGURED,
        source: "{name}.cpp",
        page: include_str!("../../../template/cpp/README.md"),
    },
    Template {
        language: "python",
        files: &[
            (
                "{name}.py",
                include_str!("../../../template/python/passphrase.py"),
            ),
            (
                "pyproject.toml",
                include_str!("../../../template/python/pyproject.toml"),
            ),
            ("vectors.toml", PASSPHRASE_VECTORS),
        ],
        replaced: &[
            ("name = \"passphrase\"", "name = \"{name}\""),
            ("title = \"Passphrase\"", "title = \"{Name}\""),
            ("channel = \"passphrase\"", "channel = \"{name}\""),
            ("name = \"doorward-template\"", "name = \"{name}\""),
            (
                "A Doorward provider in Python, to copy.",
                "A provider for Doorward.",
            ),
            ("py-modules = [\"passphrase\"]", "py-modules = [\"{name}\"]"),
            ("kind = \"passphrase\"", "kind = \"{name}\""),
        ],
        build: "python3 -m py_compile {name}.py",
        object: "{name}.py",
        check: "doorward plugin check $(command -v python3) --python {name}:Passphrase --python-path . --vectors vectors.toml",
        configured: "path = \"/absolute/path/to/python3\"     # the interpreter that has the package doorward\n    \
                     python = \"{name}:Passphrase\"\n    python_path = \"/absolute/path/to/{name}\"",
        source: "{name}.py",
        page: include_str!("../../../template/python/README.md"),
    },
    Template {
        language: "rust",
        files: &[
            ("src/lib.rs", include_str!("../../../template/rust/src/lib.rs")),
            (
                "tests/provider.rs",
                include_str!("../../../template/rust/tests/provider.rs"),
            ),
            ("Cargo.toml", include_str!("../../../template/rust/Cargo.toml")),
            ("vectors.toml", PASSPHRASE_VECTORS),
        ],
        replaced: &[
            ("name = \"doorward-template\"", "name = \"{name}\""),
            (
                "A Doorward provider plugin in safe Rust, to copy.",
                "A provider for Doorward.",
            ),
            ("../../sdk", SDK),
            ("../../testing", "{sdk}/../testing"),
            (
                "\n[lints]\nworkspace = true # in a copy: remove these two lines\n",
                "\n[workspace]\n",
            ),
            ("doorward_template::", "{name}::"),
            ("c\"passphrase\", c\"Passphrase\"", "c\"{name}\", c\"{Name}\""),
            ("channel: c\"passphrase\"", "channel: c\"{name}\""),
            ("org.example.passphrase", "org.example.{name}"),
            (
                "open(\"passphrase\", \"passphrase\"",
                "open(\"{name}\", \"{name}\"",
            ),
            ("kind = \"passphrase\"", "kind = \"{name}\""),
        ],
        build: "cargo build --release",
        object: "target/release/lib{name}.so",
        check: CHECK,
        configured: CONFIGURED,
        source: "src/lib.rs",
        page: include_str!("../../../template/rust/README.md"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_replacement_is_of_something_that_stands_in_a_template() {
        for template in TEMPLATES {
            let all: String = template.files.iter().map(|(_, text)| *text).collect();
            for (from, _) in template.replaced {
                assert!(all.contains(from), "{}: {from:?}", template.language);
            }
        }
    }
}
