//! The operations, in two views of one context: [`Auth`] waits, [`AsyncAuth`] gives awaitables. The same names, the
//! same arguments; the stub file says what each takes and gives.

use doorward::NewUserOptions;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::argument::{Bytes, Credentials, FilePath, How, Json, Length, Purpose};
use crate::clock::ManualClock;
use crate::context::{Context, Handle};
use crate::given::{Attributes, Given, Page, Text};
use crate::headers::Headers;
use crate::reference::{
    AuthenticatorRef, ClaimToken, DeliveryRef, Factors, FlowToken, Proof, SessionArgument, SignInRef, UserRef,
};
use crate::row::{begun, views};
use crate::view::{AsyncAuth, Auth};
use crate::with::{bytes, filter, session_options};
use crate::{config, drive, error, kind, request, value};

views! {
    /// Creates a user with a first provider id and its credentials.
    fn create_user(provider, identifier, credentials=Credentials::default(), *, attributes=None, id=None)
        [provider: String, identifier: Bytes, credentials: Credentials, attributes: Option<Json>, id: Option<UserRef>]
        |auth| {
            let options = NewUserOptions {
                attributes: attributes.map(|attributes| attributes.0),
                id: id.map(|id| id.0),
            };
            auth.create_user(&provider, identifier.as_slice(), credentials.0, options).await
        };

    /// Creates a user with the provider id of a claim: once.
    fn create_user_from_claim(claim, *, attributes=None, id=None)
        [claim: ClaimToken, attributes: Option<Json>, id: Option<UserRef>]
        |auth| {
            let options = NewUserOptions {
                attributes: attributes.map(|attributes| attributes.0),
                id: id.map(|id| id.0),
            };
            auth.create_user_from_claim(claim.0.expose(), options).await
        };

    /// What a claim says. Spends nothing.
    fn peek_claim(claim) [claim: ClaimToken] |auth| auth.peek_claim(claim.0.expose()).await;

    /// Begins to enroll a further authenticator of the proof's user, or a new user whose kind asks for a step first. Raises
    /// `PolicyViolation` (`address_unproved`) for a second factor beside an address that nobody has proved: prove it first.
    fn begin_enrollment(provider, identifier=None, *, proof=None)
        [provider: String, identifier: Option<Bytes>, proof: Option<Proof>]
        |auth| {
            let proof = proof.map(|proof| proof.0);
            auth.begin_enrollment(&provider, bytes(identifier.as_ref()), proof.as_ref()).await
        };

    /// Verifies credentials.
    fn authenticate(provider, identifier=None, credentials=Credentials::default())
        [provider: String, identifier: Option<Bytes>, credentials: Credentials]
        |auth| auth.authenticate(&provider, bytes(identifier.as_ref()), credentials.0).await;

    /// Answers a flow, or, alone and on a POST, the link of a mailed code (`sign_in_link`): it signs in where it is
    /// confirmed.
    fn continue_flow(flow, provider=None, credentials=Credentials::default())
        [flow: FlowToken, provider: Option<String>, credentials: Credentials]
        |auth| auth.continue_flow(flow.0.expose(), provider.as_deref(), credentials.0).await;

    /// What can be used to sign in, or what this user has to prove a factor with.
    fn list_methods(user=None) [user: Option<UserRef>]
        |auth| auth.list_methods(user.map(|user| user.0)).await;

    /// Makes the one session of a proof.
    #[expect(clippy::too_many_arguments, reason = "one method for each operation, with its options")]
    fn create_session(
        proof, *, attributes=None, access_ttl=None, idle_ttl=None, absolute_ttl=None, persistent=None
    )
        [proof: Proof, attributes: Option<Json>, access_ttl: Option<Length>, idle_ttl: Option<Length>,
         absolute_ttl: Option<Length>, persistent: Option<bool>]
        |auth| {
            let options = session_options(attributes, access_ttl, idle_ttl, absolute_ttl, persistent);
            auth.create_session(&proof.0, options).await
        };

    /// Makes a session without credentials: for trusted code, always evented.
    #[expect(clippy::too_many_arguments, reason = "one method for each operation, with its options")]
    fn create_session_for_user(
        user, *, factors=Factors::default(), attributes=None, access_ttl=None, idle_ttl=None, absolute_ttl=None,
        persistent=None
    )
        [user: UserRef, factors: Factors, attributes: Option<Json>, access_ttl: Option<Length>,
         idle_ttl: Option<Length>, absolute_ttl: Option<Length>, persistent: Option<bool>]
        |auth| {
            let options = session_options(attributes, access_ttl, idle_ttl, absolute_ttl, persistent);
            auth.create_session_for_user(user.0, &factors.0, options).await
        };

    /// Says whose session an access token is.
    fn validate_session(access_token) [access_token: Bytes]
        |auth| auth.validate_session(access_token.as_slice()).await;

    /// Exchanges a refresh token for the next session, or gives the current one while it is settling.
    fn refresh_session(refresh_token) [refresh_token: Bytes]
        |auth| auth.refresh_session(refresh_token.as_slice()).await;

    /// Says who the request comes from. Never refreshes.
    fn check_request() [] |auth| auth.check_request().await;

    /// Says who the request comes from, and refreshes an expired access token: only where the response is yours to send,
    /// with the view's headers. Elsewhere the browser keeps a refresh token that is used up, and its next refresh ends the sign-in.
    fn resume_request() [] |auth| auth.resume_request().await;

    /// Signs out, by either token, even expired, or by the request's bearer token or cookies. How many sign-ins ended.
    fn end_session(token=None) [token: Option<Bytes>]
        |auth| auth.end_session(bytes(token.as_ref())).await;

    /// Ends one sign-in of a user. The count: 0 or 1.
    fn end_sign_in(user, sign_in) [user: UserRef, sign_in: SignInRef]
        |auth| auth.end_sign_in(user.0, sign_in.0).await;

    /// Ends every sign-in of the proof's user but the one that the proof was taken from. The count.
    fn end_other_sessions(proof) [proof: Proof] |auth| auth.end_other_sessions(&proof.0).await;

    /// Ends every sign-in of a user. The count.
    fn end_all_sessions(user) [user: UserRef] |auth| auth.end_all_sessions(user.0).await;

    /// The devices on which a user is signed in, newest first.
    fn list_sessions(user) [user: UserRef] |auth| auth.list_sessions(user.0).await;

    /// Whether a sign-in of this user is live: for connections that outlast a request.
    fn session_alive(user, sign_in) [user: UserRef, sign_in: SignInRef]
        |auth| auth.session_alive(user.0, sign_in.0).await;

    /// Applies a merge patch (RFC 7396) to a live session's attributes. The new attributes.
    fn update_session_attributes(session, patch) [session: SessionArgument, patch: Json]
        |auth| auth.update_session_attributes(&session.0, &patch.0).await.map(Attributes);

    /// A proof from a live session, for sensitive operations: fresh as far as its factors are.
    fn session_proof(session) [session: SessionArgument] |auth| auth.session_proof(&session.0).await;

    /// The user with this id.
    fn get_user(user) [user: UserRef] |auth| auth.get_user(user.0).await;

    /// The user to whom this identifier belongs, or None. For trusted code: it tells who exists.
    fn find_user(provider, identifier) [provider: String, identifier: Bytes]
        |auth| auth.find_user(&provider, identifier.as_slice()).await;

    /// The user with this value of an attribute that is declared unique, or None.
    fn find_user_by_attribute(name, value) [name: String, value: String]
        |auth| auth.find_user_by_attribute(&name, &value).await;

    /// Users in order of creation, or the newest first, after `after`, at most `limit` (1 to 1000): all, or those that are
    /// enabled or not, or who have an identifier at `provider` that begins so. For trusted code: it tells who exists.
    #[expect(clippy::too_many_arguments, reason = "one method for each operation, with its options")]
    fn list_users(*, after=None, limit=100, newest_first=false, enabled=None, provider=None, begins=None)
        [after: Option<UserRef>, limit: u32, newest_first: bool, enabled: Option<bool>, provider: Option<String>,
         begins: Option<Bytes>]
        |auth| {
            let filter = filter(newest_first, enabled, provider, begins.as_ref())?;
            auth.list_users(after.map(|after| after.0), limit, &filter).await
        };

    /// How many users `list_users` would list: exactly up to 10,000, which says as many or more.
    fn count_users(*, enabled=None, provider=None, begins=None)
        [enabled: Option<bool>, provider: Option<String>, begins: Option<Bytes>]
        |auth| auth.count_users(&filter(false, enabled, provider, begins.as_ref())?).await;

    /// Applies a merge patch (RFC 7396) to a user's attributes.
    fn update_attributes(user, patch, *, version=None) [user: UserRef, patch: Json, version: Option<i64>]
        |auth| auth.update_attributes(user.0, &patch.0, version).await;

    /// Disables a user and ends its sessions. The count of sign-ins.
    fn disable_user(user) [user: UserRef] |auth| auth.disable_user(user.0).await;

    /// Enables a user again. Sessions from before stay ended.
    fn enable_user(user) [user: UserRef] |auth| auth.enable_user(user.0).await;

    /// Deletes a user from every table. The count of sign-ins that were live.
    fn delete_user(user) [user: UserRef] |auth| auth.delete_user(user.0).await;

    /// For an operator: takes every second factor of a user away. All sessions end. How many went.
    fn reset_factors(user, why) [user: UserRef, why: String]
        |auth| auth.reset_factors(user.0, &why).await;

    /// For an operator: sets the credentials with which a user signs in at this name. All sessions end.
    fn set_credentials(user, provider, credentials)
        [user: UserRef, provider: String, credentials: Credentials]
        |auth| auth.set_credentials(user.0, &provider, credentials.0).await;

    /// For an operator: gives a user an address that the operator has made sure of. All sessions end.
    fn add_address(user, provider, identifier)
        [user: UserRef, provider: String, identifier: Bytes]
        |auth| auth.add_address(user.0, &provider, identifier.as_slice()).await;

    /// Replaces the credentials that a provider verifies, or adds the first ones. Other sessions end. `current` beside the new
    /// ones is the current password, demanded where the proof has not proved it of late.
    fn update_credentials(proof, provider, credentials)
        [proof: Proof, provider: String, credentials: Credentials]
        |auth| auth.update_credentials(&proof.0, &provider, credentials.0).await;

    /// Replaces one identifier of the proof's user by another of the same provider. Other sessions end. Whose a new address
    /// is, a message asks: `update_identifier_with_token` makes the change. Taken or free, the answer is the same. On
    /// `trusted()` it is changed at once, and so is what is no address.
    fn update_identifier(proof, provider, old_identifier, new_identifier)
        [proof: Proof, provider: String, old_identifier: Bytes, new_identifier: Bytes]
        |auth| {
            let (old, new) = (old_identifier.as_slice(), new_identifier.as_slice());
            auth.update_identifier(&proof.0, &provider, old, new).await
        };

    /// Binds another provider id to the proof's user. Whose an address is, a message asks: `consume_token` on a session or
    /// with a proof of the user binds it. Taken or free, the answer is the same. On `trusted()` it is bound at once, and so
    /// is what is no address. Raises `PolicyViolation` (`address_on_both_sides`, or, at a second factor's name,
    /// `address_unproved`).
    fn link_identity(proof, provider, identifier, credentials=Credentials::default())
        [proof: Proof, provider: String, identifier: Bytes, credentials: Credentials]
        |auth| auth.link_identity(&proof.0, &provider, identifier.as_slice(), credentials.0).await;

    /// Begins to prove a provider id that the proof's user wants to have: an issuer's, a directory's, a mailbox's. Raises
    /// `PolicyViolation` (`address_unproved`) at a second factor's name beside an address that nobody has proved.
    fn begin_link(proof, provider, identifier=None, credentials=Credentials::default())
        [proof: Proof, provider: String, identifier: Option<Bytes>, credentials: Credentials]
        |auth| auth.begin_link(&proof.0, &provider, bytes(identifier.as_ref()), credentials.0).await;

    /// Binds the provider id of a claim to the proof's user. Other sessions end. Raises `PolicyViolation`
    /// (`address_on_both_sides`, `address_unproved`).
    fn link_claim(proof, claim) [proof: Proof, claim: ClaimToken]
        |auth| auth.link_claim(&proof.0, claim.0.expose()).await;

    /// Takes a provider id from the proof's user. Other sessions end.
    fn unlink_identity(proof, provider, identifier)
        [proof: Proof, provider: String, identifier: Bytes]
        |auth| auth.unlink_identity(&proof.0, &provider, identifier.as_slice()).await;

    /// The provider ids of a user.
    fn list_identities(user) [user: UserRef] |auth| auth.list_identities(user.0).await;

    /// The authenticators of a user: what there is, never what is in it.
    fn list_authenticators(user) [user: UserRef] |auth| auth.list_authenticators(user.0).await;

    /// Gives one of the proof's user's authenticators another label. No session ends.
    fn rename_authenticator(proof, provider, authenticator, label)
        [proof: Proof, provider: String, authenticator: AuthenticatorRef, label: String]
        |auth| auth.rename_authenticator(&proof.0, &provider, authenticator.0, &label).await;

    /// Removes one of the proof's user's authenticators. Other sessions end.
    fn remove_authenticator(proof, provider, authenticator)
        [proof: Proof, provider: String, authenticator: AuthenticatorRef]
        |auth| auth.remove_authenticator(&proof.0, &provider, authenticator.0).await;

    /// Has a token sent to an address, through the outbox: recovery, verify or `change_identifier`. The answer says that it
    /// was asked for, not that the address exists.
    fn request_token(purpose, provider, identifier, *, proof=None)
        [purpose: Purpose, provider: String, identifier: Bytes, proof: Option<Proof>]
        |auth| {
            let proof = proof.map(|proof| proof.0);
            auth.request_token(purpose.0, &provider, identifier.as_slice(), proof.as_ref()).await
        };

    /// What a token is good for, without consuming it: for the page that its link leads to.
    fn peek_token(token) [token: Bytes] |auth| auth.peek_token(token.as_slice()).await;

    /// Consumes a token of the purpose verify: its address is verified from now on. Call it on a POST, with the session of
    /// the request or a proof of the user; else `ProofRequired`, and the token stays good.
    fn consume_token(token, *, proof=None) [token: Bytes, proof: Option<Proof>]
        |auth| {
            let proof = proof.map(|proof| proof.0);
            auth.consume_token(token.as_slice(), proof.as_ref()).await
        };

    /// Replaces forgotten credentials with a token of the purpose recovery. All sessions end; it is no sign-in.
    fn update_credentials_with_token(token, provider, credentials)
        [token: Bytes, provider: String, credentials: Credentials]
        |auth| auth.update_credentials_with_token(token.as_slice(), &provider, credentials.0).await;

    /// Replaces an identifier by the address that a token of the purpose `change_identifier` was sent to.
    fn update_identifier_with_token(token, old_identifier, new_identifier)
        [token: Bytes, old_identifier: Bytes, new_identifier: Bytes]
        |auth| {
            let (old, new) = (old_identifier.as_slice(), new_identifier.as_slice());
            auth.update_identifier_with_token(token.as_slice(), old, new).await
        };

    /// Takes messages to send. Nobody else is given them for `lease`; settle each.
    fn take_deliveries(limit=100, lease=Length(std::time::Duration::from_mins(1)))
        [limit: u32, lease: Length]
        |auth| auth.take_deliveries(limit, lease.0).await;

    /// Says how the attempt to send a message (`Delivery.attempts`) ended: delivered, retry or failed. False: it was handed
    /// out again or is gone.
    fn settle_delivery(delivery, attempt, how)
        [delivery: DeliveryRef, attempt: u32, how: How]
        |auth| auth.settle_delivery(delivery.0, attempt, how.0).await;

    /// Removes what has expired or ended long ago: call it now and then.
    fn purge_expired() [] |auth| auth.purge_expired().await;

    /// Counts of rows: of the whole database, or, on another realm than the default one, of that realm. On PostgreSQL exact
    /// up to 10,000 of a sort; beyond, an estimate.
    fn stats() [] |auth| auth.stats().await;

    /// What a monitoring system reads, as Prometheus takes it: events, times, queues, connections of this process.
    fn metrics() [] |auth| auth.metrics().await.map(Text);

    /// Asks the database and every provider whether they can answer.
    fn health() [] |auth| auth.health().await;

    /// Answers a request of the HTTP surface: on a view of a request that has its target. `body` is the whole body, as it came.
    /// None: the path is not the surface's.
    fn http_handle(body=Bytes::default()) [body: Bytes] |auth| auth.http_handle(body.as_slice()).await;

    /// What the last form, or an issuer, led to, for a page of the application: `step` or `problem`. It is there once: send
    /// the view's headers with the page.
    fn http_page() [] |auth| auth.http_page().await.map(Page);

    /// Starts the context in this process. The first call does it by itself.
    fn start() [] |handle: at_any_stage| handle.start().await;

    /// Stops connections and threads; queued writes are written.
    fn stop() [] |handle: at_any_stage| handle.stop().await;

    /// Brings the database to this release's schema. The context need not be started.
    fn migrate() [] |handle: at_any_stage| handle.auth().migrate().await;

    /// Makes the database agree with this configuration about one item, such as `provider/email`.
    fn agree(item) [item: String] |handle: at_any_stage| handle.auth().agree(&item).await;

    both {
        /// A view of the context in another realm.
        fn realm(&self, py: Python<'_>, name: &str) -> PyResult<Self> {
            self.0.realm(name).map(Self).map_err(|e| error::raise(py, &e))
        }

        /// A view of the context on a request: `doorward.Request`, or one of Starlette, Django, Werkzeug, WSGI or ASGI.
        fn on(&self, request: &Bound<'_, PyAny>) -> PyResult<Self> {
            Ok(Self(self.0.on(request::view(request)?)))
        }

        /// A view of the context for what no request causes: a command line, a job, an import.
        fn trusted(&self) -> Self {
            Self(self.0.trusted())
        }

        /// Whether a request is the HTTP surface's, by its method and its raw path and query: how many bytes of body to read for
        /// it at most. None: it is not.
        #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
        fn http_wants(&self, method: Bytes, target: Bytes) -> Option<usize> {
            self.0.auth().http_wants(method.as_slice(), target.as_slice())
        }

        /// The final cookies of everything that was decided on this view's request so far, newest last.
        #[getter]
        fn headers(&self) -> Headers {
            Headers::of(self.0.auth().headers())
        }

        /// Puts those lines on a Starlette, Django or Werkzeug response, and gives it back: once, at the end.
        fn apply(&self, py: Python<'_>, response: Py<PyAny>) -> PyResult<Py<PyAny>> {
            self.headers().put(py, response)
        }

        fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
            value::reduce(slf.as_any())
        }
    }

    Auth {
        #[new]
        #[pyo3(signature = (path=None, /, *, toml=None, kinds=None, clock=None, on_event=None, on_delivery=None, **settings))]
        #[expect(clippy::needless_pass_by_value, reason = "extracted arguments are owned")]
        #[expect(clippy::too_many_arguments, reason = "keywords, each with its default")]
        fn new(
            py: Python<'_>,
            path: Option<FilePath>,
            toml: Option<String>,
            kinds: Option<Vec<Bound<'_, PyAny>>>,
            clock: Option<&Bound<'_, ManualClock>>,
            on_event: Option<Py<PyAny>>,
            on_delivery: Option<Py<PyAny>>,
            settings: Option<&Bound<'_, PyDict>>,
        ) -> PyResult<Self> {
            let mut config = config::config(py, path, toml.as_deref(), settings, clock, on_event, on_delivery)?;
            for class in kinds.iter().flatten() {
                config.plugin(kind::plugin(class)?);
            }
            let auth = py.detach(|| doorward::Auth::open(&config)).map_err(|e| error::raise(py, &e))?;
            Ok(Self(Handle::new(Context::new(py, auth))))
        }

        /// A view of the context for event loops.
        #[getter]
        fn aio(&self) -> AsyncAuth {
            AsyncAuth(self.0.clone())
        }

        fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
            slf.get().start(py)?;
            Ok(slf)
        }

        #[pyo3(signature = (*_raised))]
        fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
            self.stop(py)?;
            Ok(())
        }

        fn __repr__(&self) -> String {
            format!("<{:?}>", self.0.auth())
        }
    }

    AsyncAuth {
        fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
            let (handle, this) = (slf.get().0.clone(), slf.clone().unbind());
            drive::begin(slf.py(), &slf.get().0, "__aenter__", async move {
                handle.start().await?;
                Ok(This(this))
            })
        }

        #[pyo3(signature = (*_raised))]
        fn __aexit__(&self, py: Python<'_>, _raised: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<Py<PyAny>> {
            self.stop(py)
        }

        fn __repr__(&self) -> String {
            format!("<Async{:?}>", self.0.auth())
        }
    }
}

/// A view that gives itself once it is started.
struct This(Py<AsyncAuth>);

impl Given for This {
    fn give(self, _: Python<'_>, _: &Handle) -> PyResult<Py<PyAny>> {
        Ok(self.0.into_any())
    }
}
