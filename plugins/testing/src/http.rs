//! HTTP of the test host: no network; the test answers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_plugin::{HttpAnswer, abi};
use doorward_runtime::fetch::{Fetch, Incoming, NoAnswer, Outgoing};

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
type Answering = Box<dyn FnMut(&HttpRequest) -> Result<HttpAnswer, i32> + Send>;

/// Nobody answers at first: then `fetch` says what a host says whose configuration lists no origin.
#[derive(Default)]
pub(crate) struct Network(Mutex<Option<Answering>>);

impl Network {
    pub(crate) fn answered_by(&self, answering: Answering) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answering);
    }
}

impl Fetch for Network {
    fn fetch(&self, _: &str, request: Outgoing<'_>, _: Duration) -> Result<Incoming, NoAnswer> {
        let asked = HttpRequest {
            method: request.method.name().to_owned(),
            url: request.url.to_owned(),
            headers: (request.headers.iter())
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: request.body.to_vec(),
        };
        let mut network = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answering) = network.as_mut() else {
            return Err(NoAnswer::NotListed("no test answers".into()));
        };
        let why = |status: i32| format!("the test answers with status {status}");
        match answering(&asked) {
            Ok(answer) => Ok(Incoming {
                status: answer.status,
                body: answer.body,
            }),
            Err(status @ abi::E_ARGUMENT) => Err(NoAnswer::Malformed(why(status))),
            Err(status @ abi::E_CONFIG) => Err(NoAnswer::NotListed(why(status))),
            Err(status @ abi::E_TIMEOUT) => Err(NoAnswer::Timeout(why(status))),
            Err(status @ abi::E_TOO_LARGE) => Err(NoAnswer::TooLarge(why(status))),
            Err(status) => Err(NoAnswer::Unavailable(why(status))),
        }
    }
}
