"""One exception for each kind of error, by the core's table (`_doorward.ERRORS`, asserted by a test)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ._doorward import Continue, Headers, Refused, RequestRefused, SignedOut, Throttled, Unregistered, Violation


def _again(kind: type[Error], arguments: tuple[Any, ...], kept: dict[str, Any]) -> Error:
    """An error that was pickled or is being copied."""
    made = kind(*arguments)
    vars(made).update(kept)
    return made


class Error(Exception):
    """Anything that could not be decided, and who must act. A denied login is an outcome, never an error."""

    code: ClassVar[str] = "internal"
    """Stable text."""
    number: ClassVar[int] = -4
    """Stable number, negative: the C status."""
    actor: ClassVar[str] = "bug"
    """Who must act: `bug`, `caller`, `client` or `operator`."""
    retryable: ClassVar[bool] = False
    """True when the same call may succeed later without any change."""
    public: ClassVar[bool] = False
    """True when the message may be shown to the person at the other end."""
    http_status: ClassVar[int] = 500
    """The HTTP status that fits."""

    headers: Headers
    """What to send with that status: `WWW-Authenticate` with 401, `Retry-After` with 429. No cookies: those are the view's."""

    what: str = ""
    """For some errors what they are about: of a conflict what is taken (`identifier`, `id`, `attribute`, `version`,
    `referenced`, …), of a proof that is required what would be one (`session`), of an invalid state what is missing
    (`request`), of what is unavailable why (`store_file_replaced`, `database_missing`,
    `database_locked`, `disk_full`)."""

    def __reduce__(self) -> tuple[Callable[..., Error], tuple[type[Error], tuple[Any, ...], dict[str, Any]]]:
        # An outcome and header lines stay where they are: a worker's error goes to whoever waits for it without them.
        kept = {name: held for name, held in vars(self).items() if name not in ("headers", "outcome")}
        return _again, (type(self), self.args, kept)

    if not TYPE_CHECKING:  # else every misspelt attribute would be one

        def __getattr__(self, name: str) -> NoReturn:
            why = "a copy of an error has none" if name in ("headers", "outcome") else "there is no such attribute"
            raise AttributeError(f"{type(self).__name__}.{name}: {why}", name=name, obj=self)


class InvalidArgument(Error):
    """An argument is missing, malformed, too long or not UTF-8."""

    code = "invalid_argument"
    number = -1
    actor = "caller"
    public = True
    http_status = 400


class InvalidState(Error):
    """The operation does not fit the state of the context: not started, already stopped."""

    code = "invalid_state"
    number = -2
    actor = "caller"


class AbiMismatch(Error):
    """A struct of the caller is smaller than version 1, or larger with unknown content."""

    code = "abi_mismatch"
    number = -3
    actor = "caller"


class Internal(Error):
    """A panic was caught at the boundary, or an invariant is broken."""

    code = "internal"
    number = -4
    actor = "bug"


class Configuration(Error):
    """The configuration names something unknown, out of range or inconsistent."""

    code = "configuration"
    number = -5
    actor = "operator"


class NotFound(Error):
    """The thing named does not exist."""

    code = "not_found"
    number = -6
    actor = "caller"
    public = True
    http_status = 404


class Conflict(Error):
    """The thing named exists already, or was changed or is used by another."""

    code = "conflict"
    number = -7
    actor = "client"
    public = True
    http_status = 409


class PolicyViolation(Error):
    """New credentials break the policy; all violations are listed with their limits."""

    code = "policy_violation"
    number = -8
    actor = "client"
    public = True
    http_status = 422

    violations: tuple[Violation, ...] = ()
    """Every rule that is broken."""


class ProofRequired(Error):
    """The operation needs a proof that is fresh, unspent, of this process and of this user."""

    code = "proof_required"
    number = -9
    actor = "client"
    public = True
    http_status = 401


class Unavailable(Error):
    """The database or a provider's backend cannot be reached or did not answer."""

    code = "unavailable"
    number = -10
    actor = "operator"
    retryable = True
    public = True
    http_status = 503


class Overloaded(Error):
    """A bounded queue is full: back off."""

    code = "overloaded"
    number = -11
    actor = "operator"
    retryable = True
    public = True
    http_status = 503


class Timeout(Error):
    """The deadline passed before the answer; a write may still happen."""

    code = "timeout"
    number = -12
    actor = "operator"
    retryable = True
    public = True
    http_status = 503


class Cancelled(Error):
    """The caller cancelled; a write may still happen."""

    code = "cancelled"
    number = -13
    actor = "caller"
    retryable = True
    http_status = 503


class ForkedContext(Error):
    """This process was forked from one whose started context was not quiesced."""

    code = "forked_context"
    number = -14
    actor = "caller"


class Reentrant(Error):
    """A blocking call was made from one of the library's own threads."""

    code = "reentrant"
    number = -15
    actor = "caller"


class PluginRefused(Error):
    """A plugin was refused: pin, symbol, version or declaration."""

    code = "plugin_refused"
    number = -16
    actor = "operator"


class PluginFault(Error):
    """A plugin broke its contract; nobody was let in."""

    code = "plugin_fault"
    number = -17
    actor = "bug"


class Unsupported(Error):
    """The kind behind this provider name does not offer the operation."""

    code = "unsupported"
    number = -18
    actor = "caller"


class StoreSharedInProcess(Error):
    """Another SQLite copy in this process has the database file open."""

    code = "store_shared_in_process"
    number = -19
    actor = "caller"


class KeyMissing(Error):
    """The database was sealed with a key that the key ring lacks."""

    code = "key_missing"
    number = -20
    actor = "operator"


class Disagreement(Error):
    """This process disagrees with the database's agreement about a configuration item."""

    code = "disagreement"
    number = -21
    actor = "operator"


class SchemaMismatch(Error):
    """The database's schema is missing or of another release."""

    code = "schema_mismatch"
    number = -22
    actor = "operator"


class Corrupt(Error):
    """Stored bytes cannot be understood: damaged, or written by something else."""

    code = "corrupt"
    number = -23
    actor = "operator"


class LastWayIn(Error):
    """The last way in of a user cannot be removed."""

    code = "last_way_in"
    number = -24
    actor = "client"
    public = True
    http_status = 409


class RefusedError(Error):
    """`require()` met a refusal."""

    code = "refused"
    number = -25
    actor = "client"
    public = True
    http_status = 401

    outcome: Refused
    """The outcome that was required to be another."""


class StepRequired(Error):
    """`require()` met a flow that asks for more."""

    code = "step_required"
    number = -26
    actor = "client"
    public = True
    http_status = 401

    outcome: Continue
    """The outcome, with the flow to answer."""


class ThrottledError(Error):
    """`require()` met too many failures."""

    code = "throttled"
    number = -27
    actor = "client"
    retryable = True
    public = True
    http_status = 429

    outcome: Throttled
    """The outcome, with the time to wait."""


class SignedOutError(Error):
    """`require()` met a request without a session."""

    code = "signed_out"
    number = -28
    actor = "client"
    public = True
    http_status = 401

    outcome: SignedOut
    """The outcome, with the reason."""


class RequestRefusedError(Error):
    """`require()` met a request that is not trusted."""

    code = "request_refused"
    number = -29
    actor = "client"
    public = True
    http_status = 403

    outcome: RequestRefused
    """The outcome, with reason and setting."""


class UnregisteredError(Error):
    """`require()` met a verified provider id that no user has."""

    code = "unregistered"
    number = -30
    actor = "client"
    public = True
    http_status = 404

    outcome: Unregistered
    """The outcome, with the claim."""


BY_CODE: dict[str, type[Error]] = {kind.code: kind for kind in Error.__subclasses__()}
