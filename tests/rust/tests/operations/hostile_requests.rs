//! Requests as attackers and broken clients send them, in one table: who each comes from, whether a form on it is
//! served, and what a sign-out on it ends.

use doorward::{Answer, Caller, ErrorKind, Outcome, Request, Session, SessionOptions, UserFilter, UserId};

use crate::context::{PASSWORD, World, access, password, run};

const OURS: (&str, &str) = ("origin", "https://app.example");
const EVIL: (&str, &str) = ("origin", "https://evil.example");

/// What a request gets. Ada has a bearer token, Bob has the session cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Ada,
    Bob,
    /// Let in, and signed out for this reason.
    Nobody(&'static str),
    /// Refused by everything, for this reason.
    Refused(&'static str),
    /// Refused by what asks who it comes from; a form on it is served.
    Unread(&'static str),
}

struct Row {
    says: &'static str,
    method: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    is: Is,
}

/// `$ADA` and `$BOB` are their access tokens, `$BOBS` is Bob's two cookies.
#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Is::{Ada, Bob, Nobody, Refused, Unread};
    const BOBS: (&str, &str) = ("cookie", "$BOBS");
    const BEARER: (&str, &str) = ("authorization", "Bearer $ADA");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let site = |value| ("sec-fetch-site", value);
    let origin = |value| ("origin", value);
    let row = |says, method, headers: &[(&'static str, &'static str)], is| Row {
        says,
        method,
        headers: headers.to_vec(),
        is,
    };
    vec![
        row("nothing", "GET", &[], Nobody("no_token")),
        row("a form of nobody knows where", "POST", &[form], Refused("origin_absent")),
        row("our page", "POST", &[BOBS, OURS], Bob),
        row("a link from elsewhere", "GET", &[BOBS, EVIL, site("cross-site")], Bob),
        row("a look", "HEAD", &[BOBS], Bob),
        row("methods have a case", "get", &[BOBS], Refused("origin_absent")),
        row("an unknown method", "PROPFIND", &[BOBS], Refused("origin_absent")),
        row("another page", "POST", &[BOBS, EVIL], Refused("origin_not_configured")),
        row("a form without an origin", "POST", &[BOBS, form], Refused("origin_absent")),
        row("a sandboxed frame", "POST", &[BOBS, origin("null")], Refused("origin_null")),
        row("null, written otherwise", "POST", &[BOBS, origin("NULL")], Refused("origin_malformed")),
        row("two origins", "POST", &[BOBS, OURS, EVIL], Refused("origin_duplicate")),
        row("ours, twice", "POST", &[BOBS, OURS, OURS], Refused("origin_duplicate")),
        row("an empty origin", "POST", &[BOBS, origin("")], Refused("origin_malformed")),
        row("a path in it", "POST", &[BOBS, origin("https://app.example/")], Refused("origin_malformed")),
        row("a user in it", "POST", &[BOBS, origin("https://app.example@evil.example")], Refused("origin_malformed")),
        row("ours as a prefix", "POST", &[BOBS, origin("https://app.example.evil.example")], Refused("origin_not_configured")),
        row("ours below", "POST", &[BOBS, origin("https://sub.app.example")], Refused("origin_not_configured")),
        row("without TLS", "POST", &[BOBS, origin("http://app.example")], Refused("origin_not_configured")),
        row("another port", "POST", &[BOBS, origin("https://app.example:8443")], Refused("origin_not_configured")),
        row("ours, another case", "POST", &[BOBS, origin("HTTPS://App.Example")], Bob),
        row("ours, its port", "POST", &[BOBS, origin("https://app.example:443")], Bob),
        row("two in one line", "POST", &[BOBS, origin("https://app.example, https://evil.example")], Refused("origin_malformed")),
        row("the same origin", "POST", &[BOBS, site("same-origin")], Bob),
        row("the person itself", "POST", &[BOBS, site("none")], Bob),
        row("a sibling", "POST", &[BOBS, site("same-site")], Refused("fetch_site_same_site")),
        row("another site", "POST", &[BOBS, site("cross-site")], Refused("fetch_site_cross_site")),
        row("a word in another case", "POST", &[BOBS, site("Same-Origin")], Refused("fetch_site_unknown")),
        row("an empty word", "POST", &[BOBS, site("")], Refused("fetch_site_unknown")),
        row("two words", "POST", &[BOBS, site("same-origin"), site("cross-site")], Refused("fetch_site_duplicate")),
        row("a word against an origin", "POST", &[BOBS, EVIL, site("same-origin")], Refused("origin_not_configured")),
        row("an origin against a word", "POST", &[BOBS, OURS, site("cross-site")], Bob),
        row("no origin, and a referer", "POST", &[BOBS, ("referer", "https://app.example/")], Refused("origin_absent")),
        row("no origin, and a host", "POST", &[BOBS, ("host", "app.example"), ("x-forwarded-host", "app.example")], Refused("origin_absent")),
        row("a method in disguise", "GET", &[BOBS, EVIL, ("x-http-method-override", "POST")], Bob),
        // Websockets begin with GET, carry cookies and change things.
        row("a websocket of nobody", "GET", &[BOBS, ("upgrade", "WebSocket")], Refused("origin_absent")),
        row("among others", "GET", &[BOBS, EVIL, ("upgrade", "h2c, websocket/13")], Refused("origin_not_configured")),
        row("our websocket", "GET", &[BOBS, OURS, ("upgrade", "websocket")], Bob),
        row("over HTTP/2", "CONNECT", &[BOBS, EVIL], Refused("origin_not_configured")),
        // Bearer tokens.
        row("a program", "POST", &[BEARER], Ada),
        row("a scheme in lower case", "POST", &[("authorization", "bearer $ADA")], Ada),
        row("and in upper", "POST", &[("AUTHORIZATION", "BEARER  $ADA")], Ada),
        row("twice", "POST", &[BEARER, BEARER], Refused("authorization_duplicate")),
        row("beside another scheme", "POST", &[BEARER, ("authorization", "Basic YTpi")], Refused("authorization_duplicate")),
        row("the same on our page", "POST", &[BEARER, BEARER, OURS], Unread("authorization_duplicate")),
        row("two in one line", "POST", &[("authorization", "Bearer $ADA, Bearer $ADA"), OURS], Unread("authorization_malformed")),
        row("nothing of one", "POST", &[("authorization", "Bearer"), OURS], Unread("authorization_malformed")),
        row("an empty header", "POST", &[("authorization", ""), OURS], Unread("authorization_malformed")),
        row("not one of ours", "POST", &[("authorization", "Bearer xyz"), OURS], Unread("authorization_unknown_prefix")),
        row("in another case", "POST", &[("authorization", "Bearer DWA_x"), OURS], Unread("authorization_unknown_prefix")),
        row("the wrong token", "POST", &[("authorization", "Bearer dwr_x"), OURS], Unread("authorization_refresh_token")),
        row("garbage of ours", "POST", &[("authorization", "Bearer dwa_x")], Nobody("invalid")),
        row("another scheme is no bearer", "POST", &[("authorization", "Basic YTpi")], Refused("origin_absent")),
        row("its cookies count", "POST", &[("authorization", "Basic YTpi"), BOBS, OURS], Bob),
        // A bearer token beside the session cookies of somebody else.
        row("both, from nowhere", "POST", &[BEARER, BOBS], Refused("origin_absent")),
        row("both, from elsewhere", "POST", &[BEARER, BOBS, EVIL], Refused("origin_not_configured")),
        row("both, on our page", "POST", &[BEARER, BOBS, OURS], Ada),
        row("both, by a link", "GET", &[BEARER, BOBS], Ada),
        row("garbage never falls back", "POST", &[("authorization", "Bearer dwa_x"), BOBS, OURS], Nobody("invalid")),
        row("nor what is malformed", "POST", &[("authorization", "Bearer ?"), BOBS, OURS], Unread("authorization_malformed")),
        row("both, and a cookie twice", "POST", &[BEARER, BOBS, BOBS, OURS], Ada),
        row("the same from nowhere", "POST", &[BEARER, BOBS, BOBS], Refused("origin_absent")),
        row("a cookie of another program", "POST", &[BEARER, ("cookie", "theme=dark")], Ada),
        // Cookies.
        row("one twice", "GET", &[("cookie", "__Host-doorward-access=$BOB; __Host-doorward-access=$BOB")], Unread("cookie_duplicate")),
        row("one of each", "GET", &[("cookie", "__Host-doorward-access=$BOB; __Host-doorward-access=$ADA")], Unread("cookie_duplicate")),
        row("in two lines", "GET", &[BOBS, ("cookie", "__Host-doorward-refresh=x")], Unread("cookie_duplicate")),
        row("a plain name", "GET", &[("cookie", "doorward-access=$BOB")], Nobody("no_token")),
        row("a name in another case", "GET", &[("cookie", "__host-doorward-access=$BOB")], Nobody("no_token")),
        row("garbage", "GET", &[("cookie", "__Host-doorward-access=\u{1}; ;;=; __Host-doorward-refresh=dwr_x")], Nobody("invalid")),
        row("an access token for a refresh token", "GET", &[("cookie", "__Host-doorward-refresh=$BOB")], Nobody("invalid")),
        // Apps: neither cookies nor an origin, and no page can say so.
        row("an app", "POST", &[("doorward-client", "app")], Nobody("no_token")),
        row("with its token", "POST", &[("doorward-client", "app"), BEARER], Ada),
        row("with cookies", "POST", &[("doorward-client", "app"), BOBS], Refused("origin_absent")),
        row("with an origin", "POST", &[("doorward-client", "app"), EVIL], Refused("origin_not_configured")),
        row("of a browser", "POST", &[("doorward-client", "app"), site("cross-site")], Refused("fetch_site_cross_site")),
        row("of two browsers", "POST", &[("doorward-client", "app"), site("none"), site("none")], Refused("fetch_site_duplicate")),
        row("said twice", "POST", &[("doorward-client", "app"), ("doorward-client", "app")], Refused("origin_absent")),
        row("said otherwise", "POST", &[("doorward-client", "App")], Refused("origin_absent")),
    ]
}

struct People {
    world: World,
    ada: UserId,
    bob: UserId,
}

impl People {
    fn session(&self, user: UserId) -> Session {
        let made = self
            .world
            .auth
            .create_session_for_user(user, &[], SessionOptions::default());
        run(made).unwrap().require().unwrap()
    }
}

fn made(row: &Row, ada: &Session, bob: &Session) -> Request {
    let text = |token: &[u8]| String::from_utf8(token.to_vec()).unwrap();
    let bobs = format!(
        "__Host-doorward-access={}; __Host-doorward-refresh={}",
        text(&access(bob)),
        text(bob.refresh_token().unwrap().expose())
    );
    let headers = row.headers.iter().map(|(name, value)| {
        let value = value
            .replace("$BOBS", &bobs)
            .replace("$BOB", &text(&access(bob)))
            .replace("$ADA", &text(&access(ada)));
        (*name, value)
    });
    Request::new(row.method, headers.collect::<Vec<_>>(), "192.0.2.7".parse().ok())
}

fn who(answer: &Answer<Caller>, ada: &Session) -> Is {
    match &answer.outcome {
        Outcome::Accepted(Caller::Session(session)) if session.user().id == ada.user().id => Is::Ada,
        Outcome::Accepted(Caller::Session(_)) => Is::Bob,
        Outcome::SignedOut(reason) => Is::Nobody(reason.id()),
        Outcome::RequestRefused(refused) => Is::Refused(refused.reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_request_is_of_whom_it_says_and_a_refused_one_does_nothing() {
    let world = World::new();
    let [ada, bob] = ["ada@example.com", "bob@example.com"].map(|name| world.sign_up(name).user_id());
    let people = People { world, ada, bob };
    let auth = &people.world.whole;
    for row in rows() {
        let says = format!("{}: {} {:?}", row.says, row.method, row.headers);
        let (ada, bob) = (people.session(people.ada), people.session(people.bob));
        let on = || auth.on(made(&row, &ada, &bob));
        // Who it comes from, the same whether or not it may refresh. A check never clears a cookie.
        let expected = match row.is {
            Is::Unread(reason) => Is::Refused(reason),
            is => is,
        };
        let checked = run(on().check_request()).unwrap();
        assert_eq!(who(&checked, &ada), expected, "{says}");
        assert_eq!(checked.headers.cookies().count(), 0, "{says}");
        assert_eq!(
            who(&run(on().resume_request()).unwrap(), &ada),
            expected,
            "{says}"
        );
        // A form on it, and an operation that only reads.
        let tried = run(on().authenticate("email", Some(b"ada@example.com"), password(PASSWORD))).unwrap();
        let read = run(on().get_user(people.ada));
        match row.is {
            Is::Refused(reason) if !reason.starts_with("authorization_") => {
                let Outcome::RequestRefused(refused) = tried.outcome else {
                    panic!("{says}: {tried:?}")
                };
                assert_eq!(refused.reason, reason, "{says}");
                assert_eq!(tried.headers.len(), 0, "{says}");
                assert!(
                    read.is_err_and(|error| error.kind() == ErrorKind::RequestRefused),
                    "{says}"
                );
            }
            // A bearer token that cannot be read vouches for nothing: the origin decides.
            Is::Refused(_) => assert!(matches!(tried.outcome, Outcome::RequestRefused(_)), "{says}"),
            _ => assert!(
                matches!(tried.outcome, Outcome::Accepted(_)) && read.is_ok(),
                "{says}"
            ),
        }
        // A sign-out ends the sign-in of whom it comes from, and of nobody else.
        let out = run(on().end_session(None)).unwrap();
        let ended = match (&out.outcome, expected) {
            (Outcome::RequestRefused(refused), Is::Refused(reason)) => {
                assert_eq!((refused.reason, out.headers.len()), (reason, 0), "{says}");
                0
            }
            (Outcome::Accepted(ended), Is::Ada | Is::Bob | Is::Nobody(_)) => *ended,
            other => panic!("{says}: {other:?}"),
        };
        let live = |session: &Session| people.world.is_live(&access(session));
        assert_eq!(
            (ended, live(&ada), live(&bob)),
            match expected {
                Is::Ada => (1, false, true),
                Is::Bob => (1, true, false),
                _ if row.says == "an access token for a refresh token" => (1, true, false),
                _ => (0, true, true),
            },
            "{says}"
        );
    }
}

/// The first mistake of a deployment is a scheme, a port or a host: the event says what came, whatever it was, in a line.
#[test]
fn an_origin_refusal_shows_the_origin_that_came() {
    let world = World::new();
    let long = format!("https://{}.example", "a".repeat(400));
    let cut = format!("origin=https://{} address=", "a".repeat(248));
    for (origins, shown) in [
        (
            &["http://app.example:8080"][..],
            "reason=origin_not_configured origin=http://app.example:8080 address=",
        ),
        (&["null"], "reason=origin_null origin=null address="),
        (
            &["https://a.example", "https://b.example"],
            "origin=https://a.example, https://b.example address=",
        ),
        (
            &["https://a.example\r\nfake=1"],
            r"origin=https://a.example\r\nfake=1 address=",
        ),
        (&[&long], &cut),
        (&[], "reason=origin_absent address="),
    ] {
        let lines = origins.iter().map(|origin| ("origin", *origin));
        let request = Request::new("POST", lines, "192.0.2.7".parse().ok());
        world.events();
        assert!(run(world.auth.on(request).list_users(None, 1, &UserFilter::default())).is_err());
        let events = world.events();
        assert!(
            events.len() == 1 && events[0].contains(shown),
            "{origins:?}: {events:?}"
        );
    }
}
