//! A TCP proxy that writes down what a client of PostgreSQL asks, and what came of it: each statement with its command
//! tag, which says how many rows it touched or gave.

#![expect(clippy::expect_used, reason = "a test whose surroundings fail must fail")]

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Told each statement with its tag, before the client hears of it.
pub type Listener = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// What one connection waits for: texts of statements, in order. A simple query may have many tags.
type Asked = Arc<Mutex<VecDeque<(String, bool)>>>;

/// A tap on loopback before the server at `port`; it serves as long as the process lives. Connections must not be
/// encrypted. Gives the port to connect to.
///
/// # Panics
/// When loopback cannot be listened on.
pub fn tap(port: u16, listener: Listener) -> u16 {
    let here = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let own = here.local_addr().expect("it has an address").port();
    thread::spawn(move || {
        for client in here.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                continue;
            };
            // Message by message: nothing may wait for more to come.
            if client
                .set_nodelay(true)
                .and_then(|()| server.set_nodelay(true))
                .is_err()
            {
                continue;
            }
            let asked = Asked::default();
            let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else {
                continue;
            };
            let (questions, listener) = (Arc::clone(&asked), Arc::clone(&listener));
            thread::spawn(move || {
                let _ = questions_of(from_client, &server, &questions);
                let _ = server.shutdown(Shutdown::Both);
            });
            thread::spawn(move || {
                let _ = answers_of(from_server, &client, &asked, &*listener);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    own
}

/// A message: its kind, and what follows the length.
struct Message {
    kind: Option<u8>,
    body: Vec<u8>,
}

impl Message {
    fn read(from: &mut impl Read, has_kind: bool) -> std::io::Result<Self> {
        let mut kind = [0];
        if has_kind {
            from.read_exact(&mut kind)?;
        }
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
        from.read_exact(&mut body)?;
        Ok(Self {
            kind: has_kind.then_some(kind[0]),
            body,
        })
    }

    fn pass_on(&self, mut to: &TcpStream) -> std::io::Result<()> {
        let mut whole: Vec<u8> = self.kind.into_iter().collect();
        let length = u32::try_from(self.body.len() + 4).unwrap_or(u32::MAX);
        whole.extend(length.to_be_bytes());
        whole.extend(&self.body);
        to.write_all(&whole)
    }

    /// The texts that stand one after the other, each ended by a zero.
    fn texts(&self) -> impl Iterator<Item = String> {
        let texts = self.body.split(|byte| *byte == 0);
        texts.map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

fn questions_of(mut client: TcpStream, server: &TcpStream, asked: &Asked) -> std::io::Result<()> {
    let mut prepared: HashMap<String, String> = HashMap::new();
    let mut bound = String::new();
    Message::read(&mut client, false)?.pass_on(server)?;
    loop {
        let message = Message::read(&mut client, true)?;
        let mut texts = message.texts();
        let ask = |text: String, is_simple| {
            asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_back((text, is_simple));
        };
        match message.kind {
            Some(b'P') => {
                let name = texts.next().unwrap_or_default();
                prepared.insert(name, texts.next().unwrap_or_default());
            }
            Some(b'B') => {
                let name = texts.nth(1).unwrap_or_default();
                bound = prepared.get(&name).cloned().unwrap_or_default();
            }
            Some(b'E') => ask(bound.clone(), false),
            Some(b'Q') => ask(texts.next().unwrap_or_default(), true),
            _ => {}
        }
        message.pass_on(server)?;
    }
}

fn answers_of(
    mut server: TcpStream,
    client: &TcpStream,
    asked: &Asked,
    listener: &(dyn Fn(&str, &str) + Send + Sync),
) -> std::io::Result<()> {
    loop {
        let message = Message::read(&mut server, true)?;
        let mut waiting = asked.lock().unwrap_or_else(PoisonError::into_inner);
        match message.kind {
            // CommandComplete.
            Some(b'C') => {
                let tag = message.texts().next().unwrap_or_default();
                let (text, is_simple) = waiting.front().cloned().unwrap_or_default();
                if !is_simple {
                    waiting.pop_front();
                }
                listener(&text, &tag);
            }
            // EmptyQueryResponse, PortalSuspended.
            Some(b'I' | b's') => {
                waiting.pop_front_if(|(_, is_simple)| !*is_simple);
            }
            // ReadyForQuery: whatever failed before it is not answered any more.
            Some(b'Z') => waiting.clear(),
            _ => {}
        }
        drop(waiting);
        message.pass_on(client)?;
    }
}
