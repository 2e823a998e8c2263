//! Doorward as a Rust program calls it.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use doorward::{
    Answer, Auth, Config, Fields, NewUserOptions, Outcome as Decided, Session, SessionOptions, UserId,
    block_on,
};

use crate::rounds::{self, Outcome, Round, timed};
use crate::seed::{EMAIL, PASSWORD};

/// Sessions made by a program that has a memory store, which nobody else can fill.
const OWN_SESSIONS: usize = 64;

struct Ours {
    auth: Auth,
    access: Vec<Vec<u8>>,
    users: Vec<UserId>,
    /// Tokens of generation 0, made by `prepare`.
    refresh: Vec<Vec<u8>>,
    /// How many operations were done before this round, so that each round has other rows.
    done: usize,
    /// What a server holds besides: one for each connection.
    sockets: Vec<UdpSocket>,
}

pub(crate) fn serve(config: &str, folder: &str) -> Outcome<()> {
    let auth = Auth::open(&Config::from_toml(&fs::read_to_string(config)?)?)?;
    block_on(auth.start())?;
    let (access, users) = if folder == "-" {
        on_memory(&auth)?
    } else {
        (access_tokens(folder)?, users(folder)?)
    };
    let mut ours = Ours {
        auth,
        access,
        users,
        refresh: Vec::new(),
        done: 0,
        sockets: Vec::new(),
    };
    rounds::serve(|round| ours.round(round))?;
    Ok(block_on(ours.auth.stop())?)
}

/// The access tokens that the seed left, in an order without any.
pub(crate) fn access_tokens(folder: &str) -> Outcome<Vec<Vec<u8>>> {
    let text = fs::read_to_string(Path::new(folder).join("tokens"))?;
    Ok(text.lines().map(|line| line.as_bytes().to_vec()).collect())
}

/// The users that the seed left.
pub(crate) fn users(folder: &str) -> Outcome<Vec<UserId>> {
    let text = fs::read_to_string(Path::new(folder).join("users"))?;
    Ok(text.lines().map(UserId::parse).collect::<Result<_, _>>()?)
}

fn on_memory(auth: &Auth) -> Outcome<(Vec<Vec<u8>>, Vec<UserId>)> {
    let credentials = Fields::from([("password", PASSWORD)]);
    let options = NewUserOptions::default();
    let proof = block_on(auth.create_user("email", EMAIL, credentials, options))?.require()?;
    let user = proof.user_id();
    let access = (0..OWN_SESSIONS)
        .map(|_| {
            let made = block_on(auth.create_session_for_user(user, &[], SessionOptions::default()))?;
            token(made.require()?.access_token())
        })
        .collect::<Outcome<_>>()?;
    Ok((access, vec![user]))
}

fn token(secret: Option<&doorward::Secret>) -> Outcome<Vec<u8>> {
    Ok(secret.ok_or("a session without its tokens")?.expose().to_vec())
}

impl Ours {
    fn round(&mut self, round: Round<'_>) -> Outcome<Duration> {
        let began = self.done;
        self.done += round.count;
        match round.what {
            "validate" => timed(round, |n| self.validate(began + n)),
            "create" => timed(round, |n| self.create(began + n).map(drop)),
            "create-slow-end" => rounds::slow_end(round, |n| self.create(began + n).map(drop)),
            "sockets" => self.open_sockets(round.count),
            "prepare" => self.prepare(round, began),
            "refresh" => timed(round, |n| self.refresh(n)),
            "authenticate" => timed(round, |_| self.authenticate()),
            what => Err(format!("there is no round {what:?}").into()),
        }
    }

    fn open_sockets(&mut self, count: usize) -> Outcome<Duration> {
        for _ in 0..count {
            self.sockets.push(UdpSocket::bind("127.0.0.1:0")?);
        }
        Ok(Duration::ZERO)
    }

    fn validate(&self, n: usize) -> Outcome<()> {
        let access = &self.access[n % self.access.len()];
        let answer: Answer<Session> = block_on(self.auth.validate_session(access))?;
        match answer.outcome {
            Decided::Accepted(_) => Ok(()),
            other => Err(format!("a live session is {}", other.id()).into()),
        }
    }

    fn create(&self, n: usize) -> Outcome<Session> {
        let user = self.users[n % self.users.len()];
        let made = block_on(
            self.auth
                .create_session_for_user(user, &[], SessionOptions::default()),
        )?;
        Ok(made.require()?)
    }

    /// Makes the refresh tokens of the next round, each of which is exchanged once.
    fn prepare(&mut self, round: Round<'_>, began: usize) -> Outcome<Duration> {
        let made = Mutex::new(Vec::with_capacity(round.count));
        let spent = timed(round, |n| {
            let session = self.create(began + n)?;
            let refresh = token(session.refresh_token())?;
            made.lock().map_err(|_| "a caller panicked")?.push(refresh);
            Ok(())
        })?;
        self.refresh = made.into_inner()?;
        Ok(spent)
    }

    fn refresh(&self, n: usize) -> Outcome<()> {
        let next = block_on(self.auth.refresh_session(&self.refresh[n]))?.require()?;
        // Without one it was the same session once more, which costs something else.
        token(next.refresh_token()).map(drop)
    }

    fn authenticate(&self) -> Outcome<()> {
        let credentials = Fields::from([("password", PASSWORD)]);
        let answer = block_on(self.auth.authenticate("email", Some(EMAIL), credentials))?;
        Ok(answer.require().map(drop)?)
    }
}
