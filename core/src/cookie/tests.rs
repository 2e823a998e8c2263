//! Cookies as a browser and an attacker handle them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn read(request: &Request) -> RequestCookies<'_> {
    CookieNames::default().read(request)
}

fn request(lines: &[&[u8]]) -> Request {
    Request::new("GET", lines.iter().map(|line| ("Cookie", *line)), None)
}

#[test]
fn names_have_the_host_prefix_unless_plain_http_is_asked_for() {
    let host = CookieNames::new("shop", CookieSecurity::Host).unwrap();
    let plain = CookieNames::new("shop", CookieSecurity::PlainHttp).unwrap();
    assert_eq!(
        CookieKind::ALL.map(|kind| host.name(kind).to_owned()),
        [
            "__Host-shop-access",
            "__Host-shop-away",
            "__Host-shop-device",
            "__Host-shop-flow",
            "__Host-shop-page",
            "__Host-shop-refresh"
        ]
    );
    assert_eq!(plain.name(CookieKind::Access), "shop-access");
    assert_eq!(
        CookieNames::default().name(CookieKind::Refresh),
        "__Host-doorward-refresh"
    );
}

#[test]
fn stems_that_cannot_be_names_are_refused_with_the_fix() {
    let long = "a".repeat(33);
    for stem in [
        "", "Shop", "1a", "-a", "_a", "a b", "a=b", "a;b", "é", "a.b", "__Host-a", "a\0", &long,
    ] {
        let error = CookieNames::new(stem, CookieSecurity::Host).unwrap_err();
        assert!(
            error.to_string().contains("1 to 32 characters"),
            "{stem:?}: {error}"
        );
    }
    assert!(CookieNames::new(&long[..32], CookieSecurity::Host).is_ok());
}

/// What a request's `Cookie` lines say about the access cookie. Vectors of attack A17 among them.
#[test]
fn cookies_are_read_byte_by_byte_and_never_repaired() {
    use Presented::{Absent, Duplicate, One};
    let a = b"__Host-doorward-access=v".as_slice();
    let table: &[(&[&[u8]], Presented<'_>)] = &[
        (&[], Absent),
        (&[b""], Absent),
        (&[a], One(b"v")),
        (&[b"x=1; __Host-doorward-access=v; y=2"], One(b"v")),
        (&[b"x=1;__Host-doorward-access=v"], One(b"v")),
        (&[b"x=1", a, b"y=2"], One(b"v")),
        (&[b"__Host-doorward-access="], One(b"")),
        (&[b"__Host-doorward-access=a=b=="], One(b"a=b==")),
        (&[b"__Host-doorward-access=\"v\""], One(b"\"v\"")),
        (&[b"__Host-doorward-access= v"], One(b" v")),
        (&[b"__Host-doorward-access=v ; x=1"], One(b"v ")),
        (&[b"__Host-doorward-access=%76"], One(b"%76")),
        (&[b"__Host-doorward-access=\xff\x00"], One(b"\xff\x00")),
        // Comma does not separate: it did in RFC 2109, and some servers still split there.
        (&[b"x=1, __Host-doorward-access=v"], Absent),
        (
            &[b"__Host-doorward-access=v, __Host-doorward-access=w"],
            One(b"v, __Host-doorward-access=w"),
        ),
        // Prefix bypasses: whitespace that other servers trim, legacy parsing, quoting, case, encoding.
        (&["x=1; \u{2000}__Host-doorward-access=v".as_bytes()], Absent),
        (&["\u{2000}__Host-doorward-access=v".as_bytes()], Absent),
        (&["\u{a0}__Host-doorward-access=v".as_bytes()], Absent),
        (&[b"x=1; \x85__Host-doorward-access=v"], Absent),
        (&[b"x=1;  __Host-doorward-access=v"], Absent),
        (&[b"x=1;\t__Host-doorward-access=v"], Absent),
        (&[b"x=1; \x0b__Host-doorward-access=v"], Absent),
        (&[b"x=1; __Host-doorward-access =v"], Absent),
        (&[b"x=1; __Host-doorward-access\t=v"], Absent),
        (&[b"$Version=1; $__Host-doorward-access=v"], Absent),
        (&[b"$Version=1,__Host-doorward-access=v"], Absent),
        (&[b"x=\"1; __Host-doorward-access=v; y=2\""], One(b"v")),
        (&[b"=__Host-doorward-access=v"], Absent),
        (&[b"\"__Host-doorward-access\"=v"], Absent),
        (&[b"__host-doorward-access=v"], Absent),
        (&[b"__HOST-DOORWARD-ACCESS=v"], Absent),
        (&[b"__Host%2Ddoorward-access=v"], Absent),
        (&[b"__Host-doorward-access\0=v"], Absent),
        (&[b"__Host-doorward-access"], Absent),
        (&[b"doorward-access=v"], Absent),
        (&[b"__Secure-doorward-access=v"], Absent),
        (
            &[b"__Host-doorward-access-x=v; x__Host-doorward-access=v"],
            Absent,
        ),
        // Twice is never guessed, equal or not, in one line or in two.
        (
            &[b"__Host-doorward-access=v; __Host-doorward-access=w"],
            Duplicate,
        ),
        (
            &[b"__Host-doorward-access=v; __Host-doorward-access=v"],
            Duplicate,
        ),
        (&[a, a], Duplicate),
        (&[a, a, a], Duplicate),
        (&[b"__Host-doorward-access=; __Host-doorward-access=v"], Duplicate),
    ];
    for (lines, expected) in table {
        let request = request(lines);
        let cookies = read(&request);
        let shown: Vec<_> = lines.iter().map(|line| line.escape_ascii().to_string()).collect();
        assert!(cookies.access == *expected, "{shown:?}: {:?}", cookies.access);
        assert_eq!(
            cookies.session_is_ambiguous(),
            *expected == Duplicate,
            "{shown:?}"
        );
    }
}

#[test]
fn split_and_joined_cookie_lines_mean_the_same() {
    let joined = request(&[b"__Host-doorward-access=a; __Host-doorward-refresh=r; __Host-doorward-flow=f"]);
    let split = request(&[
        b"__Host-doorward-access=a",
        b"__Host-doorward-refresh=r",
        b"__Host-doorward-flow=f",
    ]);
    assert!(read(&joined) == read(&split));
    assert_eq!(read(&split).flow.once(), Some(b"f".as_slice()));
    assert_eq!(read(&split).device.once(), None);
}

#[test]
fn a_duplicate_refresh_cookie_is_ambiguous_and_a_duplicate_device_cookie_is_only_unusable() {
    let refresh = request(&[b"__Host-doorward-refresh=a; __Host-doorward-refresh=b"]);
    assert!(read(&refresh).session_is_ambiguous());
    let device = request(&[b"__Host-doorward-device=a; __Host-doorward-device=b"]);
    assert!(!read(&device).session_is_ambiguous());
    assert_eq!(read(&device).device.once(), None);
}

#[test]
fn lines_are_exactly_these() {
    let host = CookieNames::default();
    let plain = CookieNames::new("dev", CookieSecurity::PlainHttp).unwrap();
    let minute = Some(Duration::from_millis(60_900));
    for (cookie, line, max_age) in [
        (
            host.set(CookieKind::Access, "dwa_x", minute).unwrap(),
            "__Host-doorward-access=dwa_x; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
            Some(60),
        ),
        (
            host.set(CookieKind::Refresh, "r", None).unwrap(),
            "__Host-doorward-refresh=r; Path=/; Secure; HttpOnly; SameSite=Lax",
            None,
        ),
        (
            host.clear(CookieKind::Flow),
            "__Host-doorward-flow=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax",
            Some(0),
        ),
        (
            plain.set(CookieKind::Device, "d", Some(Duration::ZERO)).unwrap(),
            "dev-device=d; Path=/; Max-Age=1; HttpOnly; SameSite=Lax",
            Some(1),
        ),
        (
            host.set(CookieKind::Access, "a", Some(Duration::MAX)).unwrap(),
            "__Host-doorward-access=a; Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax",
            Some(34_560_000),
        ),
    ] {
        assert_eq!(cookie.line(), line);
        assert_eq!(cookie.max_age_seconds(), max_age);
        assert_eq!(cookie.is_secure(), line.contains("; Secure;"));
    }
}

#[test]
fn values_that_would_need_quoting_are_refused() {
    let names = CookieNames::default();
    for value in [
        "",
        "a b",
        "a;b",
        "a,b",
        "a\"b",
        "a\\b",
        "a=b",
        "a\r\nSet-Cookie: x=y",
        "é",
        "a\0",
    ] {
        assert_eq!(
            names.set(CookieKind::Access, value, None),
            Err(CookieError::Value),
            "{value:?}"
        );
    }
}

#[test]
fn a_line_longer_than_browsers_take_is_refused() {
    let names = CookieNames::default();
    let frame = names.set(CookieKind::Access, "v", None).unwrap().line().len() - 1;
    let longest = "v".repeat(MAX_COOKIE_BYTES - frame);
    assert_eq!(
        names
            .set(CookieKind::Access, &longest, None)
            .unwrap()
            .line()
            .len(),
        MAX_COOKIE_BYTES
    );
    assert_eq!(
        names.set(CookieKind::Access, &format!("{longest}v"), None),
        Err(CookieError::TooLong)
    );
}

#[test]
fn debug_shows_no_value() {
    let names = CookieNames::default();
    let shown = format!("{:?}", names.set(CookieKind::Access, "canary", None).unwrap());
    assert_eq!(
        shown,
        "Set-Cookie: __Host-doorward-access=[redacted]; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    let request = request(&[b"__Host-doorward-access=canary; __Host-doorward-refresh=canary"]);
    let shown = format!("{:?} {:?}", read(&request), request);
    assert!(!shown.contains("canary"), "{shown}");
}

/// The grammar for servers, RFC 6265bis section 4.1.1, and nothing more lenient.
fn parse_set_cookie(line: &str) -> Option<(String, String, BTreeMap<String, String>)> {
    let mut parts = line.split("; ");
    let (name, value) = parts.next()?.split_once('=')?;
    let token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    let octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) || !value.bytes().all(octet) {
        return None;
    }
    let mut attributes = BTreeMap::new();
    for part in parts {
        let (attribute, argument) = part.split_once('=').unwrap_or((part, ""));
        let known = match attribute {
            "Max-Age" => {
                argument.starts_with(|c: char| ('1'..='9').contains(&c)) && argument.parse::<u64>().is_ok()
            }
            "Expires" => argument == "Thu, 01 Jan 1970 00:00:00 GMT",
            "Path" => argument == "/",
            "SameSite" => argument == "Lax",
            "HttpOnly" | "Secure" => !part.contains('='),
            _ => false,
        };
        if !known
            || attributes
                .insert(attribute.to_owned(), argument.to_owned())
                .is_some()
        {
            return None;
        }
    }
    Some((name.to_owned(), value.to_owned(), attributes))
}

/// A browser's jar, as far as one host goes: RFC 6265bis section 5.7 with the `__Host-` rule.
#[derive(Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    fn store(&mut self, line: &str) {
        let (name, value, attributes) = parse_set_cookie(line).expect("the line follows the grammar");
        let has = |attribute: &str| attributes.contains_key(attribute);
        assert!(has("HttpOnly") && has("SameSite") && !has("Domain"));
        assert!(!name.starts_with("__Host-") || (has("Secure") && attributes["Path"] == "/"));
        if has("Expires") {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
    }

    fn header(&self) -> String {
        let pairs: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

proptest! {
    #[test]
    fn what_is_set_is_what_comes_back(
        stem in "[a-z][a-z0-9_-]{0,31}",
        plain in any::<bool>(),
        steps in proptest::collection::vec((0..CookieKind::ALL.len(), proptest::option::of("[A-Za-z0-9_.~-]{1,600}"), proptest::option::of(any::<u64>())), 1..12),
    ) {
        let security = if plain { CookieSecurity::PlainHttp } else { CookieSecurity::Host };
        let names = CookieNames::new(&stem, security).unwrap();
        let mut jar = Jar::default();
        let mut expected = BTreeMap::new();
        for (kind, value, age) in steps {
            let kind = CookieKind::ALL[kind];
            let cookie = match &value {
                Some(value) => names.set(kind, value, age.map(Duration::from_secs)).unwrap(),
                None => names.clear(kind),
            };
            prop_assert!(cookie.line().len() <= MAX_COOKIE_BYTES);
            prop_assert!(cookie.max_age_seconds().is_none_or(|age| age <= MAX_COOKIE_AGE.as_secs()));
            jar.store(cookie.line());
            expected.insert(names.name(kind).to_owned(), value);
        }
        let request = Request::new("GET", [("Cookie", jar.header())], None);
        let mut cookies = names.read(&request);
        for kind in CookieKind::ALL {
            let value = expected.get(names.name(kind)).cloned().flatten();
            prop_assert_eq!(cookies.place(kind).once(), value.as_deref().map(str::as_bytes));
        }
    }

    #[test]
    fn no_cookie_line_makes_reading_fail(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let request = Request::new("GET", [("Cookie", line)], None);
        let _ = read(&request).session_is_ambiguous();
    }
}
