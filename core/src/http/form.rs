//! Forms: no script is needed. What a form led to is a page of the program, by 303 (RFC 9110 section 15.4.4); what that page
//! has to show travels in a sealed cookie, so that no address ever has a token in it.

use serde_json::{Map, Value};

use super::place;
use super::problem::{Failure, Problem};
use super::step::elsewhere;
use super::table::{Form, Leads};
use super::turn::{Body, Done, Turn};
use crate::cookie::CookieKind;

/// Leads the browser on from what was done or not.
pub(super) fn lead(
    turn: &Turn<'_>,
    form: Form,
    done: Result<Done, Failure>,
    to: Option<&str>,
) -> Result<Done, Failure> {
    let done = match done {
        Ok(done) => done,
        Err(Failure::Problem(refused)) => return told(turn, form, &refused, to),
        Err(fault) => return Err(fault),
    };
    let settings = turn.auth.http_settings();
    let to = to.filter(|to| place::is_open(to, &settings.return_to));
    let at = to.unwrap_or_else(|| page(turn, form.done));
    let place = match &done.body {
        Body::Json(body) | Body::Tagged(body) => match elsewhere(body) {
            Some(url) => url.to_owned(),
            None if body.get("outcome").and_then(Value::as_str) == Some("continue") => {
                carry(turn, "step", body, to)?;
                settings.pages.next.clone()
            }
            None => {
                if has_to_be_shown(body) {
                    carry(turn, "step", body, to)?;
                }
                at.to_owned()
            }
        },
        Body::Nothing | Body::Document(_) | Body::File { .. } => at.to_owned(),
        Body::Place(place) => place.clone(),
    };
    Ok(Done {
        clears: done.clears,
        ..Done::place(place)
    })
}

/// Leads the browser to where the form stood, with what was wrong.
pub(super) fn problem(turn: &Turn<'_>, form: Form, refused: &Problem) -> Result<Done, Failure> {
    told(turn, form, refused, turn.given.text("to"))
}

fn told(turn: &Turn<'_>, form: Form, refused: &Problem, to: Option<&str>) -> Result<Done, Failure> {
    let settings = turn.auth.http_settings();
    let back = match refused.code {
        // A step may be tried again: its page knows how.
        "refused" if refused.more.contains_key("flow") => &settings.pages.next,
        "unregistered" if settings.sign_up => &settings.pages.sign_up,
        "signed_out" => &settings.pages.sign_in,
        _ => page(turn, form.back),
    };
    let mut body = turn.given.again();
    if let Value::Object(members) = refused.body(&settings.problem_type) {
        body.extend(members);
    }
    let to = to.filter(|to| place::is_open(to, &settings.return_to));
    carry(turn, "problem", &Value::Object(body), to)?;
    Ok(Done::place(back))
}

/// Whether there is something that the person has to see.
fn has_to_be_shown(body: &Value) -> bool {
    let shown = ["show_once", "took", "kept", "others"];
    shown.iter().any(|name| body.get(name).is_some())
}

/// Has the browser carry what the page shows. What is too long for a cookie goes without challenges, which a page without
/// scripts can do nothing with.
fn carry(turn: &Turn<'_>, what: &str, body: &Value, to: Option<&str>) -> Result<(), Failure> {
    let mut body = body.clone();
    if let (Some(members), Some(to)) = (body.as_object_mut(), to) {
        members.insert("to".into(), to.into());
    }
    for _ in 0..2 {
        let text = Value::Object(Map::from_iter([(what.to_owned(), body.clone())])).to_string();
        if turn.auth.carry(CookieKind::Page, text.as_bytes())? {
            return Ok(());
        }
        let methods = body.get_mut("next").and_then(Value::as_array_mut);
        for method in methods.into_iter().flatten() {
            method["challenge"] = Value::Object(Map::new());
        }
    }
    Ok(())
}

fn page<'a>(turn: &'a Turn<'_>, leads: Leads) -> &'a str {
    let pages = &turn.auth.http_settings().pages;
    match leads {
        Leads::Account => &pages.account,
        Leads::Home => &pages.home,
        Leads::Recover => &pages.recover,
        Leads::SignIn => &pages.sign_in,
        Leads::SignUp => &pages.sign_up,
        Leads::Verify => &pages.verify,
    }
}
