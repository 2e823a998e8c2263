//! The surface's own document, and that nothing answers otherwise.

use std::collections::BTreeSet;

use doorward::http::Response;
use serde_json::{Map, Value, json};

use crate::site::{Site, header, text};

/// The document, read as a client would read it.
pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn of(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Method and path of every endpoint, as the document has them.
    pub(crate) fn endpoints(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|name| *name != "servers") {
                found.push((method.to_uppercase(), path.clone()));
            }
        }
        found
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let known = if method == "HEAD" {
            "get".into()
        } else {
            method.to_lowercase()
        };
        // Methods are what they are to the letter (RFC 9110 section 9.1).
        let is_method = method.to_uppercase() == method;
        (self.0["paths"].get(path)?.get(known)).filter(|_| is_method)
    }

    /// The path of the document that a target is on.
    fn path_of(&self, target: &str) -> Option<String> {
        let path = target.split('?').next().unwrap();
        let path = if path.starts_with("/.well-known/") {
            path
        } else {
            path.strip_prefix("/auth")?
        };
        let matches = |known: &&String| {
            let (mut a, mut b) = (known.split('/'), path.split('/'));
            loop {
                match (a.next(), b.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if a == b || a.starts_with('{') && !b.is_empty() => {}
                    _ => return false,
                }
            }
        };
        self.0["paths"].as_object().unwrap().keys().find(matches).cloned()
    }

    /// An answer is one that the document has, to the last member.
    pub(crate) fn holds(&self, method: &str, target: &str, answer: &Response) {
        let names: Vec<&str> = answer.headers.iter().map(|(name, _)| *name).collect();
        for always in [
            "Vary",
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Cross-Origin-Resource-Policy",
            "Cache-Control",
        ] {
            assert_eq!(
                names.iter().filter(|name| **name == always).count(),
                1,
                "{method} {target}: {always}"
            );
        }
        for (name, value) in &answer.headers {
            assert!(!value.contains(['\r', '\n', '\0']), "{name}");
        }
        if answer.status == 401 {
            assert!(names.contains(&"WWW-Authenticate"), "{method} {target}");
        }
        if answer.status == 429 || answer.status == 503 {
            assert!(names.contains(&"Retry-After"), "{method} {target}");
        }
        let Some(operation) = self
            .path_of(target)
            .and_then(|path| self.operation(method, &path).cloned())
        else {
            assert!(
                [204, 404, 405, 414, 431].contains(&answer.status),
                "{method} {target}: {}",
                answer.status
            );
            return;
        };
        if answer.status == 304 || answer.status >= 500 {
            assert_ne!(answer.status, 500, "{method} {target}: {}", text(answer));
            return;
        }
        let known = &operation["responses"][answer.status.to_string()];
        assert!(
            known.is_object(),
            "{method} {target}: {} is not in the document: {}",
            answer.status,
            text(answer)
        );
        let Some(content) = known.get("content") else {
            assert!(answer.body.is_empty(), "{method} {target}");
            return;
        };
        if method == "HEAD" || answer.status == 303 {
            assert!(answer.body.is_empty());
            return;
        }
        let media = header(answer, "Content-Type").unwrap_or_default();
        let schema = &content[media]["schema"];
        assert!(
            schema.is_object(),
            "{method} {target}: {media} is not in the document"
        );
        if media.starts_with("text/") {
            assert!(!answer.body.is_empty());
            return;
        }
        let body = serde_json::from_slice(&answer.body).unwrap();
        self.fits(schema, &body, &format!("{method} {target} {}", answer.status));
        if media == "application/problem+json" {
            let said = known["description"].as_str().unwrap();
            let code = body["code"].as_str().unwrap();
            assert!(
                said.contains(&format!(" {code}")),
                "{method} {target}: {code} is not among: {said}"
            );
        }
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let schema = self.0.pointer(reference.trim_start_matches('#')).unwrap();
            return self.fits(schema, value, at);
        }
        if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            let fits = any.iter().any(|one| one["type"] == kind(value));
            assert!(fits, "{at}: {value}");
            return;
        }
        assert_eq!(schema["type"], kind(value), "{at}: {value}");
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            assert!(words.contains(value), "{at}: {value} is none of {words:?}");
        }
        if schema.get("format") == Some(&json!("date-time")) {
            let text = value.as_str().unwrap();
            assert!(
                text.len() == 27 && text.ends_with('Z') && &text[10..11] == "T",
                "{at}: {text}"
            );
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for value in values {
                self.fits(items, value, at);
            }
        }
        let (Some(properties), Some(members)) = (schema.get("properties"), value.as_object()) else {
            if let (Some(more @ Value::Object(_)), Some(members)) =
                (schema.get("additionalProperties"), value.as_object())
            {
                for (name, value) in members {
                    self.fits(more, value, &format!("{at}.{name}"));
                }
            }
            return;
        };
        for (name, value) in members {
            let of = properties
                .get(name)
                .unwrap_or_else(|| panic!("{at}: `{name}` is not in the document"));
            self.fits(of, value, &format!("{at}.{name}"));
        }
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            assert!(
                members.contains_key(name.as_str().unwrap()),
                "{at}: {name} is missing in {value}"
            );
        }
    }

    /// A body that the endpoint can read, with nothing in it that is right.
    pub(crate) fn body_for(&self, method: &str, path: &str) -> Option<Value> {
        let operation = self.operation(method, path)?;
        let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref")?;
        let schema = self
            .0
            .pointer(reference.as_str().unwrap().trim_start_matches('#'))
            .unwrap();
        let required: BTreeSet<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let members = schema["properties"].as_object().unwrap().iter();
        let members = members.filter(|(name, _)| required.contains(name.as_str()));
        let members = members.map(|(name, of)| {
            let value = match (name.as_str(), of["type"].as_str()) {
                ("provider", _) => json!("email"),
                (_, Some("object")) => json!({}),
                _ => json!("x"),
            };
            (name.clone(), value)
        });
        Some(Value::Object(members.collect::<Map<_, _>>()))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A path with its places filled.
pub(crate) fn filled(path: &str) -> String {
    let filled = path
        .replace("{provider}", "email")
        .replace("{id}", "019b0000-0000-7000-8000-000000000000");
    if filled.starts_with("/.well-known") {
        filled
    } else {
        format!("/auth{filled}")
    }
}

#[test]
fn every_endpoint_of_the_document_answers_and_no_other_does() {
    let site = Site::with("http.well_known = true\nhttp.user_delete = true\nhttp.user_export = true\n");
    let document = Document::of(&doorward::http::openapi("/auth"));
    let endpoints = document.endpoints();
    assert!(endpoints.len() > 35, "{}", endpoints.len());
    for (method, path) in &endpoints {
        let target = filled(path);
        let body = document
            .body_for(method, path)
            .map(|body| body.to_string())
            .unwrap_or_default();
        assert!(
            site.auth
                .http_wants(method.as_bytes(), target.as_bytes())
                .is_some(),
            "{method} {path}"
        );
        let json = [("content-type", "application/json")];
        let answer = site
            .browser()
            .raw(method, &target, &json, body.as_bytes())
            .unwrap();
        assert!(
            !matches!(answer.status, 405 | 415 | 431),
            "{method} {path}: {}",
            text(&answer)
        );
        assert!(!text(&answer).contains("is not open here"), "{method} {path}");
        for other in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "post", "PROPFIND", "",
        ] {
            if endpoints.contains(&(other.into(), path.clone())) {
                continue;
            }
            let answer = site.browser().raw(other, &target, &json, b"{}").unwrap();
            assert_eq!(answer.status, 405, "{other} {path}");
            let allow = header(&answer, "Allow").unwrap();
            assert!(
                allow.contains(method.as_str())
                    || endpoints.iter().filter(|(_, known)| known == path).count() > 1
            );
        }
    }
    for nowhere in [
        "/auth",
        "/auth/",
        "/auth/sign-in/",
        "/auth/admin",
        "/auth/users",
        "/auth/sessions/a/b",
        "/auth/SESSION",
    ] {
        let answer = site.browser().raw("GET", nowhere, &[], b"").unwrap();
        assert_eq!(answer.status, 404, "{nowhere}");
        assert_eq!(
            site.auth.http_wants(b"POST", nowhere.as_bytes()),
            Some(0),
            "{nowhere}"
        );
    }
    for foreign in [
        "/",
        "/authentic",
        "/api/auth/session",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(
            site.auth.http_wants(b"GET", foreign.as_bytes()),
            None,
            "{foreign}"
        );
        assert!(
            site.browser().raw("GET", foreign, &[], b"").is_none(),
            "{foreign}"
        );
    }
}

#[test]
fn what_is_not_opened_is_not_there() {
    let site = Site::with("http.sign_up = false\n");
    let mut ada = site.browser();
    for (method, path) in [
        ("POST", "sign-up"),
        ("POST", "user/delete"),
        ("GET", "user/export"),
    ] {
        let body = if path == "sign-up" {
            json!({"provider": "email"})
        } else {
            json!({})
        };
        let answer = ada.send(method, path, &body);
        assert_eq!(answer.status, 404, "{path}");
        assert!(text(&answer).contains("http."), "{path}");
    }
    assert_eq!(
        site.auth.http_wants(b"GET", b"/.well-known/change-password"),
        None
    );
}

/// The page, the document and the types are what the table says: written by this test, kept in the tree.
#[test]
fn the_page_is_what_the_table_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut stale = Vec::new();
    for (file, text) in [
        ("docs/http.md", doorward::http::reference()),
        ("client/src/table.ts", doorward::http::types()),
    ] {
        let path = root.join(file);
        if std::fs::read_to_string(&path).unwrap_or_default() != text
            && path.parent().is_some_and(std::path::Path::exists)
        {
            std::fs::write(&path, text).unwrap();
            stale.push(file);
        }
    }
    assert!(
        stale.is_empty(),
        "{stale:?} were not what the table says: they have been written, commit them"
    );
}

/// A route that stands elsewhere would answer what the table does not have: no file of the surface but the table has a path.
#[test]
fn paths_stand_in_the_table_alone() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/src/http");
    let document = Document::of(&doorward::http::openapi("/auth"));
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        files += 1;
        if name == "table.rs" {
            continue;
        }
        for (_, known) in document.endpoints() {
            let known = known.trim_start_matches('/').to_owned();
            // One word may be anything: a member, a purpose. What has more parts is a path.
            assert!(
                !known.contains('/') || !code.contains(&format!("\"{known}\"")),
                "{name}: {known}"
            );
        }
        assert!(
            !code.contains("Method::Post") && !code.contains("b\"POST\""),
            "{name} asks for a method"
        );
    }
    assert!(files > 15, "{files}");
}
