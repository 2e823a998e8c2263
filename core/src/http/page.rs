//! The table as a page: `docs/http.md`.

use std::fmt::Write as _;

use super::document::{problems, shapes};
use super::shape::Type;
use super::table::{Answers, COMMON, OF_BODIES, ROUTES, Route};

const HEAD: &str = include_str!("page.md");

/// The reference page of the surface, as Markdown.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    page.push_str("\n## Endpoints\n\n| endpoint | needs | takes | gives | says no with | |\n|---|---|---|---|---|---|\n");
    for route in ROUTES {
        page.push_str(&row(route));
    }
    _ = write!(
        page,
        "\nEvery endpoint may also say no with {}; one with a body with {}.\n\n## Operations\n\nWhat each endpoint calls: nothing \
         that a program could not call itself.\n\n| endpoint | operations |\n|---|---|\n",
        list(COMMON),
        list(OF_BODIES)
    );
    for route in ROUTES {
        if !route.operations.is_empty() {
            _ = writeln!(
                page,
                "| `{} {}` | {} |",
                route.method.id(),
                route.path,
                list(route.operations)
            );
        }
    }
    page.push_str("\n## Shapes\n");
    for shape in shapes() {
        _ = write!(page, "\n### {}\n\n{}\n", shape.name, shape.doc);
        if !shape.members.is_empty() {
            page.push_str("\n| member | type | |\n|---|---|---|\n");
        }
        for member in shape.members {
            let mark = if member.required { "" } else { "?" };
            _ = writeln!(
                page,
                "| `{}`{mark} | {} | {} |",
                member.name,
                of(member.of),
                member.doc
            );
        }
    }
    page
}

fn row(route: &Route) -> String {
    let takes = route.body.map_or_else(String::new, |shape| link(shape.name));
    let form = if route.form.is_some() { ", form" } else { "" };
    let gives = match route.answers {
        Answers::Json(200, shape) => link(shape.name),
        Answers::Json(status, shape) => format!("{status} {}", link(shape.name)),
        Answers::JsonOrNothing(shape) => format!("{}, or 204", link(shape.name)),
        Answers::Made(shape) => format!("{}, 201 where it was made", link(shape.name)),
        Answers::Document => "the document".into(),
        Answers::File(media) => format!("a file, `{media}`"),
        Answers::Nothing => "204".into(),
        Answers::Place => "303".into(),
    };
    let own: Vec<&str> = problems(route)
        .into_values()
        .flatten()
        .filter(|code| route.problems.contains(code))
        .collect();
    let opened = match route.setting {
        "" => String::new(),
        setting => format!(" Where `{setting}` is on."),
    };
    format!(
        "| `{} {}` | {} | {takes}{form} | {gives} | {} | {}{opened} |\n",
        route.method.id(),
        route.path,
        route.needs.id(),
        list(&own),
        route.doc
    )
}

fn link(shape: &str) -> String {
    format!("[{shape}](#{})", shape.to_ascii_lowercase())
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn of(of: Type) -> String {
    match of {
        Type::Text => "text".into(),
        Type::Secret => "secret text".into(),
        Type::Time => "time".into(),
        Type::Whole => "whole number".into(),
        Type::Flag => "true or false".into(),
        Type::Fields => "object of texts".into(),
        Type::Challenge => "object of texts, or of `{\"base64url\": …}`".into(),
        Type::Object => "object".into(),
        Type::Texts => "texts".into(),
        Type::Word(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Type::One(shape) => link(shape.name),
        Type::Many(shape) => format!("list of {}", link(shape.name)),
    }
}
