//! The dynamic linker maps the file that was checked, and that one only.

#![expect(unsafe_code, reason = "dlopen, and a mapping to compare with")]

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::IntoRawFd;

use doorward_plugin_abi as abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags};

/// Maps the open file and finds its entry.
pub(super) fn map(file: File) -> Result<abi::Entry, String> {
    // Never closed, whatever comes of it: see the head of `loader.rs`. One descriptor per plugin file.
    let descriptor = file.into_raw_fd();
    let path = format!("/proc/self/fd/{descriptor}");
    // SAFETY: this runs the constructors of a file that configuration names, whose owner, hash and form have been
    // checked; that is what loading a plugin means.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE) }
        .map_err(|error| error.to_string())?;
    let name = abi::ENTRY_SYMBOL;
    // SAFETY: the header gives this symbol this type.
    let entry =
        unsafe { library.get::<abi::Entry>(name.to_bytes_with_nul()) }.map_err(|error| error.to_string())?;
    let entry = *entry;
    // Never unloaded: threads may run in it, thread-locals of it may have destructors, and every pointer that came from
    // it must stay good.
    std::mem::forget(library);
    if !is_mapping_of(entry as usize, descriptor).map_err(|error| error.to_string())? {
        return Err(
            "the dynamic linker returned another object than the one that was checked: has anything else in this \
             process loaded a library through /proc/self/fd?"
                .into(),
        );
    }
    Ok(entry)
}

/// Whether the code at `address` is mapped from the file behind `descriptor`.
///
/// Device and inode in `/proc/self/maps` are not those of `stat` on every file system (btrfs, overlayfs), so the file
/// is mapped once more by ourselves and both lines are compared.
fn is_mapping_of(address: usize, descriptor: i32) -> std::io::Result<bool> {
    // SAFETY: the descriptor is open for ever (`map`).
    let file = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    let length = NonZeroUsize::MIN;
    // SAFETY: a fresh private read-only mapping at an address of the kernel's choice; nobody reads through it.
    let ours =
        unsafe { nix::sys::mman::mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE, file, 0) }?;
    let maps = std::fs::read_to_string("/proc/self/maps");
    // SAFETY: the mapping made above, of that length, to which nobody has a reference.
    unsafe { nix::sys::mman::munmap(ours, length.get()) }?;
    let maps = maps?;
    let ours = file_at(&maps, ours.as_ptr() as usize);
    Ok(ours.is_some() && ours == file_at(&maps, address))
}

/// Device and inode of the mapping that holds the address.
fn file_at(maps: &str, address: usize) -> Option<(&str, &str)> {
    maps.lines().find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let (start, end) = columns.next()?.split_once('-')?;
        let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
        let (device, inode) = (columns.nth(2)?, columns.next()?);
        (range.contains(&address) && inode != "0").then_some((device, inode))
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn finds_the_file_of_an_address() {
        let maps = "00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n\
                    7ffc1000-7ffc3000 rw-p 00000000 00:00 0           [stack]\n";
        for (address, file) in [
            (0x0040_0000, Some(("08:02", "173521"))),
            (0x0045_1fff, Some(("08:02", "173521"))),
            (0x0045_2000, None),
            (0x7ffc_1000, None),
        ] {
            assert_eq!(file_at(maps, address), file, "{address:x}");
        }
    }

    #[test]
    fn an_address_belongs_to_the_file_it_was_mapped_from_and_to_no_other() {
        let open = |path: &str| File::open(path).unwrap();
        let executable = open("/proc/self/exe");
        let other = open("/etc/hostname");
        let here = finds_the_file_of_an_address as fn() as usize;
        assert!(is_mapping_of(here, executable.as_raw_fd()).unwrap());
        assert!(!is_mapping_of(here, other.as_raw_fd()).unwrap());
    }

    #[test]
    fn a_descriptor_number_that_was_used_before_does_not_bring_the_object_of_then() {
        use std::os::fd::FromRawFd;
        let compiled = |value: u32| {
            let path = std::env::temp_dir().join(format!("doorward-reused-{}-{value}", std::process::id()));
            let source = path.with_extension("c");
            let code = format!(
                "const void *doorward_plugin_v1(void);const void *doorward_plugin_v1(void){{return (void*){value}UL;}}"
            );
            std::fs::write(&source, code).unwrap();
            let object = path.with_extension("so");
            let mut cc = std::process::Command::new("cc");
            assert!(
                cc.args(["-shared", "-fPIC", "-o"])
                    .arg(&object)
                    .arg(&source)
                    .status()
                    .unwrap()
                    .success()
            );
            let file = File::open(&object).unwrap();
            for path in [source, object] {
                std::fs::remove_file(path).unwrap();
            }
            file
        };
        let number = compiled(1).into_raw_fd();
        let path = format!("/proc/self/fd/{number}");
        // SAFETY: an object without constructors, made above.
        let earlier = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.unwrap();
        // Another file comes to stand behind the same number, as when the first is closed and the next one opened.
        // SAFETY: both descriptors are this test's own.
        let reused = unsafe { libc::dup2(compiled(2).as_raw_fd(), number) };
        assert_eq!(reused, number);
        // SAFETY: the number is this test's own.
        let why = map(unsafe { File::from_raw_fd(reused) }).unwrap_err();
        assert!(
            why.contains("another object than the one that was checked"),
            "{why}"
        );
        drop(earlier);
        let entry = map(compiled(3)).unwrap();
        // SAFETY: the function made above.
        assert_eq!(unsafe { entry() } as usize, 3);
    }
}
