//! Proving a user's address, as a person does who follows the link of a message while signed in.

use std::time::Duration;

use doorward::{Auth, Proof, Settlement, TokenPurpose};

use crate::wait::block_on;

/// Has a message sent to this address of the proof's user, and takes its token back with the proof: nothing ends, and
/// the proof stays good.
///
/// # Panics
/// Where any of it does not work.
#[expect(
    clippy::expect_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]
pub fn address(auth: &Auth, proof: &Proof, provider: &str, address: &str) {
    let asked = auth.request_token(TokenPurpose::Verify, provider, address.as_bytes(), Some(proof));
    let asked = block_on(asked).expect("asked for a message");
    asked.require().expect("a message is on its way");
    let letters = block_on(auth.take_deliveries(1000, Duration::from_mins(1))).expect("what is due");
    let mut token = None;
    for one in &letters {
        if one.template == TokenPurpose::Verify.id() && one.address == address {
            token = one.params.named("token").map(|token| token.expose().to_vec());
        }
        let delivered = auth.settle_delivery(one.id, one.attempts, Settlement::Delivered);
        block_on(delivered).expect("the message is settled");
    }
    let token = token.expect("a message with a token");
    let consumed = block_on(auth.consume_token(&token, Some(proof))).expect("the token is taken");
    consumed.require().expect("the address is proved");
}
