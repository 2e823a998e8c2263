//! Loads one plugin file between two marks that a trace of system calls shows.

use std::path::Path;

use doorward::plugin::{Kinds, PluginSettings, PoolSettings, Services};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("load_plugin FILE SHA256")?;
    let settings = PluginSettings {
        name: "traced".into(),
        path: path.into(),
        sha256: std::env::args().nth(2),
        kinds: Vec::new(),
        isolation: None,
    };
    // Neither is there: only the attempt is to be seen.
    let mark = |name: &str| Path::new("/doorward-mark").join(name).exists();
    mark("begin");
    let kinds = Kinds::load(&[settings], &[], Services::system(), PoolSettings::of(1));
    mark("end");
    kinds?;
    Ok(())
}
