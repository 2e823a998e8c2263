"""`doorward plugin new --lang python`: what it writes keeps the contract as it stands, and the kit sees when it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from test_hosts import HERE, interpreter

DOORWARD = HERE.parent.parent / "target/debug/doorward"


def project(folder: Path) -> Path:
    subprocess.run([DOORWARD, "plugin", "new", "front_door", "--lang", "python"], cwd=folder, check=True)
    written = folder / "front_door"
    subprocess.run([sys.executable, "-m", "py_compile", "front_door.py"], cwd=written, check=True)
    return written


def check(folder: Path, written: Path) -> subprocess.CompletedProcess[str]:
    command = [str(DOORWARD), "plugin", "check", str(interpreter(folder)), "--python", "front_door:Passphrase"]
    command += ["--python-path", ".", "--vectors", "vectors.toml"]
    return subprocess.run(command, cwd=written, capture_output=True, text=True)


def test_a_project_builds_and_passes(tmp_path: Path) -> None:
    checked = check(tmp_path, project(tmp_path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " 0 failed, 0 warned" in checked.stdout
    assert "vectors      front_door, isolated" in checked.stdout


def test_a_class_that_lets_everybody_in_is_noticed(tmp_path: Path) -> None:
    written = project(tmp_path)
    source = written / "front_door.py"
    refuses = 'return Deny("wrong" if phc else "not_enrolled")'
    text = source.read_text()
    assert refuses in text
    source.write_text(text.replace(refuses, "return Accept()"))
    checked = check(tmp_path, written)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "FAIL  credentials" in checked.stdout
