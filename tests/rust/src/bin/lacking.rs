//! A process for which the kernel lacks something, and whatever it starts lacks it, too:
//!
//! ```text
//! lacking landlock|namespaces load HOST PLUGIN SANDBOX required|if_there   says how loading went
//! lacking landlock|namespaces threads HOST PLUGIN SANDBOX                  says how many threads `crowd.c` gets
//! lacking landlock|namespaces run PROGRAM ARGUMENT...                      becomes another program
//! ```
//!
//! Without namespaces it is nobody, for root needs none. What an operator would read is printed, line by line.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use doorward::plugin::{
    Ask, Fields, Isolation, Kinds, Operation, PluginSettings, PoolSettings, Sandbox, Services,
};
use nix::libc;
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

type Done = Result<(), Box<dyn std::error::Error>>;

const LONG: Duration = Duration::from_mins(1);

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [lacked, what, rest @ ..] = words.as_slice() else {
        return Err("lacking landlock|namespaces load|threads|run ...".into());
    };
    tracing::subscriber::set_global_default(Told)?;
    if *lacked == "landlock" {
        without(libc::SYS_landlock_create_ruleset, libc::ENOSYS)?;
    } else {
        if geteuid().is_root() {
            let (user, group) = (Uid::from_raw(65534), Gid::from_raw(65534));
            setgroups(&[])?;
            setresgid(group, group, group)?;
            setresuid(user, user, user)?;
        }
        without(libc::SYS_unshare, libc::EPERM)?;
    }
    match (*what, rest) {
        ("load", [host, plugin, sandbox, landlock]) => {
            let settings = settings(host, plugin, sandbox, *landlock == "required")?;
            match Kinds::load(&[settings], &[], Services::system(), PoolSettings::of(1)) {
                Ok(_) => print!("loaded"),
                Err(error) => print!("{}: {}", error.kind().id(), error.message()),
            }
            Ok(())
        }
        ("threads", [host, plugin, sandbox]) => threads(settings(host, plugin, sandbox, false)?),
        ("run", [program, arguments @ ..]) => {
            Err(std::process::Command::new(program).args(arguments).exec().into())
        }
        _ => Err("lacking landlock|namespaces load|threads|run ...".into()),
    }
}

/// The call answers this from now on.
fn without(call: i64, errno: i32) -> Done {
    let filter: BpfProgram = SeccompFilter::new(
        BTreeMap::from([(call, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()?;
    Ok(seccompiler::apply_filter(&filter)?)
}

fn settings(host: &str, plugin: &str, sandbox: &str, needs_landlock: bool) -> Result<PluginSettings, String> {
    Ok(PluginSettings {
        name: "tested".into(),
        path: plugin.into(),
        sha256: None,
        kinds: Vec::new(),
        isolation: Some(Isolation {
            host: host.into(),
            sandbox: Sandbox::of(sandbox).ok_or("no such sandbox")?,
            needs_landlock,
            workers: 1,
            python: None,
        }),
    })
}

fn threads(settings: PluginSettings) -> Done {
    let kinds = Kinds::load(&[settings], &[], Services::system(), PoolSettings::of(1))?;
    let kind = kinds.open("crowd", "crowd", &serde_json::Map::new())?;
    kinds.start()?;
    let question = Ask {
        operation: Operation::Verify,
        purpose: Operation::Verify,
        step: 0,
        decoy: false,
        realm: String::new(),
        subject: None,
        known: None,
        provider: "crowd".into(),
        raw: b"ann".to_vec(),
        canonical: b"ann".to_vec(),
        display: "Ann".into(),
        credentials: Fields::from([("do", "many")]),
        new_credentials: Fields::default(),
        records: Vec::new(),
        state: None,
        resolved: None,
        agent: String::new(),
        address: String::new(),
    };
    let verdict = doorward::block_on(kind.ask(question, LONG))?;
    for (name, value) in verdict.attributes {
        println!("{name}: {value}");
    }
    kinds.stop();
    Ok(())
}

/// Prints what is told to the operator.
struct Told;

struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            println!("told: {value:?}");
        }
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
