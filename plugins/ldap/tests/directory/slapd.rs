//! A real slapd on loopback, as an unprivileged user, in a folder of its own.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Nobody, on Debian.
const NOBODY: u32 = 65534;

/// A running directory, ended with the value.
pub(crate) struct Slapd {
    process: Child,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
}

const PEOPLE: &str = "
dn: dc=example,dc=org
objectClass: domain
dc: example

dn: cn=service,dc=example,dc=org
objectClass: person
objectClass: simpleSecurityObject
cn: service
sn: service
userPassword: s3rvice

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ann
cn: Ann Lee
sn: Lee
mail: ann@example.org
mail: ann.lee@example.org
userPassword: correct horse

dn: uid=p*(\\29r\\2C,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: p*()r,
cn: Odd
sn: Odd
userPassword: odd one

dn: uid=twin,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Twin
userPassword: same

dn: ou=others,dc=example,dc=org
objectClass: organizationalUnit
ou: others

dn: uid=twin,ou=others,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Twin
userPassword: same

dn: uid=old,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: old
cn: Old
sn: Old
userPassword: was good
pwdChangedTime: 20200101000000Z
pwdPolicySubentry: cn=short,dc=example,dc=org

dn: ou=away,dc=example,dc=org
objectClass: referral
objectClass: extensibleObject
ou: away
ref: ldap://127.0.0.1:1/ou=away,dc=example,dc=org

dn: cn=policy,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
pwdLockoutDuration: 600

dn: cn=short,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: short
pwdAttribute: userPassword
pwdMaxAge: 3600
";

impl Slapd {
    pub(crate) fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("doorward-slapd-{}-{number}", std::process::id()));
        std::fs::create_dir_all(folder.join("db")).unwrap();
        certificates(&folder);
        let config = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             moduleload ppolicy\n\
             pidfile {here}/pid\n\
             TLSCACertificateFile {here}/ca.pem\n\
             TLSCertificateFile {here}/server.pem\n\
             TLSCertificateKeyFile {here}/server.key\n\
             database mdb\n\
             suffix dc=example,dc=org\n\
             rootdn cn=admin,dc=example,dc=org\n\
             directory {here}/db\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by users read by anonymous auth\n\
             overlay ppolicy\n\
             ppolicy_default cn=policy,dc=example,dc=org\n\
             ppolicy_use_lockout\n",
            here = folder.display()
        );
        std::fs::write(folder.join("slapd.conf"), config).unwrap();
        std::fs::write(folder.join("people.ldif"), PEOPLE.trim_start()).unwrap();
        give(&folder);
        let loaded = unprivileged(Command::new("/usr/sbin/slapadd"))
            .arg("-f")
            .arg(folder.join("slapd.conf"))
            .arg("-l")
            .arg(folder.join("people.ldif"))
            .output()
            .expect("slapadd");
        assert!(
            loaded.status.success(),
            "{}",
            String::from_utf8_lossy(&loaded.stderr)
        );
        // A port that was free may be somebody's a moment later: then others are tried.
        for _ in 0..10 {
            let (port, tls_port) = free_ports();
            let mut slapd = Self {
                process: serve(&folder, port, tls_port),
                folder: folder.clone(),
                port,
                tls_port,
            };
            if slapd.listens() {
                return slapd;
            }
            // The folder is the next one's.
            let _ = slapd.process.kill();
            let _ = slapd.process.wait();
            std::mem::forget(slapd);
        }
        panic!("slapd finds no port");
    }

    /// Ends the server and begins it again, later, on the same ports.
    pub(crate) fn stopped(&mut self, meanwhile: impl FnOnce()) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        meanwhile();
        self.process = serve(&self.folder, self.port, self.tls_port);
        assert!(self.listens(), "slapd begins again");
    }

    /// Stops the server where it stands, and lets it go on.
    pub(crate) fn frozen(&self, meanwhile: impl FnOnce()) {
        let signal = |name: &str| {
            let pid = self.process.id().to_string();
            assert!(
                Command::new("kill")
                    .args([name, &pid])
                    .status()
                    .unwrap()
                    .success()
            );
        };
        signal("-STOP");
        meanwhile();
        signal("-CONT");
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    pub(crate) fn ca(&self) -> String {
        self.folder.join("ca.pem").display().to_string()
    }

    /// Waits until it has written its pid, which it does once it listens. False: it has ended.
    fn listens(&mut self) -> bool {
        let pid = self.process.id().to_string();
        // A minute.
        for _ in 0..3000 {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            let written = std::fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
            if written.trim() == pid && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("slapd does not listen");
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn serve(folder: &Path, port: u16, tls_port: u16) -> Child {
    unprivileged(Command::new("/usr/sbin/slapd"))
        .arg("-f")
        .arg(folder.join("slapd.conf"))
        .args([
            "-h",
            &format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"),
            "-d",
            "0",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("slapd: the package slapd is installed by make test")
}

/// As root, the command runs as nobody.
fn unprivileged(mut command: Command) -> Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn give(folder: &Path) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    if !is_root() {
        return;
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
}

/// Two ports of loopback that nobody has now.
fn free_ports() -> (u16, u16) {
    let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (one, other) = (listen(), listen());
    (
        one.local_addr().unwrap().port(),
        other.local_addr().unwrap().port(),
    )
}

/// An authority, and a certificate of it for `localhost`; and another authority that signed nothing here.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("openssl");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    for (name, subject) in [("ca", "/CN=Test authority"), ("other", "/CN=Other authority")] {
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            subject,
            "-keyout",
            &format!("{name}.key"),
            "-out",
            &format!("{name}.pem"),
        ]);
    }
    openssl(&[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ]);
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
}
