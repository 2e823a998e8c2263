//! A PgBouncer before a test's PostgreSQL server, set up as Debian ships it, but for where it listens and whom it
//! believes.

#![expect(clippy::expect_used, reason = "a test whose surroundings fail must fail")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::postgres::{Server, unprivileged};

/// Debian's package.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
const DEBIAN: &str = "/etc/pgbouncer/pgbouncer.ini";

/// A running pooler; gone with its owner.
#[derive(Debug)]
pub struct Pooler {
    server: Arc<Server>,
    process: Child,
    folder: String,
    port: u16,
}

impl Pooler {
    /// Before the shared server. `mode` is PgBouncer's `pool_mode`; `settings` are further ones, a line each.
    ///
    /// # Panics
    /// When PgBouncer is not there or does not start.
    pub fn start(mode: &str, settings: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = Server::shared();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("/tmp/doorward-pgbouncer-{}-{number}", std::process::id());
        fs::create_dir_all(&folder).expect("/tmp can be written");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
            free.local_addr().expect("it has an address").port()
        };
        fs::write(format!("{folder}/users"), "\"doorward\" \"\"\n").expect("the folder can be written");
        let shipped = fs::read_to_string(DEBIAN).expect("apt-get install pgbouncer");
        // A later line of a section counts.
        let ours = format!(
            "{shipped}\n[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nlogfile = {folder}/log\npidfile = {folder}/pid\n\
             auth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\n{settings}\n",
            server.port()
        );
        fs::write(format!("{folder}/ini"), ours).expect("the folder can be written");
        let user = unprivileged(folder.as_ref());
        let mut command = match user {
            None => Command::new(PROGRAM),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "KILL", "--reuid", user, "--clear-groups", PROGRAM]);
                command
            }
        };
        let process = command
            .arg("-q")
            .arg(format!("{folder}/ini"))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PgBouncer starts: apt-get install pgbouncer");
        let pooler = Self {
            server,
            process,
            folder,
            port,
        };
        // Half a minute: more than any machine takes that gets it done at all.
        for _ in 0..3000 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return pooler;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let log = fs::read_to_string(format!("{}/log", pooler.folder)).unwrap_or_default();
        assert!(log.is_empty(), "PgBouncer does not listen: {log}");
        pooler
    }

    /// The URL of a new database through the pooler, and the database's name.
    pub fn database(&self) -> (String, String) {
        let direct = format!(":{}/", self.server.port());
        let url = self.server.database();
        let name = url.rsplit('/').next().unwrap_or_default().to_owned();
        (url.replace(&direct, &format!(":{}/", self.port)), name)
    }

    /// The server behind it.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Runs SQL as another program that uses the same pool; what it prints.
    ///
    /// # Panics
    /// When the pooler or the server refuses.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.server.psql_at(self.port, database, sql)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        drop(fs::remove_dir_all(&self.folder));
    }
}
