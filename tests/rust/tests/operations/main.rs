//! The operations as an application calls them: sign-up, sign-in, second factors, sensitive changes, requests.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod agreement;
mod apps;
mod attacks;
mod beside;
mod challenges;
mod claims;
mod cold;
mod context;
mod current;
mod deliveries;
mod demo;
mod events;
mod first_proof;
mod flows;
mod forgotten;
mod found;
mod garbage;
mod hostile_requests;
mod labels;
mod lifecycle;
mod limits;
mod mailbox;
mod messages;
mod notices;
mod odd_input;
mod operator;
mod pre_hijack;
mod prepared;
mod presented;
mod proofs;
mod purposes;
mod recovery;
mod requests;
mod second_factor;
mod sign_in;
mod strangers;
mod token_requests;
mod typed;
mod unstored;
mod users;
mod yields;
