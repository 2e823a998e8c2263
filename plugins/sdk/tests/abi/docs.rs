//! `docs/plugins.md` shows code that is built: every block of code stands so in one of these files.

const DOCS: &str = include_str!("../../../../docs/plugins.md");
const BUILT: [(&str, &str); 4] = [
    ("python", include_str!("../../../template/python/passphrase.py")),
    ("cpp", include_str!("../../../template/cpp/pin.cpp")),
    ("c", include_str!("../../../template/c/pin.c")),
    (
        "rust",
        concat!(
            include_str!("../../../template/rust/src/lib.rs"),
            include_str!("../../../template/rust/tests/provider.rs"),
            include_str!("template.rs"),
            include_str!("../../../../cli/tests/guide.rs"),
        ),
    ),
];

#[test]
fn every_snippet_is_taken_from_a_file_that_is_built() {
    let mut seen = 0;
    for (language, source) in BUILT {
        for block in DOCS.split(&format!("\n```{language}\n")).skip(1) {
            let snippet = block.split("\n```\n").next().unwrap();
            assert!(source.contains(snippet), "not in any {language} file:\n{snippet}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn every_link_leads_somewhere() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    for link in DOCS.split("](").skip(1) {
        let path = link.split(')').next().unwrap();
        assert!(std::path::Path::new(docs).join(path).exists(), "{path}");
    }
}
