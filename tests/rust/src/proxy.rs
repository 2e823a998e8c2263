//! A TCP proxy that cuts a connection at the worst moment: around a commit, or a statement that commits itself.

#![expect(clippy::expect_used, reason = "a test whose surroundings fail must fail")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Where the proxy cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server gets the message and answers; the client hears nothing and loses the connection.
    After,
    /// The server never gets the message; the client loses the connection.
    Before,
}

/// The next cut, the bytes by which the message is known, and how many such messages pass before.
type Order = Mutex<Option<(Vec<u8>, Cut, usize)>>;

/// A proxy on loopback; it serves as long as the process lives.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    server: Arc<AtomicU16>,
    order: Arc<Order>,
    hole: Arc<AtomicBool>,
}

impl Proxy {
    /// Listens on a free port and passes everything on to `server` on 127.0.0.1.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let order = Arc::new(Order::default());
        let orders = Arc::clone(&order);
        let hole = Arc::new(AtomicBool::new(false));
        let holes = Arc::clone(&hole);
        let server = Arc::new(AtomicU16::new(server));
        let leads_to = Arc::clone(&server);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", leads_to.load(Ordering::SeqCst))) else {
                    continue;
                };
                let (orders, holes) = (Arc::clone(&orders), Arc::clone(&holes));
                thread::spawn(move || pass(client, server, &orders, &holes));
            }
        });
        Self {
            port,
            server,
            order,
            hole,
        }
    }

    /// Leads new connections to another server on 127.0.0.1, as an address does that moves.
    pub fn lead(&self, server: u16) {
        self.server.store(server, Ordering::SeqCst);
    }

    /// Where clients connect, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Swallows what is sent from now on, in the connections that there are and in new ones: nothing comes back, and
    /// nobody hears that nothing will.
    pub fn swallow(&self) {
        self.hole.store(true, Ordering::SeqCst);
    }

    /// Cuts at the next message to the server that contains these bytes; once.
    pub fn cut(&self, message: &[u8], cut: Cut) {
        self.cut_later(message, 0, cut);
    }

    /// The same after so many such messages have passed.
    pub fn cut_later(&self, message: &[u8], passing: usize, cut: Cut) {
        *self.order.lock().unwrap_or_else(PoisonError::into_inner) = Some((message.to_vec(), cut, passing));
    }

    /// Takes the order back. True: there was none left to take, the cut came; false: no such message did.
    pub fn spare(&self) -> bool {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner).take();
        order.is_none()
    }
}

/// Passes bytes both ways until one side ends or the cut comes.
fn pass(mut client: TcpStream, mut server: TcpStream, order: &Order, hole: &AtomicBool) {
    let (Ok(mut answers), Ok(mut back)) = (server.try_clone(), client.try_clone()) else {
        return;
    };
    let muted = Arc::new(AtomicBool::new(false));
    let mute = Arc::clone(&muted);
    let return_path = thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            // The first answer after the message: it is done, and nobody hears of it.
            if mute.load(Ordering::SeqCst) || back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let said = &buffer[..count];
        if hole.load(Ordering::SeqCst) {
            continue;
        }
        let cut = taken(order, said);
        if cut == Some(Cut::Before) {
            break;
        }
        muted.store(cut.is_some(), Ordering::SeqCst);
        if server.write_all(said).is_err() || cut.is_some() {
            break;
        }
    }
    if muted.load(Ordering::SeqCst) {
        // Let the server finish before both ends go away.
        let _ = return_path.join();
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// Takes the order if this is the message that it waits for.
fn taken(order: &Order, said: &[u8]) -> Option<Cut> {
    let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
    let (message, cut, passing) = order.as_mut()?;
    if !said.windows(message.len()).any(|bytes| bytes == message) {
        return None;
    }
    if let Some(left) = passing.checked_sub(1) {
        *passing = left;
        return None;
    }
    let cut = *cut;
    *order = None;
    Some(cut)
}
