//! Holds two models of ours, written a second time and searched to the end: `tests/session_model`, the protocol of
//! `docs/sessions.md`, and `tests/factor_model`, the rules of second factors, recovery and first proofs.
