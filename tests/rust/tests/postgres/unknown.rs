//! The answer to a commit is lost, in every operation that writes: the server is asked what became of it, and the
//! caller is answered what stands. Each operation is run again and again, with the answer to its first commit cut off,
//! then to its second, until there is none left to cut; and the same with commits that never arrive.

use std::os::unix::fs::PermissionsExt as _;

use doorward::{
    Auth, Config, Fields, NewUserOptions, Outcome, Proof, SessionOptions, Settlement, TokenPurpose,
};
use doorward_tests::scratch::Scratch;
use doorward_tests::wait::block_on as run;

use super::lost::proxied;
use super::*;

const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "wrong donkey capacitor";

struct World {
    auth: Auth,
    proxy: Proxy,
    _keys: Scratch,
    _server: Arc<Server>,
}

impl World {
    fn new() -> Self {
        let server = Server::shared();
        let (proxy, url) = proxied(&server);
        let keys = Scratch::new();
        let key = keys.path().join("k1.key");
        std::fs::write(&key, "17".repeat(32)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "database = '{url}'\nmigrate = true\nstore.deadline = '20s'\n\
             keys = [{{ id = 'k1', file = '{}' }}]\n\
             password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
             throttle.enabled = false\n\
             provider.email.kind = 'password'\nprovider.username.kind = 'password'\n",
            key.display()
        );
        let auth = Auth::open(&Config::from_toml(&text).unwrap()).unwrap().trusted();
        run(auth.start()).unwrap();
        Self {
            auth,
            proxy,
            _keys: keys,
            _server: server,
        }
    }

    fn user(&self, name: &str) -> Proof {
        accepted(run(self.auth.create_user(
            "email",
            name.as_bytes(),
            password(PASSWORD),
            NewUserOptions::default(),
        )))
    }

    /// The token in the newest message.
    fn token(&self, purpose: TokenPurpose, name: &str) -> Vec<u8> {
        accepted(run(self.auth.request_token(
            purpose,
            "email",
            name.as_bytes(),
            None,
        )));
        let mail = run(self.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
        let letter = mail
            .iter()
            .rev()
            .find(|one| one.template == purpose.id())
            .unwrap();
        letter.params.named("token").unwrap().expose().to_vec()
    }
}

fn password(text: &str) -> Fields {
    Fields::from([("password", text)])
}

fn accepted<T: std::fmt::Debug>(answer: doorward::Result<doorward::Answer<T>>) -> T {
    match answer.unwrap().outcome {
        Outcome::Accepted(value) => value,
        other => panic!("{other:?}"),
    }
}

/// What is prepared for an operation, and the operation itself, which panics unless it is answered what stands.
type Case = (
    &'static str,
    for<'w> fn(&'w World, String) -> Box<dyn FnOnce() + 'w>,
);

const CASES: &[Case] = &[
    ("create_user", |w, name| {
        Box::new(move || {
            let proof = w.user(&name);
            let there = run(w.auth.find_user("email", name.as_bytes())).unwrap().unwrap();
            assert_eq!(there.id, proof.user_id());
        })
    }),
    ("update_credentials", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            let new = accepted(run(w.auth.update_credentials(&proof, "email", password(OTHER))));
            assert_eq!(new.user_id(), proof.user_id());
            accepted(run(w.auth.authenticate(
                "email",
                Some(name.as_bytes()),
                password(OTHER),
            )));
        })
    }),
    ("update_credentials_with_token", |w, name| {
        let id = w.user(&name).user_id();
        let token = w.token(TokenPurpose::Recovery, &name);
        Box::new(move || {
            let changed = w
                .auth
                .update_credentials_with_token(&token, "email", password(OTHER));
            assert_eq!(accepted(run(changed)), id);
            accepted(run(w.auth.authenticate(
                "email",
                Some(name.as_bytes()),
                password(OTHER),
            )));
        })
    }),
    ("request_token", |w, name| {
        w.user(&name);
        Box::new(move || {
            accepted(run(w.auth.request_token(
                TokenPurpose::Recovery,
                "email",
                name.as_bytes(),
                None,
            )));
        })
    }),
    ("consume_token", |w, name| {
        let proof = w.user(&name);
        let token = w.token(TokenPurpose::Verify, &name);
        Box::new(move || {
            accepted(run(w.auth.consume_token(&token, Some(&proof))));
            let identities = run(w.auth.list_identities(proof.user_id())).unwrap();
            assert!(identities[0].verified_at.is_some());
        })
    }),
    ("take_deliveries, settle_delivery", |w, name| {
        w.user(&name);
        accepted(run(w.auth.request_token(
            TokenPurpose::Recovery,
            "email",
            name.as_bytes(),
            None,
        )));
        Box::new(move || {
            let mail = run(w.auth.take_deliveries(100, Duration::from_mins(1))).unwrap();
            assert!(mail.iter().any(|one| one.address == name));
            for one in mail {
                let settled = w
                    .auth
                    .settle_delivery(one.id, one.attempts, Settlement::Delivered);
                assert!(run(settled).unwrap());
            }
        })
    }),
    ("create_session", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            accepted(run(w.auth.create_session(&proof, SessionOptions::default())));
            assert_eq!(run(w.auth.list_sessions(proof.user_id())).unwrap().len(), 1);
        })
    }),
    ("end_sign_in", |w, name| {
        let proof = w.user(&name);
        let session = accepted(run(w.auth.create_session(&proof, SessionOptions::default())));
        Box::new(move || {
            assert_eq!(run(w.auth.end_sign_in(proof.user_id(), session.id())).unwrap(), 1);
        })
    }),
    ("end_all_sessions", |w, name| {
        let proof = w.user(&name);
        for _ in 0..2 {
            let again = accepted(run(w.auth.authenticate(
                "email",
                Some(name.as_bytes()),
                password(PASSWORD),
            )));
            accepted(run(w.auth.create_session(&again, SessionOptions::default())));
        }
        Box::new(move || assert_eq!(run(w.auth.end_all_sessions(proof.user_id())).unwrap(), 2))
    }),
    ("update_session_attributes", |w, name| {
        let proof = w.user(&name);
        let session = accepted(run(w.auth.create_session(&proof, SessionOptions::default())));
        Box::new(move || {
            let new = run(w.auth.update_session_attributes(&session, r#"{"a":1}"#));
            assert_eq!(new.unwrap(), r#"{"a":1}"#);
        })
    }),
    ("update_attributes", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            let user = run(w.auth.update_attributes(proof.user_id(), r#"{"a":1}"#, Some(1))).unwrap();
            assert_eq!((user.attributes.as_str(), user.version), (r#"{"a":1}"#, 2));
        })
    }),
    ("disable_user, enable_user", |w, name| {
        let proof = w.user(&name);
        accepted(run(w.auth.create_session(&proof, SessionOptions::default())));
        Box::new(move || {
            assert_eq!(run(w.auth.disable_user(proof.user_id())).unwrap(), 1);
            run(w.auth.enable_user(proof.user_id())).unwrap();
        })
    }),
    ("delete_user", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            assert_eq!(run(w.auth.delete_user(proof.user_id())).unwrap(), 0);
            assert!(run(w.auth.find_user("email", name.as_bytes())).unwrap().is_none());
        })
    }),
    ("link_identity, update_identifier, unlink_identity", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            let (first, second) = (name.replace('@', "."), name.replace('@', "-"));
            let linked = w
                .auth
                .link_identity(&proof, "username", first.as_bytes(), password(OTHER));
            let proof = accepted(run(linked));
            let moved = w
                .auth
                .update_identifier(&proof, "username", first.as_bytes(), second.as_bytes());
            let proof = accepted(run(moved));
            let unlinked = w.auth.unlink_identity(&proof, "username", second.as_bytes());
            accepted(run(unlinked));
            assert_eq!(run(w.auth.list_identities(proof.user_id())).unwrap().len(), 1);
        })
    }),
    ("set_credentials, agree", |w, name| {
        let proof = w.user(&name);
        Box::new(move || {
            run(w.auth.set_credentials(proof.user_id(), "email", password(OTHER))).unwrap();
            accepted(run(w.auth.authenticate(
                "email",
                Some(name.as_bytes()),
                password(OTHER),
            )));
        })
    }),
];

#[test]
fn whatever_becomes_of_a_commit_whose_answer_is_lost_the_operation_is_answered_what_stands() {
    let world = World::new();
    for (operation, prepare) in CASES {
        for cut in [Cut::After, Cut::Before] {
            let mut cuts = 0;
            loop {
                let name = format!(
                    "{}-{cuts}-{cut:?}@example.com",
                    operation.split(',').next().unwrap()
                );
                let operate = prepare(&world, name.to_lowercase());
                world.proxy.cut_later(b"COMMIT\0", cuts, cut);
                eprintln!("{operation}: {cut:?} at commit {cuts}");
                operate();
                if !world.proxy.spare() {
                    break;
                }
                cuts += 1;
            }
            assert!(cuts > 0, "{operation} commits nothing, so nothing was shown");
        }
    }
}
