//! The Rust mirror and `include/doorward_plugin.h` agree: a C program made from the list below prints what the C compiler
//! makes of the header, and every line must equal what the Rust compiler makes of the mirror.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward_plugin_abi as abi;

/// One fact: what C calls it, as an expression, and what Rust says.
struct Fact {
    c: String,
    rust: String,
}

macro_rules! structs {
    ($($rust:ident = $c:ident { $($field:ident),* $(,)? })*) => {{
        let mut facts = Vec::new();
        $(
            facts.push(Fact { c: format!("sizeof({})", stringify!($c)), rust: size_of::<abi::$rust>().to_string() });
            $(facts.push(Fact {
                c: format!("offsetof({}, {})", stringify!($c), stringify!($field)),
                rust: std::mem::offset_of!(abi::$rust, $field).to_string(),
            });)*
        )*
        facts
    }};
}

macro_rules! constants {
    ($($name:ident)*) => {
        vec![$(Fact { c: concat!("DWP_", stringify!($name)).to_owned(), rust: abi::$name.to_string() }),*]
    };
}

fn layout() -> Vec<Fact> {
    structs! {
        Bytes = dwp_bytes { ptr, len }
        Pair = dwp_pair { name, value }
        Record = dwp_record { struct_size, format, id, version, bytes, label }
        Request = dwp_request {
            struct_size, operation, purpose, flags, step, n_credentials, n_new_credentials, n_records, host, call,
            realm, provider, subject, identifier_raw, identifier, display, credentials, new_credentials, records,
            state, agent, address, resolved,
        }
        Field = dwp_field { struct_size, flags, name, autocomplete, max_len, purposes, step, reserved }
        Open = dwp_open { struct_size, flags, host, config, provider }
        Kind = dwp_kind {
            struct_size, flags, name, title, identifier_source, factor, channel, fields, n_fields,
            normalize_version, record_version, max_record, max_state, default_deadline_ms, max_concurrency,
            reserved, config_schema, open, close, start, stop, normalize, enroll, verify, update, step, describe,
            health,
        }
        Module = dwp_module {
            struct_size, magic, abi_major, abi_minor, min_host_minor, reserved, flags, n_kinds, kinds, id, version,
            vendor, license, load, extension,
        }
        Host = dwp_host {
            struct_size, abi_major, abi_minor, product, version, context, log, audit, random, unix_micros,
            monotonic_ns, remaining_ns, cancelled, wipe, ct_equal, sha256, hmac_sha256, base64url_encode,
            base64url_decode, seal, unseal, config_text, config_integer, config_boolean, config_secret, verdict,
            identifier, put_record, label, handle, used_record, state, challenge, show_once, attribute, violation,
            message, extension,
        }
        Pwhash = dwp_pwhash { struct_size, reserved, hash, verify, needs_rehash }
        Kv = dwp_kv { struct_size, reserved, get, put, remove, add }
        Deliver = dwp_deliver { struct_size, reserved, message }
        Limit = dwp_limit { struct_size, reserved, limit }
        Http = dwp_http { struct_size, reserved, fetch }
        Migrate = dwp_migrate { struct_size, reserved, operation }
        SecretOption = dwp_secret { kind, option }
        Secrets = dwp_secrets { struct_size, n_options, options }
    }
}

fn constants() -> Vec<Fact> {
    constants! {
        MAGIC ABI_MAJOR ABI_MINOR
        OK E_ARGUMENT E_UNSUPPORTED E_CONFIG E_MEMORY E_INTERNAL E_UNAVAILABLE E_TIMEOUT E_CANCELLED E_FORMAT
        E_TOO_LARGE E_NOT_FOUND E_CONFLICT E_OVERLOADED E_BROKEN
        DENY ACCEPT CONTINUE RESOLVE
        WRONG EXPIRED MUST_CHANGE DISABLED LOCKED NOT_ENROLLED INVALID_INPUT
        RECORD_ID_LEN
        OP_NORMALIZE OP_ENROLL OP_VERIFY OP_UPDATE OP_STEP OP_DESCRIBE OP_HEALTH OP_START OP_MIGRATE
        FOR_ENROLL FOR_VERIFY FOR_UPDATE FOR_UPDATE_NEW
        RF_DECOY SECRET OPTIONAL
        INLINE KEEPS_RECORDS SEVERAL_RECORDS CAN_START SERIAL UNGUESSABLE UNSTORED_START UNSTORED_MAX_STATE TWO_IN_ONE ACCEPT_TWO_IN_ONE MODULE_ISOLATED
        SOURCE_GIVEN SOURCE_FOUND SOURCE_USER
        FACTOR_NONE FACTOR_KNOWLEDGE FACTOR_POSSESSION FACTOR_INHERENCE
        LOG_ERROR LOG_WARN LOG_INFO LOG_DEBUG
        PWHASH_MAX KV_MAX_KEY KV_MAX_VALUE KV_ANY KV_ABSENT
        DELIVER_MAX_MESSAGES DELIVER_MAX_PARAMS DELIVER_MAX_VALUE LIMIT_MAX LIMIT_MAX_BURST LIMIT_MAX_SECONDS HTTP_MAX HTTP_MAX_HEADERS HTTP_MAX_URL
    }
}

fn texts() -> Vec<(&'static str, &'static str)> {
    [
        ("DWP_EXT_PWHASH", abi::EXT_PWHASH),
        ("DWP_EXT_KV", abi::EXT_KV),
        ("DWP_EXT_DELIVER", abi::EXT_DELIVER),
        ("DWP_EXT_LIMIT", abi::EXT_LIMIT),
        ("DWP_EXT_HTTP", abi::EXT_HTTP),
        ("DWP_EXT_MIGRATE", abi::EXT_MIGRATE),
        ("DWP_EXT_SECRETS", abi::EXT_SECRETS),
    ]
    .map(|(name, text)| (name, text.to_str().unwrap()))
    .to_vec()
}

fn include_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include")
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn mirror_agrees_with_the_header() {
    let mut facts = layout();
    facts.extend(constants());
    let mut source = String::from("#include \"doorward_plugin.h\"\n#include <stdio.h>\nint main(void)\n{\n");
    for fact in &facts {
        writeln!(source, "    printf(\"%lld\\n\", (long long)({}));", fact.c).unwrap();
    }
    for (name, _) in texts() {
        writeln!(source, "    puts({name});").unwrap();
    }
    source.push_str("    return 0;\n}\n");

    let dir = scratch("layout");
    std::fs::write(dir.join("layout.c"), source).unwrap();
    let built = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .arg(include_dir())
        .arg(dir.join("layout.c"))
        .arg("-o")
        .arg(dir.join("layout"))
        .status()
        .unwrap();
    assert!(built.success(), "the header does not compile");
    let output = Command::new(dir.join("layout")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), facts.len() + texts().len());

    let differences: Vec<String> = facts
        .iter()
        .zip(&lines)
        .filter(|(fact, line)| **line != fact.rust)
        .map(|(fact, line)| format!("{}: C says {line}, Rust says {}", fact.c, fact.rust))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    for ((name, rust), c) in texts().iter().zip(&lines[facts.len()..]) {
        assert_eq!(c, rust, "{name}");
    }
}

/// Every `#define DWP_…` with a value and every struct of the header is in the lists above, so that one added to the header
/// alone turns this red.
#[test]
fn nothing_in_the_header_is_left_out() {
    let header = std::fs::read_to_string(include_dir().join("doorward_plugin.h")).unwrap();
    let listed: Vec<String> = layout()
        .into_iter()
        .chain(constants())
        .map(|fact| fact.c)
        .chain(texts().into_iter().map(|(name, _)| name.to_owned()))
        .collect();
    let machinery = ["DWP_CALL", "DWP_EXPORT", "DWP_EXTERN_C"];
    for line in header.lines() {
        if let Some(rest) = line.strip_prefix("#define DWP_") {
            let name = format!("DWP_{}", rest.split([' ', '(']).next().unwrap());
            let takes_arguments = rest[name.len() - 4..].starts_with('(');
            let is_macro = takes_arguments || machinery.contains(&name.as_str());
            assert!(
                is_macro || listed.contains(&name),
                "{name} is not in the mirror's test"
            );
        }
        let body = line
            .strip_prefix("typedef struct ")
            .or_else(|| line.strip_prefix("struct "));
        if let Some(name) = body.and_then(|rest| rest.strip_suffix(" {")) {
            assert!(
                listed.contains(&format!("sizeof({name})")),
                "{name} is not in the mirror's test"
            );
        }
    }
}

#[test]
fn header_compiles_alone_and_twice_in_c_and_cpp() {
    let dir = scratch("alone");
    let source = "#include \"doorward_plugin.h\"\n#include \"doorward_plugin.h\"\nint nothing;\n";
    for (compiler, standard, file) in [
        ("cc", "c99", "alone.c"),
        ("cc", "c11", "alone.c"),
        ("c++", "c++17", "alone.cc"),
        ("c++", "c++20", "alone.cc"),
    ] {
        std::fs::write(dir.join(file), source).unwrap();
        let built = Command::new(compiler)
            .arg(format!("-std={standard}"))
            .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", "-I"])
            .arg(include_dir())
            .arg(dir.join(file))
            .status()
            .unwrap();
        assert!(built.success(), "{standard}");
    }
}
