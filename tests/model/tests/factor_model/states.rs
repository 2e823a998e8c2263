//! The states that are looked at: every user of some dimensions, for each set of second factors.

use crate::user::{ACTOR, ISSUER, Issuer, OWNER, PASSKEY, PIN, SECONDS, TOTP, User, X, Y, each, starts};

/// The dimensions of a user that a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Dead,
    Email,
    EmailY,
    Issuer,
    MailX,
    MailY,
    Passkey,
    Password,
    Pin,
    Second,
    Totp,
    Username,
}

/// Every user with these dimensions that has a way in.
pub(crate) fn users(dimensions: &[Dimension]) -> Vec<User> {
    let mut users = vec![User::default()];
    for dimension in dimensions {
        users = users.iter().flat_map(|user| widened(user, *dimension)).collect();
    }
    users.retain(|user| {
        (user.password == 0 || user.email != [0; 2] || user.username) && each(user.methods()).any(starts)
    });
    users
}

fn widened(user: &User, dimension: Dimension) -> Vec<User> {
    let with = |change: &dyn Fn(&mut User)| {
        let mut other = *user;
        change(&mut other);
        other
    };
    let two = |change: &dyn Fn(&mut User)| vec![*user, with(change)];
    match dimension {
        Dimension::Dead if user.totp & OWNER == 0 => vec![*user],
        Dimension::Dead => two(&|user| user.dead = true),
        Dimension::Email => (0..3).map(|is| with(&|user| user.email[0] = is)).collect(),
        Dimension::EmailY => (0..3).map(|is| with(&|user| user.email[1] = is)).collect(),
        Dimension::Issuer => [
            Issuer::Absent,
            Issuer::Silent,
            Issuer::Asserts(X),
            Issuer::Asserts(Y),
        ]
        .map(|is| with(&|user| user.issuer = is))
        .into(),
        Dimension::MailX => two(&|user| user.mail[0] = true),
        Dimension::MailY => two(&|user| user.mail[1] = true),
        Dimension::Passkey => (0..4).map(|who| with(&|user| user.passkey = who)).collect(),
        // Who knows it, and over which address it was set last.
        Dimension::Password => {
            std::iter::once(*user)
                .chain([OWNER, ACTOR].into_iter().flat_map(|who| {
                    [0, X, Y].map(|over| with(&|user| (user.password, user.over) = (who, over)))
                }))
                .collect()
        }
        Dimension::Pin => (0..3).map(|who| with(&|user| user.pin = who)).collect(),
        Dimension::Second => [[false, false], [true, false], [false, true], [true, true]]
            .map(|is| with(&|user| user.second = is))
            .into(),
        Dimension::Totp => (0..4).map(|who| with(&|user| user.totp = who)).collect(),
        Dimension::Username => two(&|user| user.username = true),
    }
}

/// Second factors and the dimensions that matter beside them.
pub(crate) fn runs() -> Vec<(u16, Vec<Dimension>)> {
    use Dimension::{Dead, Email, EmailY, MailX, MailY, Passkey, Password, Pin, Second, Totp, Username};
    let names = [Email, EmailY, MailX, MailY];
    let with = |more: &[Dimension]| [&names[..], more].concat();
    let second = SECONDS;
    vec![
        (second, with(&[Second, Password, Totp, Username])),
        (second | TOTP, with(&[Second, Password, Totp, Dead])),
        (TOTP | PASSKEY, with(&[Username, Password, Totp, Passkey, Dead])),
        (
            TOTP | PIN,
            vec![Email, EmailY, MailX, Username, Password, Totp, Pin, Passkey, Dead],
        ),
        (second | PIN, vec![Email, EmailY, MailX, Second, Password, Pin]),
        (
            ISSUER | TOTP,
            vec![Email, EmailY, MailX, Username, Dimension::Issuer, Password, Totp],
        ),
        (
            TOTP,
            with(&[Dimension::Issuer, Passkey, Username, Password, Totp]),
        ),
    ]
}
