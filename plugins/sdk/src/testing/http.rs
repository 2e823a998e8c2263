//! `doorward.http/1` of the test host: no network; the test answers.

use std::cell::Cell;
use std::ffi::{c_char, c_void};

use super::TestHost;
use super::host::{Call, fill, shared};
use super::plugin::{passed, text};
use super::trace;
use crate::{HttpAnswer, abi};

pub(super) static TABLE: abi::Http = abi::Http {
    struct_size: crate::module::size_of_u32::<abi::Http>(),
    reserved: 0,
    fetch: Some(fetch),
};

/// A request that a provider makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Such as `GET`.
    pub method: String,
    /// The address.
    pub url: String,
    /// Names, as they were given, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Who answers requests: the answer, or the status with which `fetch` fails.
pub(super) type Answering = Box<dyn FnMut(&HttpRequest) -> Result<HttpAnswer, i32> + Send>;

impl TestHost {
    /// Lets the test answer HTTP requests, in place of whoever did before. Nobody does at first: then `fetch` says what
    /// a host says whose configuration lists no origin.
    pub fn answer_http(
        &self,
        answering: impl FnMut(&HttpRequest) -> Result<HttpAnswer, i32> + Send + 'static,
    ) {
        if let Ok(mut http) = self.shared().http.lock() {
            *http = Some(Box::new(answering));
        }
    }
}

thread_local! {
    /// The last answer of the running operation was larger than it takes.
    static LARGER: Cell<bool> = const { Cell::new(false) };
}

/// Whether the last answer of the operation that has run on this thread was too large. The next begins anew.
pub(super) fn was_larger() -> bool {
    LARGER.replace(false)
}

unsafe extern "C" fn fetch(
    host: *const abi::Host,
    call: *const abi::Call,
    method: *const c_char,
    url: *const c_char,
    url_len: usize,
    headers: *const abi::Pair,
    n_headers: u32,
    body: *const c_void,
    body_len: usize,
    status: *mut u32,
    out: *mut c_void,
    capacity: usize,
    written: *mut usize,
) -> abi::Status {
    if let Some(status) = trace::meet("http.fetch") {
        return status;
    }
    let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (Some(url), Some(body)) = (passed(url.cast(), url_len), passed(body, body_len)) else {
        return abi::E_ARGUMENT;
    };
    if call.is_null() || status.is_null() || (headers.is_null() && n_headers > 0) {
        return abi::E_ARGUMENT;
    }
    // SAFETY: not NULL; `Provider::run` made it, and it lives until the operation returns.
    let call = unsafe { &*call.cast::<Call>() };
    if let Some(refusal) = call.refuses_waiting() {
        return refusal;
    }
    let mut pairs = Vec::new();
    for at in 0..n_headers as usize {
        // SAFETY: not NULL, and as many pairs as the plugin says.
        let pair = unsafe { headers.add(at).read() };
        let (Some(name), Some(value)) = (
            passed(pair.name.ptr.cast(), pair.name.len),
            passed(pair.value.ptr.cast(), pair.value.len),
        ) else {
            return abi::E_ARGUMENT;
        };
        pairs.push((owned(name), owned(value)));
    }
    let request = HttpRequest {
        method: text(method),
        url: owned(url),
        headers: pairs,
        body: body.to_vec(),
    };
    let answer = match shared(host).http.lock() {
        Ok(mut http) => match http.as_mut() {
            Some(answering) => answering(&request),
            None => Err(abi::E_CONFIG),
        },
        Err(_) => Err(abi::E_UNAVAILABLE),
    };
    let told = match answer {
        Ok(answer) => {
            // SAFETY: not NULL, and the plugin's to be written.
            unsafe { status.write(u32::from(answer.status)) };
            fill(&answer.body, out.cast(), capacity, written)
        }
        Err(status) => status,
    };
    LARGER.set(told == abi::E_TOO_LARGE);
    told
}
