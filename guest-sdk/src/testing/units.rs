//! Requests for the SDK's own unit tests.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use futures_util::FutureExt;

use crate::ambient::Scope;
use crate::call::Call;
use crate::request::Request;
use crate::set_cookie::cookie_pairs;
use crate::testing::World;
use crate::testing::facts;

thread_local! {
    /// Whether the host has a store, which `TestRequest::fetch` then answers for.
    pub(crate) static HAS_STORE: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn call(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Rc<Call> {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.to_owned().into()).unwrap();
    let lines = request.headers().get_all("cookie").iter();
    let cookies: Vec<_> = lines.map(|line| line.as_bytes().to_vec()).collect();
    let facts = facts("/", cookie_pairs(&cookies));
    Call::in_memory(request, facts, World::default())
}

pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)], body: &str) -> Request {
    Request::new(call(method, uri, headers, body))
}

pub(crate) fn in_call<T>(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
    run: impl FnOnce() -> T + 'static,
) -> T
where
    T: 'static,
{
    now(Scope {
        call: call(method, uri, headers, body),
        future: Box::pin(async { run() }),
    })
}

#[track_caller]
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing to wait for")
}
