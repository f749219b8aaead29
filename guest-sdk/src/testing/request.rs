//! A request in the making.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;

use super::network::Network;
use crate::into_response::IntoResponse;
use crate::set_cookie::COMPONENT;

/// Where a request comes from unless told.
pub(super) const LOOPBACK: &str = "127.0.0.1";

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
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) pattern: Option<String>,
    pub(super) client: String,
    pub(super) time: Option<SystemTime>,
    pub(super) seed: u64,
    pub(super) network: Network,
    pub(super) leaves_after: Option<usize>,
    pub(super) is_draft: bool,
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
            client: LOOPBACK.to_owned(),
            time: None,
            seed: 0,
            network: Network::default(),
            is_draft: false,
            leaves_after: None,
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

    /// Answers what the handler fetches from one address, by whatever method, as a handler answers. Unlike what is given to
    /// [`fetch`](Self::fetch), which is asked for all other addresses, it can be sent to the served app too.
    ///
    /// ```
    /// use waystation::{Result, fetch, testing::TestRequest};
    ///
    /// async fn get() -> Result<String> {
    ///     fetch("https://api.example.com/rates").await?.text().await
    /// }
    ///
    /// let request = TestRequest::get("/").answer("https://api.example.com/rates", "1.08");
    /// assert_eq!(request.call(get).text(), "1.08");
    /// ```
    ///
    /// # Panics
    ///
    /// If `url` is neither a path nor an address of HTTP, or the answer is none.
    #[must_use]
    #[track_caller]
    pub fn answer(mut self, url: &str, answer: impl IntoResponse) -> Self {
        self.network.know(url, answer);
        self
    }

    /// Answers what the handler fetches, of whatever server; without an answer `fetch` fails. The request's URL is what `fetch` was given, and its
    /// header `x-waystation-fetch` what was said of keeping the answer.
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
        self.network.function = Some(Rc::new(answer));
        self
    }

    /// Lets the client leave after so many chunks of a streamed body. A handler that has asked for
    /// [`signal`](crate::Request::signal) learns of it, work left for [`after`](crate::after()) is done, and of any other the body is dropped.
    ///
    /// [`AbortSignal`](crate::AbortSignal) shows how.
    #[must_use]
    pub fn leave_after(mut self, chunks: usize) -> Self {
        self.leaves_after = Some(chunks);
        self
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

    pub(super) fn path(&self) -> &str {
        let target = self.target();
        target.split(['?', '#']).next().unwrap_or(target)
    }
}
