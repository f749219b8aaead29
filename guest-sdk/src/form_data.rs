//! A whole form, as the web's `FormData`.
//!
//! In: a body of either kind that browsers send. Out: names and values in order, each a text or a file; the texts also as a type of one's own.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::body_error::{BodyError, What, bad_request};
use crate::error::Result;
use crate::multipart::{FIELD_LIMIT, Multipart, named, too_many_fields};

/// A form (row Q11): names and values in the order in which they were sent. A name may come more than once.
///
/// ```
/// use waystation::{FormValue, Request, Result};
///
/// pub async fn post(request: Request) -> Result<String> {
///     let form = request.form_data().await?;
///     let name = form.get("name").and_then(FormValue::text).unwrap_or("nobody");
///     let photo = form.get("photo").and_then(FormValue::file);
///     let bytes = photo.map_or(0, |photo| photo.bytes.len());
///     Ok(format!("{name} sent {bytes} bytes and {} tags", form.get_all("tag").count()))
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FormData {
    fields: Vec<(String, FormValue)>,
}

/// A value of a [`FormData`].
///
/// ```
/// use waystation::FormValue;
///
/// let value = FormValue::Text("lamp".to_owned());
/// assert_eq!(value.text(), Some("lamp"));
/// assert!(value.file().is_none());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum FormValue {
    /// What was typed or chosen.
    Text(String),
    /// What was uploaded.
    File(File),
}

/// A file of a [`FormData`].
///
/// ```
/// use waystation::File;
///
/// let file = File { name: "a.txt".into(), content_type: "text/plain".into(), bytes: "hi".into() };
/// assert_eq!(file.bytes.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The name as the client gave it, never to be used as a path; empty where no file was chosen.
    pub name: String,
    /// The type that the client claims; `text/plain` if it claims none.
    pub content_type: String,
    /// The content.
    pub bytes: Bytes,
}

impl FormValue {
    /// The text, unless it is a file.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::File(_) => None,
        }
    }

    /// The file, unless it is a text.
    pub fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(file),
            Self::Text(_) => None,
        }
    }
}

impl FormData {
    pub(crate) fn urlencoded(body: &[u8]) -> Result<Self> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            if form.fields.len() == FIELD_LIMIT {
                return Err(too_many_fields());
            }
            named(&name)?;
            let value = FormValue::Text(value.into_owned());
            form.fields.push((name.into_owned(), value));
        }
        Ok(form)
    }

    pub(crate) async fn multipart(mut parts: Multipart) -> Result<Self> {
        let mut form = Self::default();
        while let Some(field) = parts.next_field().await? {
            let name = field.name().to_owned();
            let value = match field.file_name().map(str::to_owned) {
                None => FormValue::Text(field.text().await?),
                Some(name) => FormValue::File(File {
                    name,
                    content_type: field.content_type().unwrap_or("text/plain").to_owned(),
                    bytes: field.bytes().await?,
                }),
            };
            form.fields.push((name, value));
        }
        Ok(form)
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&FormValue> {
        self.get_all(name).next()
    }

    /// All values of this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &FormValue> {
        self.iter()
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// Whether there is a value of this name, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FormValue)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The texts as a type of one's own, by serde. A `Vec` takes a name that comes more than once; files are left out.
    ///
    /// ```
    /// use waystation::{Request, Result};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Order { item: String, quantity: u32, tag: Vec<String> }
    ///
    /// pub async fn post(request: Request) -> Result<String> {
    ///     let form = request.form_data().await?;
    ///     let order: Order = form.texts()?;
    ///     Ok(format!("{} of {}, tagged {}", order.quantity, order.item, order.tag.join(" and ")))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`BodyError`] (status 400) with the name of the field at fault, such as `quantity: invalid digit found in string`.
    pub fn texts<T: DeserializeOwned>(&self) -> Result<T> {
        let mut texts = form_urlencoded::Serializer::new(String::new());
        texts.extend_pairs(
            self.iter()
                .filter_map(|(name, value)| Some((name, value.text()?))),
        );
        let texts = texts.finish();
        let reader = serde_html_form::Deserializer::from_bytes(texts.as_bytes());
        let texts = serde_path_to_error::deserialize(reader);
        texts.map_err(|error| bad_request(BodyError::at(What::Form, &error)))
    }
}

/// All names and values, in order.
impl IntoIterator for FormData {
    type Item = (String, FormValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{now, request};

    const URLENCODED: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str = "multipart/form-data; boundary=B";

    #[test]
    fn both_kinds_of_form_are_read() {
        check(URLENCODED, "", "");
        check(
            URLENCODED,
            "a=1&b=x+y%21&a=%C3%A9&c&=d",
            "a=1 b=x y! a=é c= =d",
        );
        check(
            "Application/X-WWW-Form-Urlencoded ;charset=utf-8",
            "a=%FF",
            "a=\u{fffd}",
        );
        check(MULTIPART, "--B--", "");
        check(
            MULTIPART,
            "--B|Content-Disposition: form-data; name=\"a\"||1|--B--",
            "a=1",
        );
        check(
            MULTIPART,
            "--B|Content-Disposition: form-data; name=\"f\"; filename=\"x\"|Content-Type: image/png||hi|--B--",
            "f=File(x, image/png, hi)",
        );
        check(
            MULTIPART,
            "--B|Content-Disposition: form-data; name=\"f\"; filename=\"\"||x|--B--",
            "f=File(, text/plain, x)",
        );
    }

    #[test]
    fn what_is_no_form_is_a_bad_request() {
        check(
            "text/plain",
            "a=1",
            "400 `Content-Type` is `text/plain`; a form is multipart/form-data or application/x-www-form-urlencoded",
        );
        check(
            "",
            "",
            "400 `Content-Type` is ``; a form is multipart/form-data or application/x-www-form-urlencoded",
        );
        check(
            "multipart/form-data",
            "",
            "400 `Content-Type` has no boundary",
        );
        check(
            MULTIPART,
            "a=1",
            "400 the body is not well-formed multipart/form-data",
        );
    }

    #[test]
    fn limits_are_those_of_multipart() {
        let full = "a=1&".repeat(1_000);
        assert_eq!(show(URLENCODED, &full).len(), "a=1 ".len() * 1_000 - 1);
        check(
            URLENCODED,
            &(full + "a=1"),
            "413 the form has more than 1000 fields",
        );
        check(
            URLENCODED,
            &"n".repeat(1_001),
            "400 a field of the form has a name of more than 1000 bytes",
        );
    }

    #[track_caller]
    fn check(content_type: &str, body: &str, expected: &str) {
        let body = body.replace('|', "\r\n");
        assert_eq!(show(content_type, &body), expected);
    }

    fn show(content_type: &str, body: &str) -> String {
        let request = request("POST", "/", &[("content-type", content_type)], body);
        let form = match now(request.form_data()) {
            Ok(form) => form,
            Err(error) => return format!("{} {error}", error.status().as_str()),
        };
        let shown = form.iter().map(|(name, value)| match value {
            FormValue::Text(text) => format!("{name}={text}"),
            FormValue::File(file) => {
                let content = String::from_utf8_lossy(&file.bytes);
                format!(
                    "{name}=File({}, {}, {content})",
                    file.name, file.content_type
                )
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_found_by_name() {
        let form = FormData::urlencoded(b"a=1&b=&a=2").unwrap();
        assert_eq!(form.get("a").and_then(FormValue::text), Some("1"));
        let all: Vec<_> = form.get_all("a").filter_map(FormValue::text).collect();
        assert_eq!(all, ["1", "2"]);
        assert!(form.has("b") && !form.has("A"));
        assert_eq!(form.get("c"), None);
        assert_eq!(form.into_iter().count(), 3);
    }

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "read by Debug only")]
    struct Order {
        item: String,
        quantity: Option<u8>,
        #[serde(default)]
        tag: Vec<String>,
    }

    #[test]
    fn texts_become_a_type() {
        check_type(
            "item=a+lamp&quantity=2&tag=x&tag=y&more=z",
            r#"Order { item: "a lamp", quantity: Some(2), tag: ["x", "y"] }"#,
        );
        check_type("item=", r#"Order { item: "", quantity: None, tag: [] }"#);
        check_type("quantity=2", "400 missing field `item`");
        check_type(
            "item=a&quantity=x",
            "400 quantity: invalid digit found in string",
        );
        check_type("", "400 missing field `item`");
    }

    #[track_caller]
    fn check_type(body: &str, expected: &str) {
        let request = request("POST", "/", &[("content-type", URLENCODED)], body);
        let actual = match now(request.form::<Order>()) {
            Ok(order) => format!("{order:?}"),
            Err(error) => error
                .to_string()
                .replace("the form is not the expected one:", error.status().as_str()),
        };
        assert_eq!(actual, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever comes is read without a panic, and what is read means the same when it is written again.
        #[test]
        fn urlencoded_forms_survive_a_round(body in prop::collection::vec(
            prop_oneof![Just(b'&'), Just(b'='), Just(b'%'), Just(b'+'), Just(b'A'), Just(b'2'), any::<u8>()],
            0..40,
        )) {
            let form = FormData::urlencoded(&body).unwrap();
            let again = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form.iter().filter_map(|(name, value)| Some((name, value.text()?))))
                .finish();
            prop_assert_eq!(FormData::urlencoded(again.as_bytes()).unwrap(), form.clone());
            let _any_answer_will_do = form.texts::<Order>();
        }
    }
}
