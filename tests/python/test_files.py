"""Where a SQLite database and its key are: they stay where they were put, and nothing new is made in their place."""

from __future__ import annotations

import ctypes
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import doorward
import pytest
from conftest import EMAIL, FAST, PASSWORD
from test_fork import emails, in_child

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
WITH = {"password": PASSWORD}


def test_a_relative_path_is_where_the_configuration_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What daemons do: change the folder, fork."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    auth = doorward.open(database="sqlite:app.db", **FAST)
    proof = auth.create_user("email", EMAIL, WITH).require()
    session = auth.create_session(proof).require()
    token = session.access_token
    assert token is not None
    monkeypatch.chdir(tmp_path / "b")

    def look() -> None:
        assert auth.stats().users == 1
        assert isinstance(auth.validate_session(token), doorward.Accepted)

    assert in_child(look) == 0
    look()
    auth.stop()
    assert list((tmp_path / "b").iterdir()) == []


def test_a_cold_context_is_opened_where_the_configuration_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    auth = doorward.open(database="sqlite:app.db", **FAST)
    assert list((tmp_path / "a").iterdir()) == [], "open writes nothing"
    monkeypatch.chdir(tmp_path / "b")
    auth.create_user("email", EMAIL, WITH).require()
    auth.stop()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["app.db", "app.key"]
    assert list((tmp_path / "b").iterdir()) == []
    assert stat.S_IMODE((tmp_path / "a" / "app.key").stat().st_mode) == 0o600


def test_a_file_that_is_moved_away_takes_no_more_writes_and_signs_nobody_out(
    file_auth: doorward.Auth, database: Path
) -> None:
    proof = file_auth.create_user("email", EMAIL, WITH).require()
    session = file_auth.create_session(proof).require()
    assert session.access_token is not None
    file_auth.health()
    database.rename(database.with_suffix(".old"))
    with pytest.raises(doorward.Unavailable, match="moved, removed or replaced") as refused:
        file_auth.create_user("email", "eve@example.com", WITH)
    assert refused.value.what == "store_file_replaced"
    with pytest.raises(doorward.Unavailable):
        file_auth.validate_session(session.access_token)
    with pytest.raises(doorward.Unavailable, match="put back"):
        file_auth.health()
    database.with_suffix(".old").rename(database)
    file_auth.stop()
    file_auth.start()
    assert isinstance(file_auth.validate_session(session.access_token), doorward.Accepted)


def test_a_database_that_is_gone_is_not_made_anew_beside_its_key(database: Path) -> None:
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        auth.create_user("email", EMAIL, WITH).require()
    aside = database.rename(database.with_suffix(".aside"))
    for empty in (False, True):
        if empty:
            database.touch()
        auth = doorward.open(database=f"sqlite:{database}", **FAST)
        with pytest.raises(doorward.Unavailable, match="put the database back, or move the key") as refused:
            auth.start()
        assert refused.value.what == "database_missing"
        assert not database.exists() or database.stat().st_size == 0
    aside.rename(database)
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        assert auth.stats().users == 1
    database.unlink()
    key = database.with_suffix(".key")
    key.rename(key.with_suffix(".kept"))
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        assert auth.stats().users == 0
    assert key.exists() and key.read_text() != key.with_suffix(".kept").read_text()


def test_a_first_start_that_was_interrupted_is_ended_by_the_next(database: Path) -> None:
    key, fresh = database.with_suffix(".key"), database.with_suffix(".key.new")
    # Before there was a database: its key is used.
    fresh.write_text("ab" * 32 + "\n")
    fresh.chmod(0o600)
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        auth.create_user("email", EMAIL, WITH).require()
    assert key.read_text() == "ab" * 32 + "\n" and not fresh.exists()
    # After the schema was committed: the key gets its name.
    key.rename(fresh)
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        auth.authenticate("email", EMAIL, WITH).require()
    assert key.exists() and not fresh.exists()
    # A database without any key says so.
    key.unlink()
    with pytest.raises(doorward.KeyMissing):
        doorward.open(database=f"sqlite:{database}", **FAST).start()


FIRST_START = """
import sys, doorward
with doorward.open(database=sys.argv[1], **eval(sys.argv[2])) as auth:
    auth.create_user("email", sys.argv[3], {"password": sys.argv[4]}).require()
"""


def test_eight_first_starts_at_once_use_one_key(database: Path) -> None:
    command = [sys.executable, "-c", FIRST_START, f"sqlite:{database}", repr(FAST)]
    starts = [subprocess.Popen([*command, f"{n}@example.com", PASSWORD]) for n in range(8)]
    assert [start.wait(120) for start in starts] == [0] * 8
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        for n in range(8):
            auth.authenticate("email", f"{n}@example.com", WITH).require()
    assert sorted(path.name for path in database.parent.iterdir()) == ["doorward.db", "doorward.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_key_is_owned_as_the_database_is(database: Path) -> None:
    database.touch(0o600)
    os.chown(database, 65534, 65534)
    with doorward.open(database=f"sqlite:{database}", **FAST) as auth:
        auth.stats()
    owner = database.with_suffix(".key").stat()
    assert (owner.st_uid, owner.st_gid) == (65534, 65534)


def test_a_missing_folder_is_told_as_the_databases(tmp_path: Path) -> None:
    auth = doorward.open(database=f"sqlite:{tmp_path}/nowhere/app.db", **FAST)
    with pytest.raises(doorward.Configuration, match="`database`: there is no folder"):
        auth.start()


def test_a_child_of_whom_nobody_knew_opens_no_context_of_its_own(file_auth: doorward.Auth, database: Path) -> None:
    """SQLite's tables of this process are wrong after such a fork: commits of a new context would be lost."""
    file_auth.create_user("email", EMAIL, WITH).require()
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        status = 1
        try:
            refused = 0
            for path in (database, database.with_name("other.db")):
                try:
                    doorward.open(database=f"sqlite:{path}", **FAST).start()
                except doorward.ForkedContext as error:
                    refused += "before_fork" in str(error) and "new context" in str(error)
            status = 0 if refused == 2 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    file_auth.create_user("email", "eve@example.com", WITH).require()
    assert emails(database) == 2


BACKUP = Path(__file__).resolve().parents[2] / "docs/backup.md"


def test_the_page_about_backups_does_what_it_says(file_auth: doorward.Auth, database: Path) -> None:
    save, put_back, begin_anew = re.findall(r"```sh\n(.*?)```", BACKUP.read_text(), re.S)

    def run(commands: str) -> None:
        subprocess.run(["sh", "-euc", commands], cwd=database.parent, check=True)

    file_auth.create_user("email", EMAIL, WITH).require()
    run(save)
    file_auth.create_user("email", "later@example.com", WITH).require()
    file_auth.stop()
    run(put_back)
    file_auth.start()
    assert file_auth.stats().users == 1
    file_auth.authenticate("email", EMAIL, WITH).require()
    file_auth.stop()
    database.unlink()
    run(begin_anew)
    with doorward.open(database=f"sqlite:{database}", **FAST) as anew:
        assert anew.stats().users == 0
