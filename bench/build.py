"""What the bench runs: everything in release."""

import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(ROOT, "target", "bench")
PROGRAM = os.path.join(ROOT, "target", "release", "doorward-bench")
HOST = os.path.join(ROOT, "target", "release", "doorward-plugin-host")


def build(compile_rust):
    """Builds everything; the command of Doorward's program in each language."""
    print("bench: building (release)", flush=True)
    os.makedirs(TARGET, mode=0o755, exist_ok=True)
    if compile_rust:
        packages = ["-p", "doorward-bench", "-p", "doorward-plugin-host", "-p", "doorward-ffi", "-p", "doorward-python"]
        subprocess.run(["cargo", "build", "--release", "--locked", *packages], cwd=ROOT, check=True)
    compile_c("syncs.c", "syncs.so", ["-shared", "-fPIC"], ["-ldl"])
    compile_c("yes.c", "yes.so", ["-shared", "-fPIC", "-fvisibility=hidden"], [])
    compile_c("yes.c", "yes_pool.so", ["-shared", "-fPIC", "-fvisibility=hidden", "-DFLAGS=0"], [])
    compile_c("nothing.c", "nothing", [], ["-lpam", "-lsasl2"])
    # Under the names that `make install` gives it; the soname says which one programs ask for.
    for name in ["libdoorward.so", "libdoorward.so." + version_of_abi()]:
        replace_link(os.path.join(ROOT, "target", "release", "libdoorward_ffi.so"), os.path.join(TARGET, name))
    compile_c("ours.c", "ours", [], ["-L" + TARGET, "-Wl,-rpath," + TARGET, "-ldoorward", "-lpthread"])
    python_package()
    return {
        "Rust": [PROGRAM, "ours"],
        "C": [os.path.join(TARGET, "ours")],
        "Python": [sys.executable, os.path.join(ROOT, "bench", "python", "ours.py")],
    }


def version_of_abi():
    """As ffi/build.rs makes it of the workspace's version."""
    text = open(os.path.join(ROOT, "Cargo.toml")).read()
    return re.search(r'^version = "(\d+\.\d+)\.', text, re.MULTILINE).group(1)


def compile_c(source, output, flags, libraries):
    subprocess.run(
        ["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", *flags, "-I" + os.path.join(ROOT, "include"),
         os.path.join(ROOT, "bench", "c", source), "-o", os.path.join(TARGET, output), *libraries],
        check=True,
    )


def python_package():
    """The package's sources and the extension of this build, side by side."""
    package = os.path.join(TARGET, "python", "doorward")
    os.makedirs(package, exist_ok=True)
    for file in glob.glob(os.path.join(ROOT, "python", "doorward", "*")):
        if os.path.isfile(file):
            replace_link(file, os.path.join(package, os.path.basename(file)))
    extension = os.path.join(ROOT, "target", "release", "lib_doorward.so")
    replace_link(extension, os.path.join(package, "_doorward.abi3.so"))


def replace_link(target, link):
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(target, link)
