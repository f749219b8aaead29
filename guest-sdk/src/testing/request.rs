//! A request in the making, and its way through a handler.

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use super::world::Network;
use super::{TestHandler, TestResponse, World, facts};
use crate::after;
use crate::ambient::Scope;
use crate::body::Body;
use crate::call::Call;
use crate::handler::answer;
use crate::into_response::IntoResponse;
use crate::pattern::{Match, find};
use crate::set_cookie::{self, COMPONENT, cookie_pairs};

/// A request to test a handler with.
///
/// ```
/// use waystation::{Request, Response, Result, testing::TestRequest};
///
/// async fn post(request: Request) -> Result<Response> {
///     let names: Vec<String> = request.json().await?;
///     Response::builder().status(201).json(&names.len())
/// }
///
/// let response = TestRequest::post("/items").json(&["tea", "milk"]).call(post);
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.json::<usize>(), 2);
///
/// let response = TestRequest::post("/items").body("[1]").call(post);
/// assert_eq!(response.status(), 400);
/// assert!(response.error().unwrap().to_string().contains("invalid type: integer `1`"));
/// ```
#[derive(Debug, Clone)]
pub struct TestRequest {
    pub(super) method: Method,
    url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pattern: Option<String>,
    client: String,
    time: Option<SystemTime>,
    seed: u64,
    network: Network,
}

macro_rules! methods {
    ($($name:ident $method:expr;)*) => {$(
        #[doc = concat!("A request of this method: `TestRequest::", stringify!($name), "(\"/items/a?page=2\")`.")]
        ///
        /// # Panics
        ///
        /// If `url` is neither a path nor an address of HTTP.
        #[must_use]
        pub fn $name(url: &str) -> Self {
            Self::new($method, url)
        }
    )*};
}

impl TestRequest {
    methods! {
        get Method::GET;
        head Method::HEAD;
        post Method::POST;
        put Method::PUT;
        patch Method::PATCH;
        delete Method::DELETE;
        options Method::OPTIONS;
        query Method::from_bytes(b"QUERY").expect("letters");
    }

    /// A request of any method.
    ///
    /// ```
    /// use waystation::{Request, http::Method, testing::TestRequest};
    ///
    /// fn get(request: Request) -> String {
    ///     format!("{} {}", request.method(), request.url().search())
    /// }
    ///
    /// let response = TestRequest::new(Method::HEAD, "/items?page=2").call(get);
    /// assert_eq!(response.header("content-length"), None);
    /// assert_eq!(response.text(), ""); // as everywhere, HEAD is answered without the body
    /// ```
    ///
    /// # Panics
    ///
    /// If `url` is neither a path nor an address of HTTP.
    #[must_use]
    #[track_caller]
    pub fn new(method: Method, url: &str) -> Self {
        let parsed = url.parse::<http::Uri>();
        assert!(
            parsed.is_ok_and(|url| url.path().starts_with('/')),
            "`{url}` is no path such as `/items/a`; spaces and letters beyond ASCII are written `%20`"
        );
        Self {
            method,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            pattern: None,
            client: "127.0.0.1".to_owned(),
            time: None,
            seed: 0,
            network: Network::default(),
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        );
        let (Ok(name), Ok(value)) = parsed else {
            panic!("`{name}: {value}` is no header");
        };
        self.headers.append(name, value);
        self
    }

    /// Adds a cookie, as a browser would send it back.
    ///
    /// ```
    /// use waystation::{cookies, testing::TestRequest};
    ///
    /// fn get() -> String {
    ///     cookies().get("theme").unwrap_or_default()
    /// }
    ///
    /// assert_eq!(TestRequest::get("/").cookie("theme", "dark; blue").call(get).text(), "dark; blue");
    /// ```
    ///
    /// # Panics
    ///
    /// If the name cannot stand in a header.
    #[must_use]
    #[track_caller]
    pub fn cookie(self, name: &str, value: &str) -> Self {
        let value = utf8_percent_encode(value, COMPONENT);
        self.header(COOKIE.as_str(), &format!("{name}={value}"))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a value as JSON, and says so in `content-type`.
    ///
    /// # Panics
    ///
    /// If the value cannot be JSON.
    #[must_use]
    #[track_caller]
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(value).expect("a value that can be JSON");
        self.typed("application/json", json)
    }

    /// Sets the body to a form's fields, as a browser sends them, and says so in `content-type`.
    ///
    /// ```
    /// use waystation::{FormValue, Request, Result, testing::TestRequest};
    ///
    /// async fn post(request: Request) -> Result<String> {
    ///     let form = request.form_data().await?;
    ///     Ok(form.get("name").and_then(FormValue::text).unwrap_or_default().to_owned())
    /// }
    ///
    /// assert_eq!(TestRequest::post("/").form(&[("name", "Ada & Co")]).call(post).text(), "Ada & Co");
    /// ```
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.typed("application/x-www-form-urlencoded", form.finish())
    }

    fn typed(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body(body)
    }

    /// Says which route the handler belongs to, such as `/users/[id]`. Only a handler that reads its params by name or as a type of its
    /// own needs it: one that takes `Context<Params>` brings the pattern along.
    ///
    /// ```
    /// use waystation::{Context, testing::TestRequest};
    ///
    /// fn get(context: Context) -> String {
    ///     context.param("id").unwrap_or("nobody").to_owned()
    /// }
    ///
    /// assert_eq!(TestRequest::get("/users/7").pattern("/users/[id]").call(get).text(), "7");
    /// ```
    #[must_use]
    pub fn pattern(mut self, pattern: &str) -> Self {
        self.pattern = Some(pattern.to_owned());
        self
    }

    /// Sets the address that the request seems to come from; `127.0.0.1` unless told.
    #[must_use]
    pub fn client_address(mut self, address: IpAddr) -> Self {
        self.client = address.to_string();
        self
    }

    /// Sets the clock of the test, which stands still but for `sleep()`. Unless told, it is the first second of 2026 in UTC.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use waystation::{now, sleep, testing::TestRequest};
    ///
    /// async fn get() -> String {
    ///     sleep(Duration::from_secs(60)).await;
    ///     let age = now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    ///     age.as_secs().to_string()
    /// }
    ///
    /// let response = TestRequest::get("/").at(SystemTime::UNIX_EPOCH).call(get);
    /// assert_eq!(response.text(), "60");
    /// assert_eq!(response.took(), Duration::from_secs(60));
    /// ```
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// Chooses other random values; those of one seed are always the same.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Answers what the handler fetches, of whatever server; the request's URL is what `fetch` was given. Unless told, `fetch` fails.
    ///
    /// ```
    /// use waystation::{Result, fetch, testing::TestRequest};
    ///
    /// async fn get() -> Result<String> {
    ///     fetch("https://api.example.com/rates").await?.text().await
    /// }
    ///
    /// let response = TestRequest::get("/").fetch(|request| format!("{} 1.08", request.uri().path())).call(get);
    /// assert_eq!(response.text(), "/rates 1.08");
    /// assert_eq!(TestRequest::get("/").call(get).status(), 500);
    /// ```
    #[must_use]
    pub fn fetch<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(http::Request<Bytes>) -> R + 'static,
        R: IntoResponse,
    {
        let answer = move |request| answer(request).into_response();
        self.network = Network(Some(Rc::new(answer)));
        self
    }

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
        let finished = call.clone();
        let (chunks, cut_short) = block_on(Scope {
            call,
            future: Box::pin(async move {
                let collected = collect(body).await;
                after::finish(&finished).await;
                collected
            }),
        });
        let took = world.now().duration_since(began).unwrap_or_default();
        TestResponse::new(status, headers, chunks, error.or(cut_short), took)
    }

    /// The path and the query.
    pub(super) fn target(&self) -> &str {
        match self.url.split_once("://") {
            Some((_, rest)) if !self.url.starts_with('/') => {
                rest.find('/').map_or("/", |at| &rest[at..])
            }
            _ => &self.url,
        }
    }

    fn path(&self) -> &str {
        let target = self.target();
        target.split(['?', '#']).next().unwrap_or(target)
    }
}

/// Every chunk of a body, and why there are no more if it was cut short.
async fn collect(mut body: Body) -> (Vec<Bytes>, Option<crate::Error>) {
    let mut chunks = Vec::new();
    while let Some(chunk) = body.chunk().await {
        match chunk {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => return (chunks, Some(error)),
        }
    }
    (chunks, None)
}

/// Runs a future on this thread, which sleeps while it waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
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
