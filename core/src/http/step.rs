//! What a step led to: the session of a proof, or the flow to go on with.

use serde_json::Value;

use super::answer::{self, Object};
use super::problem::Failure;
use super::turn::{Done, Turn, decided};
use crate::auth::SessionOptions;
use crate::cookie::CookieKind;
use crate::flow::FlowHandle;
use crate::outcome::{Answer, Outcome};
use crate::proof::Proof;
use crate::session::Lifetimes;

/// What a browser takes along to an issuer and back.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Along {
    /// The flow's token.
    pub(super) flow: String,
    /// What the flow is for.
    pub(super) purpose: String,
    /// The provider that it went to.
    pub(super) provider: String,
    /// The parameters that the provider wants to see again.
    pub(super) fields: Vec<String>,
    /// Where a form leads afterwards.
    pub(super) to: Option<String>,
}

impl Turn<'_> {
    /// The answer to a step, whatever it led to; `made` is its status where something was made.
    pub(super) async fn step(&self, answer: Answer<Proof>, made: u16) -> Result<Done, Failure> {
        if let Outcome::Continue(flow) = &answer.outcome {
            self.takes_along(flow, self.given.text("to"))?;
            let body = answer::flow(Object::default().with("outcome", "continue"), flow);
            return Ok(Done::json(200, body.done()));
        }
        let told = told(&answer);
        let proof = decided(answer)?;
        let purpose = match proof.purpose() {
            "session" => "change",
            purpose => purpose,
        };
        let mut body = Object::default()
            .with("outcome", "accepted")
            .with("purpose", purpose);
        if purpose != "change" {
            let with = SessionOptions {
                lifetimes: Lifetimes {
                    persistent: self.given.flag("persistent"),
                    ..Lifetimes::default()
                },
                ..SessionOptions::default()
            };
            let session = decided(self.auth.create_session(&proof, with).await?)?;
            body = body.with("session", answer::signed_in(self.auth, &session));
        }
        Ok(Done::json(made, with_told(body, told)))
    }

    /// The answer to a change of who is signed in.
    pub(super) fn changed<T>(answer: Answer<T>) -> Result<Done, Failure> {
        let told = told(&answer);
        decided(answer)?;
        let body = Object::default()
            .with("outcome", "accepted")
            .with("purpose", "change");
        Ok(Done::json(200, with_told(body, told)))
    }

    /// Where a flow goes on at an issuer, the browser takes it along.
    pub(super) fn takes_along(&self, flow: &FlowHandle, to: Option<&str>) -> Result<(), Failure> {
        let Some(method) = flow
            .next()
            .iter()
            .find(|method| method.challenge.named("url").is_some())
        else {
            return Ok(());
        };
        let along = Along {
            flow: answer::text(flow.token().expose()),
            purpose: flow.purpose().into(),
            provider: method.provider.clone(),
            fields: method.fields.iter().map(|field| field.name.clone()).collect(),
            to: to.map(str::to_owned),
        };
        if let Ok(text) = serde_json::to_vec(&along) {
            self.auth.carry(CookieKind::Away, &text)?;
        }
        Ok(())
    }
}

/// Where a flow goes on elsewhere: the address of the web that a provider's challenge names. A kind is another's code, and
/// what it says becomes a header line: one that is no address is none.
pub(super) fn elsewhere(body: &Value) -> Option<&str> {
    let url = body.pointer("/next/0/challenge/url").and_then(Value::as_str)?;
    let of_web = url.starts_with("https://") || url.starts_with("http://");
    (of_web && url.bytes().all(|byte| (0x21..0x7f).contains(&byte))).then_some(url)
}

/// What is to be shown with an answer.
pub(super) fn told<T>(answer: &Answer<T>) -> Told {
    Told {
        show_once: answer::shown(&answer.show_once),
        took: answer::ways(&answer.took),
        kept: answer::ways(&answer.kept),
        others: answer::ways(&answer.others),
    }
}

/// What is to be shown with an answer.
pub(super) struct Told {
    show_once: Option<Value>,
    took: Vec<Value>,
    kept: Vec<Value>,
    others: Vec<Value>,
}

pub(super) fn with_told(body: Object, told: Told) -> Value {
    body.may("show_once", told.show_once)
        .list("took", told.took)
        .list("kept", told.kept)
        .list("others", told.others)
        .done()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::elsewhere;

    #[test]
    fn a_kind_leads_to_addresses_of_the_web_and_ends_no_line() {
        let of = |url: &str| elsewhere(&json!({"next": [{"challenge": {"url": url}}]})).is_some();
        for leads in ["https://issuer.example/authorize?a=b", "http://127.0.0.1:1/"] {
            assert!(of(leads), "{leads}");
        }
        for none in [
            "https://a\r\nSet-Cookie: a=b",
            "https://a b",
            "javascript:alert(1)",
            "//issuer.example",
            "/own",
            "",
        ] {
            assert!(!of(none), "{none}");
        }
        assert!(elsewhere(&json!({"next": [{"challenge": {"url": {"base64url": "x"}}}]})).is_none());
    }
}
