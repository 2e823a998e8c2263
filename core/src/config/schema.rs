//! The schema: every key with its type, default and meaning. What else states a default, in code, comments or pages, is
//! held to this one by tests (`defaults_are_complete`, `tests/rust/tests/defaults.rs`).

use crate::error::{Error, ErrorKind, Result};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Anything: a plugin's own configuration, checked by the plugin.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A length of time as text: `500ms`, `30s`, `10m`, `8h`, `14d`.
    Duration,
    /// A whole number between these, both included.
    Integer(i64, i64),
    /// The list of keys: `[{ id = "k1", file = "/etc/doorward/k1.key", use = "seal" }]`.
    Keys,
    /// Text that holds a secret: the text itself, or `{ file = "/etc/doorward/database" }`.
    Secret,
    /// Text.
    Text,
    /// A list of texts.
    Texts,
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted name; `*` stands for a name that the configuration chooses, `**` for anything below.
    pub name: &'static str,
    /// What it takes.
    pub takes: KeyType,
    /// Its default as TOML; empty: none.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
}

macro_rules! keys {
    ($($name:literal: $takes:expr, $default:literal, $doc:literal;)*) => {
        /// Every key, in the order of the reference page.
        pub const KEYS: &[Key] = &[$(Key { name: $name, takes: $takes, default: $default, doc: $doc },)*];
    };
}

use KeyType::{Any, Boolean, Duration, Integer, Keys, Secret, Text, Texts};

keys! {
    "database": Secret, "", "Where users and sessions live: `sqlite:PATH`, `postgres://…` (`docs/postgresql.md`, also for poolers) or `memory:`. A SQLite file is Doorward's own: no other SQLite copy of the process may open it.";
    "migrate": Boolean, "true", "Bring the schema to this release at start. On PostgreSQL only when set explicitly: the runtime role then needs DDL.";
    "keys": Keys, "[]", "The key ring; the last key whose `use` is `seal` seals, all open. A file that others than its owner and group can read is refused, unless the key says `readable_by_others = true`; one that others can write always. Default: the SQLite file's name with `.key`, such as `doorward.key`, made by the first start together with the schema.";
    "allow_missing_keys": Boolean, "false", "Start although the database names a key that is absent: sessions work, sealed records answer *unavailable*.";
    "development": Boolean, "false", "Plain HTTP cookie names, for http://localhost only. Never in production.";

    "origins.trusted": Texts, "[]", "Origins whose browsers are trusted, such as `https://app.example`. Where there are any, what a person's form causes needs a request, or a handle that is `trusted`.";
    "origins.mode": Text, "\"strict\"", "`strict`: an unsafe request with neither `Origin` nor `Sec-Fetch-Site` is refused. `compat`: it is trusted.";
    "trusted_proxies": Texts, "[]", "Peers whose forwarded headers count: networks such as `10.0.0.0/8`, and `unix` for a proxy on a Unix socket, which has no address. A peer that forwards and is not listed makes everybody behind it one network: the event `proxy_unlisted` says so once.";
    "forwarded_header": Text, "\"either\"", "The header that the trusted proxies write: `x-forwarded-for`, `forwarded`, or `either`; two that disagree count for nothing.";
    "cookies.stem": Text, "\"doorward\"", "Common part of the cookie names.";
    "bearer.prefixes.*": Text, "", "Provider for `Authorization: Bearer` values with this prefix.";

    "session.access_ttl": Duration, "\"8h\"", "Lifetime of an access token.";
    "session.grace": Duration, "\"30s\"", "How long after its first use a generation still answers its predecessor's refresh token.";
    "session.idle_ttl": Duration, "\"14d\"", "A sign-in ends after this long without use.";
    "session.absolute_ttl": Duration, "\"90d\"", "A sign-in ends after this long in any case (NIST SP 800-63B-4 section 5.2).";
    "session.persistent": Boolean, "true", "Whether session cookies outlive the browser.";
    "session.max_sign_ins": Integer(1, 10_000), "100", "Live sign-ins of one user.";
    "session.at_cap": Text, "\"evict\"", "`evict`: the least recently seen sign-in ends. `deny`: no new one is made.";
    "session.unsafe_short_lifetimes": Boolean, "false", "Lifts the lower bounds between lifetimes, for development and tests.";

    "store.deadline": Duration, "\"5s\"", "How long a caller waits for one answer of the database, and half a second more at most: then a look-up is *unavailable*, and a write of unknown outcome.";
    "store.connections": Integer(1, 64), "4", "Connections of this process to a server database (2 at least; a quarter, one at least, is for look-ups alone), or readers of a SQLite file.";
    "store.queue": Integer(16, 1_000_000), "1024", "Writes that may wait.";

    "provider.*.kind": Text, "", "The kind behind this provider name: `password`, or one that a plugin brings.";
    "provider.*.rule": Text, "", "How identifiers become canonical: `email`, `username`, `opaque` or `provider`. Default: `email` for the name `email`, `username` for `username`, `provider` for kinds that normalize, else `opaque`.";
    "provider.*.group": Text, "", "Credentials group. Default: `password` for the kind `password`, else the provider name.";
    "provider.*.egress": Texts, "[]", "Origins that the kind may reach over HTTP, such as `https://issuer.example`; plain `http://` only to this machine. Empty: none.";
    "provider.*.egress_ca": Text, "", "Absolute path of a PEM file with the only roots to trust there, in place of the system's.";
    "provider.*.channel": Text, "", "How messages reach its identifiers, which are addresses then: `email`, `sms`, or a name that your mailer knows. Default: `email` for the rule `email`, else none.";
    "provider.*.reach": Text, "\"asserted\"", "For kinds that verify elsewhere. `asserted`: whoever reads the mail of an address that the issuer or directory asserts may have the account there, so a code to that address is no second factor beside it. `none`: an account there cannot be had by mail.";
    "provider.*.config.**": Any, "", "The kind's own configuration.";
    "plugin.*.path": Text, "", "Absolute path of the shared library. Its name here is only for messages.";
    "plugin.*.kinds": Texts, "[]", "Kinds that may be taken from it; empty: all that it has.";
    "plugin.*.sha256": Text, "", "Pin: the file's SHA-256 as 64 hexadecimal digits.";
    "plugin.*.isolation": Text, "\"none\"", "`none`: the plugin runs in this process. `process`: in processes of its own, which are killed at their deadline; nothing else changes.";
    "plugin.*.python": Text, "", "`module:Class`: the plugin is a class in Python, isolated; `path` is then the interpreter, which has the package `doorward`.";
    "plugin.*.python_path": Text, "", "Absolute path of the folder in which that module is. Empty: it is installed.";
    "plugin.*.sandbox": Text, "\"strict\"", "For isolated plugins. `strict`: neither files nor sockets nor other programs. `net`: connections, and the files that names and certificates need. `off`: whatever the user may do.";
    "plugin.*.landlock": Text, "\"required\"", "For isolated plugins in `strict` and `net`. `required`: refused where the kernel has no Landlock, for the plugin could then read what its user can. `if_there`: run without it, which the log says.";
    "plugin.*.workers": Integer(1, 64), "2", "For isolated plugins: processes at most for each provider name, each with one call at a time.";
    "plugin_limits.log_lines": Integer(1, 100_000), "100", "Lines that one call of a kind may log; what is beyond is counted, and told once at the end of the call.";
    "plugin_limits.audit_records": Integer(1, 100_000), "20", "Events that one call of a kind may report; beyond, the kind is told *overloaded*.";
    "plugin_limits.keys": Integer(1, 1_000_000_000), "100000", "Keys that one provider name may keep beside records (`doorward.kv/1`); beyond, *overloaded*, and what is there can still be changed and removed. Each process looks every 16th of it.";
    "plugin_limits.mib": Integer(1, 1_048_576), "64", "The same in MiB of keys and values.";
    "plugin_host.path": Text, "", "Absolute path of `doorward-plugin-host`. Default: where `make install` of this build puts it.";

    "token.recovery": Duration, "\"1h\"", "How long a recovery token is good, 1m to 24h.";
    "token.verify": Duration, "\"24h\"", "How long a token that verifies an address is good, 1m to 30d.";
    "token.change_identifier": Duration, "\"1h\"", "How long a token that confirms a new address is good, 1m to 24h.";

    "first_proof": Text, "\"sign_in\"", "Whose an account is where nobody has proved its address: `sign_in`: a click without a session or a proof of that user proves nothing, recovery over the address makes the account its owner's. `hand_over`: the click does, too. `refuse`: neither does.";
    "recovery.keeps": Texts, "[]", "Provider names whose identities and authenticators recovery leaves, although no message proved them.";

    "policy.second_factor": Texts, "[]", "Provider names of second factors; one of them is asked of users who have one.";
    "policy.require": Boolean, "false", "Asked of everyone; whoever has none is led to enroll.";
    "policy.step_up_max_age": Duration, "\"10m\"", "How old a factor may be for a sensitive operation.";
    "policy.current_password": Text, "\"when_stale\"", "When a new password takes the current one (`current`): `when_stale`: where the proof has not proved it within `policy.step_up_max_age`. `always`.";

    "password.memory_kib": Integer(8, 4_194_304), "19456", "Argon2id memory in KiB (OWASP Password Storage Cheat Sheet).";
    "password.passes": Integer(1, 1024), "2", "Argon2id passes.";
    "password.lanes": Integer(1, 16), "1", "Argon2id lanes.";
    "password.min_length": Integer(8, 64), "15", "Shortest password in code points; below 15 only with `policy.require` (NIST SP 800-63B-4 section 3.1.1.2).";
    "password.max_bytes": Integer(256, 1024), "1024", "Longest password in bytes.";
    "password.context_words": Texts, "[]", "Words that no password may consist of, such as the service's name.";
    "password.blocklist": Text, "", "File with further forbidden passwords, one a line.";
    "password.pepper": Text, "", "Id of the key whose pepper goes into new hashes.";
    "password.unsafe_fast_hashes": Boolean, "false", "Lifts the floor of the parameters, for tests.";

    "hashing.budget_mib": Integer(1, 1_048_576), "128", "Memory for password hashing of this process and all that are forked from it.";
    "hashing.queue": Integer(1, 65_536), "128", "Hashes that may wait; beyond, *overloaded*.";
    "hashing.deadline": Duration, "\"10s\"", "How long a hash may wait and work; at most 10 s.";

    "throttle.enabled": Boolean, "true", "Delay repeated failures.";
    "throttle.parallel": Integer(1, 64), "2", "Attempts of one subject that one process lets work at once; others wait in order. 1 for prefork servers with many workers.";
    "throttle.consecutive": Integer(0, 1_000_000), "0", "After how many wrong attempts in a row at one password, counted without forgetting, strangers have one attempt in 24 h at it, until a success or a recovery; browsers that have signed in before do not feel it. 100 for NIST SP 800-63B-4 3.2.2. 0: never.";
    "throttle.in.free": Integer(1, 1_000_000), "5", "Wrong credentials of a first step, by identifier and network: failures without delay.";
    "throttle.in.first": Duration, "\"2s\"", "The delay after the next failure; it doubles with each one. At least 1s.";
    "throttle.in.ceiling": Duration, "\"1h\"", "The longest delay, at most 24h.";
    "throttle.id.free": Integer(1, 1_000_000), "10", "The same by identifier, from everywhere: failures without delay.";
    "throttle.id.first": Duration, "\"2s\"", "The delay after the next failure; it doubles with each one. At least 1s.";
    "throttle.id.ceiling": Duration, "\"1h\"", "The longest delay, at most 24h.";
    "throttle.device.free": Integer(1, 1_000_000), "10", "The same from browsers that have signed in before, by user: nothing else is counted for them: failures without delay.";
    "throttle.device.first": Duration, "\"2s\"", "The delay after the next failure; it doubles with each one. At least 1s.";
    "throttle.device.ceiling": Duration, "\"15m\"", "The longest delay, at most 24h.";
    "throttle.step.free": Integer(1, 1_000_000), "5", "Wrong second factors, by user and provider, whatever flow: failures without delay.";
    "throttle.step.first": Duration, "\"2s\"", "The delay after the next failure; it doubles with each one. At least 1s.";
    "throttle.step.ceiling": Duration, "\"1h\"", "The longest delay, at most 24h.";
    "throttle.step_device.free": Integer(1, 1_000_000), "5", "The same from browsers that have signed in before: failures without delay.";
    "throttle.step_device.first": Duration, "\"2s\"", "The delay after the next failure; it doubles with each one. At least 1s.";
    "throttle.step_device.ceiling": Duration, "\"1h\"", "The longest delay, at most 24h.";
    "throttle.net.burst": Integer(1, 1_000_000), "100", "Wrong credentials and identifiers found taken, by network (IPv4 address, IPv6 /64): how many at once.";
    "throttle.net.every": Duration, "\"20s\"", "How long until there is one more.";
    "throttle.net48.burst": Integer(1, 1_000_000), "400", "The same by IPv6 /48: how many at once.";
    "throttle.net48.every": Duration, "\"5s\"", "How long until there is one more.";
    "throttle.begin.burst": Integer(1, 1_000_000), "300", "Flows stored for strangers, by network: how many at once.";
    "throttle.begin.every": Duration, "\"2s\"", "How long until there is one more.";
    "throttle.begin48.burst": Integer(1, 1_000_000), "1200", "The same by IPv6 /48: how many at once.";
    "throttle.begin48.every": Duration, "\"500ms\"", "How long until there is one more.";
    "throttle.begin_all.burst": Integer(1, 1_000_000), "20000", "Flows that one process stores for strangers, from everywhere; beyond them `Overloaded`, never for browsers that have signed in before: how many at once.";
    "throttle.begin_all.every": Duration, "\"20ms\"", "How long until there is one more.";
    "throttle.begin_device.burst": Integer(1, 1_000_000), "20", "Flows stored for a browser that has signed in before, by user: how many at once.";
    "throttle.begin_device.every": Duration, "\"30s\"", "How long until there is one more.";
    "throttle.to.burst": Integer(1, 1_000_000), "3", "Messages to one address for one purpose: how many at once.";
    "throttle.to.every": Duration, "\"20m\"", "How long until there is one more.";
    "throttle.to_code.burst": Integer(1, 1_000_000), "3", "The same where the message is a code: how many at once.";
    "throttle.to_code.every": Duration, "\"10m\"", "How long until there is one more.";
    "throttle.to_device.burst": Integer(1, 1_000_000), "3", "Messages that a browser asks for that has signed in before, by user: how many at once.";
    "throttle.to_device.every": Duration, "\"5m\"", "How long until there is one more.";
    "throttle.mail_net.burst": Integer(1, 1_000_000), "300", "Messages that strangers cause, by network: how many at once.";
    "throttle.mail_net.every": Duration, "\"5s\"", "How long until there is one more.";
    "throttle.mail_domain.burst": Integer(1, 1_000_000), "3000", "Messages to addresses that no user has, by domain: how many at once.";
    "throttle.mail_domain.every": Duration, "\"200ms\"", "How long until there is one more.";
    "throttle.sign_up.burst": Integer(1, 1_000_000), "50", "Users made, by network: how many at once.";
    "throttle.sign_up.every": Duration, "\"30s\"", "How long until there is one more.";
    "throttle.change.burst": Integer(1, 1_000_000), "10", "Changes of identifiers, by user: how many at once.";
    "throttle.change.every": Duration, "\"5m\"", "How long until there is one more.";

    "attributes.unique": Texts, "[]", "User attributes whose values are unique within a realm.";
    "attributes.public": Texts, "[]", "User attributes that may be shown to the browser.";
    "attributes.self": Texts, "[]", "User attributes that people may change themselves through the HTTP surface.";

    "http.prefix": Text, "\"/auth\"", "The path below which the HTTP surface answers: `/` and up to 64 characters of a-z, A-Z, 0-9, `/`, `.`, `_`, `-`, without a `/` at its end.";
    "http.sign_up": Boolean, "true", "Whether people may make an account through the HTTP surface.";
    "http.user_delete": Boolean, "false", "Whether people may delete their account through the HTTP surface.";
    "http.user_export": Boolean, "false", "Whether people may read everything that is kept about them through the HTTP surface.";
    "http.well_known": Boolean, "false", "Whether the HTTP surface also answers `/.well-known/change-password` and `/.well-known/passkey-endpoints`, which lie outside its prefix.";
    "http.max_body": Integer(1024, 1_048_576), "65536", "Longest body of a request to the HTTP surface, in bytes.";
    "http.return_to": Texts, "[]", "Addresses besides own paths to which the HTTP surface may lead back, exactly as they stand here.";
    "http.problem_type": Text, "\"https://doorward.example/problems/\"", "What the `type` of problem details begins with (RFC 9457 section 3.1.1).";
    "http.pages.home": Text, "\"/\"", "The page of who has signed in or out, where a form names none.";
    "http.pages.sign_in": Text, "\"/sign-in\"", "The page with the form to sign in.";
    "http.pages.sign_up": Text, "\"/sign-up\"", "The page with the form to sign up.";
    "http.pages.continue": Text, "\"/continue\"", "The page with the form for the next step.";
    "http.pages.account": Text, "\"/account\"", "The page where people see and change their ways in.";
    "http.pages.recover": Text, "\"/recover\"", "The page where people ask for a new password and set it.";
    "http.pages.verify": Text, "\"/verify\"", "The page that the link to confirm an address leads to.";
}

/// The reference page of all settings, as Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Settings\n\nOne schema: TOML text, the same dotted keys as setters, the same names as keyword arguments. \
         A key that is not listed is an error naming the nearest. `*` is a name that you choose.\n\n\
         | key | takes | default | meaning |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let takes = match key.takes {
            KeyType::Any => "any".into(),
            KeyType::Boolean => "boolean".into(),
            KeyType::Duration => "duration".into(),
            KeyType::Integer(low, high) => format!("{low} to {high}"),
            KeyType::Keys => "keys".into(),
            KeyType::Secret => "text, or `{ file = … }`".into(),
            KeyType::Text => "text".into(),
            KeyType::Texts => "texts".into(),
        };
        let default = if key.default.is_empty() {
            String::new()
        } else {
            format!("`{}`", key.default)
        };
        for cell in [
            "| `", key.name, "` | ", &takes, " | ", &default, " | ", key.doc, " |\n",
        ] {
            page.push_str(cell);
        }
    }
    page.push_str(
        "\nA duration is digits and one of `ms`, `s`, `m`, `h`, `d`, as text: `\"30s\"`. This page is printed by \
         `doorward settings`.\n",
    );
    page
}

/// The key with this name, patterns included.
pub(super) fn find(name: &str) -> Result<&'static Key> {
    KEYS.iter()
        .find(|key| fits(key.name, name))
        .ok_or_else(|| unknown(name))
}

/// True when a dotted name is covered by a pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let mut names = name.split('.');
    for part in pattern.split('.') {
        if part == "**" {
            return true;
        }
        match names.next() {
            Some(segment) if part == "*" && !segment.is_empty() => {}
            Some(segment) if part == segment => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

/// What other libraries call `database`.
const DATABASES: [&str; 10] = [
    "connection",
    "database_uri",
    "database_url",
    "db",
    "db_url",
    "dsn",
    "path",
    "store",
    "uri",
    "url",
];

fn unknown(name: &str) -> Error {
    let section = format!("{name}.");
    let inside: Vec<String> = (KEYS.iter().filter(|key| key.name.starts_with(&section)))
        .map(|key| format!("`{}`", key.name))
        .collect();
    let is_database = DATABASES.contains(&name);
    if !(inside.is_empty() || is_database) {
        return Error::new(
            ErrorKind::Configuration,
            format!(
                "`{name}` is a section and takes no value; its settings are {}",
                inside.join(", ")
            ),
        );
    }
    let nearest = if is_database { "database" } else { nearest(name) };
    Error::new(
        ErrorKind::Configuration,
        format!("`{name}` is not a setting; the nearest is `{nearest}`"),
    )
}

fn nearest(name: &str) -> &'static str {
    KEYS.iter()
        .min_by_key(|key| distance(key.name, name))
        .map_or("", |key| key.name)
}

/// Edit distance in which a `*` matches a whole segment for nothing.
fn distance(pattern: &str, name: &str) -> usize {
    let (patterns, names): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), name.split('.').collect());
    let pairs = patterns.len().max(names.len());
    (0..pairs)
        .map(|i| match (patterns.get(i), names.get(i)) {
            (Some(&"*" | &"**"), Some(_)) | (None, None) => 0,
            (Some(a), Some(b)) => edits(a, b),
            (Some(rest), None) | (None, Some(rest)) => rest.len() + 1,
        })
        .sum()
}

fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            left = (above + 1).min(left + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
