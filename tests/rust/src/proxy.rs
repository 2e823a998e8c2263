//! A TCP proxy that cuts a connection at the worst moment: around a commit.

#![expect(clippy::expect_used, reason = "a test whose surroundings fail must fail")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// What the proxy does with the next COMMIT that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// Nothing special.
    Never = 0,
    /// The server gets it and answers; the client hears nothing and loses the connection.
    AfterCommit = 1,
    /// The server never gets it; the client loses the connection.
    BeforeCommit = 2,
}

/// A proxy on loopback; it serves as long as the process lives.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `server` on 127.0.0.1.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let cut = Arc::new(AtomicU8::new(Cut::Never as u8));
        let orders = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let orders = Arc::clone(&orders);
                thread::spawn(move || pass(client, server, &orders));
            }
        });
        Self { port, cut }
    }

    /// Where clients connect, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to do with the next commit; once.
    pub fn next_commit(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }
}

/// Passes bytes both ways until one side ends or the cut comes.
fn pass(mut client: TcpStream, mut server: TcpStream, orders: &AtomicU8) {
    let (Ok(mut answers), Ok(mut back)) = (server.try_clone(), client.try_clone()) else {
        return;
    };
    let muted = Arc::new(AtomicU8::new(0));
    let mute = Arc::clone(&muted);
    let return_path = thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            // The first answer after a cut commit: it is done, and nobody hears of it.
            if mute.load(Ordering::SeqCst) == 1 || back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let said = &buffer[..count];
        let commits = said.windows(6).any(|word| word == b"COMMIT");
        let order = if commits {
            orders.swap(0, Ordering::SeqCst)
        } else {
            0
        };
        if order == Cut::BeforeCommit as u8 {
            break;
        }
        muted.store(u8::from(order == Cut::AfterCommit as u8), Ordering::SeqCst);
        if server.write_all(said).is_err() || order == Cut::AfterCommit as u8 {
            break;
        }
    }
    if muted.load(Ordering::SeqCst) == 1 {
        // Let the server finish before both ends go away.
        let _ = return_path.join();
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
