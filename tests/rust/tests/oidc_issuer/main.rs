//! Sign-in at a certified issuer (node-oidc-provider), all the way: authorization request, its own pages, callback,
//! claim, user, second sign-in. `plugins/oidc/test.sh` installs the issuer and runs these.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod issuer;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use doorward::clock::{Clock as _, SystemClock};
use doorward::request::Request;
use doorward::{Answer, Auth, Claim, Config, Fields, NewUserOptions, Outcome, Proof, block_on};
use issuer::{Issuer, Visitor};

/// A context with one provider name per issuer.
fn open(issuers: &[(&str, &str, &str)]) -> Auth {
    open_with("", issuers)
}

/// The same with more settings.
fn open_with(settings: &str, issuers: &[(&str, &str, &str)]) -> Auth {
    let plugin = std::env::current_exe()
        .unwrap()
        .with_file_name("libdoorward_oidc.so");
    let mut text = format!(
        "database = 'memory:'\norigins.trusted = ['https://app.example']\nplugin.oidc.path = '{}'\n{settings}",
        plugin.display()
    );
    for (name, issuer, more) in issuers {
        writeln!(
            text,
            "[provider.{name}]\nkind = 'oidc'\negress = ['{issuer}']\nconfig.issuer = '{issuer}'\n\
             config.client_id = 'shop'\nconfig.client_secret = 's3cret:%'\n\
             config.redirect_uri = 'https://app.example/callback'\n{more}"
        )
        .unwrap();
    }
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
    block_on(auth.start()).unwrap();
    auth
}

/// A person's browser at the application: its cookies, and one to visit issuers with.
#[derive(Default)]
struct Person {
    jar: BTreeMap<String, String>,
    visitor: Visitor,
}

/// What the application keeps between its two pages.
struct Away {
    flow: Vec<u8>,
    url: String,
}

impl Person {
    fn request(&self, method: &str, site: &str) -> Request {
        let cookies: Vec<String> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![
            ("cookie", cookies.as_str()),
            ("sec-fetch-site", site),
            ("user-agent", "Test"),
        ];
        if method == "POST" {
            headers.push(("origin", "https://app.example"));
        }
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Request::new(method.as_bytes(), headers, Some("192.0.2.7".parse().unwrap()))
    }

    fn take<T>(&mut self, answer: &Answer<T>) {
        for cookie in answer.headers.cookies() {
            if cookie.max_age_seconds() == Some(0) {
                self.jar.remove(cookie.name());
            } else {
                self.jar.insert(cookie.name().into(), cookie.value().into());
            }
        }
    }

    /// The page with the button.
    fn begin(&mut self, auth: &Auth, provider: &str) -> Away {
        let on = auth.on(self.request("POST", "same-origin"));
        let answer = block_on(on.authenticate(provider, None, Fields::default())).unwrap();
        self.take(&answer);
        let Outcome::Continue(flow) = answer.outcome else {
            panic!("{answer:?}")
        };
        let url = flow.next()[0].challenge.named("url").unwrap();
        Away {
            flow: flow.token().expose().to_vec(),
            url: String::from_utf8(url.expose().to_vec()).unwrap(),
        }
    }

    /// The page that the issuer sends the browser to: a navigation from another site.
    fn come_back(
        &mut self,
        auth: &Auth,
        away: &mut Away,
        parameters: &BTreeMap<String, String>,
    ) -> Answer<Proof> {
        let mut fields = Fields::default();
        for name in ["state", "code", "iss", "error"] {
            if let Some(value) = parameters.get(name) {
                fields.0.push((name.to_owned(), value.as_str().into()));
            }
        }
        let on = auth.on(self.request("GET", "cross-site"));
        let answer = block_on(on.continue_flow(&away.flow, None, fields)).unwrap();
        self.take(&answer);
        // A wrong answer costs an attempt and gives another token for the same flow.
        if let Outcome::Refused(Some(flow)) = &answer.outcome {
            away.flow = flow.token().expose().to_vec();
        }
        answer
    }

    fn sign_in(&mut self, auth: &Auth, provider: &str, who: &str) -> Answer<Proof> {
        let mut away = self.begin(auth, provider);
        let parameters = self.visitor.visit(&away.url, who, true);
        self.come_back(auth, &mut away, &parameters)
    }
}

fn unregistered(answer: Answer<Proof>) -> Claim {
    match answer.outcome {
        Outcome::Unregistered(claim) => claim,
        _ => panic!("{answer:?}"),
    }
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn a_person_signs_up_with_a_claim_and_signs_in_again() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let issuer = Issuer::start(0, algorithm);
        let auth = open(&[(
            "corp",
            &issuer.url(),
            "config.userinfo = true\nconfig.max_age = 3600\n",
        )]);
        let mut ada = Person::default();
        let claim = unregistered(ada.sign_in(&auth, "corp", "ada"));
        assert_eq!(claim.provider(), "corp");
        assert_eq!(
            claim.identifier(),
            format!("{}\nada", issuer.url()).as_bytes(),
            "{algorithm}"
        );
        let said: serde_json::Value = serde_json::from_str(claim.attributes()).unwrap();
        assert_eq!(said["email"], "ada@example.com", "{said}");
        assert_eq!(
            (&said["email_verified"], &said["name"]),
            (&true.into(), &"ADA".into())
        );
        let on = auth.on(ada.request("POST", "same-origin"));
        let created = block_on(on.create_user_from_claim(claim.token().expose(), NewUserOptions::default()));
        let user = created.unwrap().require().unwrap().user_id();
        // The second time there is a session at the issuer, and consent was given: nothing is asked.
        let again = ada.sign_in(&auth, "corp", "nobody");
        assert_eq!(again.require().unwrap().user_id(), user, "{algorithm}");
        // From another browser as well; and somebody else is somebody else.
        assert_eq!(
            Person::default()
                .sign_in(&auth, "corp", "ada")
                .require()
                .unwrap()
                .user_id(),
            user
        );
        let claim = unregistered(Person::default().sign_in(&auth, "corp", "eve"));
        assert!(claim.identifier().ends_with(b"\neve"));
    }
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn a_plugin_in_a_process_of_its_own_reaches_the_issuer_through_the_host_alone() {
    let issuer = Issuer::start(0, "RS256");
    // Without a socket of its own: `sandbox` is `strict`.
    let isolated = format!(
        "plugin.oidc.isolation = 'process'\nplugin_host.path = '{}'\n",
        env!("CARGO_BIN_EXE_plugin_host")
    );
    let auth = open_with(&isolated, &[("corp", &issuer.url(), "config.userinfo = true\n")]);
    let claim = unregistered(Person::default().sign_in(&auth, "corp", "ada"));
    assert!(claim.identifier().ends_with(b"\nada"));
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn an_answer_belongs_to_the_browser_and_to_the_flow_that_began() {
    let issuer = Issuer::start(0, "RS256");
    let auth = open(&[("corp", &issuer.url(), "")]);
    let (mut ada, mut mallory) = (Person::default(), Person::default());
    // Mallory plants an answer with her own code in Ada's browser (login CSRF), in both ways there are.
    let mut planted = mallory.begin(&auth, "corp");
    let hers = mallory.visitor.visit(&planted.url, "mallory", true);
    let mut away = ada.begin(&auth, "corp");
    assert!(matches!(
        ada.come_back(&auth, &mut away, &hers).outcome,
        Outcome::Refused(_)
    ));
    assert!(matches!(
        ada.come_back(&auth, &mut planted, &hers).outcome,
        Outcome::Refused(None)
    ));
    // A wrong answer spoils nothing: the right one is good, once.
    let his = ada.visitor.visit(&away.url, "ada", true);
    unregistered(ada.come_back(&auth, &mut away, &his));
    let answer = ada.come_back(&auth, &mut away, &his);
    assert!(matches!(answer.outcome, Outcome::Refused(_)), "{answer:?}");
    // A code that is put into a new flow has another state, and with that state it has another nonce and verifier.
    let away = ada.begin(&auth, "corp");
    let mut mixed = ada.visitor.visit(&away.url, "ada", true);
    let mut other = ada.begin(&auth, "corp");
    let theirs = ada.visitor.visit(&other.url, "ada", true);
    mixed.insert("state".into(), theirs["state"].clone());
    assert!(matches!(
        ada.come_back(&auth, &mut other, &mixed).outcome,
        Outcome::Refused(_)
    ));
    unregistered(ada.come_back(&auth, &mut other, &theirs));
    // Whoever says no at the issuer is refused, and may think again.
    let mut eve = Person::default();
    let mut away = eve.begin(&auth, "corp");
    let no = eve.visitor.visit(&away.url, "eve", false);
    assert_eq!(no["error"], "access_denied");
    let answer = eve.come_back(&auth, &mut away, &no);
    assert!(matches!(answer.outcome, Outcome::Refused(Some(_))), "{answer:?}");
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn two_issuers_are_two_and_their_codes_cannot_be_swapped() {
    let (first, second) = (Issuer::start(0, "RS256"), Issuer::start(0, "ES256"));
    let auth = open(&[("first", &first.url(), ""), ("second", &second.url(), "")]);
    let mut ada = Person::default();
    let ids = ["first", "second"].map(|provider| {
        unregistered(ada.sign_in(&auth, provider, "ada"))
            .identifier()
            .to_vec()
    });
    assert_ne!(ids[0], ids[1]);
    // Each answer in the other's flow, as it is, with the other's state, and without `iss` as well.
    let mut aways = ["first", "second"].map(|provider| ada.begin(&auth, provider));
    let answers = [0, 1].map(|at: usize| ada.visitor.visit(&aways[at].url, "ada", true));
    for (here, there) in [(0, 1), (1, 0)] {
        let mut swapped = answers[there].clone();
        let refused = ada.come_back(&auth, &mut aways[here], &swapped);
        assert!(matches!(refused.outcome, Outcome::Refused(_)), "{refused:?}");
        swapped.insert("state".into(), answers[here]["state"].clone());
        let refused = ada.come_back(&auth, &mut aways[here], &swapped);
        assert!(matches!(refused.outcome, Outcome::Refused(_)), "{refused:?}");
        swapped.remove("iss");
        let refused = ada.come_back(&auth, &mut aways[here], &swapped);
        assert!(matches!(refused.outcome, Outcome::Refused(_)), "{refused:?}");
    }
    for at in [0, 1] {
        unregistered(ada.come_back(&auth, &mut aways[at], &answers[at]));
    }
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn new_keys_of_the_issuer_are_found_and_an_issuer_that_is_down_signs_nobody_in() {
    let issuer = Issuer::start(0, "RS256");
    let (url, port) = (issuer.url(), issuer.port);
    let auth = open(&[("corp", &url, "")]);
    unregistered(Person::default().sign_in(&auth, "corp", "ada"));
    let mut ada = Person::default();
    let away = ada.begin(&auth, "corp");
    let parameters = ada.visitor.visit(&away.url, "ada", true);
    drop(issuer);
    let on = auth.on(ada.request("GET", "cross-site"));
    let fields = Fields::from(["state", "code", "iss"].map(|name| (name, parameters[name].as_str())));
    let error = block_on(on.continue_flow(&away.flow, None, fields)).unwrap_err();
    assert_eq!(error.kind(), doorward::ErrorKind::Unavailable, "{error}");
    // The same issuer with other keys. They are looked for at most every five seconds.
    let _issuer = Issuer::start(port, "RS256");
    let until = SystemClock.monotonic() + Duration::from_secs(20);
    loop {
        match Person::default().sign_in(&auth, "corp", "ada").outcome {
            Outcome::Unregistered(_) => break,
            Outcome::Refused(_) if SystemClock.monotonic() < until => {
                std::thread::sleep(Duration::from_millis(500));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
#[ignore = "needs the issuer: plugins/oidc/test.sh"]
fn an_issuer_outside_the_list_is_not_asked() {
    let issuer = Issuer::start(0, "RS256");
    let text = format!(
        "database = 'memory:'\nplugin.oidc.path = '{}'\n[provider.corp]\nkind = 'oidc'\n\
         egress = ['http://127.0.0.1:1']\nconfig.issuer = '{}'\nconfig.client_id = 'shop'\n\
         config.redirect_uri = 'https://app.example/callback'\n",
        std::env::current_exe()
            .unwrap()
            .with_file_name("libdoorward_oidc.so")
            .display(),
        issuer.url()
    );
    let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap();
    block_on(auth.start()).unwrap();
    let error = block_on(auth.authenticate("corp", None, Fields::default())).unwrap_err();
    assert_eq!(error.kind(), doorward::ErrorKind::Unavailable, "{error}");
}
