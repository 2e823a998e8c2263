//! Who is new finds the way: CONTRIBUTING names files and tests that exist, each page is reached from its index, and a folder
//! that holds many things says what each of them is.

use super::{Tests, blocks, files, is, quoted, read, root};

/// Pages that say what the folders beside them are, and the files there that are on the page, too.
const HOUSES: [(&str, &str); 4] = [
    ("plugins", ""),
    ("stores", ""),
    ("tests", ""),
    // The tests under cargo: folders with a `main.rs`, and files.
    ("tests/rust/tests", "rs"),
];

/// Each tutorial, and the language whose first program in the README is its first program.
const TUTORIALS: [(&str, &str); 4] = [
    ("docs/tutorials/c.md", "c"),
    ("docs/tutorials/cpp.md", "cpp"),
    ("docs/tutorials/python.md", "python"),
    ("docs/tutorials/rust.md", "rust"),
];

#[test]
fn contributing_names_files_and_tests_that_exist() {
    let page = read("CONTRIBUTING.md");
    let tests = Tests::read();
    let (_, ways) = page.split_once("\n## To add …\n").unwrap();
    let (ways, _) = ways.split_once("\n## ").unwrap();
    let (mut files, mut named) = (0, 0);
    for row in ways
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| file "))
    {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [places, _, turned] = cells[..] else {
            panic!("three cells: {row}")
        };
        // `src/lib.rs` of a crate that is yet to be made is no path of ours.
        for path in quoted(places)
            .iter()
            .filter(|_| !places.trim().starts_with("its "))
        {
            assert!(root().join(path).exists(), "no {path}: {row}");
            files += 1;
        }
        for test in quoted(turned) {
            assert!(tests.have(&test), "no test {test}: {row}");
            named += 1;
        }
    }
    assert!(files > 50 && named > 30, "{files} files, {named} tests");
    // Of the suites, each target and each script.
    let makefile = read("Makefile");
    let (_, suites) = page.split_once("\n## The suites\n").unwrap();
    let (suites, _) = suites.split_once("\n## ").unwrap();
    for row in suites.lines().filter(|line| line.starts_with("| `")) {
        let target = quoted(row)[0].replace("make ", "");
        assert!(makefile.contains(&format!("\n{target}:")), "no target {target}");
        let alone = quoted(row).pop().unwrap();
        let program = alone.split(' ').next().unwrap();
        assert!(
            program == "cargo" || root().join(program).exists(),
            "no {program}"
        );
    }
}

#[test]
fn every_folder_is_on_the_page_beside_it() {
    for (house, extension) in HOUSES {
        let page = format!("{}/README.md", house.trim_end_matches("/rust/tests"));
        let text = read(&page);
        let mut seen = 0;
        for entry in std::fs::read_dir(root().join(house)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_thing = if extension.is_empty() {
                path.is_dir() && name != "target"
            } else {
                path.join("main.rs").exists() || is(path.to_str().unwrap(), extension)
            };
            let rows = [format!("\n| `{name}` |"), format!("\n| [{name}]({name}) |")];
            assert!(
                !is_thing || rows.iter().any(|row| text.contains(row)),
                "{page} says nothing of {house}/{name}"
            );
            seen += usize::from(is_thing);
        }
        assert!(seen > 3, "{house}: {seen}");
    }
}

#[test]
fn every_page_is_reached_from_its_index() {
    let index = read("docs/README.md");
    let folder = root().join("docs");
    let mut seen = 0;
    for (path, _) in files(&folder, &[".md"]) {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        if name != "README.md" {
            let links = index.matches(&format!("]({name})")).count();
            assert_eq!(links, 1, "docs/README.md links docs/{name} {links} times");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
    assert!(read("README.md").contains("](docs/README.md)"));
    // Every provider is on the page that people choose from.
    let readme = read("README.md");
    let (providers, _) = read("plugins/README.md")
        .split_once("| what they stand on |")
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .unwrap();
    for row in providers.lines().filter(|line| line.starts_with("| [")) {
        let name = row[3..].split(']').next().unwrap();
        assert!(
            readme.contains(&format!("](plugins/{name})")),
            "the README has no {name}"
        );
    }
}

#[test]
fn a_tutorial_begins_with_the_program_of_the_readme() {
    let first = |page: &str, language: &str| {
        let mut found = blocks(&read(page)).into_iter().filter(|(of, _)| of == language);
        found
            .next()
            .unwrap_or_else(|| panic!("{page}: nothing in {language}"))
            .1
    };
    for (tutorial, language) in TUTORIALS {
        assert_eq!(
            first(tutorial, language),
            first("README.md", language),
            "{tutorial}"
        );
    }
}
