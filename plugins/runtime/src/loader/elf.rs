//! A look at a plugin's file before the dynamic linker sees it: `dlopen` already runs code of it.

use std::path::{Path, PathBuf};

use doorward_plugin_abi as abi;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{Dyn, ElfFile, FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol};

/// What older linkers define in every object; they name places, not functions of the plugin.
const OF_THE_LINKER: [&[u8]; 5] = [b"_init", b"_fini", b"_edata", b"_end", b"__bss_start"];
/// Exports that a message names.
const NAMED: usize = 3;

/// Checks that the bytes are a shared object for this machine that exports the entry and nothing else, and asks
/// nothing of the dynamic linker that would weaken the process. Gives the folders that it wants searched for the
/// libraries it needs: who may write there decides what runs.
pub(super) fn check(bytes: &[u8]) -> Result<Vec<PathBuf>, String> {
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
    exports(&file)?;
    match &file {
        object::File::Elf64(file) => requests::<FileHeader64<_>>(file),
        object::File::Elf32(file) => requests::<FileHeader32<_>>(file),
        _ => Err("it is not a shared object (ELF, ET_DYN)".into()),
    }
}

/// The entry is exported, and it alone: any other symbol of a plugin could take the place of the program's own.
fn exports(file: &object::File<'_>) -> Result<(), String> {
    let entry = abi::ENTRY_SYMBOL.to_bytes();
    let exported: Vec<&[u8]> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition() && !symbol.is_local())
        .filter_map(|symbol| symbol.name_bytes().ok())
        .filter(|name| !OF_THE_LINKER.contains(name))
        .collect();
    if !exported.contains(&entry) {
        return Err(format!("it exports no {}", abi::ENTRY_SYMBOL.to_string_lossy()));
    }
    let others: Vec<String> = exported
        .iter()
        .filter(|name| **name != entry)
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(format!(
        "it exports {} more symbols than {} ({}{}): link it with -fvisibility=hidden, and in C++ with a version script \
         that keeps everything else local",
        others.len(),
        abi::ENTRY_SYMBOL.to_string_lossy(),
        others.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "),
        if others.len() > NAMED { ", …" } else { "" }
    ))
}

/// What the object asks of the dynamic linker.
fn requests<H: FileHeader<Endian = object::Endianness>>(
    file: &ElfFile<'_, H>,
) -> Result<Vec<PathBuf>, String> {
    let endian = file.endian();
    let stack = file
        .elf_program_headers()
        .iter()
        .find(|header| header.p_type(endian) == elf::PT_GNU_STACK);
    // Without the header the kernel's default holds, which is an executable stack on some machines.
    if stack.is_none_or(|stack| stack.p_flags(endian) & elf::PF_X != 0) {
        return Err(
            "it asks for an executable stack, and the whole process would get one: link it with -z noexecstack".into(),
        );
    }
    let broken = |_| "its dynamic section cannot be read".to_owned();
    let sections = file.elf_section_table();
    let Some((entries, link)) = sections.dynamic(endian, file.data()).map_err(broken)? else {
        return Err("it has no dynamic section".into());
    };
    let strings = sections.strings(endian, file.data(), link).map_err(broken)?;
    let mut folders = Vec::new();
    for entry in entries {
        let value: u64 = entry.d_val(endian).into();
        match entry.tag(endian) {
            elf::DT_FLAGS if value & u64::from(elf::DF_STATIC_TLS) != 0 => {
                return Err(
                    "it uses static thread-local storage, of which a running process has little: compile it with \
                     -fPIC and without -ftls-model=initial-exec"
                        .into(),
                );
            }
            elf::DT_TEXTREL => return Err("it has text relocations: compile it with -fPIC".into()),
            elf::DT_RPATH | elf::DT_RUNPATH => {
                let text = entry.string(endian, strings).map_err(broken)?;
                for folder in String::from_utf8_lossy(text).split(':') {
                    folders.push(absolute(folder, "run path")?);
                }
            }
            elf::DT_NEEDED => {
                let text = entry.string(endian, strings).map_err(broken)?;
                let name = String::from_utf8_lossy(text);
                if name.contains('/')
                    && let Some(folder) = absolute(&name, "needed library")?.parent()
                {
                    folders.push(folder.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(folders)
}

/// A path that means the same wherever the process stands. `$ORIGIN` does not: the object is mapped through a
/// descriptor, so its own folder is not what the linker would take.
fn absolute(path: &str, what: &str) -> Result<PathBuf, String> {
    if Path::new(path).is_absolute() && !path.contains('$') {
        return Ok(path.into());
    }
    Err(format!(
        "its {what} {path:?} is not an absolute path: link it without -rpath, or with an absolute one"
    ))
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

    #[test]
    fn a_run_path_means_the_same_everywhere_or_is_refused() {
        for bad in ["", ".", "lib", "$ORIGIN", "${ORIGIN}/lib", "/usr/$LIB"] {
            assert!(absolute(bad, "run path").is_err(), "{bad:?}");
        }
        assert_eq!(absolute("/opt/lib", "run path"), Ok("/opt/lib".into()));
    }
}
