//! The issuer: node-oidc-provider in a process of its own, and a person's browser on its pages.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running issuer.
pub(crate) struct Issuer {
    process: Child,
    pub(crate) port: u16,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Issuer {
    /// With new keys; on port 0: any.
    pub(crate) fn start(port: u16, algorithm: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/oidc-issuer");
        let mut process = Command::new("node")
            .current_dir(&folder)
            .args(["issuer.mjs", &port.to_string(), algorithm])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line
            .trim()
            .strip_prefix("ready ")
            .and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("run plugins/oidc/test.sh, which installs it: {line:?}"));
        Self { process, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A browser that talks to issuers: cookies, and redirects as far as the application.
#[derive(Default)]
pub(crate) struct Visitor {
    /// By origin, path and name.
    cookies: BTreeMap<(String, String, String), String>,
}

struct Page {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Visitor {
    /// Goes where the application says, signs in as `person` where asked, agrees where asked (or says no), and gives the
    /// parameters that the application's page gets.
    pub(crate) fn visit(&mut self, url: &str, person: &str, agrees: bool) -> BTreeMap<String, String> {
        let mut url = url.to_owned();
        let mut page = self.ask(&url, None);
        for _ in 0..20 {
            if let Some(location) = &page.location {
                url = absolute(&url, location);
                if let Some(query) = url.strip_prefix("https://app.example/callback?") {
                    return query.split('&').filter_map(pair).collect();
                }
                page = self.ask(&url, None);
                continue;
            }
            assert_eq!(page.status, 200, "{url}: {}", page.body);
            let form = if page.body.contains("value=\"login\"") {
                format!("prompt=login&login={person}&password=any")
            } else {
                assert!(page.body.contains("value=\"consent\""), "{}", page.body);
                "prompt=consent".to_owned()
            };
            if !agrees && form == "prompt=consent" {
                page = self.ask(&format!("{url}/abort"), None);
            } else {
                page = self.ask(&url, Some(&form));
            }
        }
        panic!("the issuer goes round in circles at {url}")
    }

    fn ask(&mut self, url: &str, form: Option<&str>) -> Page {
        let rest = url.strip_prefix("http://").unwrap();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let bare = path.split('?').next().unwrap();
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((at, prefix, _), _)| at == authority && bare.starts_with(prefix.as_str()))
            .map(|((.., name), value)| format!("{name}={value}"))
            .collect();
        let method = if form.is_some() { "POST" } else { "GET" };
        let form = form.unwrap_or_default();
        let mut stream = TcpStream::connect(authority).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nCookie: {}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            cookies.join("; "),
            form.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut page = Page {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            location: None,
            body: body.to_owned(),
        };
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => page.location = Some(value.to_owned()),
                "set-cookie" => self.keep(authority, value),
                _ => {}
            }
        }
        page
    }

    fn keep(&mut self, authority: &str, line: &str) {
        let mut parts = line.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let path = parts.find_map(|part| part.strip_prefix("path=")).unwrap_or("/");
        let key = (authority.to_owned(), path.to_owned(), name.to_owned());
        if value.is_empty() {
            self.cookies.remove(&key);
        } else {
            self.cookies.insert(key, value.to_owned());
        }
    }
}

fn absolute(base: &str, location: &str) -> String {
    if location.starts_with('/') {
        let end = base["http://".len()..]
            .find('/')
            .map_or(base.len(), |at| at + "http://".len());
        format!("{}{location}", &base[..end])
    } else {
        location.to_owned()
    }
}

/// One parameter, its percent-encoding undone.
fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some((name.to_owned(), String::from_utf8(bytes).ok()?))
}
