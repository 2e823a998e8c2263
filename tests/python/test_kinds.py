"""Kinds written in Python: classes that are providers of this process."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

import doorward
from doorward.plugin import Accept, BadOption, Continue, Deny, Field, Host, Kind, Request, Unavailable

Answer = Accept | Continue | Deny


class Riddle(Kind):
    """A word, then the answer to a riddle. Counts its sign-ins in the record."""

    name = "riddle"
    title = "Riddle"
    factor = "knowledge"
    fields = [
        Field("word", 64, asked_for=("enroll", "verify"), secret=True),
        Field("answer", 16, step=1),
    ]
    options = {"riddle": {"type": "string", "maxLength": 100}, "limit": {"type": "integer"}}
    can_start = True
    max_record = 300
    max_state = 8

    def __init__(self, config: doorward.plugin.Config) -> None:
        self.riddle = config.text("riddle", "What has keys and opens nothing?")
        if config.integer("limit", 0) == 13:
            raise BadOption("limit must not be 13")
        self.config = config

    def enroll(self, request: Request) -> Answer:
        word = request.credentials["word"]
        if len(word) < 4:
            return Deny("invalid_input", [("word", "too_short", 4)])
        return Accept(record=b"0:" + request.host.hash_password(word).encode(), label="word")

    def verify(self, request: Request) -> Answer:
        phc = request.records[0].bytes.split(b":", 1)[1].decode() if request.records else ""
        if not request.host.password_matches(request.credentials["word"], phc):
            return Deny("wrong" if phc else "not_enrolled")
        return Continue(state=b"1", challenge={"riddle": self.riddle or ""})

    def step(self, request: Request) -> Answer:
        answer = request.credentials["answer"]
        if answer == b"down":
            raise Unavailable("the riddle master sleeps")
        if answer == b"bug":
            raise ValueError(f"c4n4ry {answer!r}")
        if answer == b"late":
            import no_module_of_this_name  # type: ignore[import-not-found]
        if answer == b"deep":
            json.loads("{")
        if answer == b"odd":
            return True  # type: ignore[return-value]
        if answer != b"piano" or not request.records:
            return Deny()
        count, phc = request.records[0].bytes.split(b":", 1)
        return Accept(record=b"%d:%s" % (int(count) + 1, phc), replaces=request.records[0].id)


WORD = {"word": "open sesame"}


def riddle(tmp_path: Path, **options: object) -> doorward.Auth:
    return doorward.open(
        database=f"sqlite:{tmp_path}/kinds.db",
        kinds=[Riddle],
        provider={"member": {"kind": "riddle", "config": options}},
    )


def begun(auth: doorward.Auth) -> doorward.Flow:
    outcome = auth.authenticate("member", "ann", WORD)
    assert isinstance(outcome, doorward.Continue)
    return outcome.flow


def test_a_class_signs_somebody_up_and_in(tmp_path: Path) -> None:
    with riddle(tmp_path) as auth:
        made = auth.create_user("member", "ann", WORD)
        assert isinstance(made, doorward.Accepted)
        flow = begun(auth)
        challenge = flow.next[0].challenge
        assert challenge["riddle"] == b"What has keys and opens nothing?"
        assert isinstance(auth.continue_flow(flow, credentials={"answer": "piano"}), doorward.Accepted)


def test_wrong_unknown_and_broken_rules(tmp_path: Path) -> None:
    with riddle(tmp_path) as auth:
        with pytest.raises(doorward.PolicyViolation) as broken:
            auth.create_user("member", "ann", {"word": "abc"})
        assert [(v.field, v.rule, v.limit) for v in broken.value.violations] == [("word", "too_short", 4)]
        auth.create_user("member", "ann", WORD).require()
        assert isinstance(auth.authenticate("member", "ann", {"word": "open barley"}), doorward.Refused)
        assert isinstance(auth.authenticate("member", "bob", WORD), doorward.Refused)
        assert isinstance(auth.continue_flow(begun(auth), credentials={"answer": "door"}), doorward.Refused)


def test_what_is_raised_lets_nobody_in_and_tells_no_credential(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with riddle(tmp_path) as auth:
        auth.create_user("member", "ann", WORD).require()
        with pytest.raises(doorward.Unavailable):
            auth.continue_flow(begun(auth), credentials={"answer": "down"})
        for answer in ("bug", "odd"):
            with pytest.raises(doorward.PluginFault) as fault:
                auth.continue_flow(begun(auth), credentials={"answer": answer})
            assert "c4n4ry" not in str(fault.value)
        assert "c4n4ry" not in caplog.text
        # Its author's line is named, not the one of what that calls.
        lines = Path(__file__).read_text().splitlines()
        for answer, statement in [("late", "import no_module_of_this_name"), ("deep", "json.loads(")]:
            line = next(number for number, text in enumerate(lines, 1) if text.strip().startswith(statement))
            with pytest.raises(doorward.PluginFault):
                auth.continue_flow(begun(auth), credentials={"answer": answer})
            assert f"{Path(__file__).name}:{line}" in caplog.text


def test_an_option_that_cannot_work_is_named(tmp_path: Path) -> None:
    with pytest.raises(doorward.Configuration, match="limit must not be 13"):
        riddle(tmp_path, limit=13)
    with pytest.raises(doorward.Configuration, match="limt"):
        riddle(tmp_path, limt=1)
    with riddle(tmp_path, riddle="Who?") as auth:
        auth.create_user("member", "ann", WORD).require()
        assert begun(auth).next[0].challenge["riddle"] == b"Who?"


def test_what_was_lent_is_dead_afterwards(tmp_path: Path) -> None:
    kept: list[Host] = []

    class Keeper(Kind):
        name = "keeper"
        factor = "knowledge"
        can_start = True

        def __init__(self, config: doorward.plugin.Config) -> None:
            self.config = config

        def verify(self, request: Request) -> Answer:
            assert request.host.remaining() > 0
            kept.append(request.host)
            with pytest.raises(RuntimeError):
                self.config.text("x")
            return Deny()

    with doorward.open(
        database=f"sqlite:{tmp_path}/keeper.db", kinds=[Keeper], provider={"k": {"kind": "keeper"}},
    ) as auth:
        assert isinstance(auth.authenticate("k", "ann", {}), doorward.Refused)
    assert len(kept) == 1


def test_a_slow_class_is_given_up_and_the_interpreter_goes_on(tmp_path: Path) -> None:
    class Slow(Kind):
        name = "slow"
        factor = "knowledge"
        can_start = True
        deadline_ms = 200

        def verify(self, request: Request) -> Answer:
            time.sleep(1.0)
            return Deny()

    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.01)

    with doorward.open(
        database=f"sqlite:{tmp_path}/slow.db", kinds=[Slow], provider={"s": {"kind": "slow"}},
    ) as auth:
        ticking = threading.Thread(target=tick)
        ticking.start()
        with pytest.raises(doorward.Timeout):
            auth.authenticate("s", "ann", {})
        done.set()
        ticking.join()
    assert ticks > 2


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({}, "name"),
        ({"name": "x"}, "factor"),
        ({"name": "x", "factor": "luck"}, "factor"),
        ({"name": "x", "factor": "knowledge", "fields": [Field("a", 1, asked_for=("dance",))]}, "dance"),
        ({"name": "x", "factor": "knowledge", "max_record": "many"}, "max_record"),
    ],
)
def test_a_class_that_is_no_kind_says_why(tmp_path: Path, attributes: dict[str, object], named: str) -> None:
    broken = type("Broken", (Kind,), attributes)
    with pytest.raises((AttributeError, TypeError, ValueError), match=named):
        doorward.open(database=f"sqlite:{tmp_path}/broken.db", kinds=[broken])
    with pytest.raises(TypeError):
        doorward.open(database=f"sqlite:{tmp_path}/broken.db", kinds=["Riddle"])  # type: ignore[list-item]
