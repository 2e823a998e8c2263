//! The operations, one function each, in the order of the header.

mod claims;
mod credentials;
mod operator;
mod sessions;
mod sign_in;
mod tokens;
mod upkeep;
mod users;

use doorward::{Result, UserId};

use crate::abi::{Bytes, Id, NoOptions};
use crate::boundary::{In, Versioned};

/// Most bytes of the name of a provider or an attribute.
const NAME: usize = 256;
/// Most bytes of an identifier, as the boundary looks at it. The core says what an identifier takes.
const IDENTIFIER: usize = 64 * 1024;
/// Most bytes of a token. Real ones are far shorter; anything longer is not ours, and is answered like that.
const TOKEN: usize = 64 * 1024;
/// Most bytes of attributes or a patch.
const ATTRIBUTES: usize = 1024 * 1024;

/// Checks options of an operation that has none.
fn none(options: Versioned<NoOptions>) -> Result<()> {
    options.read().map(|_| ())
}

/// The id of a user.
fn user_id(id: In<Id>, name: &str) -> Result<UserId> {
    id.required(name).map(|id| UserId::from_bytes(id.bytes))
}

/// The name of a provider, owned.
fn provider(name: Bytes) -> Result<String> {
    name.text("provider", NAME).map(str::to_owned)
}

/// Attributes or a patch, owned.
fn attributes(text: Bytes, name: &str) -> Result<Option<String>> {
    Ok(text.optional_text(name, ATTRIBUTES)?.map(str::to_owned))
}
