//! What of a request its answer depends on once the handler has it.

use http::header::{ACCEPT_ENCODING, ACCESS_CONTROL_REQUEST_METHOD, IF_NONE_MATCH, ORIGIN};
use http::{HeaderMap, HeaderName, Method, Request};

/// The method and a few headers: none of them copied for a client that sends none.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
}

const NAMES: [HeaderName; 4] = [
    ACCEPT_ENCODING,
    ACCESS_CONTROL_REQUEST_METHOD,
    IF_NONE_MATCH,
    ORIGIN,
];

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers() {
            if NAMES.contains(name) {
                headers.append(name, value.clone());
            }
        }
        Self {
            method: request.method().clone(),
            headers,
        }
    }

    /// Whether a body would be dropped.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}
