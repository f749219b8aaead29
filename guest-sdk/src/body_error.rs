//! A body that is not what a handler expected.

use std::fmt::{self, Display};

use http::StatusCode;
use serde_path_to_error::Segment;

use crate::error::Error;

/// A request's body that is not of the type that the handler reads it as: JSON or a form. With `?` it answers 400.
///
/// It is the [`source`](crate::Error::source) of the error, also of one that reads the answer to a `fetch`, which answers 500.
///
/// ```
/// use waystation::{BodyError, Request, Response, Result, testing::TestRequest};
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     count: u32,
/// }
///
/// async fn post(request: Request) -> Result<Response> {
///     match request.json::<Order>().await {
///         Ok(order) => Ok(Response::text(format!("{} of them", order.count))),
///         Err(error) => match error.downcast_ref::<BodyError>().and_then(BodyError::path) {
///             Some(path) => Response::builder().status(422).body(format!("look at {path}")),
///             None => Err(error),
///         },
///     }
/// }
///
/// let response = TestRequest::post("/").body(r#"{"count":"many"}"#).call(post);
/// assert_eq!(response.status(), 422);
/// assert_eq!(response.text(), "look at count");
/// assert_eq!(TestRequest::post("/").body("{").call(post).status(), 400);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyError {
    what: What,
    path: Option<String>,
    reason: String,
}

/// What was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Json,
    Form,
    /// Another type of content.
    Type,
}

impl BodyError {
    pub(crate) fn new(what: What, reason: impl Display) -> Self {
        Self {
            what,
            path: None,
            reason: reason.to_string(),
        }
    }

    /// The same of a part of the body, if serde says which.
    pub(crate) fn at<E: Display>(what: What, error: &serde_path_to_error::Error<E>) -> Self {
        let mut segments = error.path().iter();
        let has_path = segments.any(|segment| !matches!(segment, Segment::Unknown)); // of what ends early it knows none
        Self {
            path: has_path.then(|| error.path().to_string()),
            ..Self::new(what, error.inner())
        }
    }

    /// The part that is at fault, such as `items[0].price`; nothing if it is the body as a whole.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What is wrong with it, in serde's words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.what {
            What::Json => "the body is not the expected JSON: ",
            What::Form => "the form is not the expected one: ",
            What::Type => "",
        })?;
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for BodyError {}

/// As an answer to whoever sent it.
pub(crate) fn bad_request(error: BodyError) -> Error {
    Error::from(error).with_status(StatusCode::BAD_REQUEST)
}
