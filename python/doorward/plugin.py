"""Write a provider in Python: how one kind of credential is enrolled and verified.

    class Word(doorward.plugin.Kind):
        name = "word"
        factor = "knowledge"
        fields = [Field("word", 64, asked_for=("enroll", "verify"), secret=True)]
        max_record = 256
        can_start = True

        def enroll(self, request):
            return Accept(record=request.host.hash_password(request.credentials["word"]).encode())

        def verify(self, request):
            phc = request.records[0].bytes.decode() if request.records else ""
            if request.host.password_matches(request.credentials["word"], phc):
                return Accept()
            return Deny("wrong" if phc else "not_enrolled")

    auth = doorward.open(database="sqlite:app.db", kinds=[Word], provider={"member": {"kind": "word"}})

The contract is `doorward_plugin.h`; the words are the same here. A method gets a request that is good until it returns, runs on
a thread of a pool, maybe several at once, and returns one of the four answers below. What it raises lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Mapping, Sequence

from ._doorward import KindConfig as Config
from ._doorward import KindHost as Host
from ._doorward import KindRecord as Record
from ._doorward import KindRequest as Request

__all__ = [
    "Accept",
    "BadOption",
    "Config",
    "Continue",
    "Deny",
    "Field",
    "Host",
    "Kind",
    "NotUnderstood",
    "Record",
    "Request",
    "Resolve",
    "TimedOut",
    "Unavailable",
]


class Kind:
    """What a kind is. A subclass sets `name` and `factor`, and has `verify`; the other operations are those it defines."""

    name: ClassVar[str]
    """What configuration calls it: [a-z][a-z0-9_.-]{0,63}."""
    title: ClassVar[str | None] = None
    """For people; the name if it is not set."""
    source: ClassVar[str] = "given"
    """Where the identifier comes from: given, found or user (a second factor)."""
    factor: ClassVar[str]
    """What it proves: knowledge, possession, inherence or none."""
    channel: ClassVar[str | None] = None
    """How the proof travels; the name if it is not set. Two factors of one sign-in differ in it."""
    fields: ClassVar[Sequence[Field]] = ()
    """The credentials that it asks for."""
    options: ClassVar[Mapping[str, Any] | None] = None
    """Its options: names to JSON Schemas, with "writeOnly": True for secrets."""
    can_start: ClassVar[bool] = False
    """Whether a sign-in may begin with it."""
    max_record: ClassVar[int] = 0
    """Most bytes of what is stored for a user, at most 65536; 0: nothing is stored."""
    record_version: ClassVar[int] = 1
    """Raise it when the format of records changes."""
    several_records: ClassVar[bool] = False
    """Whether a user may enroll more than one."""
    max_state: ClassVar[int] = 0
    """Most bytes of what is kept between two steps, at most 16384; 0: there are no steps."""
    normalize_version: ClassVar[int] = 1
    """Raise it when `normalize` answers differently."""
    deadline_ms: ClassVar[int] = 0
    """How long one operation may take; 0: 10 seconds."""
    serial: ClassVar[bool] = False
    """Whether one operation at a time may run on an instance."""
    unguessable: ClassVar[bool] = False
    """Whether its credentials hold 112 random bits or more: they are verified first and never throttled."""
    unstored_start: ClassVar[bool] = False
    """Whether a sign-in's first step, for nobody yet, writes no row: its state, at most 1024 bytes, travels sealed in the
    flow token. For unguessable kinds whose identifier is found and that can start."""

    def __init__(self, config: Config) -> None:
        """Reads its options. No threads, no sockets: the process may fork afterwards. `start(host)` begins what needs them."""


@dataclass(frozen=True)
class Field:
    """One credential that a kind asks for."""

    name: str
    """[a-z][a-z0-9_]{0,31}."""
    max_len: int
    """Bytes, at most 65536: longer input never arrives."""
    asked_for: Sequence[str] = ("verify",)
    """enroll, verify, update, update_new."""
    secret: bool = False
    optional: bool = False
    step: int = 0
    """0 with the operation itself, 1 with the first step after it."""
    autocomplete: str = ""
    """An HTML autocomplete token."""


@dataclass(frozen=True)
class Accept:
    """The credentials are good."""

    record: bytes | None = field(default=None, repr=False)
    """What to store: a new record, or the one that `replaces` names. Then it holds only if nobody else changed it."""
    replaces: bytes | None = None
    """The id of a record of the request."""
    label: str | None = None
    """What the person calls the record."""
    handle: bytes | None = None
    """What `Resolve` may name the new record by."""
    identifier: bytes | None = None
    """normalize: the canonical form. verify of a kind that finds: who it is."""
    used: bytes | None = None
    """The id of the record that matched, where nothing in it changes."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """verify: asserted about the person. describe: to be shown. Values that JSON has."""
    show_once: Mapping[str, str | bytes] = field(default_factory=dict, repr=False)
    """Shown to the person now and never again."""


@dataclass(frozen=True)
class Continue:
    """One more step."""

    state: bytes = field(repr=False)
    """What `step` gets back, encrypted meanwhile. Begin it with a version of your own."""
    challenge: Mapping[str, str | bytes] = field(default_factory=dict, repr=False)
    """What the person, or the page, needs for the next step."""
    seconds: int = 0
    """How long the state is good; 0: the host's default, which is also the most."""


@dataclass(frozen=True)
class Deny:
    """They are not, or it cannot be said that they are. Only `wrong` counts as a failed attempt."""

    reason: str = "wrong"
    """wrong, expired, must_change, disabled, locked, not_enrolled or invalid_input."""
    violations: Sequence[tuple[str, str, int]] = ()
    """With invalid_input of enroll and update: field, code such as "too_short", and limit. All of them."""


@dataclass(frozen=True)
class Resolve:
    """verify and its steps: the credentials name a record; the host loads it and asks again, with `request.resolved`."""

    handle: bytes


class Unavailable(Exception):
    """Raise it when a backend is down: nobody gets in, and nobody is blamed. The text is for the operator."""


class TimedOut(Exception):
    """Raise it when the deadline passed."""


class NotUnderstood(Exception):
    """Raise it when a stored record or state is not understood."""


class BadOption(Exception):
    """Raise it in `__init__` when an option cannot work: name it, its limit and the fix."""
