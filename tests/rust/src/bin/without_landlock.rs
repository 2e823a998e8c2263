//! Loads a plugin, isolated, in a process for which the kernel has no Landlock, and says how that went:
//! `without_landlock HOST PLUGIN SANDBOX required|if_there`.

use std::collections::BTreeMap;

use doorward::plugin::{Isolation, Kinds, PluginSettings, PoolSettings, Sandbox, Services};
use nix::libc;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [host, plugin, sandbox, landlock] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "without_landlock HOST PLUGIN SANDBOX required|if_there")?;
    // Whatever this process starts has the filter, too.
    let filter: BpfProgram = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_landlock_create_ruleset, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()?;
    seccompiler::apply_filter(&filter)?;
    let settings = PluginSettings {
        name: "tested".into(),
        path: plugin.into(),
        sha256: None,
        kinds: Vec::new(),
        isolation: Some(Isolation {
            host: host.into(),
            sandbox: Sandbox::of(&sandbox).ok_or("no such sandbox")?,
            needs_landlock: landlock == "required",
            workers: 1,
            python: None,
        }),
    };
    match Kinds::load(&[settings], &[], Services::system(), PoolSettings::of(1)) {
        Ok(_) => print!("loaded"),
        Err(error) => print!("{}: {}", error.kind().id(), error.message()),
    }
    Ok(())
}
