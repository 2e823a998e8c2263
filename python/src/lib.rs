//! The Python module `doorward._doorward`: converts, calls the core, converts back.
//!
//! A call goes `auth` (one method per operation, in two views) → `drive` (on this thread, or handed to an event loop
//! through `hub`) → core → `outcome`, `session`, `user`, `flow` (what Python sees). `fork` keeps a fork safe: operations
//! pass a `gate`. What Python passes in is read by `argument`, and by `reference` where it is one of our objects.

mod argument;
mod auth;
mod claim;
mod clock;
mod config;
mod context;
mod counts;
mod delivery;
mod drive;
mod error;
mod event;
mod flow;
mod fork;
mod gate;
mod given;
mod headers;
mod http;
mod hub;
mod identity;
mod json;
mod kind;
mod log;
mod outcome;
mod proof;
mod reference;
mod request;
mod restore;
mod row;
mod runtime;
mod session;
mod text;
mod user;
mod value;
mod view;
mod violation;
mod way;
mod with;

use pyo3::prelude::*;

/// The compiled half of the package `doorward`.
#[pymodule]
fn _doorward(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ERRORS", error::table(py)?)?;
    module.add_class::<view::Auth>()?;
    module.add_class::<view::AsyncAuth>()?;
    module.add_class::<clock::ManualClock>()?;
    module.add_class::<delivery::Delivery>()?;
    module.add_class::<delivery::TokenInfo>()?;
    module.add_class::<violation::Violation>()?;
    module.add_class::<event::Event>()?;
    module.add_class::<flow::Field>()?;
    module.add_class::<flow::Flow>()?;
    module.add_class::<flow::Method>()?;
    module.add_class::<headers::Headers>()?;
    module.add_class::<headers::SetCookie>()?;
    module.add_class::<http::HttpResponse>()?;
    module.add_class::<kind::KindConfig>()?;
    module.add_class::<kind::KindHost>()?;
    module.add_class::<kind::KindRecord>()?;
    module.add_class::<kind::KindRequest>()?;
    module.add_class::<outcome::Accepted>()?;
    module.add_class::<outcome::Continue>()?;
    module.add_class::<outcome::KeyAccepted>()?;
    module.add_class::<outcome::Refused>()?;
    module.add_class::<outcome::RequestRefused>()?;
    module.add_class::<outcome::Unregistered>()?;
    module.add_class::<claim::Claim>()?;
    module.add_class::<outcome::SignedIn>()?;
    module.add_class::<outcome::SignedOut>()?;
    module.add_class::<outcome::Throttled>()?;
    module.add_class::<proof::Factor>()?;
    module.add_class::<proof::Proof>()?;
    module.add_class::<request::Request>()?;
    module.add_class::<session::Device>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<identity::Authenticator>()?;
    module.add_class::<identity::Identity>()?;
    module.add_class::<counts::Purged>()?;
    module.add_class::<counts::Stats>()?;
    module.add_class::<user::User>()?;
    module.add_class::<way::Way>()?;
    module.add_function(wrap_pyfunction!(kind::refuse_kind, module)?)?;
    module.add_function(wrap_pyfunction!(kind::serve_kind, module)?)?;
    module.add_function(wrap_pyfunction!(restore::restore_value, module)?)?;
    log::install(py)?;
    fork::install(py)
}
