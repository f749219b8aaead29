//! Requests to other servers, and to the app's own routes.
//!
//! [`fetch`] is Next's: it follows redirects, streams both ways, and an answer of any status is an answer. The operator decides which
//! servers may be asked, in `[outbound]` of `waystation.toml`; a path such as `/api/items` is answered by the app itself, without the
//! network.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::body::{Body, Kind};
use crate::error::{Error, Result};
use crate::incoming::Incoming;
use crate::into_response::IntoResponse;
use crate::request::from_json;
use crate::response::Response;

mod address;
mod error;
mod follow;
#[cfg(target_family = "wasm")]
mod host;
mod keep;
#[cfg(not(target_family = "wasm"))]
mod native;
pub(crate) mod store;

use address::Address;
#[cfg(target_family = "wasm")]
pub(crate) use host::cut;

pub use error::{FetchError, FetchErrorKind};
pub use keep::{CacheMode, IntoRevalidate};
use keep::{HEADER, Keep};

/// Asks another server, or with a path a route of this app.
///
/// Nothing is sent until the request is awaited. A path is what a client would ask for, as with [`redirect`](crate::redirect()): under a
/// `base_path` of `/docs`, the route `app/items/route.rs` is `fetch("/docs/items")`, though
/// [`pathname`](crate::Url::pathname) is `/items` there. Next's is the same.
///
/// What a URL cannot hold, such as a space, is sent escaped, as a browser does. `user-agent`, `accept` and `accept-encoding: identity` are
/// sent unless said otherwise: who asks for a coding gets the body in it.
///
/// ```
/// use waystation::{Json, Result, fetch};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Deserialize, Serialize)]
/// struct Rate { currency: String, rate: f64 }
///
/// pub async fn get() -> Result<Json<Vec<Rate>>> {
///     let answer = fetch("https://api.example.com/rates").header("accept", "application/json").await?;
///     Ok(Json(answer.json().await?))
/// }
/// ```
///
/// What came can be handed on as it arrives:
///
/// ```
/// use waystation::{Result, fetch, fetch::Fetched};
///
/// pub async fn get() -> Result<Fetched> {
///     Ok(fetch("/api/items").await?)
/// }
/// ```
pub fn fetch(url: impl Into<String>) -> Fetch {
    Fetch {
        url: url.into(),
        method: None,
        headers: HeaderMap::new(),
        body: Body::empty(),
        redirect: Redirect::Follow,
        timeout: None,
        keep: Keep::default(),
        fault: None,
    }
}

/// A request in the making; awaiting it sends it.
///
/// ```
/// use std::time::Duration;
/// use waystation::{Request, Result, fetch, http::Method};
///
/// pub async fn post(request: Request) -> Result<String> {
///     let answer = fetch("https://api.example.com/orders")
///         .method(Method::PUT)
///         .header("authorization", "Bearer token")
///         .body(request.body()?) // streams through
///         .timeout(Duration::from_secs(5))
///         .await?;
///     Ok(format!("the orders say {}", answer.status()))
/// }
/// ```
#[derive(Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct Fetch {
    url: String,
    method: Option<Method>,
    headers: HeaderMap,
    body: Body,
    redirect: Redirect,
    timeout: Option<Duration>,
    keep: Keep,
    fault: Option<Error>,
}

/// What to do with an answer that leads elsewhere.
///
/// ```
/// use waystation::{Result, fetch, fetch::Redirect};
///
/// pub async fn get() -> Result<String> {
///     let answer = fetch("https://example.com/old").redirect(Redirect::Manual).await?;
///     let location = answer.headers().get("location");
///     Ok(format!("{location:?}"))
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// Go there, twenty times at most; each server is one that the operator has to allow.
    #[default]
    Follow,
    /// Hand it on as it is.
    Manual,
    /// Fail.
    Error,
}

impl Fetch {
    /// The method; without it GET, or POST where there is a body.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Adds a header. One that is none fails the request when it is awaited.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        let name = name.try_into().map_err(Into::into);
        let value = value.try_into().map_err(Into::into);
        match (name, value) {
            (Ok(name), _) if name.as_str().starts_with("x-waystation-") => {
                let kind = FetchErrorKind::ForbiddenHeader(name);
                self.set_fault(FetchError::new(&self.url, kind).into());
            }
            (Ok(name), Ok(value)) => drop(self.headers.append(name, value)),
            (Err(error), _) | (_, Err(error)) => self.set_fault(Error::from(error)),
        }
        self
    }

    /// The body: text, bytes, or a stream. Text is sent as `text/plain` unless a header says otherwise.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        if let Kind::Text(_) = self.body.0 {
            self.set_type("text/plain;charset=UTF-8");
        }
        self
    }

    /// The body as JSON, sent as `application/json` unless a header says otherwise.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.body = json.into(),
            Err(error) => {
                self.set_fault(Error::from(error).context("the request's body cannot be JSON"));
            }
        }
        self.set_type("application/json");
        self
    }

    /// What to do with a redirect.
    pub fn redirect(mut self, redirect: Redirect) -> Self {
        self.redirect = redirect;
        self
    }

    /// How long to wait for the head of an answer, of each server that is asked in turn. The host's limit is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Whether the answer may come from the store, and be kept there.
    pub fn cache(mut self, cache: CacheMode) -> Self {
        self.keep.cache = Some(cache);
        self
    }

    /// Keeps the answer: fresh for so many seconds, and then given once more while it is asked for anew (row FC3). 0 is not to keep it,
    /// [`Revalidate::NEVER`](crate::Revalidate::NEVER) until it is invalidated. Only answers of status 200 are kept, of 2 MiB at most.
    ///
    /// ```
    /// use waystation::{Result, fetch, fetch::Fetched};
    ///
    /// pub async fn get() -> Result<Fetched> {
    ///     fetch("https://api.example.com/rates").revalidate(60).tags(["rates"]).await
    /// }
    /// ```
    pub fn revalidate(mut self, revalidate: impl IntoRevalidate) -> Self {
        self.keep.revalidate = Some(revalidate.into_revalidate());
        self
    }

    /// Takes tags, by which [`revalidate_tag`](crate::revalidate_tag) finds the answer; 128 at most, of 256 characters each (row FC11).
    /// They alone do not keep it (row FC6).
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.keep.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    fn set_type(&mut self, content_type: &'static str) {
        let value = HeaderValue::from_static(content_type);
        self.headers.entry(CONTENT_TYPE).or_insert(value);
    }

    fn set_fault(&mut self, fault: Error) {
        self.fault.get_or_insert(fault);
    }

    async fn send(mut self) -> Result<Fetched> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let address = Address::parse(&self.url)
            .ok_or_else(|| FetchError::new(&self.url, FetchErrorKind::Url))?;
        let has_body = !self.body.is_empty();
        let method = self.method.unwrap_or(match has_body {
            true => Method::POST,
            false => Method::GET,
        });
        if has_body && (method == Method::GET || method == Method::HEAD) {
            return Err(FetchError::new(&self.url, FetchErrorKind::BodyOfGet).into());
        }
        if let Some(keep) = self.keep.header() {
            self.headers.insert(HEADER, keep);
        }
        let request = Whole {
            method,
            address,
            headers: self.headers,
            body: self.body,
            timeout: self.timeout,
        };
        follow::send(request, self.redirect).await
    }
}

impl IntoFuture for Fetch {
    type Output = Result<Fetched>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Fetched>>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A request that can be sent.
struct Whole {
    method: Method,
    address: Address,
    headers: HeaderMap,
    body: Body,
    #[cfg_attr(
        not(target_family = "wasm"),
        allow(dead_code, reason = "no test waits")
    )]
    timeout: Option<Duration>,
}

/// An answer to [`fetch`], of whatever status. Its body is read once, by any of the methods that take it.
///
/// ```
/// use waystation::{Response, Result, fetch, testing::TestRequest};
///
/// async fn get() -> Result<Response> {
///     let answer = fetch("https://api.example.com/rates").await?;
///     match answer.ok() {
///         true => Ok(Response::text(answer.text().await?)),
///         false => Ok(Response::text("no rates today").with_status(answer.status())),
///     }
/// }
///
/// let upstream = |_| Response::text("1.08");
/// assert_eq!(TestRequest::get("/").fetch(upstream).call(get).text(), "1.08");
/// ```
#[derive(Debug)]
pub struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    address: Address,
    is_redirected: bool,
    body: Incoming,
}

impl Fetched {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the status is 200 to 299.
    pub fn ok(&self) -> bool {
        self.status.is_success()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where it came from after redirects, such as `https://api.example.com/rates`, or `/api/items` of this app.
    pub fn url(&self) -> String {
        self.address.to_string()
    }

    /// Whether there was a redirect on the way.
    ///
    /// ```
    /// use waystation::{Result, fetch};
    ///
    /// pub async fn get() -> Result<String> {
    ///     let answer = fetch("https://api.example.com/rates").await?;
    ///     Ok(format!("{} after a redirect: {}", answer.url(), answer.redirected()))
    /// }
    /// ```
    pub fn redirected(&self) -> bool {
        self.is_redirected
    }

    /// Waits for the body.
    ///
    /// # Errors
    ///
    /// If it ended early.
    pub async fn bytes(self) -> Result<Bytes> {
        self.body.bytes().await
    }

    /// Waits for the body, as text.
    ///
    /// # Errors
    ///
    /// If it ended early or is not UTF-8.
    pub async fn text(self) -> Result<String> {
        let url = self.url();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            Error::from(error).context(format!("the answer of `{url}` is not UTF-8"))
        })
    }

    /// Waits for the body, as JSON.
    ///
    /// # Errors
    ///
    /// If it ended early, or with the path of the field at fault, such as `[2].rate: missing field`. It is this server's fault and not its
    /// client's, so the status is 500.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let url = self.url();
        from_json(&self.bytes().await?).map_err(|error: Error| {
            error
                .with_status(StatusCode::INTERNAL_SERVER_ERROR)
                .context(format!(
                    "the answer of `{url}` is not the JSON that was expected"
                ))
        })
    }

    /// Takes the body, to read as it arrives.
    pub fn body(self) -> Body {
        self.body.stream()
    }
}

impl IntoResponse for Fetched {
    /// Hands the answer on: its status, its headers, and its body as it arrives.
    fn into_response(self) -> Result<Response> {
        let mut response = Response::stream(self.body.stream()).with_status(self.status);
        *response.headers_mut() = self.headers;
        Ok(response)
    }
}

#[cfg(test)]
mod tests;
