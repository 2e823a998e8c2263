//! A look at a plugin's file before the dynamic linker sees it: `dlopen` already runs code of it.

use doorward_plugin_abi as abi;
use object::{Object, ObjectSymbol};

/// Checks that the bytes are a shared object for this machine that exports the entry.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let file = object::File::parse(bytes).map_err(|_| "it is not an object file")?;
    if file.format() != object::BinaryFormat::Elf || file.kind() != object::ObjectKind::Dynamic {
        return Err("it is not a shared object (ELF, ET_DYN)".into());
    }
    let here = (
        cfg!(target_pointer_width = "64"),
        cfg!(target_endian = "little"),
        machine(),
    );
    let found = (file.is_64(), file.is_little_endian(), file.architecture());
    if here.2.is_some_and(|machine| (here.0, here.1, machine) != found) {
        return Err(format!("it was built for another machine ({:?})", found.2));
    }
    let entry = abi::ENTRY_SYMBOL.to_bytes();
    let exports = file
        .dynamic_symbols()
        .any(|symbol| symbol.is_definition() && symbol.is_global() && symbol.name_bytes() == Ok(entry));
    if exports {
        Ok(())
    } else {
        Err(format!("it exports no {}", abi::ENTRY_SYMBOL.to_string_lossy()))
    }
}

/// This machine, where the architecture has a name here; elsewhere the dynamic linker's own check stands alone.
const fn machine() -> Option<object::Architecture> {
    if cfg!(target_arch = "x86_64") {
        Some(object::Architecture::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(object::Architecture::Aarch64)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_plugin_without_loading_it() {
        let executable = std::fs::read("/proc/self/exe").unwrap();
        let mut foreign = executable.clone();
        foreign[18] = 8; // e_machine: MIPS
        foreign[19] = 0;
        for (what, bytes) in [
            ("nothing", &b""[..]),
            ("text", b"#!/bin/sh\nexit 0\n"),
            ("a header without a body", &executable[..64]),
            ("an object without the entry", &executable),
            ("another machine", &foreign),
        ] {
            assert!(check(bytes).is_err(), "{what}");
        }
    }
}
