//! Sign-in with an LDAP directory: the person's name is searched for, and the directory is asked to bind with the password.
//!
//! Nothing is stored here: the directory keeps the password, and says whether the account is switched off, locked or
//! past its time. A person of the directory whom the application does not know yet is answered with a claim.

#![forbid(unsafe_code)]

mod account;
mod directory;
mod name;
mod options;
mod provider;

doorward_plugin::export_module! {
    id: c"org.doorward.ldap",
    version: c"0.1.0",
    vendor: c"Doorward",
    license: c"MIT OR Apache-2.0",
    kinds: [provider::Ldap],
}
