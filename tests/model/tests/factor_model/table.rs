//! The table of what is asked for, row by row, as people read it.

use crate::rules::{Decision, Refused, Rules};
use crate::user::{
    ISSUER, Issuer, MAIL, MAILS, Methods, OWNER, PASSKEY, PASSWORD, PIN, PROVED, SECOND, SECONDS, TOTP, User,
    X,
};

/// Somebody with a password and a proved address X, recovered over X.
fn ann() -> User {
    User {
        email: [PROVED, 0],
        password: OWNER,
        over: X,
        ..User::default()
    }
}

/// What is asked for without and with `require`.
fn asked(second: Methods, verified: bool, user: &User, proved: Methods) -> (Decision, Decision) {
    let rules = |require| Rules {
        second,
        require,
        verified,
        fault: None,
    };
    (
        rules(false).decide(user, proved),
        rules(true).decide(user, proved),
    )
}

#[test]
fn after_a_password() {
    use Decision::{Accept, Enroll, Refuse, Verify};
    let all = SECONDS | TOTP | PIN;
    let ask = |user: &User, proved| asked(all, true, user, PASSWORD | proved);
    assert_eq!(ask(&ann(), 0), (Accept, Enroll(TOTP | SECONDS)));
    let totp = User { totp: OWNER, ..ann() };
    assert_eq!(ask(&totp, 0), (Verify(TOTP), Verify(TOTP)));
    assert_eq!(ask(&totp, TOTP), (Accept, Accept));
    // The same class: asked for, enough unless two classes are required.
    let pin = User { pin: OWNER, ..ann() };
    assert_eq!(ask(&pin, 0), (Verify(PIN), Verify(PIN)));
    assert_eq!(ask(&pin, PIN), (Accept, Enroll(TOTP | SECONDS)));
    let elsewhere = User {
        second: [false, true],
        ..ann()
    };
    assert_eq!(ask(&elsewhere, 0), (Verify(SECOND[1]), Verify(SECOND[1])));
    assert_eq!(ask(&elsewhere, SECOND[1]), (Accept, Accept));
    // From before the rule: the mailbox that recovers the password gets the code, too.
    let here = User {
        second: [true, false],
        ..ann()
    };
    assert_eq!(ask(&here, 0), (Verify(SECOND[0]), Verify(SECOND[0])));
    let after = asked(all, true, &here, PASSWORD | SECOND[0]);
    assert_eq!(after.0, Accept);
    assert!(matches!(after.1, Enroll(_)), "{after:?}");
    let both = User { totp: OWNER, ..here };
    assert_eq!(ask(&both, 0), (Verify(TOTP), Verify(TOTP)));
    let unusable = User { dead: true, ..totp };
    let refused = Refuse(Refused::SecondFactorUnusable);
    assert_eq!(ask(&unusable, 0), (refused, refused));
}

#[test]
fn after_a_code_by_mail() {
    use Decision::{Accept, Enroll, Refuse, Verify};
    let bob = User {
        mail: [true, false],
        ..User::default()
    };
    assert_eq!(asked(TOTP | PIN, true, &bob, MAIL[0]), (Accept, Enroll(PIN)));
    let none = Refuse(Refused::NoDistinctFactorPossible);
    assert_eq!(asked(TOTP, true, &bob, MAIL[0]), (Accept, none));
    let totp = User { totp: OWNER, ..bob };
    assert_eq!(
        asked(TOTP | PIN, true, &totp, MAIL[0]),
        (Verify(TOTP), Verify(TOTP))
    );
    assert_eq!(
        asked(TOTP | PIN, true, &totp, MAIL[0] | TOTP),
        (Accept, Enroll(PIN))
    );
    let more = User { pin: OWNER, ..totp };
    assert_eq!(
        asked(TOTP | PIN, true, &more, MAIL[0]),
        (Verify(PIN), Verify(PIN))
    );
    assert_eq!(asked(TOTP | PIN, true, &more, MAIL[0] | PIN), (Accept, Accept));
}

#[test]
fn after_an_issuer_or_a_passkey() {
    use Decision::{Accept, Enroll, Refuse, Verify};
    let issued = User {
        issuer: Issuer::Asserts(X),
        totp: OWNER,
        ..User::default()
    };
    assert_eq!(asked(TOTP, true, &issued, ISSUER), (Verify(TOTP), Verify(TOTP)));
    assert_eq!(asked(TOTP, true, &issued, ISSUER | TOTP), (Accept, Accept));
    let keyed = User {
        passkey: OWNER,
        ..ann()
    };
    let guarded = User { totp: OWNER, ..keyed };
    let all = TOTP | PIN;
    assert_eq!(asked(all, true, &guarded, PASSKEY), (Verify(TOTP), Verify(TOTP)));
    assert_eq!(asked(all, true, &guarded, PASSKEY | TOTP), (Accept, Enroll(PIN)));
    // Two in one, where its name is second.
    assert_eq!(asked(PASSKEY, true, &keyed, PASSKEY), (Accept, Accept));
    assert_eq!(
        asked(PASSKEY, false, &keyed, PASSKEY),
        (Verify(PASSWORD), Verify(PASSWORD))
    );
    assert_eq!(
        asked(PASSKEY, false, &keyed, PASSKEY | PASSWORD),
        (Accept, Accept)
    );
    let alone = User {
        passkey: OWNER,
        ..User::default()
    };
    let none = Refuse(Refused::NoDistinctFactorPossible);
    assert_eq!(asked(PASSKEY, false, &alone, PASSKEY), (Accept, none));
    let coded = User {
        second: [false, true],
        ..ann()
    };
    assert_eq!(
        asked(SECONDS, true, &coded, SECOND[1]),
        (Verify(PASSWORD), Verify(PASSWORD))
    );
    assert_eq!(
        asked(SECONDS, true, &coded, SECOND[1] | PASSWORD),
        (Accept, Accept)
    );
    assert_ne!(MAILS & SECONDS, SECONDS, "two groups");
}
