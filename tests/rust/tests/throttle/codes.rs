//! Codes by mail: whom they are asked for, and who signs up with one.

use doorward::{Answer, Auth, Fields, NewUserOptions, Outcome, Proof, SessionOptions};

use crate::world::{device_in, from, messages, plugin, run};

pub(crate) fn settings() -> String {
    format!(
        "plugin.email_code.path = '{}'\nprovider.code = {{ kind = 'email_code', rule = 'email', channel = 'email' }}\n",
        plugin("email_code")
    )
}

/// Asks for a code.
pub(crate) fn begin(auth: &Auth, peer: &str, cookies: &str, name: &str) -> Answer<Proof> {
    let on = auth.on(from(peer, cookies));
    run(on.authenticate("code", Some(name.as_bytes()), Fields::default())).unwrap()
}

/// Confirms the link of a letter.
pub(crate) fn confirm(auth: &Auth, peer: &str, link: &[u8]) -> Answer<Proof> {
    let on = auth.on(from(peer, ""));
    run(on.continue_flow(link, None, Fields::default())).unwrap()
}

/// A user whose only way in is a code; the device cookie of a browser that has signed in.
pub(crate) fn sign_up(auth: &Auth, name: &str) -> String {
    let begun = run(auth.authenticate("code", Some(name.as_bytes()), Fields::default())).unwrap();
    let Outcome::Continue(flow) = begun.outcome else {
        panic!("{begun:?}")
    };
    let message = messages(auth).pop().unwrap();
    let code = String::from_utf8_lossy(message.params.named("code").unwrap().expose()).into_owned();
    let fields = Fields::from([("code", code)]);
    let answer = run(auth.continue_flow(flow.token().expose(), None, fields)).unwrap();
    let Outcome::Unregistered(claim) = answer.outcome else {
        panic!("{answer:?}")
    };
    let made = run(auth.create_user_from_claim(claim.token().expose(), NewUserOptions::default())).unwrap();
    let proof = made.require().unwrap();
    let on = auth.on(from("198.51.100.1", ""));
    device_in(&run(on.create_session(&proof, SessionOptions::default())).unwrap())
}
