//! A response of the HTTP surface, as an answer keeps it.

use doorward::http::Response;

use crate::text::{PairList, Text};

/// A response, with what is lent of it.
pub(crate) struct ResponseView {
    response: Response,
    body: Text,
    headers: PairList,
}

impl ResponseView {
    pub(crate) fn status(&self) -> i32 {
        i32::from(self.response.status)
    }

    pub(crate) fn body(&self) -> crate::abi::Bytes {
        self.body.lend(&self.response.body)
    }

    pub(crate) fn headers(&self) -> crate::abi::Pairs {
        let lines = self.response.headers.iter();
        self.headers
            .lend(lines.map(|(name, value)| (*name, value.as_bytes())))
    }
}

impl From<Response> for ResponseView {
    fn from(response: Response) -> Self {
        Self {
            response,
            body: Text::default(),
            headers: PairList::default(),
        }
    }
}
