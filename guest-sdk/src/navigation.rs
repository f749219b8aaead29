//! Leaving a handler for somewhere else: redirects, "not found" and refusals.
//!
//! Each function returns an `Err`, so `redirect("/login")?` ends the handler from within any helper, and `redirect("/login")` is also a
//! handler's last expression. Cookies set before a redirect are sent with it; before the others they are dropped.

use std::fmt;

use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::error::{Error, Result};
use crate::response::Response;

/// Sends the client to `location` for now: 307, or 303 after a form was posted, so that the browser follows with GET.
///
/// `location` goes out as it is: a relative one stays relative.
///
/// # Errors
///
/// Always: the redirect is an [`Error`], which is how it ends the handler.
///
/// ```
/// use waystation::{Result, redirect};
///
/// fn member(name: Option<&str>) -> Result<&str> {
///     let Some(name) = name else {
///         redirect("/login")?;
///         unreachable!("a redirect ends the handler");
///     };
///     Ok(name)
/// }
///
/// assert_eq!(member(None).unwrap_err().status(), 307);
/// ```
pub fn redirect(location: impl Into<String>) -> Result<Response> {
    Err(Error::redirect(location))
}

/// Sends the client to `location` for good: 308, or 303 after a form was posted.
///
/// # Errors
///
/// Always: the redirect is an [`Error`], which is how it ends the handler.
///
/// ```
/// use waystation::{Response, Result, permanent_redirect, testing::TestRequest};
///
/// fn get() -> Result<Response> {
///     permanent_redirect("/moved")
/// }
///
/// let response = TestRequest::get("/").call(get);
/// assert_eq!((response.status().as_u16(), response.header("location")), (308, Some("/moved")));
/// ```
pub fn permanent_redirect(location: impl Into<String>) -> Result<Response> {
    Err(Error::permanent_redirect(location))
}

/// Answers 404 without a body.
///
/// # Errors
///
/// Always: "not found" is an [`Error`], which is how it ends the handler. In `ok_or_else`, write [`Error::not_found`].
///
/// ```
/// use waystation::{not_found, testing::TestRequest};
///
/// assert_eq!(TestRequest::get("/").call(not_found).status(), 404);
/// ```
pub fn not_found() -> Result<Response> {
    Err(Error::not_found())
}

/// Answers 403 without a body: the client is known and may not.
///
/// # Errors
///
/// Always: the refusal is an [`Error`], which is how it ends the handler.
///
/// ```
/// use waystation::{forbidden, testing::TestRequest};
///
/// assert_eq!(TestRequest::get("/").call(forbidden).status(), 403);
/// ```
pub fn forbidden() -> Result<Response> {
    Err(Error::forbidden())
}

/// Answers 401 without a body: the client has to say who it is.
///
/// # Errors
///
/// Always: the refusal is an [`Error`], which is how it ends the handler.
///
/// ```
/// use waystation::{Request, Response, Result, testing::TestRequest, unauthorized};
///
/// fn get(request: Request) -> Result<Response> {
///     if !request.headers().contains_key("authorization") {
///         return unauthorized();
///     }
///     Ok(Response::text("welcome"))
/// }
///
/// assert_eq!(TestRequest::get("/").call(get).status(), 401);
/// assert_eq!(TestRequest::get("/").header("authorization", "Bearer t").call(get).status(), 200);
/// ```
pub fn unauthorized() -> Result<Response> {
    Err(Error::unauthorized())
}

/// Where a handler went instead of answering.
#[derive(Debug)]
pub(crate) enum Navigation {
    Redirect(String),
    PermanentRedirect(String),
    NotFound,
    Forbidden,
    Unauthorized,
}

impl Navigation {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Redirect(_) => StatusCode::TEMPORARY_REDIRECT,
            Self::PermanentRedirect(_) => StatusCode::PERMANENT_REDIRECT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
        }
    }

    /// Whether cookies that the handler set go out with it.
    pub(crate) fn keeps_cookies(&self) -> bool {
        matches!(self, Self::Redirect(_) | Self::PermanentRedirect(_))
    }

    /// The answer without a body. `after_form` asks whether the request posted a form; only a redirect needs to know.
    pub(crate) fn into_response(self, after_form: impl FnOnce() -> bool) -> Response {
        let status = self.status();
        let (Self::Redirect(location) | Self::PermanentRedirect(location)) = self else {
            return Response::new(status);
        };
        let status = if after_form() {
            StatusCode::SEE_OTHER
        } else {
            status
        };
        let mut response = Response::new(status);
        response
            .headers_mut()
            .insert(LOCATION, header_value(&location));
        response
    }
}

impl fmt::Display for Navigation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(location) => write!(f, "redirect to {location}"),
            Self::PermanentRedirect(location) => write!(f, "permanent redirect to {location}"),
            Self::NotFound => f.write_str("not found"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::Unauthorized => f.write_str("unauthorized"),
        }
    }
}

/// A location as a header: what a header cannot hold (line ends, other control characters, non-ASCII letters) is percent-encoded, the
/// rest stays as written.
pub(crate) fn header_value(location: &str) -> HeaderValue {
    const UNSENDABLE: &AsciiSet = CONTROLS;
    let encoded = utf8_percent_encode(location, UNSENDABLE).to_string();
    HeaderValue::try_from(encoded).expect("control characters were encoded")
}

/// Whether a request of this method and content type posted a form: `application/x-www-form-urlencoded` to the letter, or any multipart.
pub(crate) fn is_form_post(method: &http::Method, content_type: Option<&[u8]>) -> bool {
    let content_type = content_type.unwrap_or_default();
    method == http::Method::POST
        && (content_type == b"application/x-www-form-urlencoded"
            || content_type.starts_with(b"multipart/form-data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_keep_the_location_as_written() {
        check("/a b;c", "/a b;c");
        check("https://x.test/é", "https://x.test/%C3%A9");
        check("/x\r\nset-cookie: a=1", "/x%0D%0Aset-cookie: a=1");
    }

    #[track_caller]
    fn check(location: &str, sent: &str) {
        let response = Navigation::Redirect(location.to_owned()).into_response(|| false);
        assert_eq!(response.headers()[LOCATION], sent);
        assert_eq!(response.status(), 307);
    }

    #[test]
    fn after_a_form_post_the_browser_follows_with_get() {
        let form = Some(&b"application/x-www-form-urlencoded"[..]);
        assert!(is_form_post(&http::Method::POST, form));
        assert!(is_form_post(
            &http::Method::POST,
            Some(b"multipart/form-data; boundary=x")
        ));
        assert!(!is_form_post(
            &http::Method::POST,
            Some(b"application/x-www-form-urlencoded; charset=utf-8")
        ));
        assert!(!is_form_post(&http::Method::PUT, form));
        assert!(!is_form_post(&http::Method::POST, None));
        assert_eq!(
            Navigation::PermanentRedirect("/".into())
                .into_response(|| true)
                .status(),
            303
        );
    }
}
