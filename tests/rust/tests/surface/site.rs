//! A program with the surface, and clients that ask it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorward::clock::ManualClock;
use doorward::http::Response;
use doorward::{Auth, Config, Request, Settlement, Timestamp, block_on};
use serde_json::{Value, json};

use crate::document::Document;

pub(crate) const PASSWORD: &str = "plum tractors hum at noon";
pub(crate) const OTHER: &str = "nine grey owls read late";
pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PAGE: &str = "https://app.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";

/// A plugin as cargo built it beside the test programs.
pub(crate) fn plugin(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let built = program
        .ancestors()
        .nth(2)
        .unwrap()
        .join(format!("libdoorward_{name}.so"));
    assert!(
        built.exists(),
        "build the workspace first: cargo build --workspace ({})",
        built.display()
    );
    built
}

/// A program with the surface.
pub(crate) struct Site {
    pub(crate) auth: Auth,
    pub(crate) clock: Arc<ManualClock>,
    document: Document,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    pub(crate) fn with(more: &str) -> Self {
        let text = format!(
            "database = 'memory:'\npassword.unsafe_fast_hashes = true\npassword.memory_kib = 8\npassword.passes = 1\n\
             hashing.budget_mib = 1\norigins.trusted = ['{PAGE}', 'https://www.example']\nattributes.public = ['name']\n\
             attributes.self = ['name', 'colour']\nprovider.email.kind = 'password'\n{more}"
        );
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)));
        let mut config = Config::from_toml(&text).unwrap();
        config.clock(clock.clone());
        let auth = Auth::open(&config).unwrap();
        block_on(auth.start()).unwrap();
        Self {
            auth,
            clock,
            document: Document::of(&doorward::http::openapi("/auth")),
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A browser with no cookies, on a page of the site.
    pub(crate) fn browser(&self) -> Client<'_> {
        Client {
            site: self,
            cookies: BTreeMap::new(),
            headers: vec![
                ("origin".into(), PAGE.into()),
                ("user-agent".into(), FIREFOX.into()),
            ],
        }
    }

    /// An app: no cookies, no origin.
    pub(crate) fn app(&self) -> Client<'_> {
        Client {
            headers: vec![("doorward-client".into(), "app".into())],
            ..self.browser()
        }
    }

    /// Ada, signed up in a browser of hers.
    pub(crate) fn ada(&self) -> Client<'_> {
        let mut ada = self.browser();
        let made = ada.post(
            "sign-up",
            &json!({"provider": "email", "identifier": ADA, "fields": {"password": PASSWORD}}),
        );
        assert_eq!(made.status, 201, "{:?}", text(&made));
        ada
    }

    /// Ada, with an address that she has proved.
    pub(crate) fn proved(&self) -> Client<'_> {
        let mut ada = self.ada();
        let asked = ada.post("verify", &json!({"provider": "email", "identifier": ADA}));
        assert_eq!(asked.status, 202);
        let token = self.letter("verify");
        let finished = ada.post("verify/finish", &json!({ "token": token }));
        assert_eq!(finished.status, 200, "{}", text(&finished));
        ada
    }

    /// The token of the newest message of a template, all messages settled.
    pub(crate) fn letter(&self, template: &str) -> String {
        let taken = block_on(self.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
        for one in &taken {
            let settled = self
                .auth
                .settle_delivery(one.id, one.attempts, Settlement::Delivered);
            assert!(block_on(settled).unwrap());
        }
        let letter = taken.iter().rev().find(|one| one.template == template);
        let letter = letter.unwrap_or_else(|| panic!("no message {template}"));
        String::from_utf8(letter.params.named("token").unwrap().expose().to_vec()).unwrap()
    }
}

/// Who asks: cookies, and the headers that go with every request.
pub(crate) struct Client<'a> {
    site: &'a Site,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Clone for Client<'_> {
    fn clone(&self) -> Self {
        Self {
            site: self.site,
            cookies: self.cookies.clone(),
            headers: self.headers.clone(),
        }
    }
}

impl Client<'_> {
    /// One more header line with every request.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends a request as it stands.
    pub(crate) fn raw(
        &mut self,
        method: &str,
        target: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Response> {
        let mut headers = self.headers.clone();
        headers.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            headers.push(("cookie".into(), pairs.join("; ")));
        }
        let request = Request::new(method, headers, "192.0.2.7".parse().ok()).with_target(target);
        let answer = block_on(self.site.auth.on(request).http_handle(body)).unwrap()?;
        self.site.document.holds(method, target, &answer);
        self.take_cookies(&answer);
        Some(answer)
    }

    fn take_cookies(&mut self, answer: &Response) {
        for (_, line) in answer.headers.iter().filter(|(name, _)| *name == "Set-Cookie") {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        for (name, value) in &answer.headers {
            if name.starts_with("Doorward-") {
                self.headers
                    .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                self.headers.push(((*name).into(), value.clone()));
            }
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        // A page that a person goes to has no origin.
        self.raw("GET", &format!("/auth/{path}"), &[], b"").unwrap()
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &Value) -> Response {
        let json = [("content-type", "application/json")];
        self.raw(
            method,
            &format!("/auth/{path}"),
            &json,
            body.to_string().as_bytes(),
        )
        .unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.send("POST", path, body)
    }

    pub(crate) fn form(&mut self, path: &str, body: &str) -> Response {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.raw("POST", &format!("/auth/{path}"), &form, body.as_bytes())
            .unwrap()
    }

    pub(crate) fn sign_in(&mut self, password: &str) -> Response {
        self.post(
            "sign-in",
            &json!({"provider": "email", "identifier": ADA, "fields": {"password": password}}),
        )
    }

    /// What `GET session` says.
    pub(crate) fn status(&mut self) -> String {
        let answer = self.get("session");
        assert_eq!(answer.status, 200);
        json_of(&answer)["status"].as_str().unwrap().to_owned()
    }

    /// What the page shows after a form.
    pub(crate) fn page(&mut self) -> Value {
        let answer = self.post("page", &json!({}));
        if answer.status == 204 {
            Value::Null
        } else {
            json_of(&answer)
        }
    }
}

pub(crate) fn json_of(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{}: {}", answer.status, text(answer)))
}

pub(crate) fn text(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub(crate) fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    let mut lines = answer.headers.iter().filter(|(known, _)| *known == name);
    let found = lines.next().map(|(_, value)| value.as_str());
    assert!(
        name == "Set-Cookie" || lines.next().is_none(),
        "{name} comes twice"
    );
    found
}

/// The status and the code of a problem.
pub(crate) fn problem(answer: &Response) -> (u16, String) {
    assert_eq!(
        header(answer, "Content-Type"),
        Some("application/problem+json"),
        "{}",
        text(answer)
    );
    let body = json_of(answer);
    assert_eq!(body["status"], answer.status);
    (answer.status, body["code"].as_str().unwrap().to_owned())
}

pub(crate) fn is_problem(answer: &Response, status: u16, code: &str) {
    assert_eq!(problem(answer), (status, code.to_owned()), "{}", text(answer));
}
