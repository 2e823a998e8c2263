"""The compiled half of the package: the operations and what they give."""

import builtins
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from types import GenericAlias, TracebackType
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeAlias, TypeVar, final, overload
from uuid import UUID

__all__ = [
    "Accepted",
    "AsyncAuth",
    "Auth",
    "Authenticator",
    "Claim",
    "Continue",
    "Delivery",
    "Device",
    "ERRORS",
    "Event",
    "Factor",
    "Field",
    "Flow",
    "Headers",
    "HttpResponse",
    "Identity",
    "KeyAccepted",
    "KindConfig",
    "KindHost",
    "KindRecord",
    "KindRequest",
    "ManualClock",
    "Method",
    "Proof",
    "Purged",
    "Refused",
    "Request",
    "RequestRefused",
    "Session",
    "SetCookie",
    "SignedIn",
    "SignedOut",
    "Stats",
    "Throttled",
    "TokenInfo",
    "Unregistered",
    "User",
    "Violation",
    "Way",
    "__version__",
    "refuse_kind",
    "restore_value",
    "serve_kind",
]
__version__: str

ERRORS: dict[str, tuple[int, str, bool, bool, int]]
"""The core's table of errors: code to number, actor, retryable, public, HTTP status."""

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")
_Response = TypeVar("_Response")

_Bytes: TypeAlias = str | bytes
_Credentials: TypeAlias = Mapping[str, str | bytes]
_Json: TypeAlias = Mapping[str, Any]
_Id: TypeAlias = UUID | str
_FactorClass: TypeAlias = Literal["inherence", "knowledge", "possession"]
_Settlement: TypeAlias = Literal["delivered", "retry", "failed"]

_Tried: TypeAlias = Accepted[_T] | Continue | Unregistered | Refused | Throttled | RequestRefused
"""What credentials get."""
_Changed: TypeAlias = Accepted[Proof] | Continue | Refused | RequestRefused
"""What a sensitive operation gets."""
_Made: TypeAlias = Accepted[Session] | Refused | RequestRefused
"""What a proof gets."""
_Called: TypeAlias = SignedIn | KeyAccepted | SignedOut | Refused | Throttled | RequestRefused
"""Who a request comes from."""

@final
class Auth:
    """Users, provider ids and sessions of one database. Every operation waits for its answer.

    Settings are the keys of the configuration, nested or dotted: `session={"grace": "5s"}`.
    """

    def __new__(
        cls,
        path: str | PathLike[str] | None = None,
        /,
        *,
        toml: str | None = None,
        kinds: Sequence[type[Any]] | None = None,
        clock: ManualClock | None = None,
        on_event: Callable[[Event], object] | None = None,
        on_delivery: Callable[[Delivery], _Settlement] | None = None,
        **settings: Any,
    ) -> Auth: ...
    @property
    def aio(self) -> AsyncAuth:
        """A view of the context for event loops."""
    def realm(self, name: str) -> Auth:
        """A view of the context in another realm."""
    def on(self, request: Any) -> Auth:
        """A view of the context on a request: `doorward.Request`, or one of Starlette, Django, Werkzeug, WSGI or ASGI."""
    def trusted(self) -> Auth:
        """A view of the context for what no request causes: a command line, a job, an import, a test.

        Where `origins.trusted` is configured, what a person's form causes (`create_user`, `create_user_from_claim`,
        `begin_enrollment`, `authenticate`, `continue_flow`, `create_session`, `request_token`, `consume_token`,
        `update_credentials_with_token`, `update_identifier_with_token`) raises `InvalidState` with neither a request nor
        this: a forgotten request is refused, not served. On a request the origin is checked, trusted or not.
        """
    def http_wants(self, method: _Bytes, target: _Bytes) -> int | None:
        """Whether a request is the HTTP surface's, by its method and its raw path and query: how many bytes of body to read
        for it at most. `None`: it is not; answer it yourself.
        """
    def http_page(self) -> dict[str, Any] | None:
        """What the last form, or an issuer, led to, for a page of the application: `step` or `problem`, as `docs/http.md` has
        them; `None`: nothing. It is there once: send the view's `headers` with the page.
        """
    @property
    def headers(self) -> Headers:
        """The final cookies of everything that was decided on this view's request so far, newest last."""
    def apply(self, response: _Response) -> _Response:
        """Puts those lines on a Starlette, Django or Werkzeug response, and gives it back: once, at the end."""
    def __enter__(self) -> Auth: ...
    def __exit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> None: ...
    def create_user(
        self,
        provider: str,
        identifier: _Bytes,
        credentials: _Credentials = ...,
        *,
        attributes: _Json | None = None,
        id: _Id | None = None,
    ) -> _Tried[Proof]:
        """Creates a user with a first provider id and its credentials."""
    def create_user_from_claim(
        self,
        claim: Claim | _Bytes,
        *,
        attributes: _Json | None = None,
        id: _Id | None = None,
    ) -> _Tried[Proof]:
        """Creates a user with the provider id of a claim: once."""
    def peek_claim(self, claim: Claim | _Bytes) -> Accepted[Claim] | Refused | RequestRefused:
        """What a claim says. Spends nothing."""
    def begin_enrollment(
        self,
        provider: str,
        identifier: _Bytes | None = None,
        *,
        proof: Proof | None = None,
    ) -> _Tried[Proof]:
        """Begins to enroll a further authenticator of the proof's user, or a new user whose kind asks for a step first. Raises
        PolicyViolation (`address_unproved`) for a second factor beside an address that nobody has proved: prove it first.
        """
    def authenticate(
        self,
        provider: str,
        identifier: _Bytes | None = None,
        credentials: _Credentials = ...,
    ) -> _Tried[Proof]:
        """Verifies credentials."""
    def continue_flow(
        self,
        flow: Flow | _Bytes,
        provider: str | None = None,
        credentials: _Credentials = ...,
    ) -> _Tried[Proof]:
        """Answers a flow, or, alone and on a POST, the link of a mailed code (`sign_in_link`): it signs in where it is
        confirmed.

        In the browser that began it alone, which has its cookie: elsewhere the flow is spent and the outcome `Refused`, which
        says no more to a thief; the event has the reason `flow_invalid`.
        """
    def list_methods(self, user: User | Session | _Id | None = None) -> list[Method]:
        """What can be used to sign in, or what this user has to prove a factor with."""
    def create_session(
        self,
        proof: Proof,
        *,
        attributes: _Json | None = None,
        access_ttl: timedelta | None = None,
        idle_ttl: timedelta | None = None,
        absolute_ttl: timedelta | None = None,
        persistent: bool | None = None,
    ) -> _Made:
        """Makes the one session of a proof. Lifetimes are at most the configured ones."""
    def create_session_for_user(
        self,
        user: User | Session | _Id,
        *,
        factors: Iterable[Factor] = ...,
        attributes: _Json | None = None,
        access_ttl: timedelta | None = None,
        idle_ttl: timedelta | None = None,
        absolute_ttl: timedelta | None = None,
        persistent: bool | None = None,
    ) -> _Made:
        """Makes a session without credentials: for trusted code, always evented."""
    def validate_session(self, access_token: _Bytes) -> Accepted[Session] | SignedOut:
        """Says whose session an access token is. An unavailable database is an error, never a sign-out."""
    def refresh_session(self, refresh_token: _Bytes) -> Accepted[Session] | SignedOut | RequestRefused:
        """Exchanges a refresh token for the next session, or gives the current one while it is settling.

        Only where both new tokens reach the client that had the old one: see `resume_request`.
        """
    def check_request(self) -> _Called:
        """Says who the request comes from, by its bearer token or its cookies. Never refreshes, so it is safe everywhere."""
    def resume_request(self) -> _Called:
        """Says who the request comes from, and refreshes an expired access token. Cookies of a sign-in that is over are cleared.

        Only where the response is yours to send: put the view's `headers` on it, once and last. A renderer behind another
        server, or a component that cannot set cookies, leaves the browser with a refresh token that is used up: once the
        new access token is used, the browser's next refresh is `token_reuse`, and the sign-in ends. There, call
        `check_request`, and let the browser refresh at `expired_refreshable`.

        Raises `InvalidState` without a request, `Unavailable`.
        """
    def end_session(self, token: _Bytes | None = None) -> Accepted[int] | RequestRefused:
        """Signs out, by either token, even expired, or by what the request presents: its bearer token, or its cookies.

        How many sign-ins ended. Its headers clear the cookies, unless a bearer token was meant. Raises `InvalidState` with
        neither a token nor a request.
        """
    def end_sign_in(self, user: User | Session | _Id, sign_in: Device | Session | _Id) -> int:
        """Ends one sign-in of a user. The count: 0 or 1."""
    def end_other_sessions(self, proof: Proof) -> int:
        """Ends every sign-in of the proof's user but the one that the proof was taken from. The count."""
    def end_all_sessions(self, user: User | Session | _Id) -> int:
        """Ends every sign-in of a user, and all that was under way: flows, tokens, proofs, known browsers. The count."""
    def list_sessions(self, user: User | Session | _Id) -> list[Device]:
        """The devices on which a user is signed in, newest first."""
    def session_alive(self, user: User | Session | _Id, sign_in: Device | Session | _Id) -> bool:
        """Whether a sign-in of this user is live: for connections that outlast a request."""
    def update_session_attributes(self, session: Session, patch: _Json) -> dict[str, Any]:
        """Applies a merge patch (RFC 7396) to a live session's attributes. The new attributes."""
    def session_proof(self, session: Session) -> Proof:
        """A proof from a live session, for sensitive operations: fresh as far as its factors are."""
    def get_user(self, user: User | Session | _Id) -> User:
        """The user with this id."""
    def find_user(self, provider: str, identifier: _Bytes) -> User | None:
        """The user to whom this identifier belongs. For trusted code: it tells who exists."""
    def find_user_by_attribute(self, name: str, value: str) -> User | None:
        """The user with this value of an attribute that is declared unique."""
    def list_users(
        self,
        *,
        after: User | Session | _Id | None = None,
        limit: int = 100,
        newest_first: bool = False,
        enabled: bool | None = None,
        provider: str | None = None,
        begins: _Bytes | None = None,
    ) -> list[User]:
        """Users in order of creation, or the newest first, after `after`, at most `limit` (1 to 1000).

        `enabled`: only those that are, or are not. `provider` and `begins`: only those who have an identifier there that
        begins so, in capitals or not; more than 1000 that do are InvalidArgument: give more of it. For trusted code: it
        tells who exists.
        """
    def count_users(
        self, *, enabled: bool | None = None, provider: str | None = None, begins: _Bytes | None = None
    ) -> int:
        """How many users `list_users` would list: exactly up to 10,000, which says as many or more."""
    def update_attributes(
        self, user: User | Session | _Id, patch: _Json, *, version: int | None = None
    ) -> User:
        """Applies a merge patch (RFC 7396) to a user's attributes."""
    def disable_user(self, user: User | Session | _Id) -> int:
        """Disables a user and ends its sessions. The count of sign-ins."""
    def reset_factors(self, user: User | Session | _Id, why: str) -> int:
        """For an operator: takes every second factor of a user away. All sessions end. How many went."""
    def set_credentials(
        self, user: User | Session | _Id, provider: str, credentials: _Credentials
    ) -> None:
        """For an operator: sets the credentials with which a user signs in at this name. All sessions end."""
    def add_address(self, user: User | Session | _Id, provider: str, identifier: _Bytes) -> None:
        """For an operator: gives a user an address that the operator has made sure of. All sessions end."""
    def enable_user(self, user: User | Session | _Id) -> None:
        """Enables a user again. Sessions from before stay ended."""
    def delete_user(self, user: User | Session | _Id) -> int:
        """Deletes a user from every table. The count of sign-ins that were live."""
    def update_credentials(self, proof: Proof, provider: str, credentials: _Credentials) -> _Changed:
        """Replaces the credentials that a provider verifies, or adds the first ones. Other sessions end. `current` beside the new
        ones is the current password, demanded where the proof has not proved it of late.
        """
    def update_identifier(
        self, proof: Proof, provider: str, old_identifier: _Bytes, new_identifier: _Bytes
    ) -> _Changed:
        """Replaces one identifier of the proof's user by another of the same provider. Other sessions end. Whose a new address
        is, a message asks: `update_identifier_with_token` makes the change. Taken or free, the answer is the same. On
        `trusted()` it is changed at once, and so is what is no address.
        """
    def link_identity(
        self,
        proof: Proof,
        provider: str,
        identifier: _Bytes,
        credentials: _Credentials = ...,
    ) -> _Changed:
        """Binds another provider id to the proof's user. Whose an address is, a message asks: `consume_token` on a session or
        with a proof of the user binds it. Taken or free, the answer is the same. On `trusted()` it is bound at once, and so
        is what is no address. Raises PolicyViolation (`address_on_both_sides`, or, at a second factor's name,
        `address_unproved`).
        """
    def begin_link(
        self,
        proof: Proof,
        provider: str,
        identifier: _Bytes | None = None,
        credentials: _Credentials = ...,
    ) -> _Tried[Proof]:
        """Begins to prove a provider id that the proof's user wants to have: an issuer's, a directory's, a mailbox's. Raises
        PolicyViolation (`address_unproved`) at a second factor's name beside an address that nobody has proved.
        """
    def link_claim(self, proof: Proof, claim: Claim | _Bytes) -> _Changed:
        """Binds the provider id of a claim to the proof's user. Other sessions end. Raises PolicyViolation
        (`address_on_both_sides`, `address_unproved`).
        """
    def unlink_identity(self, proof: Proof, provider: str, identifier: _Bytes) -> _Changed:
        """Takes a provider id from the proof's user. Other sessions end."""
    def list_identities(self, user: User | Session | _Id) -> list[Identity]:
        """The provider ids of a user."""
    def list_authenticators(self, user: User | Session | _Id) -> list[Authenticator]:
        """The authenticators of a user: what there is, never what is in it."""
    def rename_authenticator(
        self,
        proof: Proof,
        provider: str,
        authenticator: Authenticator | _Id,
        label: str,
    ) -> None:
        """Gives one of the proof's user's authenticators another label. No session ends."""
    def remove_authenticator(
        self, proof: Proof, provider: str, authenticator: Authenticator | _Id
    ) -> _Changed:
        """Removes one of the proof's user's authenticators. Other sessions end."""
    def request_token(
        self,
        purpose: Literal["recovery", "verify", "change_identifier"],
        provider: str,
        identifier: _Bytes,
        *,
        proof: Proof | None = None,
    ) -> Accepted[None] | Throttled | Refused | RequestRefused:
        """Has a token sent to an address, through the outbox: recovery, verify or `change_identifier`. The answer says that it
        was asked for, not that the address exists.
        """
    def peek_token(self, token: _Bytes) -> Accepted[TokenInfo] | Refused | RequestRefused:
        """What a token is good for, without consuming it: for the page that its link leads to."""
    def consume_token(
        self, token: _Bytes, *, proof: Proof | None = None
    ) -> Accepted[TokenInfo] | Refused | RequestRefused:
        """Consumes a token of the purpose verify: its address is verified from now on. Call it on a POST, with the session of
        the request or a proof of the user; else `ProofRequired`, and the token stays good.
        """
    def update_credentials_with_token(
        self, token: _Bytes, provider: str, credentials: _Credentials
    ) -> Accepted[UUID] | Refused | RequestRefused:
        """Replaces forgotten credentials with a token of the purpose recovery. All sessions end; it is no sign-in."""
    def update_identifier_with_token(
        self, token: _Bytes, old_identifier: _Bytes, new_identifier: _Bytes
    ) -> Accepted[UUID] | Refused | RequestRefused:
        """Replaces an identifier by the address that a token of the purpose `change_identifier` was sent to."""
    def take_deliveries(self, limit: int = 100, lease: timedelta = ...) -> list[Delivery]:
        """Takes messages to send. Nobody else is given them for `lease`; settle each."""
    def settle_delivery(
        self, delivery: Delivery | _Id, attempt: int, how: _Settlement
    ) -> bool:
        """Says how the attempt to send a message (`Delivery.attempts`) ended: delivered, retry or failed. False: it was
        handed out again or is gone.
        """
    def purge_expired(self) -> Purged:
        """Removes what has expired or ended a week ago, for about a second: call it now and then, and again while
        there is `more`."""
    def stats(self) -> Stats:
        """Counts of rows: of the whole database, or, on another realm than the default one, of that realm.

        On PostgreSQL exact up to 10,000 of a sort; beyond, of the whole database the server's own estimate, as of its last
        vacuum, and of a realm what its first 10,000 users have.
        """
    def metrics(self) -> str:
        """What a monitoring system reads, as Prometheus takes it (text format 0.0.4): events by name, how long operations and
        the store take, what waits, hashes, connections.

        Of this process since it started the context, of all realms. It asks no database, and names nobody.
        """
    def health(self) -> None:
        """Asks the database and every provider whether they can answer."""
    def http_handle(self, body: _Bytes = ...) -> HttpResponse | None:
        """Answers a request of the HTTP surface: on a view of a request that has its target. `body` is the whole body, as it
        came. `None`: the path is not the surface's.

        It is always a response, 503 included: send its status, each of its header lines as its own line, and its body.
        """
    def start(self) -> None:
        """Starts the context in this process. The first call does it by itself."""
    def stop(self) -> None:
        """Stops connections and threads; queued writes are written."""
    def migrate(self) -> None:
        """Brings the database to this release's schema. The context need not be started."""
    def agree(self, item: str) -> None:
        """Makes the database agree with this configuration about one item, such as `provider/email`."""

@final
class AsyncAuth:
    """The view of a context for event loops: every operation gives an awaitable, and has begun when it does.

    Cancelling an await abandons the wait, not the write.
    """

    def realm(self, name: str) -> AsyncAuth:
        """A view of the context in another realm."""
    def on(self, request: Any) -> AsyncAuth:
        """A view of the context on a request: `doorward.Request`, or one of Starlette, Django, Werkzeug, WSGI or ASGI."""
    def trusted(self) -> AsyncAuth:
        """A view of the context for what no request causes: a command line, a job, an import, a test.

        Where `origins.trusted` is configured, what a person's form causes (`create_user`, `create_user_from_claim`,
        `begin_enrollment`, `authenticate`, `continue_flow`, `create_session`, `request_token`, `consume_token`,
        `update_credentials_with_token`, `update_identifier_with_token`) raises `InvalidState` with neither a request nor
        this: a forgotten request is refused, not served. On a request the origin is checked, trusted or not.
        """
    def http_wants(self, method: _Bytes, target: _Bytes) -> int | None:
        """Whether a request is the HTTP surface's, by its method and its raw path and query: how many bytes of body to read
        for it at most. `None`: it is not; answer it yourself.
        """
    def http_page(self) -> Coroutine[object, None, dict[str, Any] | None]:
        """What the last form, or an issuer, led to, for a page of the application: `step` or `problem`, as `docs/http.md` has
        them; `None`: nothing. It is there once: send the view's `headers` with the page.
        """
    @property
    def headers(self) -> Headers:
        """The final cookies of everything that was decided on this view's request so far, newest last."""
    def apply(self, response: _Response) -> _Response:
        """Puts those lines on a Starlette, Django or Werkzeug response, and gives it back: once, at the end."""
    def __aenter__(self) -> Coroutine[object, None, AsyncAuth]: ...
    def __aexit__(self, *_raised: type[BaseException] | BaseException | TracebackType | None) -> Coroutine[object, None, None]: ...
    def create_user(
        self,
        provider: str,
        identifier: _Bytes,
        credentials: _Credentials = ...,
        *,
        attributes: _Json | None = None,
        id: _Id | None = None,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Creates a user with a first provider id and its credentials."""
    def create_user_from_claim(
        self,
        claim: Claim | _Bytes,
        *,
        attributes: _Json | None = None,
        id: _Id | None = None,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Creates a user with the provider id of a claim: once."""
    def peek_claim(self, claim: Claim | _Bytes) -> Coroutine[object, None, Accepted[Claim] | Refused | RequestRefused]:
        """What a claim says. Spends nothing."""
    def begin_enrollment(
        self,
        provider: str,
        identifier: _Bytes | None = None,
        *,
        proof: Proof | None = None,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Begins to enroll a further authenticator of the proof's user, or a new user whose kind asks for a step first. Raises
        PolicyViolation (`address_unproved`) for a second factor beside an address that nobody has proved: prove it first.
        """
    def authenticate(
        self,
        provider: str,
        identifier: _Bytes | None = None,
        credentials: _Credentials = ...,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Verifies credentials."""
    def continue_flow(
        self,
        flow: Flow | _Bytes,
        provider: str | None = None,
        credentials: _Credentials = ...,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Answers a flow, or, alone and on a POST, the link of a mailed code (`sign_in_link`): it signs in where it is
        confirmed.

        In the browser that began it alone, which has its cookie: elsewhere the flow is spent and the outcome `Refused`, which
        says no more to a thief; the event has the reason `flow_invalid`.
        """
    def list_methods(self, user: User | Session | _Id | None = None) -> Coroutine[object, None, list[Method]]:
        """What can be used to sign in, or what this user has to prove a factor with."""
    def create_session(
        self,
        proof: Proof,
        *,
        attributes: _Json | None = None,
        access_ttl: timedelta | None = None,
        idle_ttl: timedelta | None = None,
        absolute_ttl: timedelta | None = None,
        persistent: bool | None = None,
    ) -> Coroutine[object, None, _Made]:
        """Makes the one session of a proof. Lifetimes are at most the configured ones."""
    def create_session_for_user(
        self,
        user: User | Session | _Id,
        *,
        factors: Iterable[Factor] = ...,
        attributes: _Json | None = None,
        access_ttl: timedelta | None = None,
        idle_ttl: timedelta | None = None,
        absolute_ttl: timedelta | None = None,
        persistent: bool | None = None,
    ) -> Coroutine[object, None, _Made]:
        """Makes a session without credentials: for trusted code, always evented."""
    def validate_session(self, access_token: _Bytes) -> Coroutine[object, None, Accepted[Session] | SignedOut]:
        """Says whose session an access token is. An unavailable database is an error, never a sign-out."""
    def refresh_session(self, refresh_token: _Bytes) -> Coroutine[object, None, Accepted[Session] | SignedOut | RequestRefused]:
        """Exchanges a refresh token for the next session, or gives the current one while it is settling.

        Only where both new tokens reach the client that had the old one: see `resume_request`.
        """
    def check_request(self) -> Coroutine[object, None, _Called]:
        """Says who the request comes from, by its bearer token or its cookies. Never refreshes, so it is safe everywhere."""
    def resume_request(self) -> Coroutine[object, None, _Called]:
        """Says who the request comes from, and refreshes an expired access token. Cookies of a sign-in that is over are cleared.

        Only where the response is yours to send: put the view's `headers` on it, once and last. A renderer behind another
        server, or a component that cannot set cookies, leaves the browser with a refresh token that is used up: once the
        new access token is used, the browser's next refresh is `token_reuse`, and the sign-in ends. There, call
        `check_request`, and let the browser refresh at `expired_refreshable`.

        Raises `InvalidState` without a request, `Unavailable`.
        """
    def end_session(self, token: _Bytes | None = None) -> Coroutine[object, None, Accepted[int] | RequestRefused]:
        """Signs out, by either token, even expired, or by what the request presents: its bearer token, or its cookies.

        How many sign-ins ended. Its headers clear the cookies, unless a bearer token was meant. Raises `InvalidState` with
        neither a token nor a request.
        """
    def end_sign_in(self, user: User | Session | _Id, sign_in: Device | Session | _Id) -> Coroutine[object, None, int]:
        """Ends one sign-in of a user. The count: 0 or 1."""
    def end_other_sessions(self, proof: Proof) -> Coroutine[object, None, int]:
        """Ends every sign-in of the proof's user but the one that the proof was taken from. The count."""
    def end_all_sessions(self, user: User | Session | _Id) -> Coroutine[object, None, int]:
        """Ends every sign-in of a user, and all that was under way: flows, tokens, proofs, known browsers. The count."""
    def list_sessions(self, user: User | Session | _Id) -> Coroutine[object, None, list[Device]]:
        """The devices on which a user is signed in, newest first."""
    def session_alive(self, user: User | Session | _Id, sign_in: Device | Session | _Id) -> Coroutine[object, None, bool]:
        """Whether a sign-in of this user is live: for connections that outlast a request."""
    def update_session_attributes(self, session: Session, patch: _Json) -> Coroutine[object, None, dict[str, Any]]:
        """Applies a merge patch (RFC 7396) to a live session's attributes. The new attributes."""
    def session_proof(self, session: Session) -> Coroutine[object, None, Proof]:
        """A proof from a live session, for sensitive operations: fresh as far as its factors are."""
    def get_user(self, user: User | Session | _Id) -> Coroutine[object, None, User]:
        """The user with this id."""
    def find_user(self, provider: str, identifier: _Bytes) -> Coroutine[object, None, User | None]:
        """The user to whom this identifier belongs. For trusted code: it tells who exists."""
    def find_user_by_attribute(self, name: str, value: str) -> Coroutine[object, None, User | None]:
        """The user with this value of an attribute that is declared unique."""
    def list_users(
        self,
        *,
        after: User | Session | _Id | None = None,
        limit: int = 100,
        newest_first: bool = False,
        enabled: bool | None = None,
        provider: str | None = None,
        begins: _Bytes | None = None,
    ) -> Coroutine[object, None, list[User]]:
        """Users in order of creation, or the newest first, after `after`, at most `limit` (1 to 1000).

        `enabled`: only those that are, or are not. `provider` and `begins`: only those who have an identifier there that
        begins so, in capitals or not; more than 1000 that do are InvalidArgument: give more of it. For trusted code: it
        tells who exists.
        """
    def count_users(
        self, *, enabled: bool | None = None, provider: str | None = None, begins: _Bytes | None = None
    ) -> Coroutine[object, None, int]:
        """How many users `list_users` would list: exactly up to 10,000, which says as many or more."""
    def update_attributes(
        self, user: User | Session | _Id, patch: _Json, *, version: int | None = None
    ) -> Coroutine[object, None, User]:
        """Applies a merge patch (RFC 7396) to a user's attributes."""
    def disable_user(self, user: User | Session | _Id) -> Coroutine[object, None, int]:
        """Disables a user and ends its sessions. The count of sign-ins."""
    def reset_factors(self, user: User | Session | _Id, why: str) -> Coroutine[object, None, int]:
        """For an operator: takes every second factor of a user away. All sessions end. How many went."""
    def set_credentials(
        self, user: User | Session | _Id, provider: str, credentials: _Credentials
    ) -> Coroutine[object, None, None]:
        """For an operator: sets the credentials with which a user signs in at this name. All sessions end."""
    def add_address(self, user: User | Session | _Id, provider: str, identifier: _Bytes) -> Coroutine[object, None, None]:
        """For an operator: gives a user an address that the operator has made sure of. All sessions end."""
    def enable_user(self, user: User | Session | _Id) -> Coroutine[object, None, None]:
        """Enables a user again. Sessions from before stay ended."""
    def delete_user(self, user: User | Session | _Id) -> Coroutine[object, None, int]:
        """Deletes a user from every table. The count of sign-ins that were live."""
    def update_credentials(self, proof: Proof, provider: str, credentials: _Credentials) -> Coroutine[object, None, _Changed]:
        """Replaces the credentials that a provider verifies, or adds the first ones. Other sessions end. `current` beside the new
        ones is the current password, demanded where the proof has not proved it of late.
        """
    def update_identifier(
        self, proof: Proof, provider: str, old_identifier: _Bytes, new_identifier: _Bytes
    ) -> Coroutine[object, None, _Changed]:
        """Replaces one identifier of the proof's user by another of the same provider. Other sessions end. Whose a new address
        is, a message asks: `update_identifier_with_token` makes the change. Taken or free, the answer is the same. On
        `trusted()` it is changed at once, and so is what is no address.
        """
    def link_identity(
        self,
        proof: Proof,
        provider: str,
        identifier: _Bytes,
        credentials: _Credentials = ...,
    ) -> Coroutine[object, None, _Changed]:
        """Binds another provider id to the proof's user. Whose an address is, a message asks: `consume_token` on a session or
        with a proof of the user binds it. Taken or free, the answer is the same. On `trusted()` it is bound at once, and so
        is what is no address. Raises PolicyViolation (`address_on_both_sides`, or, at a second factor's name,
        `address_unproved`).
        """
    def begin_link(
        self,
        proof: Proof,
        provider: str,
        identifier: _Bytes | None = None,
        credentials: _Credentials = ...,
    ) -> Coroutine[object, None, _Tried[Proof]]:
        """Begins to prove a provider id that the proof's user wants to have: an issuer's, a directory's, a mailbox's. Raises
        PolicyViolation (`address_unproved`) at a second factor's name beside an address that nobody has proved.
        """
    def link_claim(self, proof: Proof, claim: Claim | _Bytes) -> Coroutine[object, None, _Changed]:
        """Binds the provider id of a claim to the proof's user. Other sessions end. Raises PolicyViolation
        (`address_on_both_sides`, `address_unproved`).
        """
    def unlink_identity(self, proof: Proof, provider: str, identifier: _Bytes) -> Coroutine[object, None, _Changed]:
        """Takes a provider id from the proof's user. Other sessions end."""
    def list_identities(self, user: User | Session | _Id) -> Coroutine[object, None, list[Identity]]:
        """The provider ids of a user."""
    def list_authenticators(self, user: User | Session | _Id) -> Coroutine[object, None, list[Authenticator]]:
        """The authenticators of a user: what there is, never what is in it."""
    def rename_authenticator(
        self,
        proof: Proof,
        provider: str,
        authenticator: Authenticator | _Id,
        label: str,
    ) -> Coroutine[object, None, None]:
        """Gives one of the proof's user's authenticators another label. No session ends."""
    def remove_authenticator(
        self, proof: Proof, provider: str, authenticator: Authenticator | _Id
    ) -> Coroutine[object, None, _Changed]:
        """Removes one of the proof's user's authenticators. Other sessions end."""
    def request_token(
        self,
        purpose: Literal["recovery", "verify", "change_identifier"],
        provider: str,
        identifier: _Bytes,
        *,
        proof: Proof | None = None,
    ) -> Coroutine[object, None, Accepted[None] | Throttled | Refused | RequestRefused]:
        """Has a token sent to an address, through the outbox: recovery, verify or `change_identifier`. The answer says that it
        was asked for, not that the address exists.
        """
    def peek_token(self, token: _Bytes) -> Coroutine[object, None, Accepted[TokenInfo] | Refused | RequestRefused]:
        """What a token is good for, without consuming it: for the page that its link leads to."""
    def consume_token(
        self, token: _Bytes, *, proof: Proof | None = None
    ) -> Coroutine[object, None, Accepted[TokenInfo] | Refused | RequestRefused]:
        """Consumes a token of the purpose verify: its address is verified from now on. Call it on a POST, with the session of
        the request or a proof of the user; else `ProofRequired`, and the token stays good.
        """
    def update_credentials_with_token(
        self, token: _Bytes, provider: str, credentials: _Credentials
    ) -> Coroutine[object, None, Accepted[UUID] | Refused | RequestRefused]:
        """Replaces forgotten credentials with a token of the purpose recovery. All sessions end; it is no sign-in."""
    def update_identifier_with_token(
        self, token: _Bytes, old_identifier: _Bytes, new_identifier: _Bytes
    ) -> Coroutine[object, None, Accepted[UUID] | Refused | RequestRefused]:
        """Replaces an identifier by the address that a token of the purpose `change_identifier` was sent to."""
    def take_deliveries(self, limit: int = 100, lease: timedelta = ...) -> Coroutine[object, None, list[Delivery]]:
        """Takes messages to send. Nobody else is given them for `lease`; settle each."""
    def settle_delivery(
        self, delivery: Delivery | _Id, attempt: int, how: _Settlement
    ) -> Coroutine[object, None, bool]:
        """Says how the attempt to send a message (`Delivery.attempts`) ended: delivered, retry or failed. False: it was
        handed out again or is gone.
        """
    def purge_expired(self) -> Coroutine[object, None, Purged]:
        """Removes what has expired or ended a week ago, for about a second: call it now and then, and again while
        there is `more`."""
    def stats(self) -> Coroutine[object, None, Stats]:
        """Counts of rows: of the whole database, or, on another realm than the default one, of that realm.

        On PostgreSQL exact up to 10,000 of a sort; beyond, of the whole database the server's own estimate, as of its last
        vacuum, and of a realm what its first 10,000 users have.
        """
    def metrics(self) -> Coroutine[object, None, str]:
        """What a monitoring system reads, as Prometheus takes it (text format 0.0.4): events by name, how long operations and
        the store take, what waits, hashes, connections.

        Of this process since it started the context, of all realms. It asks no database, and names nobody.
        """
    def health(self) -> Coroutine[object, None, None]:
        """Asks the database and every provider whether they can answer."""
    def http_handle(self, body: _Bytes = ...) -> Coroutine[object, None, HttpResponse | None]:
        """Answers a request of the HTTP surface: on a view of a request that has its target. `body` is the whole body, as it
        came. `None`: the path is not the surface's.

        It is always a response, 503 included: send its status, each of its header lines as its own line, and its body.
        """
    def start(self) -> Coroutine[object, None, None]:
        """Starts the context in this process. The first call does it by itself."""
    def stop(self) -> Coroutine[object, None, None]:
        """Stops connections and threads; queued writes are written."""
    def migrate(self) -> Coroutine[object, None, None]:
        """Brings the database to this release's schema. The context need not be started."""
    def agree(self, item: str) -> Coroutine[object, None, None]:
        """Makes the database agree with this configuration about one item, such as `provider/email`."""

@final
class Accepted(Generic[_T_co]):
    """The thing asked for happened."""

    __match_args__ = ("value",)
    @property
    def value(self) -> _T_co:
        """What was asked for."""
    @property
    def show_once(self) -> dict[str, bytes]:
        """Shown once to the person and kept nowhere: recovery codes, an API key. Empty for most."""
    @property
    def took(self) -> list[Way]:
        """What recovery, or the click that makes an address its reader's, took from the account. Show them."""
    @property
    def kept(self) -> list[Way]:
        """What it left: each still opens the account, or protects it. Show them."""
    @property
    def others(self) -> list[Way]:
        """With the first second factor of a user: what else opens the account. Show them."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 200."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    def require(self) -> _T_co:
        """The value."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Continue:
    """Something more must be answered: the flow says what."""

    __match_args__ = ("flow",)
    @property
    def flow(self) -> Flow:
        """What may be answered, and the token to answer with."""
    @property
    def show_once(self) -> dict[str, bytes]:
        """Shown once to the person and kept nowhere, where a step before this one enrolled something. Mostly empty."""
    @property
    def others(self) -> list[Way]:
        """With the first second factor of a user, enrolled in a step before this one: what else opens the account."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 200."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `StepRequired`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Refused:
    """Unknown, wrong or disabled, all the same."""

    __match_args__ = ("flow",)
    @property
    def flow(self) -> Flow | None:
        """Where the step may be tried again: the flow to try with."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 401."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `RefusedError`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Throttled:
    """Too many failures: not before this time has passed."""

    __match_args__ = ("retry_after",)
    @property
    def retry_after(self) -> timedelta:
        """How long to wait."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 429."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `ThrottledError`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Unregistered:
    """It was verified, and no user has this provider id: the claim creates one, or is linked to one."""

    __match_args__ = ("claim",)
    @property
    def claim(self) -> Claim:
        """What was verified, and the token to create a user from or to link."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 404."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `UnregisteredError`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Claim:
    """A provider id that was verified just now, and that no user has. Good for ten minutes, in the browser that earned it."""

    @property
    def token(self) -> str:
        """The text to send to the same person only, and to create a user from or to link."""
    @property
    def provider(self) -> str:
        """The provider that verified it."""
    @property
    def identifier(self) -> str:
        """The identifier, for showing. Bytes that are no UTF-8 are escaped."""
    @property
    def attributes(self) -> dict[str, Any]:
        """What the provider asserts about the person: its word, not a proof. A new `dict` each time."""
    @property
    def expires_at(self) -> datetime:
        """When it is worth nothing any more."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: without `token`."""

@final
class SignedOut:
    """There is no session: why, where that may be told."""

    __match_args__ = ("reason",)
    @property
    def reason(self) -> str:
        """`expired`, `invalid`, `no_token`, or why it ended."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 401."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `SignedOutError`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class RequestRefused:
    """The request itself is not trusted; nothing was tried."""

    __match_args__ = ("reason", "setting")
    @property
    def reason(self) -> str:
        """Stable text, such as `origin_not_configured`."""
    @property
    def setting(self) -> str:
        """The setting that would change it."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 403."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> NoReturn:
        """Raises `RequestRefusedError`."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class SignedIn:
    """The request comes from a live session."""

    __match_args__ = ("session",)
    @property
    def session(self) -> Session:
        """The session."""
    @property
    def user(self) -> User:
        """Its user."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 200."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> SignedIn:
        """This outcome itself."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class KeyAccepted:
    """The request carries a key that a provider accepted. There is no session."""

    __match_args__ = ("user", "provider")
    @property
    def user(self) -> User:
        """Whose key it is."""
    @property
    def provider(self) -> str:
        """The provider that accepted it."""
    @property
    def scopes(self) -> list[str]:
        """What it is good for, in the application's own words; empty: the provider says nothing about it."""
    @property
    def http_status(self) -> int:
        """The HTTP status that fits: 200."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies among them."""
    def require(self) -> KeyAccepted:
        """This outcome itself."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __bool__(self) -> NoReturn:
        """Raises `TypeError`: an outcome is no truth value."""

@final
class Session:
    """One generation of a sign-in, and its user, as of the call that gave it."""

    @property
    def id(self) -> UUID:
        """The sign-in's id: what a list of devices names. Not a secret."""
    @property
    def user(self) -> User:
        """The user."""
    @property
    def access_token(self) -> str | None:
        """The access token, if this call issued it."""
    @property
    def refresh_token(self) -> str | None:
        """The refresh token, if this call issued it."""
    @property
    def headers(self) -> Headers:
        """The header lines to send with the response."""
    @property
    def proof(self) -> Proof:
        """A proof for sensitive operations of this session's user: fresh as far as its factors are. Waits for one look-up; event loops await `session_proof`."""
    @property
    def access_expires_at(self) -> datetime:
        """When the access token stops being accepted."""
    @property
    def idle_expires_at(self) -> datetime:
        """When the sign-in ends for want of use."""
    @property
    def absolute_expires_at(self) -> datetime:
        """When the sign-in ends in any case."""
    @property
    def persistent(self) -> bool:
        """Whether its cookies outlive the browser."""
    @property
    def authenticated_at(self) -> datetime:
        """When the person last authenticated in it."""
    @property
    def factors(self) -> list[Factor]:
        """What was proved in it."""
    @property
    def attributes(self) -> dict[str, Any]:
        """The application's own data: a new `dict` each time."""
    @property
    def version(self) -> int:
        """Counts changes of the attributes, from 1."""
    @property
    def agent(self) -> str:
        """User agent at sign-in."""
    @property
    def address(self) -> str:
        """Client address at sign-in."""
    @property
    def created_at(self) -> datetime:
        """When the sign-in was made."""
    @property
    def last_seen_at(self) -> datetime:
        """When it was last used; coarse."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text, the user in it; without tokens and header lines."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Device:
    """One device of a user: a sign-in without any token material."""

    @property
    def id(self) -> UUID:
        """The sign-in's id."""
    @property
    def agent(self) -> str:
        """User agent at sign-in."""
    @property
    def address(self) -> str:
        """Client address at sign-in."""
    @property
    def created_at(self) -> datetime:
        """When the sign-in was made."""
    @property
    def last_seen_at(self) -> datetime:
        """When it was last used; coarse."""
    @property
    def factors(self) -> list[Factor]:
        """What was proved in it."""
    @property
    def attributes(self) -> dict[str, Any]:
        """The application's own data: a new `dict` each time."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class User:
    """An account."""

    @property
    def id(self) -> UUID:
        """The user's id, for life."""
    @property
    def realm(self) -> str:
        """The realm, for life."""
    @property
    def attributes(self) -> dict[str, Any]:
        """The application's own data: a new `dict` each time."""
    @property
    def public_attributes(self) -> dict[str, Any]:
        """The attributes that are declared public: what a browser may see."""
    @property
    def version(self) -> int:
        """Counts changes of the attributes, from 1."""
    @property
    def disabled_at(self) -> datetime | None:
        """When the user was disabled, if so."""
    @property
    def created_at(self) -> datetime:
        """When the user was created."""
    @property
    def updated_at(self) -> datetime:
        """When attributes or state last changed."""
    @property
    def _auth(self) -> Auth:
        """The context that it comes from: for `doorward.testing`."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it, with all attributes: a browser sees `public_attributes`."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Identity:
    """One provider id of a user."""

    @property
    def provider(self) -> str:
        """The provider name."""
    @property
    def identifier(self) -> str:
        """The identifier as it was given. Bytes that are no UTF-8 are escaped, and may be passed back so."""
    @property
    def verified_at(self) -> datetime | None:
        """When its owner proved it; `None`: unverified."""
    @property
    def created_at(self) -> datetime:
        """When it was bound."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Delivery:
    """One message to send."""

    @property
    def id(self) -> UUID:
        """Its id, the same at every attempt: a mail system that knows ids sends it once."""
    @property
    def channel(self) -> str:
        """How it is sent: email, sms, or what the configuration or a kind says."""
    @property
    def address(self) -> str:
        """Where to: the address as its owner gave it."""
    @property
    def template(self) -> str:
        """Which message: recovery, verify, `change_identifier`, `credentials_changed`, or one of a kind's own."""
    @property
    def params(self) -> dict[str, str]:
        """What the message says: a token or a code among it. A new `dict` each time, of text."""
    @property
    def realm(self) -> str:
        """The realm."""
    @property
    def provider(self) -> str:
        """The provider name."""
    @property
    def user_id(self) -> UUID | None:
        """The user, where it is somebody's already."""
    @property
    def attempts(self) -> int:
        """Which attempt this is, from 1."""
    @property
    def expires_at(self) -> datetime:
        """When it is worth nothing any more."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: without `params`, which hold the token or code."""

@final
class TokenInfo:
    """What the holder of a good token may know of it."""

    @property
    def purpose(self) -> str:
        """What it is good for: recovery, verify, `change_identifier` or `sign_in_link`."""
    @property
    def provider(self) -> str:
        """The provider name of the address."""
    @property
    def identifier(self) -> str:
        """The address that it is bound to, canonical."""
    @property
    def user_id(self) -> UUID:
        """The user it concerns. For the program, not for the browser."""
    @property
    def expires_at(self) -> datetime:
        """When it is worth nothing any more."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

def refuse_kind(call: int, why: str) -> bool:
    """Tells the core that started this interpreter why there is nothing to serve."""

def restore_value(kind: str, state: dict[str, Any]) -> Any:
    """Makes a value that was pickled or is being copied: `doorward._values` calls it."""

def serve_kind(kind: type[Any], name: str, sandbox: str, landlock: str, readable: list[str], call: int) -> bool:
    """Serves a class to the core that started this interpreter, until that goes: `doorward.host` calls it."""

@final
class KindHost:
    """The host's services, for one operation on its thread."""

    def log(self, level: str, text: str) -> None:
        """A line for the operator: level is error, warn, info or debug. Never a secret."""
    def audit(self, event: str, detail: str = "") -> None:
        """An entry in the event stream; detail is JSON or empty."""
    def random(self, count: int) -> bytes:
        """Random bytes, cryptographic."""
    def unix_micros(self) -> int:
        """The application's clock, in microseconds since 1970, UTC."""
    def remaining(self) -> float:
        """Seconds until the deadline."""
    def is_cancelled(self) -> bool:
        """Whether nobody waits any more."""
    def equal(self, a: bytes, b: bytes) -> bool:
        """Whether both are equal, in constant time."""
    def hash_password(self, password: bytes) -> str:
        """Argon2id within the memory budget of the whole installation, as a PHC string."""
    def password_matches(self, password: bytes, phc: str) -> bool:
        """Whether it is that password. With an empty hash the same work, and never a match: for people without a record."""

@final
class KindRecord:
    """One record of the user."""

    @property
    def id(self) -> bytes:
        """Names it in `Accept(replaces=…)`."""
    @property
    def format(self) -> int:
        """`record_version` of the class that wrote it."""
    @property
    def bytes(self) -> builtins.bytes:
        """What was stored."""
    @property
    def label(self) -> str:
        """What the person calls it."""

@final
class KindRequest:
    """What the host asks."""

    @property
    def host(self) -> KindHost:
        """The host's services, while the operation runs."""
    @property
    def purpose(self) -> str:
        """What a step resumes: enroll, verify or update; empty for others."""
    @property
    def step(self) -> int:
        """In step: 1 after the first Continue."""
    @property
    def is_decoy(self) -> bool:
        """No such user: the same work and the same answer."""
    @property
    def realm(self) -> str:
        """The user's namespace."""
    @property
    def provider(self) -> str:
        """The name that the kind serves here."""
    @property
    def subject(self) -> bytes:
        """The user's id, 16 bytes; empty where there is no user yet."""
    @property
    def identifier_raw(self) -> bytes:
        """The identifier as it was typed."""
    @property
    def identifier(self) -> bytes:
        """Its canonical form."""
    @property
    def display(self) -> str:
        """A name that the person knows the account by; for showing."""
    @property
    def credentials(self) -> dict[str, bytes]:
        """The credentials by name, as bytes; what did not come is absent."""
    @property
    def new_credentials(self) -> dict[str, bytes]:
        """update: their replacement."""
    @property
    def records(self) -> tuple[KindRecord, ...]:
        """All records of this user."""
    @property
    def state(self) -> bytes:
        """step: what the last Continue kept."""
    @property
    def resolved(self) -> bytes:
        """The second call after Resolve: its handle."""
    @property
    def agent(self) -> str:
        """The client's User-Agent; from outside."""
    @property
    def address(self) -> str:
        """The client's address as text."""

@final
class KindConfig:
    """The options, while the instance is made."""

    @property
    def provider(self) -> str:
        """The name that this instance serves."""
    def text(self, name: str, default: str | None = None) -> str | None:
        """A text option, or the default."""
    def integer(self, name: str, default: int | None = None) -> int | None:
        """An integer option, or the default."""
    def boolean(self, name: str, default: bool | None = None) -> bool | None:
        """A boolean option, or the default."""
    def secret(self, name: str) -> bytes | None:
        """A secret option as bytes, read from its file."""

@final
class Authenticator:
    """One authenticator as its owner sees it."""

    @property
    def id(self) -> UUID:
        """Its id."""
    @property
    def group(self) -> str:
        """The credentials group it belongs to."""
    @property
    def kind(self) -> str:
        """The kind that wrote it."""
    @property
    def label(self) -> str:
        """What its owner calls it."""
    @property
    def description(self) -> dict[str, Any]:
        """What its kind shows of it, such as how many recovery codes are left; empty: nothing. A new `dict` each time."""
    @property
    def created_at(self) -> datetime:
        """When it was added."""
    @property
    def last_used_at(self) -> datetime | None:
        """When it was last used; coarse."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Proof:
    """An opaque value that only the core makes: who was proved to be there, by what, and when."""

    @property
    def user_id(self) -> UUID:
        """Whose it is."""
    @property
    def purpose(self) -> str:
        """What it is for: `sign_in` makes one session, `step_up` a session's successor, `session` none."""
    @property
    def factors(self) -> list[Factor]:
        """What was proved."""

@final
class Factor:
    """One factor that was proved."""

    @property
    def provider(self) -> str:
        """The provider name it was proved through."""
    @property
    def factor_class(self) -> _FactorClass:
        """`inherence`, `knowledge` or `possession`."""
    @property
    def channel(self) -> str:
        """Its channel, such as `app`; may be empty."""
    @property
    def at(self) -> datetime:
        """When it was proved."""
    @property
    def two_in_one(self) -> bool:
        """Whether it was two factors in one: it counts at names of `policy.second_factor` only."""
    def __new__(cls, provider: str, factor_class: _FactorClass, at: datetime, *, channel: str = ..., two_in_one: bool = ...) -> Factor: ...
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Flow:
    """The state between two steps: its token, and what may be answered."""

    @property
    def token(self) -> str:
        """The token to send back with the answer: to the same person only."""
    @property
    def purpose(self) -> str:
        """What it is for: `enroll`, `link`, `sign_in`, `sign_up` or `step_up`."""
    @property
    def provider(self) -> str | None:
        """The provider it was begun with, or whose step is open."""
    @property
    def user_id(self) -> UUID | None:
        """Whose it is, where that was proved or is being claimed. For the program, never for the client."""
    @property
    def next(self) -> list[Method]:
        """What may be answered, one of them."""
    @property
    def expires_at(self) -> datetime:
        """When it is worth nothing any more."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it, for the person who answers: without `token`, `user_id` and the challenges."""

@final
class Method:
    """One thing that may be answered next, or one method to sign in with."""

    @property
    def provider(self) -> str:
        """The provider name to answer with."""
    @property
    def action(self) -> Literal["enroll", "step", "verify"]:
        """What the answer does."""
    @property
    def factor_class(self) -> _FactorClass | None:
        """The class of the factor it proves."""
    @property
    def fields(self) -> list[Field]:
        """The credential fields to ask for."""
    @property
    def challenge(self) -> dict[str, bytes]:
        """What the person must see: named values from the provider."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: without `challenge`, which may hold a secret."""

@final
class Field:
    """One credential field, as a form needs it."""

    @property
    def name(self) -> str:
        """Its name in the credentials."""
    @property
    def secret(self) -> bool:
        """Never shown, never logged."""
    @property
    def optional(self) -> bool:
        """May be absent."""
    @property
    def max_len(self) -> int:
        """Largest length in bytes."""
    @property
    def autocomplete(self) -> str:
        """The HTML autocomplete token; may be empty."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Headers:
    """Header lines to send, each as its own line and in this order: a sequence of name and value."""

    @property
    def cookies(self) -> list[SetCookie]:
        """The cookies alone."""
    def apply(self, response: _Response) -> _Response:
        """Puts the header lines on a Starlette, Django or Werkzeug response, and gives it back."""
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> tuple[str, str]: ...
    def __iter__(self) -> Iterator[tuple[str, str]]: ...

@final
class HttpResponse:
    """What to send: the status, each header line as its own line and in this order, and the body."""

    @property
    def status(self) -> int:
        """The HTTP status."""
    @property
    def headers(self) -> list[tuple[str, str]]:
        """Name and value of each line. The values of cookies are secrets: send them, and keep them nowhere."""
    @property
    def body(self) -> bytes:
        """The body; empty where there is none."""

@final
class SetCookie:
    """One `Set-Cookie`: `HttpOnly; SameSite=Lax; Path=/`, and `Secure` except in development over plain HTTP."""

    @property
    def name(self) -> str:
        """The cookie's name."""
    @property
    def value(self) -> str:
        """The cookie's value, a secret; empty if the cookie is cleared."""
    @property
    def max_age(self) -> int | None:
        """Seconds until the browser drops it; 0 if it is cleared, `None` if it goes when the browser closes."""
    @property
    def secure(self) -> bool:
        """Whether it has `Secure`."""
    @property
    def line(self) -> str:
        """The whole value of the `Set-Cookie` header."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Request:
    """What Doorward sees of an HTTP request: method, headers, the peer's address."""

    @property
    def method(self) -> str:
        """The method."""
    @property
    def peer(self) -> str | None:
        """The peer's address."""
    @property
    def target(self) -> bytes | None:
        """Path and query as they came, where they were given."""
    def __new__(
        cls,
        method: str,
        headers: Iterable[tuple[_Bytes, _Bytes]] | Mapping[str, _Bytes] | Mapping[bytes, _Bytes] = ...,
        peer: str | None = None,
        target: _Bytes | None = None,
    ) -> Request:
        """`headers`: one pair for each line, or a mapping. `peer`: the address of whoever holds the connection, a proxy perhaps;
        `None`, or `unix:`, for a Unix socket. `target`: path and query as they came, for the HTTP surface alone.
        """

@final
class Event:
    """One event. It has no identifier, no credential and no token in it."""

    @property
    def name(self) -> str:
        """What happened, as a stable text such as `authn_login_fail`."""
    @property
    def at(self) -> datetime:
        """When."""
    @property
    def realm(self) -> str:
        """The realm."""
    @property
    def user_id(self) -> UUID | None:
        """The user, where one is known."""
    @property
    def sign_in_id(self) -> UUID | None:
        """The sign-in, where one is concerned."""
    @property
    def provider(self) -> str | None:
        """The provider name, where one is concerned."""
    @property
    def reason(self) -> str | None:
        """The precise reason: never shown to the client."""
    @property
    def count(self) -> int:
        """How many things were concerned."""
    @property
    def address(self) -> str:
        """The client's address, on a request."""
    @property
    def origin(self) -> str | None:
        """Of a request whose origin is not trusted: the `Origin` that came."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""

@final
class Violation:
    """One rule of a policy that new credentials break."""

    @property
    def rule(self) -> str:
        """Stable id of the rule, such as `too_short`."""
    @property
    def field(self) -> str:
        """The credential field concerned."""
    @property
    def limit(self) -> int:
        """The limit in force, in the rule's unit; 0 where the rule has none."""
    @property
    def message(self) -> str:
        """What to do, for people."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Way:
    """One way into an account, or one second factor, as its owner is told of it."""

    @property
    def provider(self) -> str:
        """The provider name; where several names share an authenticator, the first of them."""
    @property
    def name(self) -> str:
        """For people: the identifier as it was given, or the label of an authenticator. May be empty. Not for logs."""
    @property
    def is_identity(self) -> bool:
        """True for an identity, false for an authenticator."""
    @property
    def created_at(self) -> datetime:
        """When it was added."""
    @property
    def last_used_at(self) -> datetime | None:
        """When it was last used; coarse."""
    @property
    def verified_at(self) -> datetime | None:
        """Of an identity: when its owner proved it; `None`: unverified."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Purged:
    """What one purge removed."""

    @property
    def sign_ins(self) -> int:
        """Ended or expired sign-ins."""
    @property
    def flows(self) -> int:
        """Expired flows."""
    @property
    def others(self) -> int:
        """Expired tokens, deliveries and key-value entries."""
    @property
    def throttles(self) -> int:
        """Forgotten throttle buckets."""
    @property
    def more(self) -> bool:
        """Whether more is left: call it again."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Stats:
    """Counts of rows. On PostgreSQL exact up to 10,000 of a sort; beyond, the server's own estimate
    (`pg_class.reltuples`), which counts sign-ins that have expired and were not purged yet, too."""

    @property
    def users(self) -> int:
        """Users."""
    @property
    def sign_ins(self) -> int:
        """Live sign-ins."""
    @property
    def flows(self) -> int:
        """Open flows."""
    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it: ids and moments as text."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ManualClock:
    """A clock that stands still until it is told to move: pass it as `clock=`."""

    def __new__(cls, now: datetime | None = None) -> ManualClock: ...
    def now(self) -> datetime:
        """What the clock reads."""
    def advance(self, by: timedelta) -> None:
        """Moves the clock later."""
    def set(self, to: datetime) -> None:
        """Sets the clock, backwards too."""
