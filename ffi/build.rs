//! How the shared library is linked. Why each flag: docs/man/doorward.3, THE LIBRARIES.

fn main() {
    // Before 1.0 every minor release may change the ABI, so the name that programs ask for carries it.
    let soname = format!(
        "-Wl,-soname,libdoorward.so.{}.{}",
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR")
    );
    // Never unloaded: threads and thread-local destructors would outlive their code.
    let nodelete = "-Wl,-z,nodelete";
    // The tables of function pointers are read-only once loaded, and everything resolves then or not at all.
    let (relro, now, defs) = ("-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,defs");
    println!("cargo::rustc-cdylib-link-arg={soname}");
    for flag in [nodelete, relro, now, defs] {
        println!("cargo::rustc-cdylib-link-arg={flag}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
