//! The settings of the HTTP surface.

use super::reader::{Reader, bad};
use crate::error::Result;

/// Longest prefix, in bytes.
const MAX_PREFIX: usize = 64;

/// What the HTTP surface offers, and where it leads people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, independent of the others"
)]
pub struct HttpSettings {
    /// The path below which it answers. Default `/auth`.
    pub prefix: String,
    /// Whether people may sign up. Default true.
    pub sign_up: bool,
    /// Whether people may delete their account. Default false.
    pub user_delete: bool,
    /// Whether people may read all that is kept about them. Default false.
    pub user_export: bool,
    /// Whether it answers below `/.well-known/`. Default false.
    pub well_known: bool,
    /// Longest body in bytes.
    pub max_body: usize,
    /// Addresses besides own paths that it may lead back to.
    pub return_to: Vec<String>,
    /// What the types of problems begin with.
    pub problem_type: String,
    /// User attributes that people may change themselves.
    pub own_attributes: Vec<String>,
    /// The program's pages.
    pub pages: Pages,
}

/// The pages of the program: own paths, or addresses on hosts of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// Of who has signed in or out. Default `/`.
    pub home: String,
    /// The form to sign in. Default `/sign-in`.
    pub sign_in: String,
    /// The form to sign up. Default `/sign-up`.
    pub sign_up: String,
    /// The form for the next step. Default `/continue`.
    pub next: String,
    /// The ways in of a person. Default `/account`.
    pub account: String,
    /// A forgotten password. Default `/recover`.
    pub recover: String,
    /// Where the link to confirm an address leads. Default `/verify`.
    pub verify: String,
}

impl HttpSettings {
    pub(super) fn read(r: &Reader<'_>) -> Result<Self> {
        Ok(Self {
            prefix: prefix(r)?,
            sign_up: r.boolean("http.sign_up")?,
            user_delete: r.boolean("http.user_delete")?,
            user_export: r.boolean("http.user_export")?,
            well_known: r.boolean("http.well_known")?,
            max_body: r.integer("http.max_body")?,
            return_to: addresses(r, "http.return_to")?,
            problem_type: r.text("http.problem_type")?.unwrap_or_default(),
            own_attributes: r.texts("attributes.self")?,
            pages: Pages {
                home: page(r, "http.pages.home")?,
                sign_in: page(r, "http.pages.sign_in")?,
                sign_up: page(r, "http.pages.sign_up")?,
                next: page(r, "http.pages.continue")?,
                account: page(r, "http.pages.account")?,
                recover: page(r, "http.pages.recover")?,
                verify: page(r, "http.pages.verify")?,
            },
        })
    }
}

fn prefix(r: &Reader<'_>) -> Result<String> {
    let prefix = r.text("http.prefix")?.unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if !prefix.starts_with('/')
        || prefix.ends_with('/')
        || prefix.contains("//")
        || prefix.split('/').any(|part| part == "." || part == "..")
        || prefix.len() > MAX_PREFIX
        || !prefix.bytes().all(plain)
    {
        return Err(bad(
            "http.prefix",
            format!(
                "is `{prefix}`: write a path such as \"/auth\": a `/`, then up to {MAX_PREFIX} characters of a-z, A-Z, 0-9, `/`, `.`, `_`, `-`, none of them a `/` at the end"
            ),
        ));
    }
    Ok(prefix)
}

/// A page of the program: what a browser is led to, so nothing in it may end the header line.
fn page(r: &Reader<'_>, key: &str) -> Result<String> {
    let page = r.text(key)?.unwrap_or_default();
    let own = page.starts_with('/') && !page.starts_with("//") && !page.starts_with("/\\");
    if is_plain(&page) && (own || is_address(&page)) {
        return Ok(page);
    }
    Err(bad(
        key,
        format!(
            "is `{}`: write an own path such as \"/sign-in\", or an https address",
            page.escape_debug()
        ),
    ))
}

fn addresses(r: &Reader<'_>, key: &str) -> Result<Vec<String>> {
    let texts = r.texts(key)?;
    match texts.iter().find(|text| !is_plain(text) || !is_address(text)) {
        None => Ok(texts),
        Some(wrong) => Err(bad(
            key,
            format!(
                "has `{}`: write addresses such as \"https://app.example/done\"",
                wrong.escape_debug()
            ),
        )),
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

/// An address with a scheme of the web or of an app, as custom schemes of apps are written.
fn is_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        !rest.is_empty()
            && scheme.bytes().all(named)
            && scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && !["javascript", "data", "file", "blob"].contains(&scheme)
    })
}
