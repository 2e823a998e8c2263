//! A PostgreSQL server for tests: its own folder, a free port on loopback, an unprivileged user, gone afterwards.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose surroundings fail must fail"
)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A running server. Stopped, without ceremony, and removed when the value is dropped, and also when this process
/// dies in any other way: a watching shell sees the end of its standard input.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    bin: PathBuf,
    user: Option<&'static str>,
    port: u16,
    databases: AtomicU32,
    watcher: Option<Child>,
}

impl Server {
    /// The server that the tests of this process share; the last one to let go of it stops it.
    ///
    /// # Panics
    /// When there is no PostgreSQL on this machine, or it does not start: a test that needs one must fail then.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Self::start());
        *shared = Arc::downgrade(&server);
        server
    }

    /// A server of its own: for tests that kill it.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    pub fn start() -> Self {
        let mut server = Self::empty();
        server.initialise();
        server.run();
        server
    }

    /// A standby of this server, in a folder and on a port of its own. From now on what this server acknowledges is on both.
    ///
    /// # Panics
    /// When it does not start, or does not follow.
    #[must_use]
    pub fn standby(&self) -> Self {
        let mut standby = Self::empty();
        let from = format!(
            "host=127.0.0.1 port={} user=doorward application_name=standby",
            self.port
        );
        let mut copy = standby.command("pg_basebackup");
        copy.args(["-R", "--checkpoint=fast", "--no-sync", "-d", &from, "-D"])
            .arg(standby.data());
        let copied = copy.output().expect("pg_basebackup runs");
        let told = String::from_utf8_lossy(&copied.stderr);
        assert!(copied.status.success(), "pg_basebackup: {told}");
        standby.configure(&format!(
            "unix_socket_directories = '{}'\n",
            standby.folder.display()
        ));
        standby.run();
        self.psql(
            "postgres",
            "ALTER SYSTEM SET synchronous_standby_names = 'standby'",
        );
        self.psql("postgres", "SELECT pg_reload_conf()");
        let follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let mut looks = 0;
        while self.psql("postgres", follows) != "1" {
            looks += 1;
            assert!(looks < 1_000, "the standby does not follow: {}", standby.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        standby
    }

    /// Makes a standby the server that takes writes.
    ///
    /// # Panics
    /// When it does not become one.
    pub fn promote(&self) {
        assert!(
            self.control(&["promote", "-w"]),
            "the standby is promoted: {}",
            self.log()
        );
    }

    /// A folder for a server.
    fn empty() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(format!("/tmp/doorward-postgres-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("/tmp can be written");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let mut server = Self {
            bin: binaries(),
            user: unprivileged(&folder),
            folder,
            port: 0,
            databases: AtomicU32::new(0),
            watcher: None,
        };
        server.watch();
        server
    }

    /// A URL of a database that nobody else has.
    ///
    /// # Panics
    /// When the database cannot be made.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://doorward@127.0.0.1:{}/{database}", self.port)
    }

    /// Where the server listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL as the superuser; what it prints, one row a line.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.psql_at(self.port, database, sql)
    }

    /// The same through something else on 127.0.0.1, such as a pooler.
    pub(crate) fn psql_at(&self, port: u16, database: &str, sql: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.arg(format!(
            "--dbname=postgres://doorward@127.0.0.1:{port}/{database}"
        ));
        let output = psql.stdin(Stdio::null()).output().expect("psql runs");
        assert!(
            output.status.success(),
            "psql: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)
            .expect("psql speaks UTF-8")
            .trim_end()
            .to_owned()
    }

    /// Runs many statements, one after the other, as the superuser; what they print.
    ///
    /// # Panics
    /// When the server refuses one.
    pub fn script(&self, database: &str, sql: &str) -> String {
        let file = self.folder.join("script.sql");
        fs::write(&file, sql).expect("the folder can be written");
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(file);
        psql.arg(format!("--dbname={}", self.url(database)));
        let output = psql.stdin(Stdio::null()).output().expect("psql runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql: {told}");
        String::from_utf8(output.stdout).expect("psql speaks UTF-8")
    }

    /// Runs SQL as the superuser in a session of its own, which is held open, with its transaction and its locks, until
    /// the value is dropped.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn hold(&self, database: &str, sql: &str) -> Holder {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql.arg(format!("--dbname={}", self.url(database)));
        let mut session = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql runs");
        let input = session.stdin.as_mut().expect("it is piped");
        writeln!(input, "{sql};\n\\echo held").expect("psql listens");
        let output = session.stdout.take().expect("it is piped");
        let held = BufReader::new(output).lines().map_while(Result::ok);
        assert!(held.into_iter().any(|line| line == "held"), "psql: {sql}");
        Holder(session)
    }

    /// Kills the server as a crash would. What it acknowledged is still there after [`restart`](Self::restart).
    ///
    /// # Panics
    /// When it cannot be stopped.
    pub fn kill(&self) {
        assert!(self.control(&["stop", "-m", "immediate"]), "the server stops");
    }

    /// Starts the killed server again, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        assert!(
            self.control(&["start", "-w"]),
            "the server starts: {}",
            self.log()
        );
    }

    fn initialise(&self) {
        let mut initdb = self.command("initdb");
        initdb.args([
            "-U",
            "doorward",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        initdb.arg("-D").arg(self.data());
        let output = initdb.output().expect("initdb runs");
        assert!(
            output.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // What is acknowledged survives a killed server, which is what tests do; the machine itself stays up.
        self.configure(&format!(
            "fsync = off\nfull_page_writes = off\nshared_buffers = 16MB\nmax_connections = 150\n\
             listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n",
            self.folder.display()
        ));
    }

    fn run(&mut self) {
        // Somebody else may take the port between the look and the start.
        for _ in 0..5 {
            self.port = free_port();
            self.configure(&format!("port = {}\n", self.port));
            if self.control(&["start", "-w"]) {
                return;
            }
        }
        panic!("PostgreSQL does not start: {}", self.log());
    }

    fn configure(&self, lines: &str) {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .expect("initdb made a configuration");
        file.write_all(lines.as_bytes())
            .expect("the configuration can be written");
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let mut control = self.command("pg_ctl");
        control
            .arg("-D")
            .arg(self.data())
            .arg("-s")
            .arg("-l")
            .arg(self.folder.join("log"));
        control
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        control.status().expect("pg_ctl runs").success()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
        };
        // The unprivileged user may not enter the folder that the tests run in.
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    fn watch(&mut self) {
        let user = self
            .user
            .map(|user| format!("runuser -u {user} -- "))
            .unwrap_or_default();
        let script = format!(
            "trap '' INT TERM HUP; read -r _; {user}{}/pg_ctl -D {} -s -m immediate stop; rm -rf {}",
            self.bin.display(),
            self.data().display(),
            self.folder.display(),
        );
        let watcher = Command::new("sh")
            .args(["-c", &script])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.watcher = Some(watcher.expect("sh runs"));
    }
}

/// A session that holds what it locked.
#[derive(Debug)]
pub struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        // The end of its input ends the session, and the server rolls back.
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            // Ends its standard input; it stops the server and removes the folder.
            drop(watcher.stdin.take());
            drop(watcher.wait());
        }
    }
}

/// The folder with `initdb`, `pg_ctl` and psql.
fn binaries() -> PathBuf {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    // The newest first.
    folders.sort();
    folders.reverse();
    folders.push("/usr/local/bin".into());
    folders.push("/usr/local/pgsql/bin".into());
    let found = Command::new("sh").args(["-c", "command -v initdb"]).output();
    if let Some(parent) = found.ok().and_then(|found| {
        let path = String::from_utf8(found.stdout).ok()?;
        Path::new(path.trim()).parent().map(Path::to_owned)
    }) {
        folders.push(parent);
    }
    let complete = |folder: &&PathBuf| {
        ["initdb", "pg_ctl", "psql"]
            .iter()
            .all(|p| folder.join(p).exists())
    };
    folders.iter().find(complete).cloned().expect(
        "this test needs PostgreSQL's server programs (initdb, pg_ctl, psql): apt-get install postgresql",
    )
}

/// As root: the user to run as, because PostgreSQL refuses root; the folder becomes that user's.
pub(crate) fn unprivileged(folder: &Path) -> Option<&'static str> {
    if fs::metadata("/proc/self").expect("there is a /proc").uid() != 0 {
        return None;
    }
    let user = ["postgres", "nobody"].into_iter().find(|user| {
        let mut chown = Command::new("chown");
        chown
            .arg(user)
            .arg(folder)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    Some(user.expect("there is an unprivileged user: postgres or nobody"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it has an address").port()
}
