"""Users as an operator lists, counts and searches them; counts of a realm; what a monitoring system reads."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import doorward
import pytest
from conftest import FAST, PASSWORD
from doorward.testing import memory_auth

WITH = {"password": PASSWORD}


@pytest.fixture(params=["memory", "sqlite"])
def listed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[doorward.Auth]:
    """Ada, Adam, Bea, Cyd and Dan, of whom Bea and Dan are disabled; and Ada of another realm."""
    database = "memory:" if request.param == "memory" else f"sqlite:{tmp_path}/d.db"
    with doorward.open(database=database, **FAST) as auth:
        for name in ["ada", "adam", "bea", "cyd", "dan"]:
            user = auth.create_user("email", f"{name.title()}@Example.com", WITH, attributes={"name": name}).require().user_id
            if name in ("bea", "dan"):
                auth.disable_user(user)
            next_millisecond()
        auth.realm("acme").create_user("email", "ada@example.com", WITH).require()
        yield auth


def next_millisecond() -> None:
    """Whoever is created in the same millisecond is in no order."""
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 <= now:
        pass


def names(users: list[doorward.User]) -> str:
    return " ".join(user.attributes["name"] for user in users)


def test_users_are_listed_in_either_order_and_by_state(listed: doorward.Auth) -> None:
    assert names(listed.list_users()) == "ada adam bea cyd dan"
    assert names(listed.list_users(newest_first=True, limit=2)) == "dan cyd"
    newest = listed.list_users(newest_first=True, limit=2)
    assert names(listed.list_users(newest_first=True, limit=2, after=newest[-1])) == "bea adam"
    assert names(listed.list_users(enabled=True)) == "ada adam cyd"
    assert names(listed.list_users(enabled=False, newest_first=True)) == "dan bea"
    (dan, *_) = newest
    assert names(listed.list_users(enabled=False, newest_first=True, after=dan)) == "bea"


def test_users_are_searched_by_how_an_identifier_begins(listed: doorward.Auth) -> None:
    assert names(listed.list_users(provider="email", begins="AD")) == "ada adam"
    assert names(listed.list_users(provider="email", begins="ada@")) == "ada"
    assert names(listed.list_users(provider="email", begins=" ada", newest_first=True)) == "adam ada"
    (ada, adam) = listed.list_users(provider="email", begins="ad")
    assert listed.list_users(provider="email", begins="ad", after=ada) == [adam]
    assert listed.list_users(provider="email", begins="ad", after=adam, newest_first=True) == [ada]
    assert names(listed.list_users(provider="email", begins="d", enabled=True)) == ""
    assert names(listed.list_users(provider="email", begins="d", enabled=False)) == "dan"
    assert len(listed.realm("acme").list_users(provider="email", begins="a")) == 1
    assert listed.list_users(provider="email", begins="ad%") == listed.list_users(provider="email", begins="a_a") == []
    for half in ({"provider": "email"}, {"begins": "a"}):
        with pytest.raises(doorward.InvalidArgument, match="`provider` and `begins` are given together"):
            listed.list_users(**half)  # type: ignore[arg-type]
    with pytest.raises(doorward.InvalidArgument, match="configured are: email"):
        listed.list_users(provider="nowhere", begins="a")


def test_users_are_counted(listed: doorward.Auth) -> None:
    assert [listed.count_users(enabled=enabled) for enabled in (None, True, False)] == [5, 3, 2]
    assert listed.count_users(provider="email", begins="ad") == 2
    assert listed.count_users(provider="email", begins="d", enabled=True) == 0
    assert listed.realm("acme").count_users() == 1


def test_a_search_that_finds_too_many_asks_for_more(tmp_path: Path) -> None:
    with memory_auth(throttle={"enabled": False}) as auth:
        for number in range(1001):
            auth.create_user("username", f"user{number:04}", WITH)
        with pytest.raises(doorward.InvalidArgument, match="more than 1000 identifiers begin so: give more of it"):
            auth.list_users(provider="username", begins="user")
        assert len(auth.list_users(provider="username", begins="user0", limit=1000)) == 1000
        assert auth.count_users() == 1001


def test_a_realm_counts_what_is_its_own(listed: doorward.Auth) -> None:
    acme = listed.realm("acme")
    acme.create_session(acme.authenticate("email", "ada@example.com", WITH).require()).require()
    listed.create_session(listed.authenticate("email", "ada@example.com", WITH).require()).require()
    listed.create_session(listed.authenticate("email", "cyd@example.com", WITH).require()).require()
    assert (acme.stats().users, acme.stats().sign_ins) == (1, 1)
    assert listed.realm("nobody").stats() == listed.realm("none").stats()
    assert (listed.stats().users, listed.stats().sign_ins) == (6, 3)


def samples(text: str) -> dict[str, float]:
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


def test_metrics_are_what_prometheus_reads(listed: doorward.Auth) -> None:
    before = samples(listed.metrics())
    listed.authenticate("email", "ada@example.com", WITH).require()
    listed.authenticate("email", "ada@example.com", {"password": "wrong"})
    text = listed.metrics()
    after = samples(text)
    for name in ("authn_login_success", "authn_login_fail"):
        sample = f'doorward_events_total{{name="{name}"}}'
        assert after[sample] == before[sample] + 1
    assert after["doorward_operation_seconds_count"] == before["doorward_operation_seconds_count"] + 2
    assert after["doorward_operation_seconds_sum"] > before["doorward_operation_seconds_sum"]
    assert after['doorward_store_seconds_count{asked="read"}'] > before['doorward_store_seconds_count{asked="read"}']
    assert after["doorward_operation_under_way"] == after["doorward_hashes_waiting"] == after["doorward_hashes_running"] == 0
    # Nobody is named in it, and every line is a sample, or says what one is.
    assert "ada" not in text and "email" not in text
    line = re.compile(r'# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="[^"]+"(,le="[^"]+")?\})? [0-9.]+')
    assert [one for one in text.splitlines() if not line.fullmatch(one)] == []
    # Buckets are cumulative, and the last one is the count.
    buckets = [value for name, value in after.items() if name.startswith("doorward_operation_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == after["doorward_operation_seconds_count"]


def test_a_child_counts_for_itself(listed: doorward.Auth) -> None:
    listed.authenticate("email", "cyd@example.com", {"password": "wrong"})
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        listed.stats()
        counted = samples(listed.metrics())
        failed, operations = counted['doorward_events_total{name="authn_login_fail"}'], counted["doorward_operation_seconds_count"]
        os.write(write, f"{failed:.0f} {operations:.0f}".encode())
        os._exit(0)
    os.close(write)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(read, 100) == b"0 1"
    os.close(read)
