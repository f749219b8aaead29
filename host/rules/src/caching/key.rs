//! What something is kept under. Every field stands with its length, so no two sets of fields make one key; whoever looks something up
//! compares the whole key (rows I10 and FC12; threat model, R4).

use std::fmt::Write as _;

use http::HeaderMap;

use crate::table::{Param, ParamValue};

/// Headers that are another for each request of one trace.
const NOT_IN_KEY: [&str; 2] = ["traceparent", "tracestate"];

/// As long as most keys are, of which a digest takes a half: one is put together for each request.
const LENGTH: usize = 160;

/// The answer of a route. `release` names the code that made it, so that a new one starts anew. The params are decoded: `%7E` is `~`.
#[must_use]
pub fn answer(app: &str, release: &str, pattern: &str, params: &[Param]) -> String {
    let mut key = Key::new("answer");
    key.field(app).field(release).field(pattern);
    for param in params {
        match &param.value {
            ParamValue::One(value) => key.field("1").field(value),
            ParamValue::Many(values) => {
                key.field("n").field(&values.len().to_string());
                values.iter().fold(&mut key, |key, value| key.field(value))
            }
        };
    }
    key.0
}

/// An answer to `fetch` (rows FC7, FC8 and FC12). `body` names the body's bytes.
#[must_use]
pub fn fetched(app: &str, method: &str, url: &str, headers: &HeaderMap, body: &str) -> String {
    let mut key = Key::new("fetched");
    key.field(app).field(method).field(url).field(body);
    let mut lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !NOT_IN_KEY.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    lines.sort_by_key(|(name, _)| *name); // in their order where one name stands several times
    for (name, value) in lines {
        key.field(name).bytes(value);
    }
    key.0
}

/// A value of `cached`: `name` is what handlers call it. `code` names the component that asks, where code is edited while it is served; without
/// it all routes and releases of the app share the value.
#[must_use]
pub fn value(app: &str, code: Option<&str>, name: &str) -> String {
    let mut key = Key::new("value");
    key.field(app).field(code.unwrap_or_default()).field(name);
    key.0
}

struct Key(String);

impl Key {
    fn new(kind: &str) -> Self {
        let mut key = String::with_capacity(LENGTH);
        key.push_str(kind);
        Self(key)
    }

    fn field(&mut self, field: &str) -> &mut Self {
        self.put(field.len());
        self.0.push_str(field);
        self
    }

    /// Bytes that may be no text, in hexadecimal.
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(bytes.len());
        for byte in bytes {
            let _always_fits = write!(self.0, "{byte:02x}");
        }
        self
    }

    fn put(&mut self, length: usize) {
        self.0.push(' ');
        self.0.push_str(itoa::Buffer::new().format(length)); // a third of what `write!` takes
        self.0.push(':');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn one(name: &str, value: &str) -> Param {
        Param {
            name: name.into(),
            value: ParamValue::One(value.into()),
        }
    }

    #[test]
    fn a_key_shows_its_fields() {
        let params = [one("slug", "a/b")];
        assert_eq!(
            answer("shop", "r1", "/items/[slug]", &params),
            "answer 4:shop 2:r1 13:/items/[slug] 1:1 3:a/b"
        );
        assert_eq!(value("shop", None, "rates"), "value 4:shop 0: 5:rates");
    }

    #[test]
    fn all_headers_but_those_of_a_trace_are_in_the_key() {
        let mut headers = HeaderMap::new();
        let key = |headers: &HeaderMap| fetched("shop", "GET", "https://a.test/", headers, "");
        let bare = key(&headers);
        headers.insert("traceparent", HeaderValue::from_static("00-1-2-01"));
        assert_eq!(key(&headers), bare); // FC12
        headers.insert("authorization", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_ne!(key(&headers), bare); // FC8
        assert!(key(&headers).ends_with(" 13:authorization 1:ff"));
    }

    proptest! {
        /// Params that differ make keys that differ, whatever they hold.
        #[test]
        fn no_two_sets_of_params_share_a_key(a in params(), b in params()) {
            let key = |params: &[Param]| answer("a", "r", "/p", params);
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }

    fn params() -> impl Strategy<Value = Vec<Param>> {
        let text = "[ab1: ]{0,3}";
        let value = prop_oneof![
            text.prop_map(ParamValue::One),
            proptest::collection::vec(text, 0..3).prop_map(ParamValue::Many),
        ];
        let param = value.prop_map(|value| Param {
            name: "x".into(),
            value,
        });
        proptest::collection::vec(param, 0..3)
    }
}
