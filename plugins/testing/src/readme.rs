//! The table of a README that is made from the declaration of the options.

use std::fmt::Write as _;

use doorward_plugin::options::{Declared, Shape};

/// Checks that a README has, under `## Options`, the table of these options.
///
/// # Panics
/// When it has another one, or none: with the right one, to be copied.
pub fn same_options(readme: &str, options: &[Declared]) {
    let (right, found) = (options_table(options), table_in(readme));
    assert!(
        found == right,
        "the options of the README differ from their declaration. It says:\n\n{found}\nThe declaration says:\n\n{right}"
    );
}

/// The table of options in the Markdown of a README.
pub fn options_table(options: &[Declared]) -> String {
    let mut table = "| option | values | default | meaning |\n|---|---|---|---|\n".to_owned();
    rows(&mut table, "", options);
    table
}

fn rows(table: &mut String, before: &str, options: &[Declared]) {
    for option in options {
        let name = format!("{before}{}", option.name);
        if let Shape::Table(members) = option.shape {
            rows(table, &format!("{name}."), members);
            continue;
        }
        let lines: Vec<&str> = option.documentation.iter().map(|line| line.trim()).collect();
        let cells = [
            format!("`{name}`"),
            values(&option.shape),
            default(option),
            lines.join(" "),
        ];
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            table,
            "| {} |",
            cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
        );
    }
}

fn values(shape: &Shape) -> String {
    match shape {
        Shape::Boolean => "`true`, `false`".to_owned(),
        Shape::Choice(choices) => {
            let choices: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            choices.join(", ")
        }
        shape => {
            let words = shape.to_string();
            let words = words.strip_prefix("a whole number from ").unwrap_or(&words);
            words.strip_prefix("a text of ").unwrap_or(words).to_owned()
        }
    }
}

fn default(option: &Declared) -> String {
    match (option.default, option.unset) {
        (Some("\"\""), _) => "none".to_owned(),
        (Some(number), _) if number.ends_with(|last: char| last.is_ascii_digit()) => number.to_owned(),
        (Some(json), _) => format!("`{}`", json.trim_matches('"')),
        (None, Some(words)) => words.to_owned(),
        (None, None) if option.is_required => "required".to_owned(),
        (None, None) => "none".to_owned(),
    }
}

/// The first table under the heading; empty when there is none.
fn table_in(readme: &str) -> String {
    let (_, section) = readme.split_once("\n## Options\n").unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    let lines = lines.take_while(|line| line.starts_with('|'));
    lines.flat_map(|line| [line, "\n"]).collect()
}
