//! What a person typed stands nowhere but in the record.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use doorward_plugin::abi;
use doorward_plugin_testing::Ask;

use crate::driver::Reply;
use crate::exchange::operation;
use crate::finding::Findings;
use crate::kind_view::KindView;
use crate::randomness::Dice;
use crate::spoiled;
use crate::subject::Opened;

/// A shorter secret is found by chance.
pub(super) const LEAST: usize = 6;
const MARKER: usize = 12;

/// Something secret, and what it is called in a finding.
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

pub(crate) fn check(opened: &mut Opened<'_>, findings: &mut Findings) {
    let view = opened.view().clone();
    let mut replies: Vec<(String, Reply)> = Vec::new();
    let mut secrets: Vec<Secret> = Vec::new();
    let mut kept = Vec::new();
    let exchanges = opened.play().exchanges;
    for (at, exchange) in exchanges.iter().enumerate() {
        for (field, value) in spoiled::secrets(&view, exchange)
            .iter()
            .filter(|(field, _)| field.secret)
        {
            // What everybody is shown before it is typed is nobody's secret, though the field may say so.
            let mut before = exchanges[..at]
                .iter()
                .filter(|earlier| earlier.case == exchange.case);
            if before.any(|earlier| earlier.reply.challenge.iter().any(|(_, shown)| shown == value)) {
                findings.warn(format!(
                    "the field {:?} is declared SECRET, and what is typed there in case {:?} was shown as a challenge: it is \
                     no secret",
                    field.name, exchange.case
                ));
                continue;
            }
            secrets.push(Secret {
                name: format!("{} of case {:?}", field.name, exchange.case),
                bytes: value.to_vec(),
            });
        }
        kept.extend(exchange.ask.records.iter().cloned());
        replies.push((exchange.what(), exchange.reply.clone()));
    }
    for record in kept {
        let mut ask = Ask::describe();
        ask.records = vec![record];
        opened.about_to("describe");
        let reply = opened.ask(&ask);
        replies.push(("describe".into(), reply));
    }
    let mut dice = Dice::of(opened.subject.seed);
    for mut ask in questions(&view) {
        let marked = mark(&view, &mut ask, &mut dice);
        if marked.is_empty() {
            continue;
        }
        let what = format!("{} with marked credentials", operation(&ask));
        opened.about_to(&what);
        let reply = opened.ask(&ask);
        secrets.extend(marked);
        replies.push((what, reply));
    }
    secrets.retain(|secret| secret.bytes.len() >= LEAST);
    if secrets.is_empty() {
        return findings.skip("the kind has no secret of six bytes and more");
    }
    let heard = opened.asker.heard().join("\n");
    for secret in &secrets {
        findings.demand(!contains(heard.as_bytes(), secret), || {
            format!("{} stands in the log or the event stream", secret.name)
        });
        for (what, reply) in &replies {
            for (place, text) in shown(reply) {
                findings.demand(!contains(&text, secret), || {
                    format!("{what}: {} stands in {place}", secret.name)
                });
            }
        }
        findings
            .secrets
            .extend(String::from_utf8(secret.bytes.clone()).ok());
    }
    findings.note = format!("{} secrets looked for", secrets.len());
}

/// Each operation that takes credentials.
fn questions(view: &KindView) -> Vec<Ask> {
    let all = [
        Ask::enroll(),
        Ask::verify(),
        Ask::verify().decoy(),
        Ask::update(),
        Ask::step_of_enroll(b"?"),
        Ask::step_of_verify(b"?"),
    ];
    all.into_iter().filter(|ask| view.has(ask.operation)).collect()
}

/// Puts markers into the secret fields.
fn mark(view: &KindView, ask: &mut Ask, dice: &mut Dice) -> Vec<Secret> {
    let mut found = Vec::new();
    let fields = view.fields_at(ask.purpose, ask.step).map(|field| (field, false));
    let new = view
        .fields_at(abi::FOR_UPDATE_NEW, 0)
        .filter(|_| ask.operation == abi::OP_UPDATE)
        .map(|field| (field, true));
    let mut credentials = [Vec::new(), Vec::new()];
    for (field, is_new) in fields.chain(new) {
        let len = MARKER.min(field.max_len);
        let marker: Vec<u8> = (0..len)
            .map(|_| *dice.one_of(b"bcdfghjkmnpqrstvwxz").unwrap_or(&b'q'))
            .collect();
        credentials[usize::from(is_new)].push((field.name.clone(), marker.clone()));
        if field.secret {
            found.push(Secret {
                name: field.name.clone(),
                bytes: marker,
            });
        }
    }
    [ask.credentials, ask.new_credentials] = credentials;
    found
}

/// What leaves the host for a log, an event or a person; what is shown once is made to be seen.
fn shown(reply: &Reply) -> Vec<(&'static str, Vec<u8>)> {
    let mut shown = vec![("its message", reply.message.clone().into_bytes())];
    let attributes = reply.attributes.iter();
    shown.extend(attributes.map(|(_, value)| ("an attribute", value.clone())));
    shown.extend(
        reply
            .challenge
            .iter()
            .map(|(_, value)| ("a challenge", value.clone())),
    );
    let violations = reply.violations.iter();
    shown.extend(violations.map(|(field, code)| ("a violation", format!("{field} {code}").into_bytes())));
    shown.extend(
        reply
            .label
            .iter()
            .map(|label| ("the label", label.clone().into_bytes())),
    );
    shown
}

/// As it is, in hexadecimal digits, or in base64.
pub(super) fn contains(text: &[u8], secret: &Secret) -> bool {
    let hex = secret.bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let forms = [
        secret.bytes.clone(),
        hex.into_bytes(),
        STANDARD_NO_PAD.encode(&secret.bytes).into_bytes(),
        URL_SAFE_NO_PAD.encode(&secret.bytes).into_bytes(),
    ];
    let text = text.to_ascii_lowercase();
    forms.iter().any(|form| {
        let form = form.to_ascii_lowercase();
        text.windows(form.len()).any(|window| window == form)
    })
}
