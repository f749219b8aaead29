//! The rules as `waystation.toml` writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[[headers]]`, `[[redirects]]` and `[rewrites]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Declared {
    /// Headers to add to answers.
    pub headers: Vec<Headers>,
    /// Paths to send clients away from.
    pub redirects: Vec<Redirect>,
    /// Paths to answer as others.
    pub rewrites: Rewrites,
}

/// One of `[[headers]]` (row CF1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// Which paths: `/old/:slug`, `/docs/:path*`.
    pub source: String,
    /// `headers = [{ key = "x-robots-tag", value = "noindex" }]`.
    pub headers: Vec<Header>,
    /// What the request must have.
    #[serde(default)]
    pub has: Vec<Condition>,
    /// What it must not have.
    #[serde(default)]
    pub missing: Vec<Condition>,
    /// `false` for a source that counts from the root of the host.
    #[serde(default = "yes")]
    pub base_path: bool,
}

/// One header. Both may use the rule's params: `:slug`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// One of `[[redirects]]` (row CF2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    /// Which paths.
    pub source: String,
    /// Where to: `/new/:slug`, or an address.
    pub destination: String,
    /// `true` for 308, `false` for 307.
    pub permanent: Option<bool>,
    /// Instead of `permanent`: 301, 302, 303, 307 or 308.
    pub status_code: Option<u16>,
    /// What the request must have.
    #[serde(default)]
    pub has: Vec<Condition>,
    /// What it must not have.
    #[serde(default)]
    pub missing: Vec<Condition>,
    /// `false` for a source and a destination that count from the root of the host.
    #[serde(default = "yes")]
    pub base_path: bool,
}

/// `[[rewrites.before_files]]` and so on, by when they are asked (row CF3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rewrites {
    /// Before anything is looked for.
    pub before_files: Vec<Rewrite>,
    /// When no file and no route without params has the path.
    pub after_files: Vec<Rewrite>,
    /// When nothing has the path.
    pub fallback: Vec<Rewrite>,
}

/// One rewrite.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// Which paths.
    pub source: String,
    /// As what.
    pub destination: String,
    /// What the request must have.
    #[serde(default)]
    pub has: Vec<Condition>,
    /// What it must not have.
    #[serde(default)]
    pub missing: Vec<Condition>,
    /// `false` for a source that counts from the root of the host; the destination is another origin then.
    #[serde(default = "yes")]
    pub base_path: bool,
}

/// One entry of a proxy's `MATCHER` (row PX3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// Which paths.
    pub source: String,
    /// What the request must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<Condition>,
    /// What it must not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Condition>,
}

/// `{ type = "header", key = "x-version", value = "v(?<version>[0-9]+)" }` (row PX4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Where to look.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name of the header, the cookie or the query's pair; none for the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A regular expression for the whole value; without one, any value that is not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Where a condition looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A header of the request; its name is of any case.
    Header,
    /// A cookie, decoded.
    Cookie,
    /// A pair of the query, decoded; the last one of its name.
    Query,
    /// The host without its port, in lower case.
    Host,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_rule_is_an_unknown_field() {
        let fields = "expected one of `source`, `destination`, `permanent`, `status_code`, `has`, `missing`, `base_path`";
        let redirect =
            |more: &str| format!("redirects = [{{ source = '/a', destination = '/b', {more} }}]");
        check_shape(
            &redirect("permanant = true"),
            &format!("unknown field `permanant`, {fields}"),
        );
        check_shape(
            &redirect("has = [{ type = 'heder', key = 'a' }]"),
            "unknown variant `heder`, expected one of `header`, `cookie`, `query`, `host`",
        );
        check_shape(
            &redirect("has = [{ type = 'header', kye = 'a' }]"),
            "unknown field `kye`, expected one of `type`, `key`, `value`",
        );
        check_shape(
            "[[rewrites.afterFiles]]",
            "unknown field `afterFiles`, expected one of `before_files`, `after_files`, `fallback`",
        );
        check_shape(
            "redirects = [{ source = '/a' }]",
            "missing field `destination`",
        );
        check_shape(
            "headers = [{ source = '/a', headers = [{ key = 'a', val = '' }] }]",
            "unknown field `val`, expected `key` or `value`",
        );
    }

    #[track_caller]
    fn check_shape(text: &str, expected: &str) {
        let error = toml::from_str::<Declared>(text).unwrap_err();
        assert_eq!(error.message(), expected);
    }
}
