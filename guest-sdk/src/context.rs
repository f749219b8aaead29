//! What a handler is told beside the request.

use std::fmt;
use std::rc::Rc;

use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::bindings::context::ParamValue;
use crate::bindings::outcome::Reads;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::params::{FromParams, RawParams};
use crate::segment::Segment;

/// What a handler is told beside the request: the dynamic segments of the path, and facts about the request.
///
/// `P` is the route's own `crate::Params`, made from its folder: `app/shop/[tag]/[...path]` gives
/// `struct Params { tag: String, path: Vec<String> }`.
///
/// ```
/// waystation::route! {
///     pattern = "/shop/[tag]/[item]",
///     mod route {
///         use crate::Params;
///         use waystation::Context;
///
///         pub async fn get(context: Context<Params>) -> String {
///             format!("{} of {}", context.params.item, context.params.tag)
///         }
///     }
/// }
/// # fn main() {}
/// ```
pub struct Context<P = ()> {
    /// The values of the dynamic segments, decoded.
    pub params: P,
    call: Rc<Call>,
}

impl<P: FromParams> Context<P> {
    pub(crate) fn new(call: Rc<Call>) -> Result<Self> {
        let params = P::from_params(RawParams::new(&call.facts().params))?;
        Ok(Self { params, call })
    }
}

impl<P> Context<P> {
    /// The values as a type of your own; numbers are parsed, a catch-all is a `Vec`.
    ///
    /// # Errors
    ///
    /// Status 404 if a value does not fit its field: no such page.
    ///
    /// ```
    /// # use waystation::{Context, Result};
    /// # use serde::Deserialize;
    /// #[derive(Deserialize)]
    /// struct Page { number: u32 }
    ///
    /// pub async fn get(context: Context) -> Result<String> {
    ///     let page: Page = context.params()?;
    ///     Ok(format!("page {}", page.number))
    /// }
    /// ```
    pub fn params<T: DeserializeOwned>(&self) -> Result<T> {
        RawParams::new(&self.call.facts().params)
            .deserialize()
            .map_err(|error| {
                Error::new(
                    StatusCode::NOT_FOUND,
                    format!("the path does not fit: {error}"),
                )
            })
    }

    /// The value of `[name]`, by the folder's spelling.
    ///
    /// ```
    /// use waystation::{Context, testing::TestRequest};
    ///
    /// fn get(context: Context) -> String {
    ///     format!("{:?} {:?}", context.param("tag"), context.param_all("path"))
    /// }
    ///
    /// let request = TestRequest::get("/shop/tea/a/b").pattern("/shop/[tag]/[...path]");
    /// assert_eq!(request.call(get).text(), r#"Some("tea") Some(["a", "b"])"#);
    /// ```
    pub fn param(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            ParamValue::One(value) => Some(value),
            ParamValue::Many(_) => None,
        }
    }

    /// The values of `[...name]` or `[[...name]]`; `None` for an optional one that matched nothing.
    pub fn param_all(&self, name: &str) -> Option<&[String]> {
        match self.value(name)? {
            ParamValue::One(value) => Some(std::slice::from_ref(value)),
            ParamValue::Many(values) => Some(values),
        }
    }

    /// The pattern that matched, such as `/items/[slug]`; in a proxy, its file.
    pub fn pattern(&self) -> &str {
        &self.call.facts().pattern
    }

    /// Names this request in the logs and in the `x-request-id` header.
    pub fn request_id(&self) -> &str {
        &self.call.facts().request_id
    }

    /// The client's IP address, such as `203.0.113.7`.
    ///
    /// ```
    /// use waystation::{Context, testing::TestRequest};
    ///
    /// fn get(context: Context) -> String {
    ///     context.client_address().to_owned()
    /// }
    ///
    /// let request = TestRequest::get("/").client_address([203, 0, 113, 7].into());
    /// assert_eq!(request.call(get).text(), "203.0.113.7");
    /// ```
    pub fn client_address(&self) -> &str {
        &self.call.read(Reads::CLIENT).facts().client_address
    }

    /// The route's configuration after the operator's limits were applied.
    ///
    /// ```
    /// use waystation::Context;
    ///
    /// pub fn get(context: Context) -> String {
    ///     format!("{} has {:?}", context.pattern(), context.segment())
    /// }
    /// ```
    pub fn segment(&self) -> Segment {
        Segment::settled(&self.call.facts().segment)
    }

    fn value(&self, name: &str) -> Option<&ParamValue> {
        self.call
            .facts()
            .params
            .iter()
            .find(|param| param.name == name)
            .map(|param| &param.value)
    }
}

impl<P: fmt::Debug> fmt::Debug for Context<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("params", &self.params)
            .field("pattern", &self.pattern())
            .finish_non_exhaustive()
    }
}
