//! A request's way through a handler, natively.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderMap, Method};

use super::kept::Beside;
use super::{TestHandler, TestRequest, TestResponse, World, facts};
use crate::after;
use crate::ambient::Scope;
use crate::body::Body;
use crate::call::Call;
use crate::handler::answer;
use crate::pattern::{Match, find};
use crate::set_cookie::{self, cookie_pairs};
use crate::signal::Signal;

impl TestRequest {
    /// Runs a handler with this request, natively, and waits for all of its answer.
    ///
    /// It does what the host does around a handler: the path's values become params, cookies are read and written, a redirect or an error
    /// becomes an answer. What the operator sets (limits, headers, redirects) is not there; `send` meets that.
    ///
    /// # Panics
    ///
    /// If the path does not fit the handler's route, or if the handler panics.
    #[track_caller]
    pub fn call<Shape, H: TestHandler<Shape>>(self, handler: H) -> TestResponse {
        let params = match self.pattern.as_deref().or(H::PATTERN) {
            None => Vec::new(),
            Some(pattern) => match find(pattern, self.path()) {
                Match::Params(params) => params,
                Match::No | Match::BadEscape => {
                    panic!("`{}` is no path of the route `{pattern}`", self.path())
                }
            },
        };
        let lines = self.headers.get_all(COOKIE).iter();
        let lines: Vec<_> = lines.map(|line| line.as_bytes().to_vec()).collect();
        let mut facts = facts(
            self.pattern.as_deref().or(H::PATTERN).unwrap_or("/"),
            cookie_pairs(&lines),
        );
        facts.params = params;
        facts.client_address = self.client;
        facts.draft_mode = self.is_draft;
        let world = match self.time {
            Some(time) => World::new(time, self.seed, self.network),
            None => World::new(World::default().now(), self.seed, self.network),
        };
        let began = world.now();
        let is_head = self.method == Method::HEAD;
        let mut request = http::Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.url.parse().expect("it was parsed before");
        *request.headers_mut() = self.headers;
        let call = Call::in_memory(request, facts, world);
        let world = call.world();

        let (status, headers, body, error) = block_on(answer(&call, |call| handler.start(call)))
            .map_or_else(
                |error| (error.status(), HeaderMap::new(), Body::empty(), Some(error)),
                |(mut response, cookies)| {
                    let now = world.now().duration_since(SystemTime::UNIX_EPOCH);
                    let now = now.map_or(0, |now| now.as_secs());
                    set_cookie::merge(response.headers_mut(), &cookies, now.cast_signed());
                    let (status, headers, body) = response.into_parts();
                    (status, headers, body, None)
                },
            );
        let body = if is_head { Body::empty() } else { body };
        let leaves_after = self.leaves_after;
        let finished = call.clone();
        let (chunks, cut_short) = block_on(Scope {
            call: call.clone(),
            future: Box::pin(async move {
                let collected = collect(body, leaves_after, finished.signal()).await;
                after::finish(&finished).await;
                collected
            }),
        });
        let took = world.now().duration_since(began).unwrap_or_default();
        TestResponse::new(status, headers, chunks, error.or(cut_short), took)
            .with(Beside::of(&call))
    }
}

/// Every chunk of a body until its client leaves, and why there are no more if it was cut short.
async fn collect(
    mut body: Body,
    leaves_after: Option<usize>,
    signal: &Signal,
) -> (Vec<Bytes>, Option<crate::Error>) {
    let mut chunks = Vec::new();
    while leaves_after != Some(chunks.len()) {
        match body.chunk().await {
            Some(Ok(chunk)) => chunks.push(chunk),
            Some(Err(error)) => return (chunks, Some(error)),
            None => return (chunks, None),
        }
    }
    if signal.abort() {
        let _unwanted = body.chunk().await; // it goes on until it would write again
    }
    (chunks, None)
}

/// Runs a future on this thread, which sleeps while it waits.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
