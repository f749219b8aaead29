//! The request that a handler answers.

use std::rc::Rc;

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::bindings::outcome::Reads;
use crate::body::Body;
use crate::body_error::{BodyError, What, bad_request};
use crate::call::Call;
use crate::cookies::RequestCookies;
use crate::error::{Error, Result};
use crate::form_data::FormData;
use crate::multipart::Multipart;
use crate::signal::AbortSignal;
use crate::url::Url;
use crate::user_agent::UserAgent;

/// The request.
///
/// The body can be read once, by any of [`text`](Self::text), [`bytes`](Self::bytes), [`json`](Self::json),
/// [`form_data`](Self::form_data), [`form`](Self::form), [`multipart`](Self::multipart) and [`body`](Self::body).
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
        self.call.read(Reads::HEADERS).headers()
    }

    /// The cookies that came with the request. [`cookies`](crate::cookies()) also sets them.
    pub fn cookies(&self) -> RequestCookies<'_> {
        RequestCookies::new(&self.call.read(Reads::COOKIES).facts().cookies)
    }

    /// Which browser, device and system ask, as far as the header `user-agent` says (row Q18).
    ///
    /// ```
    /// use waystation::Request;
    ///
    /// pub async fn get(request: Request) -> &'static str {
    ///     match request.user_agent().device.kind.as_deref() {
    ///         Some("mobile") => "the small page",
    ///         _ => "the page",
    ///     }
    /// }
    /// ```
    pub fn user_agent(&self) -> UserAgent {
        self.call.read(Reads::HEADERS);
        UserAgent::parse(&self.first_header("user-agent"))
    }

    /// Tells when the client leaves while the body is sent to it (row Q15).
    ///
    /// Whoever asks before the handler has returned lives on when that happens, for `MAX_DURATION` and what is left of `CPU_MS`; the body
    /// itself is dropped when it would write again. Without this the whole instance is dropped where it stands, and so it is, with it or
    /// without, if the client leaves before the handler has returned. A body whose reader wants only the head, as for HEAD, is aborted too.
    ///
    /// [`AbortSignal`] shows how.
    pub fn signal(&self) -> AbortSignal {
        AbortSignal::new(self.call.clone())
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

    /// The headers that came after the body, such as a checksum of it; none before it was read to its end.
    ///
    /// ```
    /// use waystation::{Request, Result};
    ///
    /// pub async fn post(request: Request) -> Result<String> {
    ///     let body = request.bytes().await?;
    ///     let digest = request.trailers().contains_key("content-digest");
    ///     Ok(format!("{} bytes, with a digest: {digest}", body.len()))
    /// }
    /// ```
    pub fn trailers(&self) -> HeaderMap {
        self.call
            .read(Reads::BODY)
            .trailers()
            .received
            .borrow()
            .clone()
    }

    /// Waits for the body, as a form (row Q11).
    ///
    /// ```
    /// use waystation::{FormValue, Request, Result, testing::TestRequest};
    ///
    /// async fn post(request: Request) -> Result<String> {
    ///     let form = request.form_data().await?;
    ///     let name = form.get("name").and_then(FormValue::text);
    ///     Ok(name.unwrap_or("nobody").to_owned())
    /// }
    ///
    /// let request = TestRequest::post("/").form(&[("name", "Ada")]);
    /// assert_eq!(request.call(post).text(), "Ada");
    /// ```
    ///
    /// # Errors
    ///
    /// Status 400 if `Content-Type` is neither `multipart/form-data` nor `application/x-www-form-urlencoded` (Next answers 500), or if the
    /// form is malformed; 413 if it has more than 1,000 fields; otherwise as for [`bytes`](Self::bytes).
    pub async fn form_data(&self) -> Result<FormData> {
        let sent = self.type_of_body();
        match essence(&sent).as_str() {
            URLENCODED => FormData::urlencoded(&self.bytes().await?),
            MULTIPART => FormData::multipart(Multipart::new(self.body()?, &sent)?).await,
            _ => Err(bad_request(BodyError::new(
                What::Type,
                format!("`Content-Type` is `{sent}`; a form is {MULTIPART} or {URLENCODED}"),
            ))),
        }
    }

    /// Waits for the body, as a form, and takes its texts as a type of one's own. Files are left out.
    ///
    /// ```
    /// use waystation::{Request, Result};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Login { name: String, password: String }
    ///
    /// pub async fn post(request: Request) -> Result<String> {
    ///     let login: Login = request.form().await?;
    ///     Ok(format!("{} has a password of {} bytes", login.name, login.password.len()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Status 400 with the name of the field at fault, such as `quantity: invalid digit found in string`; otherwise as for
    /// [`form_data`](Self::form_data).
    pub async fn form<T: DeserializeOwned>(&self) -> Result<T> {
        self.form_data().await?.texts()
    }

    /// Takes the body, to read as a form with files, field by field as it arrives (row Q11). [`Multipart`] shows how.
    ///
    /// # Errors
    ///
    /// Status 400 if `Content-Type` is not `multipart/form-data` with a boundary, 500 if the body has already been read.
    pub fn multipart(&self) -> Result<Multipart> {
        let sent = self.type_of_body();
        match essence(&sent).as_str() {
            MULTIPART => Multipart::new(self.body()?, &sent),
            _ => Err(bad_request(BodyError::new(
                What::Type,
                format!("`Content-Type` is `{sent}`, not {MULTIPART}"),
            ))),
        }
    }

    /// `Content-Type`, to read the body by.
    fn type_of_body(&self) -> String {
        self.call.read(Reads::BODY);
        self.first_header("content-type")
    }

    /// A header as it was sent; empty for none.
    fn first_header(&self, name: &str) -> String {
        let values = self.call.header(name);
        let first = values.into_iter().next().unwrap_or_default();
        String::from_utf8_lossy(&first).into_owned()
    }
}

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// A content type without its parameters, in small letters.
fn essence(content_type: &str) -> String {
    let (essence, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    essence.trim().to_ascii_lowercase()
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", self.method())
            .field("url", &self.url().href())
            .finish_non_exhaustive()
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json);
    let value = value.map_err(|error| bad_request(BodyError::at(What::Json, &error)))?;
    let ended = json.end();
    ended.map_err(|error| bad_request(BodyError::new(What::Json, error)))?;
    Ok(value)
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
