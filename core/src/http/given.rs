//! The shapes of request bodies.

use super::shape::Type::{Fields, Flag, Object, Secret, Text, Word};
use super::shape::{Member, Shape, may, must};

const PROVIDER: Member = must("provider", Text, "The provider name, as configured.");
const IDENTIFIER: Member = must(
    "identifier",
    Text,
    "What the person is called there, such as an address.",
);
const FIELDS: Member = may(
    "fields",
    Fields,
    "The credentials, by the names of the method's `fields`.",
);
const PERSISTENT: Member = may(
    "persistent",
    Flag,
    "Whether the sign-in outlives the browser; only where that is configured.",
);
const TO: Member = may(
    "to",
    Text,
    "Where a form leads afterwards: an own path, or an address of `http.return_to`.",
);

pub(super) static NOTHING: Shape = Shape {
    name: "Nothing",
    doc: "An empty object.",
    members: &[],
};

pub(super) static FORM: Shape = Shape {
    name: "Form",
    doc: "Nothing but where a form leads afterwards.",
    members: &[TO],
};

pub(super) static REFRESH: Shape = Shape {
    name: "Refresh",
    doc: "What an app refreshes with; a browser's cookies say it.",
    members: &[may("refresh_token", Secret, "The refresh token, of an app.")],
};

pub(super) static SIGN_IN: Shape = Shape {
    name: "SignIn",
    doc: "A first step.",
    members: &[
        PROVIDER,
        may(
            "identifier",
            Text,
            "What the person is called there; absent where the provider finds it.",
        ),
        FIELDS,
        PERSISTENT,
        TO,
    ],
};

pub(super) static SIGN_UP: Shape = Shape {
    name: "SignUp",
    doc: "A new user: a provider id and its credentials, or a claim.",
    members: &[
        may("provider", Text, "The provider name; absent with a claim."),
        may(
            "identifier",
            Text,
            "What the person will be called there; a name to show where the provider makes the identifier.",
        ),
        FIELDS,
        may(
            "attributes",
            Object,
            "Attributes of the new user, of those in `attributes.self`.",
        ),
        may(
            "claim",
            Secret,
            "A claim, in place of provider, identifier and fields.",
        ),
        PERSISTENT,
        TO,
    ],
};

pub(super) static CONTINUE: Shape = Shape {
    name: "Continue",
    doc: "The answer to a step.",
    members: &[
        must(
            "flow",
            Secret,
            "The flow's token; or, alone, the token of the link that came with a code.",
        ),
        may(
            "provider",
            Text,
            "Which of `next` is answered; may be absent where there is one.",
        ),
        FIELDS,
        PERSISTENT,
        TO,
    ],
};

pub(super) static STEP_UP: Shape = Shape {
    name: "StepUp",
    doc: "One more factor of who is signed in.",
    members: &[PROVIDER, FIELDS, TO],
};

pub(super) static SIGN_OUT: Shape = Shape {
    name: "SignOut",
    doc: "Which sign-ins end.",
    members: &[
        may(
            "where",
            Word(&["here", "others", "everywhere"]),
            "`here`: this one, the default. `others`: all but this one. `everywhere`: all.",
        ),
        TO,
    ],
};

pub(super) static ENROLL: Shape = Shape {
    name: "Enroll",
    doc: "A further authenticator.",
    members: &[
        PROVIDER,
        may("identifier", Text, "A name to show, where the provider has one."),
        TO,
    ],
};

pub(super) static RENAME: Shape = Shape {
    name: "Rename",
    doc: "An authenticator's label.",
    members: &[must("label", Text, "What its owner calls it, at most 100 bytes.")],
};

pub(super) static LINK: Shape = Shape {
    name: "LinkIdentity",
    doc: "A further provider id of who is signed in.",
    members: &[
        PROVIDER,
        may(
            "identifier",
            Text,
            "What the person is called there; absent where the provider finds it.",
        ),
        FIELDS,
        TO,
    ],
};

pub(super) static CLAIM: Shape = Shape {
    name: "LinkClaim",
    doc: "A claim that who is signed in takes.",
    members: &[must("claim", Secret, "The claim."), TO],
};

pub(super) static UNLINK: Shape = Shape {
    name: "UnlinkIdentity",
    doc: "A provider id that goes.",
    members: &[PROVIDER, IDENTIFIER, TO],
};

pub(super) static PASSWORD: Shape = Shape {
    name: "Password",
    doc: "New credentials of who is signed in.",
    members: &[
        PROVIDER,
        must(
            "fields",
            Fields,
            "The new credentials, and `current` with the one before.",
        ),
        TO,
    ],
};

pub(super) static IDENTIFIER_CHANGE: Shape = Shape {
    name: "IdentifierChange",
    doc: "Another identifier of the same provider.",
    members: &[
        PROVIDER,
        must("old_identifier", Text, "The one that goes."),
        must("new_identifier", Text, "The one that comes."),
        TO,
    ],
};

pub(super) static IDENTIFIER_CONFIRM: Shape = Shape {
    name: "IdentifierConfirm",
    doc: "The token that was sent to a new address.",
    members: &[
        must("token", Secret, "The token."),
        must("old_identifier", Text, "The identifier that goes."),
        must("new_identifier", Text, "The address that the token was sent to."),
        TO,
    ],
};

pub(super) static ADDRESS: Shape = Shape {
    name: "Address",
    doc: "An address that a message is asked to.",
    members: &[PROVIDER, IDENTIFIER, TO],
};

pub(super) static RECOVER_FINISH: Shape = Shape {
    name: "RecoverFinish",
    doc: "New credentials by a token that was sent.",
    members: &[
        must("token", Secret, "The token."),
        PROVIDER,
        must("fields", Fields, "The new credentials."),
        TO,
    ],
};

pub(super) static TOKEN: Shape = Shape {
    name: "Token",
    doc: "A token that was sent.",
    members: &[must("token", Secret, "The token."), TO],
};

pub(super) static USER_CHANGE: Shape = Shape {
    name: "UserChange",
    doc: "A merge patch (RFC 7396) of one's own attributes.",
    members: &[
        must(
            "attributes",
            Object,
            "Names of `attributes.self` only; null removes one.",
        ),
        TO,
    ],
};
