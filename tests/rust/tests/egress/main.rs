//! HTTP requests of kinds, against real TLS servers on this machine: what the operator's list and the certificates
//! allow gets out, nothing else does.

#![expect(clippy::unwrap_used, reason = "tests judge by panicking, in helpers too")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::egress::{Egress, EgressSettings, Fetch as _, Incoming, Method, NoAnswer, Origins, Outgoing};
use doorward_tests::scratch::Scratch;

const WAIT: Duration = Duration::from_secs(10);

struct Peers {
    process: Child,
    ports: BTreeMap<String, u16>,
    folder: Scratch,
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Peers {
    fn start() -> Self {
        let folder = Scratch::new();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/egress/peers.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ports = BTreeMap::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((name, port)) = line.split_once(' ') else {
                break;
            };
            ports.insert(name.to_owned(), port.parse().unwrap());
        }
        assert_eq!(ports.len(), 5, "python3 and openssl must be there");
        Self {
            process,
            ports,
            folder,
        }
    }

    fn origin(&self, peer: &str) -> String {
        let scheme = if peer == "plain" { "http" } else { "https" };
        format!("{scheme}://127.0.0.1:{}", self.ports[peer])
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// An egress for the provider `corp` that may reach these peers.
    fn egress(&self, peers: &[&str]) -> Egress {
        let origins: Vec<String> = peers.iter().map(|peer| self.origin(peer)).collect();
        let settings = EgressSettings {
            origins: Origins::parse(origins.iter().map(String::as_str)).unwrap(),
            ca: Some(self.ca()),
        };
        Egress::new([("corp", &settings)]).unwrap()
    }
}

fn get(egress: &Egress, url: &str) -> Result<Incoming, NoAnswer> {
    ask(egress, url, &[], WAIT)
}

fn ask(egress: &Egress, url: &str, headers: &[(&str, &str)], wait: Duration) -> Result<Incoming, NoAnswer> {
    let request = Outgoing {
        method: Method::Get,
        url,
        headers,
        body: b"",
    };
    egress.fetch("corp", request, wait)
}

fn text(answer: Result<Incoming, NoAnswer>) -> String {
    String::from_utf8(answer.unwrap().body).unwrap()
}

#[test]
fn requests_reach_listed_origins_with_good_certificates() {
    let peers = Peers::start();
    let egress = peers.egress(&["good", "plain"]);
    let url = format!("{}/token?a=b#fragment", peers.origin("good"));
    let seen = text(ask(
        &egress,
        &url,
        &[("Accept", "application/json"), ("Authorization", "Basic eDp5")],
        WAIT,
    ));
    assert!(seen.starts_with("GET /token?a=b\n"), "{seen}");
    assert!(seen.contains("\naccept: application/json\n"), "{seen}");
    assert!(seen.contains("\nauthorization: Basic eDp5\n"), "{seen}");
    assert!(seen.contains("\nuser-agent: doorward/"), "{seen}");
    let request = Outgoing {
        method: Method::Post,
        url: &url,
        headers: &[("Content-Type", "application/x-www-form-urlencoded")],
        body: b"code=1",
    };
    let seen = text(egress.fetch("corp", request, WAIT));
    assert!(
        seen.starts_with("POST /token") && seen.ends_with("\ncode=1"),
        "{seen}"
    );
    assert!(seen.contains("\ncontent-length: 6\n"), "{seen}");
    assert!(text(get(&egress, &format!("{}/", peers.origin("plain")))).starts_with("GET /\n"));
    let missing = get(&egress, &format!("{}/missing", peers.origin("good"))).unwrap();
    assert_eq!(
        (missing.status, missing.body.as_slice()),
        (404, b"not here".as_slice())
    );
}

#[test]
fn bad_certificates_are_not_talked_to() {
    let peers = Peers::start();
    let egress = peers.egress(&["good", "other", "old", "foreign"]);
    for (peer, why) in [
        ("other", "not valid for name"),
        ("old", "Expired"),
        ("foreign", "UnknownIssuer"),
    ] {
        match get(&egress, &format!("{}/?code=secretword", peers.origin(peer))) {
            Err(NoAnswer::Unavailable(said)) => {
                assert!(said.contains(why), "{peer}: {said}");
                assert!(!said.contains("secretword"), "{said}");
            }
            other => panic!("{peer}: {other:?}"),
        }
    }
    // The same authority under the name it is not trusted for: `egress_ca` replaces the system's roots, it adds none.
    let strangers = EgressSettings {
        origins: Origins::parse([peers.origin("good").as_str()]).unwrap(),
        ca: Some(peers.folder.path().join("stranger.pem")),
    };
    let strangers = Egress::new([("corp", &strangers)]).unwrap();
    assert!(matches!(
        get(&strangers, &peers.origin("good")),
        Err(NoAnswer::Unavailable(_))
    ));
    // And without it, the system's roots do not include ours.
    let systems = EgressSettings {
        origins: Origins::parse([peers.origin("good").as_str()]).unwrap(),
        ca: None,
    };
    if let Ok(systems) = Egress::new([("corp", &systems)]) {
        assert!(matches!(
            get(&systems, &peers.origin("good")),
            Err(NoAnswer::Unavailable(_))
        ));
    }
}

#[test]
fn what_is_not_listed_is_refused_before_anything_is_sent() {
    let peers = Peers::start();
    let egress = peers.egress(&["good"]);
    for (provider, url) in [
        ("corp", format!("{}/?secretword", peers.origin("plain"))),
        ("corp", format!("{}/?secretword", peers.origin("other"))),
        (
            "corp",
            format!("https://secretword@127.0.0.1:{}/", peers.ports["good"]),
        ),
        (
            "corp",
            format!("http://127.0.0.1:{}/?secretword", peers.ports["good"]),
        ),
        ("corp", "secretword".to_owned()),
        ("other", format!("{}/?secretword", peers.origin("good"))),
    ] {
        let request = Outgoing {
            method: Method::Get,
            url: &url,
            headers: &[],
            body: b"",
        };
        match egress.fetch(provider, request, WAIT) {
            Err(NoAnswer::NotListed(said)) => {
                assert!(said.contains(&format!("`provider.{provider}.egress`")), "{said}");
                assert!(!said.contains("secretword"), "{said}");
            }
            other => panic!("{provider} {url}: {other:?}"),
        }
    }
    let url = peers.origin("good");
    for (name, value) in [
        ("Host", "evil.example"),
        ("content-length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("X-A", "one\r\nX-B: two"),
        ("X A", "one"),
        ("", "one"),
    ] {
        let refused = ask(&egress, &url, &[(name, value)], WAIT);
        assert!(
            matches!(refused, Err(NoAnswer::Malformed(_))),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn redirects_come_back_and_are_not_followed() {
    let peers = Peers::start();
    let egress = peers.egress(&["good", "plain"]);
    let answer = get(&egress, &format!("{}/redirect", peers.origin("good"))).unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (302, b"elsewhere".as_slice())
    );
}

#[test]
fn the_deadline_holds_for_slow_peers_and_for_dripping_ones() {
    let peers = Peers::start();
    let egress = peers.egress(&["good", "plain"]);
    for peer in ["good", "plain"] {
        for path in ["slow", "drip"] {
            let url = format!("{}/{path}", peers.origin(peer));
            let begun = SystemClock.monotonic();
            let answer = ask(&egress, &url, &[], Duration::from_millis(700));
            let took = SystemClock.monotonic().saturating_sub(begun);
            assert!(
                matches!(answer, Err(NoAnswer::Timeout(_))),
                "{peer} {path}: {answer:?}"
            );
            assert!(took < Duration::from_secs(4), "{peer} {path}: {took:?}");
        }
    }
    let late = ask(&egress, &peers.origin("good"), &[], Duration::ZERO);
    assert!(matches!(late, Err(NoAnswer::Timeout(_))), "{late:?}");
}

#[test]
fn answers_that_are_too_large_are_given_up() {
    let peers = Peers::start();
    let egress = peers.egress(&["good"]);
    for path in ["huge", "wide"] {
        let answer = get(&egress, &format!("{}/{path}", peers.origin("good")));
        assert!(matches!(answer, Err(NoAnswer::TooLarge(_))), "{path}: {answer:?}");
    }
}

#[test]
fn a_peer_that_is_not_there_is_unavailable() {
    let peers = Peers::start();
    let egress = peers.egress(&["good"]);
    let url = peers.origin("good");
    drop(peers);
    let answer = get(&egress, &url);
    assert!(matches!(answer, Err(NoAnswer::Unavailable(_))), "{answer:?}");
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let peers = Peers::start();
    // Another process, for the environment is read when a client is made.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "requests_reach_listed_origins_with_good_certificates"])
        .envs(
            [
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "ALL_PROXY",
                "http_proxy",
                "https_proxy",
                "all_proxy",
            ]
            .map(|name| {
                // A port where nobody listens, once its owner is gone.
                (name, "http://127.0.0.1:1")
            }),
        )
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    drop(peers);
}

#[test]
fn roots_that_cannot_be_read_are_refused_at_once() {
    let folder = Scratch::new();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    for ca in [
        folder.path().join("absent.pem"),
        file("empty.pem", ""),
        file("text.pem", "no certificate"),
        file(
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let settings = EgressSettings {
            origins: Origins::parse(["https://issuer.example"]).unwrap(),
            ca: Some(ca.clone()),
        };
        let error = Egress::new([("corp", &settings)])
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("`provider.corp.egress_ca`"),
            "{}: {error}",
            ca.display()
        );
    }
}

#[test]
fn the_settings_say_what_is_wrong() {
    for (lines, told) in [
        (
            "egress = ['https://issuer.example/path']",
            "`provider.corp.egress` has \"https://issuer.example/path\"",
        ),
        (
            "egress = ['http://issuer.example']",
            "plain http reaches this machine only",
        ),
        ("egress = 'https://issuer.example'", "a list of texts"),
        (
            "egress_ca = 'ca.pem'",
            "`provider.corp.egress_ca` takes an absolute path",
        ),
    ] {
        let toml = format!("database = 'memory:'\n[provider.corp]\nkind = 'password'\n{lines}");
        let error = doorward::Config::from_toml(&toml)
            .and_then(|config| doorward::Auth::open(&config))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(error.contains(told), "{lines}: {error}");
    }
}
