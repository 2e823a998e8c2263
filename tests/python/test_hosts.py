"""A class in Python as a plugin of any server: in an interpreter of its own, which the plugin host becomes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import doorward

HERE = Path(__file__).resolve().parent
HOST = HERE.parent.parent / "target/debug/doorward-plugin-host"
WORD = {"word": "open sesame"}


def interpreter(folder: Path) -> Path:
    """This interpreter with the package as it is built here, as one in which it is installed would begin."""
    package = Path(doorward.__file__).parent.parent
    script = folder / "python"
    script.write_text(
        f"#!{sys.executable}\n"
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(package)!r})\n"
        "assert sys.argv[1:4] == ['-I', '-m', 'doorward.host']\n"
        "del sys.argv[1:4]\n"
        "runpy.run_module('doorward.host', run_name='__main__', alter_sys=True)\n"
    )
    script.chmod(0o755)
    return script


def opened(tmp_path: Path, sandbox: str, events: list[doorward.Event], kind: str = "riddle:Word") -> doorward.Auth:
    return doorward.open(
        database=f"sqlite:{tmp_path}/hosts.db",
        plugin={"word": {"path": str(interpreter(tmp_path)), "python": kind, "python_path": str(HERE), "sandbox": sandbox}},
        plugin_host={"path": str(HOST)},
        provider={"member": {"kind": "word"}},
        on_event=events.append,
    )


@pytest.mark.parametrize("sandbox", ["off", "net", "strict"])
def test_a_class_signs_in_from_a_process_of_its_own(tmp_path: Path, sandbox: str) -> None:
    events: list[doorward.Event] = []
    with opened(tmp_path, sandbox, events) as auth:
        auth.create_user("member", "ann", WORD).require()
        assert isinstance(auth.authenticate("member", "ann", WORD), doorward.Accepted)
        assert isinstance(auth.authenticate("member", "ann", {"word": "wrong"}), doorward.Refused)
        assert isinstance(auth.authenticate("member", "bob", WORD), doorward.Refused)
    told = [event.reason or "" for event in events if event.name == "plugin_audit"]
    pids = {int(reason.rsplit(" ", 1)[1]) for reason in told if reason.startswith("word.pid")}
    assert pids and os.getpid() not in pids


def test_a_class_that_ends_or_hangs_costs_one_request(tmp_path: Path) -> None:
    with opened(tmp_path, "off", []) as auth:
        auth.create_user("member", "ann", WORD).require()
        with pytest.raises(doorward.Unavailable):
            auth.authenticate("member", "ann", {"word": "exit"})
        with pytest.raises(doorward.Timeout):
            auth.authenticate("member", "ann", {"word": "hang"})
        assert isinstance(auth.authenticate("member", "ann", WORD), doorward.Accepted)


@pytest.mark.parametrize(
    ("kind", "named"),
    [("riddle:Nothing", "AttributeError"), ("no_such_module:Word", "ModuleNotFoundError"), ("riddle", "module:Class")],
)
def test_a_class_that_is_not_there_is_named(tmp_path: Path, kind: str, named: str) -> None:
    with pytest.raises((doorward.PluginRefused, doorward.Configuration), match=named):
        opened(tmp_path, "off", [], kind)
