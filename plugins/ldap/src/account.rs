//! What the directory's answer to a bind says about the account.

use doorward_plugin::{Failure, Reason, Verdict};
use ldap3::LdapResult;
use ldap3::controls::Control;

/// The object identifier of the password policy control (draft-behera-ldap-password-policy-10 section 6).
pub(crate) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// Result codes of RFC 4511 appendix A that mean something here.
const SUCCESS: u32 = 0;
const REFERRAL: u32 = 10;
const CONSTRAINT_VIOLATION: u32 = 19;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_ACCESS: u32 = 50;
const UNWILLING_TO_PERFORM: u32 = 53;

/// Judges a person's bind.
///
/// # Errors
/// The directory could not decide, or wants us to ask another one.
pub(crate) fn judge(result: &LdapResult) -> Result<Verdict, Failure> {
    let told = told(&result.ctrls).or_else(|| told_by_active_directory(&result.text));
    match result.rc {
        // A good password with a remark: an account that may only change its password signs nobody in.
        SUCCESS => Ok(told.map_or(Verdict::Accept, Verdict::Deny)),
        INVALID_CREDENTIALS => Ok(Verdict::Deny(told.unwrap_or(Reason::Wrong))),
        // Some directories answer so for accounts that are switched off.
        CONSTRAINT_VIOLATION | INSUFFICIENT_ACCESS | UNWILLING_TO_PERFORM => {
            Ok(Verdict::Deny(told.unwrap_or(Reason::Disabled)))
        }
        REFERRAL => Err(Failure::unavailable(
            "the directory refers to another one for this person, and referrals are not followed: set url to that one",
        )),
        code => Err(Failure::unavailable(format!(
            "the directory answered the bind with result code {code} (RFC 4511 appendix A)"
        ))),
    }
}

/// What the password policy control says.
fn told(controls: &[Control]) -> Option<Reason> {
    let value = controls
        .iter()
        .find(|control| control.1.ctype == PASSWORD_POLICY)?
        .1
        .val
        .as_deref()?;
    reason(error_of(value)?)
}

/// `PasswordPolicyResponseValue`: a sequence of `warning [0]` and `error [1] ENUMERATED`, both optional. Gives the
/// error.
fn error_of(value: &[u8]) -> Option<u8> {
    let [0x30, length, rest @ ..] = value else {
        return None;
    };
    let mut rest = rest.get(..usize::from(*length))?;
    loop {
        match rest {
            [0x81, 1, error, ..] => return Some(*error),
            [_, length, after @ ..] => rest = after.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}

fn reason(error: u8) -> Option<Reason> {
    match error {
        0 => Some(Reason::Expired),
        1 => Some(Reason::Locked),
        2 => Some(Reason::MustChange),
        _ => None,
    }
}

/// Active Directory puts a Windows error number into the text, as in `… AcceptSecurityContext error, data 775, v1db1`.
fn told_by_active_directory(text: &str) -> Option<Reason> {
    let (_, data) = text.split_once(" data ")?;
    let number: String = data.chars().take_while(char::is_ascii_hexdigit).collect();
    match number.as_str() {
        "532" | "701" => Some(Reason::Expired),
        "533" | "530" | "531" => Some(Reason::Disabled),
        "773" => Some(Reason::MustChange),
        "775" => Some(Reason::Locked),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(rc: u32, text: &str, control: Option<&[u8]>) -> Result<Verdict, Failure> {
        let ctrls = control.map(|value| {
            Control(
                None,
                ldap3::controls::RawControl {
                    ctype: PASSWORD_POLICY.into(),
                    crit: false,
                    val: Some(value.to_vec()),
                },
            )
        });
        judge(&LdapResult {
            rc,
            matched: String::new(),
            text: text.into(),
            refs: Vec::new(),
            ctrls: ctrls.into_iter().collect(),
        })
    }

    #[test]
    fn only_a_plain_success_is_a_yes() {
        let grace_logins = [0x30, 5, 0xa0, 3, 0x81, 1, 2];
        let error = |number| [0x30, 3, 0x81, 1, number];
        for (rc, text, control, verdict) in [
            (0, "", None, Some(Verdict::Accept)),
            (0, "", Some(&grace_logins[..]), Some(Verdict::Accept)),
            (0, "", Some(&error(2)), Some(Verdict::Deny(Reason::MustChange))),
            (0, "", Some(&[0x30, 200, 0x81]), Some(Verdict::Accept)),
            (49, "", None, Some(Verdict::Deny(Reason::Wrong))),
            (49, "", Some(&error(0)), Some(Verdict::Deny(Reason::Expired))),
            (49, "", Some(&error(1)), Some(Verdict::Deny(Reason::Locked))),
            (49, "", Some(&error(77)), Some(Verdict::Deny(Reason::Wrong))),
            (
                49,
                "80090308: LdapErr: DSID, data 775, v1db1",
                None,
                Some(Verdict::Deny(Reason::Locked)),
            ),
            (
                49,
                "80090308: LdapErr: DSID, data 52e, v1db1",
                None,
                Some(Verdict::Deny(Reason::Wrong)),
            ),
            (
                49,
                "80090308: LdapErr: DSID, data 533, v1db1",
                None,
                Some(Verdict::Deny(Reason::Disabled)),
            ),
            (53, "", None, Some(Verdict::Deny(Reason::Disabled))),
            (10, "", None, None),
            (14, "", None, None),
            (51, "", None, None),
            (52, "", None, None),
            (80, "", None, None),
            (u32::MAX, "", None, None),
        ] {
            assert_eq!(
                answered(rc, text, control).ok(),
                verdict,
                "{rc} {text:?} {control:?}"
            );
        }
    }
}
