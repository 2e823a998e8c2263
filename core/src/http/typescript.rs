//! The shapes as TypeScript types, and the endpoints by method and path.

use std::fmt::Write as _;

use super::document::shapes;
use super::shape::Type;
use super::table::{Answers, ROUTES};

/// The declarations: an interface for each shape, and `Endpoints`, which says what each endpoint takes and gives.
pub fn types() -> String {
    let mut text = String::from(
        "// What goes over the wire, written from the table of the HTTP surface (`core/src/http/table.rs`).\n",
    );
    for shape in shapes() {
        _ = write!(
            text,
            "\n/** {} */\nexport interface {} {{\n",
            shape.doc, shape.name
        );
        for member in shape.members {
            let mark = if member.required { "" } else { "?" };
            _ = writeln!(
                text,
                "  /** {} */\n  {}{mark}: {};",
                member.doc,
                member.name,
                of(member.of)
            );
        }
        text.push_str("}\n");
    }
    text.push_str(
        "\n/** What each endpoint takes and gives, by method and path. */\nexport interface Endpoints {\n",
    );
    for route in ROUTES {
        let body = route.body.map_or("undefined", |shape| shape.name);
        let answer = match route.answers {
            Answers::Json(_, shape) | Answers::Made(shape) => shape.name.to_owned(),
            Answers::JsonOrNothing(shape) => format!("{} | undefined", shape.name),
            Answers::Document => "object".into(),
            Answers::Nothing | Answers::Place => "undefined".into(),
        };
        _ = writeln!(
            text,
            "  /** {} */\n  \"{} {}\": {{ body: {body}; answer: {answer} }};",
            route.doc,
            route.method.id(),
            route.path
        );
    }
    text.push_str("}\n");
    text
}

fn of(of: Type) -> String {
    match of {
        Type::Text | Type::Secret | Type::Time => "string".into(),
        Type::Whole => "number".into(),
        Type::Flag => "boolean".into(),
        Type::Fields => "Record<string, string>".into(),
        Type::Challenge => "Record<string, string | { base64url: string }>".into(),
        Type::Object => "Record<string, unknown>".into(),
        Type::Texts => "string[]".into(),
        Type::Word(words) => {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            quoted.join(" | ")
        }
        Type::One(shape) => shape.name.into(),
        Type::Many(shape) => format!("{}[]", shape.name),
    }
}
