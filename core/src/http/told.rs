//! The shapes of answers.

use super::shape::Type::{
    Challenge, Fields, Flag, Many, Object, One, Secret, Text, Texts, Time, Whole, Word,
};
use super::shape::{Member, Shape, may, must};

const NOW: Member = must("now", Time, "The server's clock: take times relative to it.");

pub(super) static FACTOR: Shape = Shape {
    name: "Factor",
    doc: "One thing that was proved.",
    members: &[
        must("provider", Text, "The provider name."),
        must(
            "class",
            Word(&["inherence", "knowledge", "possession"]),
            "Its class.",
        ),
        must("at", Time, "When it was proved."),
    ],
};

pub(super) static USER: Shape = Shape {
    name: "User",
    doc: "A user, as far as a browser may know it.",
    members: &[
        must("id", Text, "The user's id."),
        must("attributes", Object, "The attributes of `attributes.public`."),
    ],
};

pub(super) static SESSION: Shape = Shape {
    name: "Session",
    doc: "A live session.",
    members: &[
        must("id", Text, "The sign-in's id, stable for its life."),
        must("access_expires_at", Time, "When a refresh is due."),
        must("idle_expires_at", Time, "When it ends if nobody uses it."),
        must("absolute_expires_at", Time, "When it ends in any case."),
        must("authenticated_at", Time, "When somebody last proved who it is."),
        must(
            "fresh_until",
            Time,
            "Until when what was proved last does for a sensitive operation.",
        ),
        must("persistent", Flag, "Whether it outlives the browser."),
        must("factors", Many(&FACTOR), "What was proved."),
        may("access_token", Secret, "To apps only."),
        may("refresh_token", Secret, "To apps only."),
    ],
};

pub(super) static SNAPSHOT: Shape = Shape {
    name: "Snapshot",
    doc: "Who a client is.",
    members: &[
        must(
            "status",
            Word(&["signed_in", "refreshable", "signed_out", "key"]),
            "`signed_in`; `refreshable`: a refresh will do; `signed_out`; `key`: a program with a key.",
        ),
        NOW,
        may("user", One(&USER), "Of `signed_in` and `key`."),
        may("session", One(&SESSION), "Of `signed_in`."),
        may("reason", Text, "Of `signed_out`: why, where that may be told."),
        may("provider", Text, "Of `key`: the provider that took it."),
        may("scopes", Texts, "Of `key`: what it is good for."),
    ],
};

pub(super) static FIELD: Shape = Shape {
    name: "Field",
    doc: "One credential field to ask a person for.",
    members: &[
        must("name", Text, "Its name in `fields`."),
        must("secret", Flag, "Whether it is hidden while it is typed."),
        must("optional", Flag, "Whether it may be absent."),
        must("max_len", Whole, "Its longest value in bytes."),
        must("autocomplete", Text, "The HTML autocomplete token; may be empty."),
    ],
};

pub(super) static METHOD: Shape = Shape {
    name: "Method",
    doc: "One thing that may be answered: enough to draw a form for a provider that one never heard of.",
    members: &[
        must("provider", Text, "The provider name to answer with."),
        must(
            "action",
            Word(&["enroll", "step", "verify"]),
            "`verify`: proves a factor. `enroll`: begins to enroll an authenticator. `step`: goes on with what is shown.",
        ),
        may(
            "factor_class",
            Word(&["inherence", "knowledge", "possession"]),
            "The class of the factor that it proves.",
        ),
        must("fields", Many(&FIELD), "What to ask for."),
        must(
            "challenge",
            Challenge,
            "What the person, or the program, must see: named values of the provider.",
        ),
    ],
};

pub(super) static WAY: Shape = Shape {
    name: "Way",
    doc: "A way in, or a second factor, as its owner knows it.",
    members: &[
        must("provider", Text, "The provider name."),
        must("name", Text, "The identifier, or the authenticator's label."),
        must(
            "is_identity",
            Flag,
            "True of an identity, false of an authenticator.",
        ),
        must("created_at", Time, "When it was added."),
        may("last_used_at", Time, "When it was last used."),
        may("verified_at", Time, "Of an identity: when it was proved."),
    ],
};

pub(super) static STEP: Shape = Shape {
    name: "Step",
    doc: "What a step led to.",
    members: &[
        must(
            "outcome",
            Word(&["accepted", "continue"]),
            "`accepted`: it is done. `continue`: answer one of `next`.",
        ),
        may(
            "purpose",
            Word(&["change", "enroll", "link", "sign_in", "sign_up", "step_up"]),
            "What it is for.",
        ),
        may(
            "session",
            One(&SNAPSHOT),
            "Of `accepted`: the session that was made.",
        ),
        may(
            "flow",
            Secret,
            "Of `continue`: the token to answer with. It is the person's alone.",
        ),
        may(
            "provider",
            Text,
            "Of `continue`: the provider it was begun with, or whose step is open.",
        ),
        may(
            "expires_at",
            Time,
            "Of `continue`: when it is worth nothing any more.",
        ),
        may(
            "next",
            Many(&METHOD),
            "Of `continue`: what may be answered, one of them.",
        ),
        may(
            "show_once",
            Fields,
            "To be shown now and kept nowhere: recovery codes, a key.",
        ),
        may(
            "took",
            Many(&WAY),
            "Ways in that this took from the user: show them.",
        ),
        may("kept", Many(&WAY), "Ways in that recovery left: show them."),
        may(
            "others",
            Many(&WAY),
            "With the first second factor: what else opens the account. Show them.",
        ),
        may("identifier", Text, "Of a confirmed address: the address."),
        may("to", Text, "Where a form leads afterwards."),
    ],
};

pub(super) static AWAY: Shape = Shape {
    name: "Away",
    doc: "Where the browser has to go.",
    members: &[
        must("redirect", Text, "The issuer's address."),
        must("flow", Secret, "The flow, for an app that comes back by itself."),
    ],
};

pub(super) static FEATURES: Shape = Shape {
    name: "Features",
    doc: "What is open here.",
    members: &[
        must("sign_up", Flag, "Whether people may sign up."),
        must("user_delete", Flag, "Whether people may delete their account."),
        must(
            "user_export",
            Flag,
            "Whether people may read all that is kept about them.",
        ),
    ],
};

pub(super) static CONFIG: Shape = Shape {
    name: "Config",
    doc: "What a sign-in page needs to know.",
    members: &[
        must("methods", Many(&METHOD), "What a sign-in can begin with."),
        must("features", One(&FEATURES), "What is open here."),
    ],
};

pub(super) static SIGNED_OUT: Shape = Shape {
    name: "SignedOut",
    doc: "A sign-out that was done.",
    members: &[
        must(
            "status",
            Word(&["signed_in", "signed_out"]),
            "`signed_in` where only others ended.",
        ),
        NOW,
        must("ended", Whole, "How many sign-ins ended."),
    ],
};

pub(super) static DEVICE: Shape = Shape {
    name: "Device",
    doc: "One sign-in of the user.",
    members: &[
        must("id", Text, "The sign-in's id."),
        must("current", Flag, "Whether it is the one that asks."),
        must(
            "name",
            Text,
            "What a person calls such a device, such as `Firefox on Linux`.",
        ),
        must("agent", Text, "The user agent, as it came."),
        must("address", Text, "The client's address at sign-in."),
        must("created_at", Time, "When it was made."),
        must("last_seen_at", Time, "When it was last used; coarse."),
        must("factors", Many(&FACTOR), "What was proved."),
    ],
};

pub(super) static DEVICES: Shape = Shape {
    name: "Devices",
    doc: "Where the user is signed in.",
    members: &[must("sessions", Many(&DEVICE), "Newest first.")],
};

pub(super) static IDENTITY: Shape = Shape {
    name: "Identity",
    doc: "A provider id of the user.",
    members: &[
        must("provider", Text, "The provider name."),
        must("identifier", Text, "As it was given."),
        must("created_at", Time, "When it was bound."),
        may("verified_at", Time, "When it was proved; absent: never."),
    ],
};

pub(super) static AUTHENTICATOR: Shape = Shape {
    name: "Authenticator",
    doc: "An authenticator of the user.",
    members: &[
        must("id", Text, "Its id."),
        must("provider", Text, "The provider name to name it by."),
        must("kind", Text, "The kind that made it."),
        must("label", Text, "What its owner calls it."),
        must(
            "description",
            Object,
            "What its kind shows of it, such as the codes that are left.",
        ),
        must("created_at", Time, "When it was added."),
        may("last_used_at", Time, "When it was last used; coarse."),
    ],
};

pub(super) static METHODS: Shape = Shape {
    name: "Methods",
    doc: "The ways in of who is signed in.",
    members: &[
        must("identities", Many(&IDENTITY), "Provider ids."),
        must("authenticators", Many(&AUTHENTICATOR), "Authenticators."),
        must("methods", Many(&METHOD), "What can be proved."),
    ],
};

pub(super) static ACCEPTED: Shape = Shape {
    name: "Accepted",
    doc: "It was asked for. Whether anybody has the address is not told.",
    members: &[must("outcome", Word(&["accepted"]), "Always `accepted`.")],
};

pub(super) static TOKEN_INFO: Shape = Shape {
    name: "TokenInfo",
    doc: "What a token is good for.",
    members: &[
        must(
            "purpose",
            Word(&["change_identifier", "recovery", "sign_in_link", "verify"]),
            "What it is good for.",
        ),
        must("provider", Text, "The provider name of its address."),
        must("identifier", Text, "The address, canonical."),
        must("expires_at", Time, "When it is worth nothing any more."),
    ],
};

pub(super) static OWN_USER: Shape = Shape {
    name: "OwnUser",
    doc: "The user, after a change.",
    members: &[must("user", One(&USER), "The user.")],
};

pub(super) static EXPORT: Shape = Shape {
    name: "Export",
    doc: "Everything that is kept about a user.",
    members: &[
        NOW,
        must("id", Text, "The user's id."),
        must("attributes", Object, "All attributes."),
        must("created_at", Time, "When the user was made."),
        must("updated_at", Time, "When the user last changed."),
        must("identities", Many(&IDENTITY), "Provider ids."),
        must(
            "authenticators",
            Many(&AUTHENTICATOR),
            "Authenticators, without secrets.",
        ),
        must("sessions", Many(&DEVICE), "Sign-ins."),
    ],
};

pub(super) static PAGE: Shape = Shape {
    name: "Page",
    doc: "What the last form, or an issuer, led to.",
    members: &[
        may("step", One(&STEP), "Where it led on."),
        may("problem", One(&PROBLEM), "Where it did not."),
    ],
};

pub(super) static PASSKEY_ENDPOINTS: Shape = Shape {
    name: "PasskeyEndpoints",
    doc: "Where passkeys are made and managed.",
    members: &[
        must("enroll", Text, "The page to make one."),
        must("manage", Text, "The page to manage them."),
    ],
};

pub(super) static VIOLATION: Shape = Shape {
    name: "Violation",
    doc: "A rule that new credentials break.",
    members: &[
        must("field", Text, "The field."),
        must("rule", Text, "The rule's stable id."),
        must("limit", Whole, "Its limit; 0 where it has none."),
        must("message", Text, "What to do, for people."),
    ],
};

pub(super) static PROBLEM: Shape = Shape {
    name: "Problem",
    doc: "Problem details (RFC 9457).",
    members: &[
        must("type", Text, "`http.problem_type` and the code."),
        must("title", Text, "The code in words."),
        must("status", Whole, "The HTTP status."),
        must("code", Text, "The stable code."),
        may("detail", Text, "What to do, where that may be told."),
        may("reason", Text, "Of `signed_out` and `request_refused`: why."),
        may("refreshable", Flag, "Of `signed_out`: whether a refresh will do."),
        may(
            "setting",
            Text,
            "Of `request_refused`: the setting that would change it.",
        ),
        may(
            "what",
            Text,
            "Of `conflict`, `proof_required` and `unavailable`: what is taken, asked for or missing.",
        ),
        may("field", Text, "Of `invalid_argument`: the member of the body."),
        may(
            "max_age",
            Whole,
            "Of `proof_required`: how old a proof may be, in seconds.",
        ),
        may(
            "retry_after",
            Whole,
            "Of `throttled`: after how many seconds to try again.",
        ),
        may(
            "violations",
            Many(&VIOLATION),
            "Of `policy_violation`: every rule that is broken.",
        ),
        may("flow", Secret, "Of `refused`: the flow to try again with."),
        may("purpose", Text, "Of `refused`: what that flow is for."),
        may(
            "expires_at",
            Time,
            "Of `refused` and `unregistered`: when flow or claim is worth nothing any more.",
        ),
        may("next", Many(&METHOD), "Of `refused`: what may be answered."),
        may(
            "claim",
            Secret,
            "Of `unregistered`: what a new user, or a link, is made from.",
        ),
        may("provider", Text, "Of `unregistered`: the provider that vouches."),
        may(
            "identifier",
            Text,
            "Of `unregistered`: what the person is called there, for showing.",
        ),
        may(
            "attributes",
            Object,
            "Of `unregistered`: what the provider says of the person.",
        ),
        may("to", Text, "Where a form leads afterwards."),
    ],
};
