//! Why a request has no answer.

use std::fmt;

use http::HeaderName;

/// Why [`fetch`](crate::fetch()) has no answer, or not all of one. With `?` it answers 500.
///
/// ```
/// use waystation::{Error, Result, fetch, fetch::{FetchError, FetchErrorKind}};
///
/// pub async fn get() -> Result<String> {
///     match fetch("https://slow.example.com").await {
///         Ok(answer) => answer.text().await,
///         Err(error) => match error.downcast_ref::<FetchError>().map(FetchError::kind) {
///             Some(FetchErrorKind::Timeout) => Ok("later".into()),
///             _ => Err(error),
///         },
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    url: String,
    kind: FetchErrorKind,
}

/// The kinds of [`FetchError`].
///
/// ```
/// use waystation::fetch::{FetchError, FetchErrorKind};
/// use waystation::{Response, Result, fetch};
///
/// pub async fn get() -> Result<Response> {
///     match fetch("https://api.example.com/rates").await {
///         Ok(rates) => Ok(Response::text(rates.text().await?)),
///         Err(error) => match error.downcast_ref::<FetchError>().map(FetchError::kind) {
///             Some(FetchErrorKind::Timeout) => Response::builder().status(504).body("they take too long"),
///             _ => Err(error), // 500, and the log says why
///         },
///     }
/// }
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::get("/").fetch(|_| "1.08").call(get).text(), "1.08");
/// # assert_eq!(TestRequest::get("/").call(get).status(), 500);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The URL is neither absolute nor a path of the app.
    Url,
    /// GET or HEAD with a body.
    BodyOfGet,
    /// A header that only the host sets, such as `connection` or `x-waystation-...`.
    ForbiddenHeader(HeaderName),
    /// The operator does not list this server.
    NotAllowed,
    /// The server's name leads to an address that is not public.
    NotPublic,
    /// More requests than one request of a client may make.
    TooMany,
    /// Routes of the app ask each other in a circle.
    Loop,
    /// The server's name has no address.
    Dns,
    /// The server cannot be reached, or went away.
    Unreachable,
    /// The server's certificate is not valid, or no secure connection was possible.
    Tls,
    /// The server took too long.
    Timeout,
    /// The answer's body ended early.
    Incomplete,
    /// The answer's body is longer than the host takes.
    TooLarge,
    /// More than twenty redirects, or one where [`Redirect::Error`](super::Redirect::Error) was asked for.
    Redirect,
    /// A redirect that the body would have to be sent to once more, and it was a stream.
    BodyOnce,
    /// Anything else, in the host's words.
    Other(String),
}

impl FetchError {
    pub(super) fn new(url: impl fmt::Display, kind: FetchErrorKind) -> Self {
        Self {
            url: url.to_string(),
            kind,
        }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> &FetchErrorKind {
        &self.kind
    }

    /// What was asked.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot fetch `{}`: ", self.url)?;
        f.write_str(match &self.kind {
            FetchErrorKind::Url => "write an absolute URL such as `https://api.example.com/items`, or a path of this app such as `/items`",
            FetchErrorKind::BodyOfGet => "GET and HEAD have no body; choose another method",
            FetchErrorKind::ForbiddenHeader(name) => return write!(f, "`{name}` is the host's own; leave it out"),
            FetchErrorKind::NotAllowed => "this server is not allowed; add it to `hosts` of `[outbound]` in waystation.toml",
            FetchErrorKind::NotPublic => "its name leads to an address that is not public; the operator can allow it in `addresses` of `[outbound]` in waystation.toml",
            FetchErrorKind::TooMany => "one request may not make so many; the operator can allow more with `fetches` of `[limits]` in waystation.toml",
            FetchErrorKind::Loop => "routes of this app ask each other in a circle",
            FetchErrorKind::Dns => "its name has no address",
            FetchErrorKind::Unreachable => "the server cannot be reached",
            FetchErrorKind::Tls => "no secure connection is possible, or its certificate is not valid",
            FetchErrorKind::Timeout => "the server took too long",
            FetchErrorKind::Incomplete => "the answer's body ended early",
            FetchErrorKind::TooLarge => "the answer's body is longer than the host takes",
            FetchErrorKind::Redirect => "it leads elsewhere too often, or at all where `Redirect::Error` was asked for",
            FetchErrorKind::BodyOnce => "it leads elsewhere, and a body that is a stream cannot be sent twice",
            FetchErrorKind::Other(words) => words,
        })
    }
}

impl std::error::Error for FetchError {}
