//! The operations: one row each, which is the core's signature and everything that C needs to have it. `row.rs` says what a
//! row becomes, `operand.rs` what each kind of operand is in C.
//!
//! The first word says who causes a call. *person*: a person's form does, and nothing checked it before, so that a forgotten
//! request is refused. *request*: it is about a request, and needs one. *program*: anything else.

use doorward::http::Response;
use doorward::store::{Purged, StoreStats};
use doorward::{
    Authenticator, AuthenticatorId, Caller, Claim, Delivery, DeliveryId, Device, Identity, Method, Proof,
    Session, Settlement, SignInId, TokenInfo, TokenPurpose, User, UserId,
};

use crate::held::{Alive, Counted, Decided, Settled};
use crate::operand::{
    Body, Factors, Identifier, Lease, Limit, Name, NewSession, NewUser, Pairs, Text, Token, UserFilter,
    Version,
};
use crate::row::operations;

operations! {
    /// Asks the database and every provider whether they can answer.
    program fn health() -> ();
    /// Counts rows.
    program fn stats() -> StoreStats;
    /// What a monitoring system reads of this process, as Prometheus takes it.
    program fn metrics() -> String;
    /// Removes what has expired, or ended a week ago.
    program fn purge_expired() -> Purged;

    /// Creates a user with a first provider id and its credentials.
    person fn create_user(provider: Name, identifier: Identifier, credentials: Pairs, with: NewUser) -> Decided<Proof>;
    /// Creates a user with the provider id of a claim, once.
    person fn create_user_from_claim(claim: Token, with: NewUser) -> Decided<Proof>;
    /// The user with this id.
    program fn get_user(user: UserId) -> User;
    /// The user to whom an identifier belongs.
    program fn find_user(provider: Name, identifier: Identifier) -> Option<User>;
    /// The user with this text as the value of an attribute that is unique.
    program fn find_user_by_attribute(name: Name, value: Text) -> Option<User>;
    /// Users of the realm in order of creation, either way: all, or those that the filter takes.
    program fn list_users(after: Option<UserId>, limit: Limit, filter: UserFilter) -> Vec<User>;
    /// How many users the filter takes, up to 10,000.
    program fn count_users(filter: UserFilter) -> Counted;
    /// Applies a merge patch to a user's attributes.
    program fn update_attributes(user: UserId, patch: Text, version: Version) -> User;
    /// Disables a user and ends its sessions in the same transaction.
    program fn disable_user(user: UserId) -> u64;
    /// Enables a user again.
    program fn enable_user(user: UserId) -> ();
    /// Deletes a user from every table, sessions included.
    program fn delete_user(user: UserId) -> u64;
    /// For an operator: takes every second factor of a user away.
    program fn reset_factors(user: UserId, why: Name) -> u64;
    /// For an operator: sets the credentials with which a user signs in at this name.
    program fn set_credentials(user: UserId, provider: Name, credentials: Pairs) -> ();
    /// For an operator: gives a user an address that the operator has made sure of.
    program fn add_address(user: UserId, provider: Name, identifier: Identifier) -> ();

    /// Verifies credentials.
    person fn authenticate(provider: Name, identifier: Option<Identifier>, credentials: Pairs) -> Decided<Proof>;
    /// Begins to enroll a further authenticator, or a new user whose provider asks first.
    person fn begin_enrollment(provider: Name, identifier: Option<Identifier>, proof: Option<Proof>) -> Decided<Proof>;
    /// Answers a flow, named by its token.
    person fn continue_flow(flow: Token, provider: Option<Name>, credentials: Pairs) -> Decided<Proof>;
    /// What can be used to prove a factor.
    program fn list_methods(user: Option<UserId>) -> Vec<Method>;

    /// What a claim says.
    program fn peek_claim(claim: Token) -> Decided<Claim>;

    /// Makes the one session of a proof.
    person fn create_session(proof: Proof, with: NewSession) -> Decided<Session>;
    /// Makes a session without credentials.
    program fn create_session_for_user(user: UserId, factors: Factors, with: NewSession) -> Decided<Session>;
    /// Says whose session an access token is.
    program fn validate_session(access_token: Token) -> Decided<Session>;
    /// Exchanges a refresh token for the next session.
    program fn refresh_session(refresh_token: Token) -> Decided<Session>;
    /// Says who the request comes from.
    request fn check_request() -> Decided<Caller>;
    /// Says who the request comes from, and refreshes an expired access token.
    request fn resume_request() -> Decided<Caller>;
    /// Answers a request of the HTTP surface.
    request fn http_handle(body: Body) -> Option<Response>;
    /// What the last form, or an issuer, led to: for the page that shows it.
    request fn http_page() -> Option<String>;
    /// Signs out by a token, or by what the request presents.
    program fn end_session(token: Option<Token>) -> Decided<u64>;
    /// Ends one sign-in of a user, wherever it is.
    program fn end_sign_in(user: UserId, sign_in: SignInId) -> u64;
    /// Ends every sign-in of the proof's user but the one that the proof was taken from.
    program fn end_other_sessions(proof: Proof) -> u64;
    /// Ends every sign-in of a user, and all that was under way.
    program fn end_all_sessions(user: UserId) -> u64;
    /// The devices on which a user is signed in, newest first.
    program fn list_sessions(user: UserId) -> Vec<Device>;
    /// Whether a sign-in of a user is live.
    program fn session_alive(user: UserId, sign_in: SignInId) -> Alive;
    /// A proof from a session, for sensitive operations.
    program fn session_proof(session: Session) -> Proof;
    /// Applies a merge patch to a live session's attributes.
    program fn update_session_attributes(session: Session, patch: Text) -> String;

    /// Replaces one identifier by another of the same provider.
    program fn update_identifier(proof: Proof, provider: Name, old_identifier: Identifier, new_identifier: Identifier) -> Decided<Proof>;
    /// Binds another provider id.
    program fn link_identity(proof: Proof, provider: Name, identifier: Identifier, credentials: Pairs) -> Decided<Proof>;
    /// Begins to prove a provider id that the proof's user wants to have.
    program fn begin_link(proof: Proof, provider: Name, identifier: Option<Identifier>, credentials: Pairs) -> Decided<Proof>;
    /// Binds the provider id of a claim to the proof's user.
    program fn link_claim(proof: Proof, claim: Token) -> Decided<Proof>;
    /// Takes a provider id away.
    program fn unlink_identity(proof: Proof, provider: Name, identifier: Identifier) -> Decided<Proof>;
    /// The provider ids of a user.
    program fn list_identities(user: UserId) -> Vec<Identity>;

    /// Replaces the credentials that a provider verifies, or adds the first ones.
    program fn update_credentials(proof: Proof, provider: Name, credentials: Pairs) -> Decided<Proof>;
    /// The authenticators of a user.
    program fn list_authenticators(user: UserId) -> Vec<Authenticator>;
    /// Gives an authenticator another label.
    program fn rename_authenticator(proof: Proof, provider: Name, authenticator: AuthenticatorId, label: Text) -> ();
    /// Removes an authenticator.
    program fn remove_authenticator(proof: Proof, provider: Name, authenticator: AuthenticatorId) -> Decided<Proof>;

    /// Has a single-use token sent to an address.
    person fn request_token(purpose: TokenPurpose, provider: Name, identifier: Identifier, proof: Option<Proof>) -> Decided<()>;
    /// What a token is good for, without consuming it.
    program fn peek_token(token: Token) -> Decided<TokenInfo>;
    /// Consumes a token that proves an address.
    person fn consume_token(token: Token, proof: Option<Proof>) -> Decided<TokenInfo>;
    /// Replaces forgotten credentials.
    person fn update_credentials_with_token(token: Token, provider: Name, credentials: Pairs) -> Decided<UserId>;
    /// Replaces an identifier by the address that the token was sent to.
    person fn update_identifier_with_token(token: Token, old_identifier: Identifier, new_identifier: Identifier) -> Decided<UserId>;

    /// Takes messages to send, under a lease.
    program fn take_deliveries(limit: Limit, lease: Lease) -> Vec<Delivery>;
    /// Says how the attempt to send a message ended.
    program fn settle_delivery(delivery: DeliveryId, attempt: u32, how: Settlement) -> Settled;
}
