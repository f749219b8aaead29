//! What a handler returns instead of an answer.
//!
//! In: any standard error through `?`, or a status with a message, or a navigation such as "not found".
//! Out: for the host, a status and the message with its causes, one a line; a navigation becomes an answer without a body.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

use crate::navigation::Navigation;
use crate::response::Response;

/// What a handler returns: an answer, or an [`Error`] through `?`.
///
/// ```
/// use waystation::{Result, StatusCode};
///
/// pub fn get() -> Result<(StatusCode, String)> {
///     let number: u32 = "7".parse()?;
///     Ok((StatusCode::ACCEPTED, number.to_string()))
/// }
/// ```
pub type Result<T = Response, E = Error> = std::result::Result<T, E>;

/// Why a handler has no answer.
///
/// Every standard error becomes one through `?` and answers 500. The host logs the message and its causes; the client gets an empty body
/// (in development: the message). [`Error::new`] chooses another status.
///
/// It is not itself a [`std::error::Error`], as that would forbid the conversion from every other one.
///
/// ```
/// use waystation::{Error, Result, http::StatusCode};
///
/// fn quantity(text: &str) -> Result<u32> {
///     let quantity: u32 = text.parse()?; // 500 with the parser's words
///     if quantity == 0 {
///         return Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "order at least one"));
///     }
///     Ok(quantity)
/// }
///
/// assert_eq!(quantity("0").unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
/// assert_eq!(quantity("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Error(Box<Kind>);

pub(crate) enum Kind {
    Failure {
        status: StatusCode,
        message: Option<String>,
        source: Option<Box<dyn StdError>>,
    },
    Navigation(Navigation),
}

impl Error {
    /// An error with a status of its own, such as 422 and `order at least one`.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self(Box::new(Kind::Failure {
            status,
            message: Some(message.into()),
            source: None,
        }))
    }

    /// An error that answers 500.
    pub fn message(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// An error from one that is already in a box, as other error crates give it.
    pub fn from_boxed(source: Box<dyn StdError>) -> Self {
        Self(Box::new(Kind::Failure {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: None,
            source: Some(source),
        }))
    }

    /// Says what was being done; the error so far becomes the cause. A navigation stays what it is.
    ///
    /// ```
    /// # use waystation::Error;
    /// let error = Error::message("connection refused").context("reading the stock");
    /// assert_eq!(format!("{error:?}"), "reading the stock\nconnection refused");
    /// ```
    #[must_use]
    pub fn context(self, message: impl Into<String>) -> Self {
        let status = self.status();
        match *self.0 {
            Kind::Navigation(_) => self,
            Kind::Failure {
                message: None,
                source,
                ..
            } => Self(Box::new(Kind::Failure {
                status,
                message: Some(message.into()),
                source,
            })),
            Kind::Failure {
                message: Some(cause),
                source,
                ..
            } => {
                let cause = Cause {
                    message: cause,
                    source,
                };
                Self(Box::new(Kind::Failure {
                    status,
                    message: Some(message.into()),
                    source: Some(Box::new(cause)),
                }))
            }
        }
    }

    /// The same error with another status. A navigation keeps its own.
    #[must_use]
    pub fn with_status(mut self, new: StatusCode) -> Self {
        if let Kind::Failure { status, .. } = &mut *self.0 {
            *status = new;
        }
        self
    }

    /// The same error with a cause.
    pub(crate) fn because(mut self, cause: impl StdError + 'static) -> Self {
        if let Kind::Failure { source, .. } = &mut *self.0 {
            *source = Some(Box::new(cause));
        }
        self
    }

    /// The status that the client gets: 500 unless the error says otherwise.
    pub fn status(&self) -> StatusCode {
        match &*self.0 {
            Kind::Failure { status, .. } => *status,
            Kind::Navigation(navigation) => navigation.status(),
        }
    }

    /// The error underneath, if there is one.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Failure {
                message: Some(_),
                source,
                ..
            } => source.as_deref(),
            Kind::Failure {
                message: None,
                source,
                ..
            } => source.as_deref().and_then(StdError::source),
            Kind::Navigation(_) => None,
        }
    }

    /// The error of this type that it holds, itself or as a cause.
    ///
    /// ```
    /// # use waystation::Error;
    /// let error = Error::from("x".parse::<u32>().unwrap_err()).context("reading the quantity");
    /// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let Kind::Failure { source, .. } = &*self.0 else {
            return None;
        };
        let mut cause: Option<&(dyn StdError + 'static)> = source.as_deref();
        while let Some(current) = cause {
            if let Some(found) = current.downcast_ref() {
                return Some(found);
            }
            cause = current.source();
        }
        None
    }

    /// The same as [`crate::redirect`], as an error: `ok_or_else(|| Error::redirect("/login"))`.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::navigation(Navigation::Redirect(location.into()))
    }

    /// The same as [`crate::permanent_redirect`], as an error.
    pub fn permanent_redirect(location: impl Into<String>) -> Self {
        Self::navigation(Navigation::PermanentRedirect(location.into()))
    }

    /// The same as [`crate::not_found`], as an error: `ok_or_else(Error::not_found)`.
    pub fn not_found() -> Self {
        Self::navigation(Navigation::NotFound)
    }

    /// The same as [`crate::forbidden`], as an error.
    pub fn forbidden() -> Self {
        Self::navigation(Navigation::Forbidden)
    }

    /// The same as [`crate::unauthorized`], as an error.
    pub fn unauthorized() -> Self {
        Self::navigation(Navigation::Unauthorized)
    }

    fn navigation(navigation: Navigation) -> Self {
        Self(Box::new(Kind::Navigation(navigation)))
    }

    pub(crate) fn from_kind(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    pub(crate) fn into_kind(self) -> Kind {
        *self.0
    }
}

impl<E: StdError + 'static> From<E> for Error {
    fn from(source: E) -> Self {
        Self::from_boxed(Box::new(source))
    }
}

/// The message alone, without its causes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Failure {
                message: Some(message),
                ..
            } => f.write_str(message),
            Kind::Failure {
                source: Some(source),
                ..
            } => source.fmt(f),
            Kind::Failure { status, .. } => status.fmt(f),
            Kind::Navigation(navigation) => navigation.fmt(f),
        }
    }
}

/// The message and its causes, one a line: what the host logs.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut next = self.source();
        while let Some(cause) = next {
            write!(f, "\n{cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// A message that has become the cause of another.
#[derive(Debug)]
struct Cause {
    message: String,
    source: Option<Box<dyn StdError>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_one_a_line() {
        let error = Error::from("x".parse::<u8>().unwrap_err())
            .context("reading the quantity")
            .context("placing the order");
        assert_eq!(
            format!("{error:?}"),
            "placing the order\nreading the quantity\ninvalid digit found in string"
        );
    }

    #[test]
    fn context_keeps_the_status() {
        let error = Error::new(StatusCode::BAD_REQUEST, "no name").context("reading the form");
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
        assert_eq!(
            Error::not_found().context("looking it up").status(),
            StatusCode::NOT_FOUND
        );
    }
}
