//! The request that a handler answers.

use std::rc::Rc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::call::Call;
use crate::cookies::RequestCookies;
use crate::error::{Error, Result};
use crate::multipart::Multipart;
use crate::url::Url;

/// The request.
///
/// The body can be read once, by any of [`text`](Self::text), [`bytes`](Self::bytes), [`json`](Self::json) and [`body`](Self::body).
///
/// ```
/// use waystation::{Request, Response, Result};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Deserialize, Serialize)]
/// struct Order { item: String, quantity: u32 }
///
/// pub async fn post(request: Request) -> Result<Response> {
///     let order: Order = request.json().await?;
///     Response::json(&order)
/// }
/// ```
pub struct Request {
    call: Rc<Call>,
}

impl Request {
    pub(crate) fn new(call: Rc<Call>) -> Self {
        Self { call }
    }

    /// The method, such as GET. A `get` handler also sees HEAD where the module has no `head`.
    pub fn method(&self) -> &Method {
        self.call.method()
    }

    /// The address.
    pub fn url(&self) -> &Url {
        self.call.url()
    }

    /// The headers. `host` is always there.
    pub fn headers(&self) -> &HeaderMap {
        self.call.headers()
    }

    /// The cookies that came with the request. [`cookies`](crate::cookies()) also sets them.
    pub fn cookies(&self) -> RequestCookies<'_> {
        RequestCookies::new(&self.call.facts().cookies)
    }

    /// Waits for the body, as text.
    ///
    /// # Errors
    ///
    /// Status 400 if it is not UTF-8; otherwise as for [`bytes`](Self::bytes).
    pub async fn text(&self) -> Result<String> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            Error::from(error)
                .context("the body is not UTF-8")
                .with_status(StatusCode::BAD_REQUEST)
        })
    }

    /// Waits for the body.
    ///
    /// # Errors
    ///
    /// Status 400 if it ended early, 413 if it is longer than the route's `BODY_LIMIT`, 500 if it has already been read.
    pub async fn bytes(&self) -> Result<Bytes> {
        self.call.take_body()?.bytes().await
    }

    /// Waits for the body, as JSON.
    ///
    /// # Errors
    ///
    /// Status 400 with the path of the field at fault, such as `items[2].price: invalid type: string "x", expected u32`; otherwise as for
    /// [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T> {
        from_json(&self.bytes().await?)
    }

    /// Takes the body, to read as it arrives.
    ///
    /// ```
    /// use waystation::{Request, Response, Result};
    ///
    /// pub async fn post(request: Request) -> Result<Response> {
    ///     Ok(Response::stream(request.body()?)) // sends back what it receives
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If it has already been read.
    pub fn body(&self) -> Result<Body> {
        Ok(self.call.take_body()?.stream())
    }

    /// Takes the body, to read as a form with files, field by field as it arrives (row Q11).
    ///
    /// # Errors
    ///
    /// Status 400 if `Content-Type` is not `multipart/form-data` with a boundary, 500 if the body has already been read.
    pub fn multipart(&self) -> Result<Multipart> {
        match self.content_type() {
            (Some(Form::Multipart), sent) => Multipart::new(self.body()?, &sent),
            (_, sent) => Err(no_form(&sent, "multipart/form-data")),
        }
    }

    /// Which kind of form the body claims to be, and the header that says so; empty for none.
    fn content_type(&self) -> (Option<Form>, String) {
        let sent = self.call.header("content-type").into_iter().next();
        let sent = sent.unwrap_or_default();
        let sent = String::from_utf8_lossy(&sent).into_owned();
        (Form::named(&sent), sent)
    }
}

/// How a form is written.
enum Form {
    Urlencoded,
    Multipart,
}

impl Form {
    fn named(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default();
        match name.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            "multipart/form-data" => Some(Self::Multipart),
            _ => None,
        }
    }
}

fn no_form(sent: &str, expected: &str) -> Error {
    let sent = match sent {
        "" => "there is no `Content-Type`".to_owned(),
        sent => format!("`Content-Type` is `{sent}`"),
    };
    Error::new(
        StatusCode::BAD_REQUEST,
        format!("{sent}; this route reads {expected}"),
    )
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("url", &self.url().href())
            .finish_non_exhaustive()
    }
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        match error.path().iter().next() {
            Some(_) => malformed(&error),
            None => malformed(error.inner()),
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        StatusCode::BAD_REQUEST,
        format!("the body is not the expected JSON: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{now, request};

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "read by Debug only")]
    struct Order {
        items: Vec<Item>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "read by Debug only")]
    struct Item {
        price: u32,
    }

    #[test]
    fn malformed_json_names_the_field() {
        check(
            r#"{"items":[{"price":3}]}"#,
            "Order { items: [Item { price: 3 }] }",
        );
        check(
            r#"{"items":[{"price":"x"}]}"#,
            r#"400 items[0].price: invalid type: string "x", expected u32 at line 1 column 22"#,
        );
        check("", "400 EOF while parsing a value at line 1 column 0");
        check(
            r#"{"items":[]} 1"#,
            "400 trailing characters at line 1 column 14",
        );
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let actual = match now(request("POST", "/", &[], body).json::<Order>()) {
            Ok(order) => format!("{order:?}"),
            Err(error) => error.to_string().replace(
                "the body is not the expected JSON:",
                error.status().as_str(),
            ),
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_body_is_read_once() {
        let request = request("POST", "/", &[], "hi");
        assert_eq!(now(request.text()).unwrap(), "hi");
        assert_eq!(
            now(request.bytes()).unwrap_err().to_string(),
            "the body has already been read"
        );
        assert_eq!(
            request.body().unwrap_err().to_string(),
            "the body has already been read"
        );
        assert_eq!(request.method(), "POST");
    }

    #[test]
    fn host_comes_from_the_address() {
        let request = request("GET", "https://shop.test:8443/a", &[("accept", "*/*")], "");
        assert_eq!(request.headers()["host"], "shop.test:8443");
        assert_eq!(request.headers()["accept"], "*/*");
    }
}
