//! The shapes as TypeScript types, and the endpoints by method and path.

use std::fmt::Write as _;

use super::document::shapes;
use super::shape::{Shape, Type};
use super::table::{Answers, ROUTES};

/// The declarations: an interface for each shape, and `HttpEndpoints`, which says what each endpoint takes and gives.
pub fn types() -> String {
    let mut text = String::from(
        "// What goes over the wire, written from the table of the HTTP surface (`core/src/http/table.rs`).\n",
    );
    for shape in shapes() {
        _ = write!(
            text,
            "\n/** {} */\nexport interface Http{} {{\n",
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
        "\n/** What each endpoint takes and gives, by method and path. */\nexport interface HttpEndpoints {\n",
    );
    for route in ROUTES {
        let body = route.body.map_or("undefined".into(), name);
        let answer = match route.answers {
            Answers::Json(_, shape) | Answers::Made(shape) => name(shape),
            Answers::JsonOrNothing(shape) => format!("{} | undefined", name(shape)),
            Answers::Document => "object".into(),
            Answers::File(_) => "string".into(),
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
        Type::One(shape) => name(shape),
        Type::Many(shape) => format!("{}[]", name(shape)),
    }
}

/// A shape's name among a program's own types.
fn name(shape: &Shape) -> String {
    format!("Http{}", shape.name)
}
