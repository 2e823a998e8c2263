//! The table as an `OpenAPI` 3.1 document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::problem::{OF_HTTP, Problem};
use super::shape::{Shape, Type};
use super::table::{Answers, COMMON, Needs, OF_BODIES, ROUTES, Route};
use super::told;
use crate::error::ErrorKind;

/// The document for a surface below this prefix. What is not open by its settings is in it: it answers 404 then.
pub fn openapi(prefix: &str) -> String {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES {
        let is_root = route.path.starts_with('/');
        let path = if is_root {
            route.path.to_owned()
        } else {
            format!("/{}", route.path)
        };
        let of_path = paths.entry(path).or_default();
        of_path.insert(route.method.id().to_ascii_lowercase(), operation(route));
        if is_root {
            of_path.insert("servers".into(), json!([{ "url": "/" }]));
        }
    }
    let schemas: Map<String, Value> = shapes()
        .into_iter()
        .map(|shape| (shape.name.to_owned(), schema(shape)))
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Doorward",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Users, provider ids and sessions. An unsafe method needs an `Origin` that is trusted, or \
                `Sec-Fetch-Site: same-origin`, whoever asks; an app needs neither.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": prefix }],
        "security": [{}, { "cookie": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-doorward-access" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    });
    document.to_string()
}

/// Every shape that goes in or out, each once, in the order of the table.
pub(super) fn shapes() -> Vec<&'static Shape> {
    let mut found: Vec<&'static Shape> = Vec::new();
    let roots = ROUTES.iter().flat_map(|route| {
        let answer = match route.answers {
            Answers::Json(_, shape) | Answers::JsonOrNothing(shape) | Answers::Made(shape) => Some(shape),
            Answers::Document | Answers::File(_) | Answers::Nothing | Answers::Place => None,
        };
        route.body.into_iter().chain(answer)
    });
    let mut left: Vec<&'static Shape> = roots.chain([&told::PROBLEM]).collect();
    left.reverse();
    while let Some(shape) = left.pop() {
        if found.iter().any(|known| known.name == shape.name) {
            continue;
        }
        found.push(shape);
        for member in shape.members.iter().rev() {
            if let Type::One(inner) | Type::Many(inner) = member.of {
                left.push(inner);
            }
        }
    }
    found
}

/// Whether a shape is what comes in: then nothing else may be in it.
fn is_given(shape: &Shape) -> bool {
    ROUTES
        .iter()
        .any(|route| route.body.is_some_and(|body| body.name == shape.name))
}

fn schema(shape: &Shape) -> Value {
    let properties: Map<String, Value> = shape
        .members
        .iter()
        .map(|member| {
            let mut of = of_type(member.of);
            of["description"] = member.doc.into();
            (member.name.to_owned(), of)
        })
        .collect();
    let required: Vec<&str> = shape
        .members
        .iter()
        .filter(|member| member.required)
        .map(|member| member.name)
        .collect();
    let mut schema = json!({ "type": "object", "description": shape.doc, "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if is_given(shape) {
        schema["additionalProperties"] = false.into();
    }
    schema
}

fn of_type(of: Type) -> Value {
    match of {
        Type::Text => json!({ "type": "string" }),
        Type::Secret => json!({ "type": "string", "format": "password" }),
        Type::Time => json!({ "type": "string", "format": "date-time" }),
        Type::Whole => json!({ "type": "integer", "minimum": 0 }),
        Type::Flag => json!({ "type": "boolean" }),
        Type::Fields => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Type::Challenge => json!({ "type": "object", "additionalProperties": { "anyOf": [
            { "type": "string" },
            { "type": "object", "properties": { "base64url": { "type": "string" } }, "required": ["base64url"] },
        ] } }),
        Type::Object => json!({ "type": "object" }),
        Type::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Type::Word(words) => json!({ "type": "string", "enum": words }),
        Type::One(shape) => json!({ "$ref": reference(shape) }),
        Type::Many(shape) => json!({ "type": "array", "items": { "$ref": reference(shape) } }),
    }
}

fn reference(shape: &Shape) -> String {
    format!("#/components/schemas/{}", shape.name)
}

fn of_shape(shape: &Shape) -> Value {
    json!({ "application/json": { "schema": { "$ref": reference(shape) } } })
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": id(route),
        "summary": route.doc,
        "x-doorward-operations": route.operations,
        "responses": responses(route),
    });
    let of_path = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let of_path = of_path.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]+$" } })
    });
    let of_query = route.query.iter().map(|(name, doc)| {
        json!({ "name": name, "in": "query", "description": doc, "schema": { "type": "string" } })
    });
    let parameters: Vec<Value> = of_path.chain(of_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if matches!(route.needs, Needs::Session | Needs::Fresh) {
        operation["security"] = json!([{ "cookie": [] }, { "bearer": [] }]);
    }
    if let Some(shape) = route.body {
        let mut content = of_shape(shape);
        if route.form.is_some() {
            // `fields.NAME` and `attributes.NAME` are names that no schema lists.
            content["application/x-www-form-urlencoded"] =
                json!({ "schema": { "type": "object", "additionalProperties": { "type": "string" } } });
        }
        let is_required = shape.members.iter().any(|member| member.required);
        operation["requestBody"] = json!({ "required": is_required, "content": content });
    }
    operation
}

/// The endpoint's name as clients call it: `signIn`.
pub(super) fn id(route: &Route) -> String {
    let name = format!("{:?}", route.does);
    let (first, rest) = name.split_at(1);
    first.to_ascii_lowercase() + rest
}

/// What an endpoint says no with, by status.
pub(super) fn problems(route: &Route) -> BTreeMap<u16, Vec<&'static str>> {
    let of_bodies = if route.body.is_some() { OF_BODIES } else { &[] };
    let mut found: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in route.problems.iter().chain(COMMON).chain(of_bodies) {
        found.entry(status(code)).or_default().push(code);
    }
    found
}

/// The status of a code.
fn status(code: &str) -> u16 {
    let of_http = OF_HTTP.iter().find(|(known, ..)| *known == code);
    let of_table = ErrorKind::ALL.iter().find(|kind| kind.id() == code);
    match (of_http, of_table) {
        (Some((_, status, _)), _) => *status,
        (None, Some(kind)) => Problem::new(*kind).status,
        (None, None) => 500,
    }
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let mut add = |status: u16, doc: &str, content: Option<Value>| {
        let mut response = json!({ "description": doc });
        if let Some(content) = content {
            response["content"] = content;
        }
        responses.insert(status.to_string(), response);
    };
    for (status, codes) in problems(route) {
        let content =
            json!({ "application/problem+json": { "schema": { "$ref": reference(&told::PROBLEM) } } });
        add(
            status,
            &format!("The code is {}.", codes.join(" or ")),
            Some(content),
        );
    }
    match route.answers {
        Answers::Json(status, shape) => {
            add(status, shape.doc, Some(of_shape(shape)));
        }
        Answers::JsonOrNothing(shape) => {
            add(200, shape.doc, Some(of_shape(shape)));
            add(204, "There is nothing.", None);
        }
        Answers::Made(shape) => {
            add(200, "Answer one of `next`.", Some(of_shape(shape)));
            add(201, "It was made.", Some(of_shape(shape)));
        }
        Answers::Document => {
            let content = json!({ "application/json": { "schema": { "type": "object" } } });
            add(200, "The document.", Some(content));
        }
        Answers::File(media) => {
            let content = Map::from_iter([(media.to_owned(), json!({ "schema": { "type": "string" } }))]);
            add(200, "The file.", Some(Value::Object(content)));
        }
        Answers::Nothing => add(204, "It is done.", None),
        Answers::Place => add(303, "Go on there.", None),
    }
    if route.form.is_some() {
        add(303, "To a form: the page to go on with.", None);
    }
    Value::Object(responses)
}
