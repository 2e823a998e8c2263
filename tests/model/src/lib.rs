//! Holds `tests/session_model`: the protocol of `docs/sessions.md` written a second time, for a model checker.
