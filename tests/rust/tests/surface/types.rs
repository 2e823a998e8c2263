//! The surface in the types that servers in Rust share.

use bytes::Bytes;
use doorward::block_on;
use http::{Request, StatusCode};

use crate::site::{ADA, PAGE, PASSWORD, Site};

#[test]
fn a_request_of_http_is_answered_by_a_response_of_http() {
    let site = Site::new();
    let body = format!(r#"{{"provider":"email","identifier":"{ADA}","fields":{{"password":"{PASSWORD}"}}}}"#);
    let post = |uri: &str, body: &str| {
        Request::post(uri)
            .header("Origin", PAGE)
            .header("Content-Type", "application/json")
            .body(Bytes::from(body.to_owned()))
            .unwrap()
    };
    let handled = |request| block_on(site.auth.handle(request, "192.0.2.7".parse().ok())).unwrap();
    let made = handled(post("/auth/sign-up", &body)).unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    // Each line stays a line of its own.
    let cookies = made.headers().get_all("Set-Cookie");
    assert!(cookies.iter().count() >= 3, "{:?}", made.headers());
    let cookie: Vec<&str> = cookies
        .iter()
        .map(|line| line.to_str().unwrap().split(';').next().unwrap())
        .collect();
    let get = Request::get("https://app.example/auth/session?a=b")
        .header("Cookie", cookie.join("; "))
        .body(Bytes::new())
        .unwrap();
    let told = handled(get).unwrap();
    assert!(String::from_utf8_lossy(told.body()).contains(r#""status":"signed_in""#));
    let script = handled(Request::get("/auth/client.js").body(Bytes::new()).unwrap()).unwrap();
    assert_eq!(script.headers()["Content-Type"], "text/javascript");
    assert!(handled(post("/notes", "{}")).is_none());
    let refused = handled(post("/auth/sign-in", "{")).unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}
