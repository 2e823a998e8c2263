//! A user who has a second factor, and whoever guesses at it.

use doorward::clock::Clock as _;
use doorward::{Answer, Auth, Fields, FlowHandle, Outcome, Proof, SessionOptions};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

use crate::swarm::Guess;
use crate::world::{PASSWORD, Time, from, plugin, run, try_at, wait_of};

/// An app of codes by time.
pub(crate) struct Second(Vec<u8>);

impl Second {
    pub(crate) fn settings() -> String {
        format!(
            "plugin.totp.path = '{}'\nprovider.totp.kind = 'totp'\npolicy.second_factor = ['totp']\n",
            plugin("totp")
        )
    }

    pub(crate) fn enroll(auth: &Auth, time: &Time, name: &str) -> Self {
        let proof = try_at(auth, from("192.0.2.1", ""), name, PASSWORD)
            .require()
            .unwrap();
        let session = run(auth.create_session(&proof, SessionOptions::default())).unwrap();
        let proof = run(auth.session_proof(&session.require().unwrap())).unwrap();
        // Codes may wait for whose address it is; it is his.
        doorward_tests::prove::address(auth, &proof, "email", name);
        let begun = flow(run(auth.begin_enrollment("totp", None, Some(&proof))).unwrap());
        let shown = begun.next()[0].challenge.named("secret").unwrap().expose();
        let app = Self(base32(shown));
        let code = Fields::from([("code", app.code(time, 0))]);
        let done = run(auth.continue_flow(begun.token().expose(), None, code)).unwrap();
        assert_eq!(done.outcome.id(), "accepted");
        app
    }

    /// The code so many periods later.
    fn code(&self, time: &Time, later: i64) -> String {
        let step = time.now().as_seconds() / PERIOD_SECONDS + later;
        format!(
            "{:06}",
            code_at(Algorithm::Sha1, &self.0, u64::try_from(step).unwrap(), 6)
        )
    }

    /// What is not the code, and will not be for a while.
    pub(crate) fn wrong(&self, time: &Time) -> Fields {
        let good: Vec<String> = (-3..=3).map(|later| self.code(time, later)).collect();
        let wrong = (0..1_000)
            .map(|number| format!("{number:06}"))
            .find(|wrong| !good.contains(wrong));
        Fields::from([("code", wrong.unwrap())])
    }

    /// The first factor is right: what waits for the second.
    pub(crate) fn asked(auth: &Auth, peer: &str, name: &str) -> Asked {
        let answer = try_at(auth, from(peer, ""), name, PASSWORD);
        let lines = answer.headers.iter().map(|(_, value)| value);
        let bound = lines
            .into_iter()
            .find(|line| line.starts_with("__Host-"))
            .unwrap();
        let cookie = bound.split(';').next().unwrap().to_owned();
        Asked {
            peer: peer.to_owned(),
            cookie,
            flow: flow(answer).token().expose().to_vec(),
        }
    }

    /// A guess in this flow.
    pub(crate) fn guess_at(auth: &Auth, asked: &Asked, wrong: Fields) -> Answer<Proof> {
        let on = auth.on(from(&asked.peer, &asked.cookie));
        let answer = run(on.continue_flow(&asked.flow, None, wrong)).unwrap();
        assert!(was_judged(&answer) || !wait_of(&answer).is_zero(), "{answer:?}");
        answer
    }

    /// The same in the midst of others.
    pub(crate) fn guess<'a>(auth: &'a Auth, asked: &'a Asked, wrong: Fields) -> Guess<'a> {
        Box::pin(async move {
            let on = auth.on(from(&asked.peer, &asked.cookie));
            let answer = on.continue_flow(&asked.flow, None, wrong).await;
            answer.is_ok_and(|answer| was_judged(&answer))
        })
    }
}

/// Somebody who has given the first factor.
pub(crate) struct Asked {
    peer: String,
    cookie: String,
    flow: Vec<u8>,
}

/// Wrong, and there may be another answer: the flow was good.
fn was_judged(answer: &Answer<Proof>) -> bool {
    matches!(answer.outcome, Outcome::Refused(Some(_)))
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

fn base32(shown: &[u8]) -> Vec<u8> {
    let (mut bits, mut held, mut secret) = (0_u64, 0, Vec::new());
    for symbol in shown {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let value = alphabet.iter().position(|one| one == symbol).unwrap();
        bits = bits << 5 | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            secret.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    secret
}
