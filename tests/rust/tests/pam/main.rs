//! The plugin `pam` with real PAM stacks: what each of PAM's results means, and who is let in.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops where it cannot go on"
)]

mod isolated;
mod stack;

use doorward_plugin::{Reason, abi};
use doorward_plugin_testing::{Ask, ConfigValue, Outcome, Provider, TestHost};

use crate::stack::Stack;

fn provider(stack: &Stack) -> Provider {
    let options = [
        ("service", ConfigValue::Text("tested".into())),
        ("folder", ConfigValue::Text(stack.folder().display().to_string())),
    ];
    TestHost::new()
        .load(stack::plugin())
        .open("pam", "staff", &options)
        .unwrap()
}

/// What the core asks about somebody who typed this.
fn question(name: &str, password: &str) -> doorward::plugin::Ask {
    use doorward::plugin::{Ask, Fields, Operation};
    Ask {
        operation: Operation::Verify,
        purpose: Operation::Verify,
        step: 0,
        decoy: false,
        realm: String::new(),
        subject: None,
        known: None,
        provider: "staff".into(),
        raw: name.into(),
        canonical: name.into(),
        display: String::new(),
        credentials: Fields::from([("password", password)]),
        new_credentials: Fields::default(),
        records: Vec::new(),
        state: None,
        resolved: None,
        agent: String::new(),
        address: String::new(),
    }
}

fn verify(provider: &Provider, name: &str, password: &[u8]) -> Outcome {
    provider
        .ask(&Ask::verify().identifier(name).credential("password", password))
        .outcome()
}

fn denied(reason: Reason) -> Outcome {
    Outcome::Denied(reason as u32)
}

/// `pam_debug` answers what its options say: every result that a stack can have.
#[test]
fn only_success_of_both_questions_lets_somebody_in() {
    let unavailable = Outcome::Undecided(abi::E_UNAVAILABLE);
    for (auth, account, outcome) in [
        ("success", "success", Outcome::Accepted),
        ("auth_err", "success", denied(Reason::Wrong)),
        ("user_unknown", "success", denied(Reason::Wrong)),
        ("cred_insufficient", "success", denied(Reason::Wrong)),
        ("maxtries", "success", denied(Reason::Locked)),
        ("perm_denied", "success", denied(Reason::Disabled)),
        ("authinfo_unavail", "success", unavailable),
        ("system_err", "success", unavailable),
        ("abort", "success", unavailable),
        ("ignore", "success", denied(Reason::Disabled)),
        ("success", "new_authtok_reqd", denied(Reason::MustChange)),
        ("success", "acct_expired", denied(Reason::Expired)),
        ("success", "authtok_expired", denied(Reason::Expired)),
        ("success", "cred_expired", denied(Reason::Expired)),
        ("success", "perm_denied", denied(Reason::Disabled)),
        ("success", "auth_err", denied(Reason::Wrong)),
        ("success", "user_unknown", denied(Reason::Wrong)),
        ("success", "service_err", unavailable),
        ("success", "ignore", denied(Reason::Disabled)),
        ("auth_err", "acct_expired", denied(Reason::Wrong)),
    ] {
        let stack = Stack::of(&format!(
            "auth required pam_debug.so auth={auth}\naccount required pam_debug.so acct={account}\n"
        ));
        assert_eq!(
            verify(&provider(&stack), "ann", b"word"),
            outcome,
            "{auth} {account}"
        );
    }
    // A stack that is not there, or has nothing in it, is no yes.
    for text in [
        "",
        "auth required pam_permit.so\n",
        "auth required pam_no_such_module.so\n",
    ] {
        let outcome = verify(&provider(&Stack::of(text)), "ann", b"word");
        assert_ne!(outcome, Outcome::Accepted, "{text:?}");
    }
    let stack = Stack::of("auth required pam_permit.so\naccount required pam_permit.so\n");
    let staff = provider(&stack);
    assert_eq!(verify(&staff, "ann", b"word"), Outcome::Accepted);
    for (name, password) in [
        ("ann", &b""[..]),
        ("ann", b"a\0b"),
        ("", b"word"),
        ("-ann", b"word"),
        ("a\nb", b"word"),
    ] {
        assert_eq!(
            verify(&staff, name, password),
            denied(Reason::InvalidInput),
            "{name:?}"
        );
    }
    assert_eq!(
        verify(&staff, &"x".repeat(257), b"word"),
        denied(Reason::InvalidInput)
    );
}

#[test]
fn passwords_and_codes_reach_the_stack_as_they_were_typed() {
    // pam_exec hands the password to a program on its standard input, ending with a NUL.
    let stack = Stack::with_program(
        "auth required pam_exec.so expose_authtok quiet {program}\naccount required pam_permit.so\n",
        "#!/bin/sh\n[ \"$PAM_USER\" = ann ] && [ \"$(tr -d '\\0')\" = 'pä ss%s' ] && [ \"$PAM_RHOST\" = '' ]\n",
    );
    let staff = provider(&stack);
    assert_eq!(verify(&staff, "ann", "pä ss%s".as_bytes()), Outcome::Accepted);
    for (name, password) in [("ann", "pä ss%s "), ("ann", "pä"), ("bob", "pä ss%s")] {
        assert_ne!(
            verify(&staff, name, password.as_bytes()),
            Outcome::Accepted,
            "{name} {password}"
        );
    }
}

#[test]
fn a_stack_that_asks_for_more_gets_no_answer_and_nobody_waits() {
    // Two modules that each ask for a hidden text of their own.
    let asking = "auth required pam_userdb.so db={folder}/none\n";
    let stack = Stack::of(&format!("{asking}account required pam_permit.so\n"));
    assert_ne!(verify(&provider(&stack), "ann", b"word"), Outcome::Accepted);
}

/// Real accounts in files of their own, which the C library reads in place of the machine's.
#[test]
fn accounts_of_the_machine_sign_in_while_they_are_good() {
    if !stack::is_under_wrapper() {
        stack::run_under_wrapper("accounts_of_the_machine_sign_in_while_they_are_good");
        return;
    }
    let stack = Stack::of("auth required pam_unix.so\naccount required pam_unix.so\n");
    let staff = provider(&stack);
    for (name, password, outcome) in [
        ("dw_ann", "correct horse", Outcome::Accepted),
        ("dw_ann", "wrong", denied(Reason::Wrong)),
        ("dw_nobody", "correct horse", denied(Reason::Wrong)),
        ("dw_gone", "correct horse", denied(Reason::Expired)),
        ("dw_gone", "wrong", denied(Reason::Wrong)),
        ("dw_stale", "correct horse", denied(Reason::Expired)),
        ("dw_due", "correct horse", denied(Reason::MustChange)),
        ("dw_empty", "anything", denied(Reason::Wrong)),
        ("dw_locked", "correct horse", denied(Reason::Wrong)),
    ] {
        assert_eq!(
            verify(&staff, name, password.as_bytes()),
            outcome,
            "{name} {password}"
        );
    }
}
