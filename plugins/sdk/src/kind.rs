//! The trait that a provider implements.

use crate::{Config, Declaration, Failure, Host, Reply, Request, abi};

/// Why a verdict is *denied*. For events; the person is told the same for all but [`Reason::InvalidInput`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    /// The account is switched off where it lives.
    Disabled = abi::DISABLED,
    /// The credential was right and is too old.
    Expired = abi::EXPIRED,
    /// Not a credential or identifier at all; enrollment says more by [`Reply::violation`].
    InvalidInput = abi::INVALID_INPUT,
    /// Too many attempts where the account lives.
    Locked = abi::LOCKED,
    /// The credential was right and has to be replaced first.
    MustChange = abi::MUST_CHANGE,
    /// This user has nothing to verify against.
    NotEnrolled = abi::NOT_ENROLLED,
    /// The credential is wrong: the only reason that counts as a failed attempt.
    Wrong = abi::WRONG,
}

/// What an operation decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The credentials are good.
    Accept,
    /// Accept, and what was verified was two factors in one: a passkey with its user verified. For kinds that declare
    /// [`Property::TwoInOne`](crate::Property::TwoInOne), of `verify` and its steps.
    AcceptTwoInOne,
    /// One more step: [`Reply::state`] must have been written.
    Continue,
    /// They are not, or it cannot be said that they are.
    Deny(Reason),
    /// `verify` and its steps: [`Reply::handle`] names a record; the host loads it and calls the same method once more.
    Resolve,
}

/// One kind of provider. `self` is one configured instance, called from many threads at once unless the kind declares
/// [`crate::Property::Serial`].
///
/// The methods that a kind implements are those it lists in `DECLARATION.operations`; the others are never called.
/// Requirements of each stand beside the operation of the same name in `include/doorward_plugin.h`.
pub trait Kind: Send + Sync + Sized + 'static {
    /// What the kind is and can do.
    const DECLARATION: Declaration;

    /// Makes an instance from its configuration. Cold: no threads, no sockets.
    ///
    /// # Errors
    /// [`Failure::config`] naming the option and the fix.
    fn open(config: &Config<'_>) -> Result<Self, Failure>;

    /// Begins service in this process: threads and connections from here on. May be called again in a forked child.
    ///
    /// # Errors
    /// Any failure stops the start of the host.
    fn start(&self, host: Host<'_>) -> Result<(), Failure> {
        let _ = host;
        Ok(())
    }

    /// Ends what `start` began.
    fn stop(&self) {}

    /// Identifier to its canonical form by [`Reply::identifier`] and `Accept`. Pure and idempotent.
    ///
    /// # Errors
    /// When it could not decide; an invalid identifier is `Deny(InvalidInput)`.
    fn normalize(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// Credentials to a new record.
    ///
    /// # Errors
    /// When it could not decide.
    fn enroll(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// Credentials against records.
    ///
    /// # Errors
    /// When it could not decide; a wrong credential is `Deny(Wrong)`.
    fn verify(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// Credentials and their replacement to a replacing record.
    ///
    /// # Errors
    /// When it could not decide.
    fn update(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// Resumes after `Continue`, maybe in another process or a newer version of the plugin.
    ///
    /// # Errors
    /// [`Failure::format`] when the state is not understood: the flow begins anew.
    fn step(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// A record of an older format to one of `DECLARATION.record_version`: the request has exactly one record and nothing
    /// else but the user; answer with [`Reply::replace_record`] and `Accept`. Comes out the same however often it is done.
    ///
    /// # Errors
    /// [`Failure::format`] when the record is not understood: the sign-in fails as corrupt.
    fn migrate(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<Verdict, Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// What a person may see of one authenticator, whose record is the only one of the request, by [`Reply::attribute`]:
    /// never a secret, at most 8192 bytes. The list of a user's authenticators asks for it, and waits a second at most.
    ///
    /// # Errors
    /// When it cannot tell: the authenticator is listed without a description.
    fn describe(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Result<(), Failure> {
        let _ = (request, reply);
        Err(Failure::unsupported())
    }

    /// Whether the provider can do its work.
    ///
    /// # Errors
    /// When it cannot.
    fn health(&self, host: Host<'_>) -> Result<(), Failure> {
        let _ = host;
        Err(Failure::unsupported())
    }
}
