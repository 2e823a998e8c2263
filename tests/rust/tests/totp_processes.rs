//! A code from an authenticator app is good for one sign-in, however many server processes see it in the same moment.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use doorward::clock::ManualClock;
use doorward::{Answer, Auth, Config, Fields, FlowHandle, NewUserOptions, Outcome, Proof, Timestamp};
use doorward_totp::{Algorithm, PERIOD_SECONDS, code_at};

const EMAIL: &str = "ann@example.org";
const PASSWORD: &str = "correct-horse-battery";
const SERVERS: usize = 4;
const ROUNDS: i64 = 20;
/// 2027-01-15T08:00:00Z, the beginning of a period.
const BEGIN: i64 = 1_800_000_000;

fn configuration(folder: &Path) -> String {
    let plugin = std::env::current_exe()
        .unwrap()
        .with_file_name("libdoorward_totp.so");
    format!(
        "database = 'sqlite:{}'\n\
         password.memory_kib = 64\npassword.passes = 1\npassword.unsafe_fast_hashes = true\n\
         throttle.enabled = false\n\
         provider.email.kind = 'password'\nprovider.totp.kind = 'totp'\n\
         plugin.totp.path = '{}'\npolicy.second_factor = ['totp']\n",
        folder.join("doorward.db").display(),
        plugin.display()
    )
}

/// A server process, and the pipes to tell it what to do.
struct Server {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn spawn(configuration: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_totp_racer"))
            .arg(configuration)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            commands,
            answers,
        }
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn end(self) {
        let Self {
            mut process,
            commands,
            ..
        } = self;
        drop(commands);
        assert!(process.wait().unwrap().success());
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn flow(answer: Answer<Proof>) -> FlowHandle {
    match answer.outcome {
        Outcome::Continue(flow) => flow,
        other => panic!("{other:?}"),
    }
}

/// RFC 4648 base32, as an authenticator app reads it.
fn unbase32(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u64, 0, Vec::new());
    for letter in text {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .iter()
            .position(|other| other == letter)
            .unwrap();
        bits = bits << 5 | value as u64;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).unwrap());
        }
    }
    bytes
}

fn code(secret: &[u8], seconds: i64) -> String {
    let step = u64::try_from(seconds / PERIOD_SECONDS).unwrap();
    format!("{:06}", code_at(Algorithm::Sha1, secret, step, 6))
}

/// Makes the user and enrolls the app; gives the app's secret.
fn enroll(configuration: &str) -> Vec<u8> {
    let mut config = Config::from_toml(configuration).unwrap();
    config.clock(Arc::new(ManualClock::new(Timestamp::from_micros(
        BEGIN * 1_000_000,
    ))));
    let auth = Auth::open(&config).unwrap();
    let secret = run(async {
        auth.start().await.unwrap();
        let password = Fields::from([("password", PASSWORD)]);
        let created = auth.create_user("email", EMAIL.as_bytes(), password, NewUserOptions::default());
        let proof = created.await.unwrap().require().unwrap();
        doorward_tests::prove::address(&auth, &proof, "email", EMAIL);
        let begun = flow(auth.begin_enrollment("totp", None, Some(&proof)).await.unwrap());
        let secret = unbase32(begun.next()[0].challenge.named("secret").unwrap().expose());
        let first = Fields::from([("code", code(&secret, BEGIN))]);
        auth.continue_flow(begun.token().expose(), None, first)
            .await
            .unwrap()
            .require()
            .unwrap();
        auth.stop().await.unwrap();
        secret
    });
    drop(auth);
    secret
}

#[test]
fn a_code_that_several_servers_see_at_once_signs_in_once() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("totp-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let configuration = configuration(&folder);
    let secret = enroll(&configuration);
    let mut servers: Vec<Server> = (0..SERVERS).map(|_| Server::spawn(&configuration)).collect();
    for round in 1..=ROUNDS {
        let now = BEGIN + round * PERIOD_SECONDS;
        for server in &mut servers {
            server.tell(&format!("sign-in {EMAIL} {PASSWORD} {}", now * 1_000_000));
        }
        for server in &mut servers {
            assert_eq!(server.answer(), "asked", "round {round}");
        }
        // All flows are open, so all servers take the same code at once.
        let code = code(&secret, now);
        for server in &mut servers {
            server.tell(&format!("code {code}"));
        }
        let mut answers: Vec<String> = servers.iter_mut().map(Server::answer).collect();
        answers.sort_unstable();
        assert_eq!(
            answers,
            ["accepted", "refused", "refused", "refused"],
            "round {round}"
        );
    }
    servers.into_iter().for_each(Server::end);
    std::fs::remove_dir_all(folder).unwrap();
}
