//! The values of a path's dynamic segments, on their way into a type.

use serde::de::DeserializeOwned;

use crate::bindings::context::{Param, ParamValue};
use crate::error::{Error, Result};

/// A route's own `Params`, which `route!` makes from the folder.
///
/// ```
/// waystation::route! {
///     pattern = "/blog/[...slug]",
///     mod route {
///         use crate::Params; // `slug: Vec<String>`
///         use waystation::Context;
///
///         pub fn get(context: Context<Params>) -> String {
///             context.params.slug.join(" > ")
///         }
///     }
/// }
/// # fn main() {
/// # use waystation::testing::TestRequest;
/// # assert_eq!(TestRequest::get("/blog/2026/tea").call(route::get).text(), "2026 > tea");
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold a route's params",
    label = "not this route's params",
    note = "take `Context<crate::Params>`, whose fields come from the folder's name, or plain `Context`",
    note = "for a type of your own, take `Context` and call `context.params::<{Self}>()?`"
)]
pub trait FromParams: Sized {
    /// The pattern of the route, for tests to read a path by.
    #[doc(hidden)]
    const PATTERN: Option<&'static str> = None;

    /// Takes the values.
    ///
    /// # Errors
    ///
    /// If a segment's value is missing, which a host that matched the pattern never lets happen.
    fn from_params(values: RawParams<'_>) -> Result<Self>;
}

impl FromParams for () {
    fn from_params(_: RawParams<'_>) -> Result<Self> {
        Ok(())
    }
}

/// The values by name.
#[derive(Clone, Copy, Debug)]
pub struct RawParams<'a> {
    values: &'a [Param],
}

impl<'a> RawParams<'a> {
    pub(crate) fn new(values: &'a [Param]) -> Self {
        Self { values }
    }

    /// The value of `[name]`.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn one(self, name: &str) -> Result<String> {
        match self.find(name) {
            Some(ParamValue::One(value)) => Ok(value.clone()),
            _ => Err(missing(name)),
        }
    }

    /// The values of `[...name]`.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn many(self, name: &str) -> Result<Vec<String>> {
        self.optional(name)?.ok_or_else(|| missing(name))
    }

    /// The values of `[[...name]]`.
    ///
    /// # Errors
    ///
    /// If it is a single value.
    pub fn optional(self, name: &str) -> Result<Option<Vec<String>>> {
        match self.find(name) {
            None => Ok(None),
            Some(ParamValue::Many(values)) => Ok(Some(values.clone())),
            Some(ParamValue::One(_)) => Err(missing(name)),
        }
    }

    pub(crate) fn deserialize<T: DeserializeOwned>(self) -> Result<T, serde_html_form::de::Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for Param { name, value } in self.values {
            match value {
                ParamValue::One(value) => form.append_pair(name, value),
                ParamValue::Many(values) => {
                    form.extend_pairs(values.iter().map(|value| (name, value)))
                }
            };
        }
        serde_html_form::from_str(&form.finish())
    }

    fn find(self, name: &str) -> Option<&'a ParamValue> {
        self.values
            .iter()
            .find(|param| param.name == name)
            .map(|param| &param.value)
    }
}

fn missing(name: &str) -> Error {
    Error::message(format!("the host gave no value for `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by Debug only")]
    struct Page {
        number: u32,
        path: Vec<String>,
        rest: Option<Vec<String>>,
    }

    #[test]
    fn values_become_fields() {
        check(
            &[one("number", "7"), many("path", &["a b", "c&d"])],
            r#"Page { number: 7, path: ["a b", "c&d"], rest: None }"#,
        );
        check(
            &[
                one("number", "7"),
                many("path", &["a"]),
                many("rest", &["x"]),
            ],
            r#"Page { number: 7, path: ["a"], rest: Some(["x"]) }"#,
        );
        check(
            &[one("number", "x"), many("path", &["a"])],
            "invalid digit found in string",
        );
    }

    #[track_caller]
    fn check(values: &[Param], expected: &str) {
        let actual = match RawParams::new(values).deserialize::<Page>() {
            Ok(page) => format!("{page:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }

    fn one(name: &str, value: &str) -> Param {
        Param {
            name: name.into(),
            value: ParamValue::One(value.into()),
        }
    }

    fn many(name: &str, values: &[&str]) -> Param {
        Param {
            name: name.into(),
            value: ParamValue::Many(values.iter().map(ToString::to_string).collect()),
        }
    }
}
