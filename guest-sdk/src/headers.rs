//! The request's headers, from anywhere in a handler.

use std::ops::Deref;
use std::rc::Rc;

use http::header::HeaderMap;

use crate::ambient;
use crate::bindings::outcome::Reads;
use crate::call::Call;

/// The headers of the request being answered. They are read-only: a handler sets headers on its answer.
///
/// # Panics
///
/// If no handler is running.
///
/// ```
/// use waystation::{Response, Result, headers};
///
/// pub async fn get() -> Result<Response> {
///     let headers = headers();
///     let referer = headers.get("referer").cloned();
///     Response::builder().header("x-came-from", referer.unwrap_or_else(|| "nowhere".parse().unwrap())).body("hello")
/// }
/// ```
pub fn headers() -> Headers {
    Headers {
        call: ambient::current("headers()"),
    }
}

/// The headers of one request; read them as a [`HeaderMap`].
///
/// ```
/// use waystation::{headers, testing::TestRequest};
///
/// fn get() -> String {
///     headers().keys().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")
/// }
///
/// assert_eq!(TestRequest::get("/").header("X-Shelf", "b4").call(get).text(), "x-shelf host");
/// ```
#[derive(Clone)]
pub struct Headers {
    call: Rc<Call>,
}

impl Deref for Headers {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        self.call.read(Reads::HEADERS).headers()
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}
