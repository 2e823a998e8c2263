"""A class in Python as a plugin of any server: in an interpreter of its own, which the plugin host becomes."""

from __future__ import annotations

import os
import re
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


@pytest.mark.parametrize("sandbox", ["net", "strict"])
def test_a_class_may_import_when_it_runs(tmp_path: Path, sandbox: str) -> None:
    """From its interpreter, modules in C among them, and from its folder; and it reads nothing else, writes nothing at all."""
    folder = tmp_path / "kinds"
    folder.mkdir()
    (folder / "beside.py").write_text("WORD = 'open sesame'\n")
    secret = tmp_path.parent / f"{tmp_path.name}-secret"  # the script that plays the interpreter is in tmp_path
    secret.write_text("not for kinds")
    (folder / "late.py").write_text(
        "import os\n"
        "from doorward.plugin import Accept, Deny, Field, Kind\n"
        "def refused(path, flags):\n"
        "    try:\n"
        "        os.close(os.open(path, flags))\n"
        "    except OSError:\n"
        "        return True\n"
        "    return False\n"
        "class Late(Kind):\n"
        "    name, factor, can_start, max_record = 'word', 'knowledge', True, 9\n"
        "    fields = [Field('word', 64, asked_for=('enroll', 'verify'), secret=True)]\n"
        "    def enroll(self, request):\n"
        "        return Accept(record=b'x')\n"
        "    def verify(self, request):\n"
        "        import colorsys, encodings.idna, beside, _lsprof, email.mime.text\n"
        f"        shut = refused({str(secret)!r}, os.O_RDONLY)\n"
        f"        shut = shut and refused({str(folder / 'new')!r}, os.O_WRONLY | os.O_CREAT)\n"
        f"        shut = shut and refused({str(folder / 'beside.py')!r}, os.O_RDWR)\n"
        "        right = request.credentials['word'] == beside.WORD.encode()\n"
        "        return Accept() if shut and right and request.records else Deny()\n"
    )
    settings = {"path": str(interpreter(tmp_path)), "python": "late:Late", "python_path": str(folder), "sandbox": sandbox}
    with doorward.open(
        database="memory:",
        plugin={"late": settings},
        plugin_host={"path": str(HOST)},
        provider={"member": {"kind": "word"}},
    ) as auth:
        auth.create_user("member", "ann", WORD).require()
        assert isinstance(auth.authenticate("member", "ann", WORD), doorward.Accepted)


def test_an_interpreter_without_the_package_is_told_in_its_own_words(tmp_path: Path) -> None:
    settings = {"path": sys.executable, "python": "riddle:Word", "python_path": str(HERE), "sandbox": "off"}
    script = tmp_path / "python"
    for body, said in [
        (f"exec {sys._base_executable} -S -c 'import doorward_that_is_not_there'", "No module named 'doorward_that_is_not_there'"),  # type: ignore[attr-defined]
        ("echo 'pyenv: python3: command not found' >&2; exit 127", "pyenv: python3: command not found"),
        ("kill -SEGV $$", "it said nothing"),
    ]:
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        with pytest.raises(doorward.PluginRefused, match=re.escape(said)):
            doorward.open(
                database="memory:",
                plugin={"word": {**settings, "path": str(script)}},
                plugin_host={"path": str(HOST)},
                provider={"member": {"kind": "word"}},
            )


def test_a_folder_that_others_may_change_is_refused_with_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "kinds"
    (folder / "package").mkdir(parents=True)
    module = folder / "package" / "inner.py"
    for path in [folder / "riddle.py", module]:
        path.write_text((HERE / "riddle.py").read_text())
    settings = {"path": str(interpreter(tmp_path)), "python": "riddle:Word", "python_path": str(folder), "sandbox": "off"}

    def open_it() -> doorward.Auth:
        return doorward.open(
            database="memory:",
            plugin={"word": settings},
            plugin_host={"path": str(HOST)},
            provider={"member": {"kind": "word"}},
        )

    with open_it():
        pass
    for path, mode in [(folder, 0o775), (folder / "package", 0o777), (module, 0o664)]:
        was = path.stat().st_mode & 0o7777
        path.chmod(mode)
        with pytest.raises(doorward.PluginRefused, match=f"chmod go-w {re.escape(str(path))}"):
            open_it()
        path.chmod(was)
    if os.geteuid() == 0:
        for path in [folder, folder / "package", module]:
            os.chown(path, 12345, -1)
            with pytest.raises(doorward.PluginRefused, match=f"{re.escape(str(path))} belongs to user 12345"):
                open_it()
            os.chown(path, 0, -1)
        with open_it():
            pass
    if os.geteuid() == 0:
        os.chown(module, 12345, -1)
        with pytest.raises(doorward.PluginRefused, match=f"{re.escape(str(module))} belongs to user 12345"):
            open_it()
