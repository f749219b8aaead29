//! What can be wrong with a rule.

use crate::destination::DestinationError;
use crate::source::SourceError;

/// What is wrong with one field of one rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{list}[{index}].{field}`: {fault}")]
pub struct ConfigError {
    /// `headers`, `redirects`, `rewrites.before_files` and so on, or a proxy's `MATCHER`.
    pub list: &'static str,
    /// Which rule of the list, from 0.
    pub index: usize,
    /// The field within the rule, such as `source` or `has[0].value`.
    pub field: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Of `source`.
    #[error(transparent)]
    Source(#[from] SourceError),

    /// Of `destination`.
    #[error(transparent)]
    Destination(#[from] DestinationError),

    /// Neither `permanent` nor `status_code`.
    #[error(
        "it is missing; write `permanent = true` for 308, which browsers keep, or `permanent = false` for 307"
    )]
    NoStatus,

    /// Both of them.
    #[error("`permanent` says the status already; remove one of them")]
    TwoStatuses,

    /// A status that does not redirect.
    #[error("{status} does not redirect; write one of 301, 302, 303, 307 and 308")]
    Status {
        /// The status.
        status: u16,
    },

    /// A rewrite from outside of the base path to a path.
    #[error(
        "a rewrite with `base_path = false` leads to another origin; write `http://…` or `https://…`, or remove `base_path`"
    )]
    OwnDestination,

    /// `headers = []`.
    #[error("there are none; write `headers = [{{ key = \"x-name\", value = \"value\" }}]`")]
    NoHeaders,

    /// A name that is no token (RFC 9110, 5.6.2).
    #[error("`{}` cannot name a header; use letters, digits and any of !#$%&'*+-.^_`|~", .name.escape_debug())]
    HeaderName {
        /// The name.
        name: String,
    },

    /// `content-length` and others that no rule can know.
    #[error("`{name}` is between the host and the connection; remove it")]
    Framing {
        /// The name.
        name: String,
    },

    /// A value that is not printable ASCII.
    #[error("`{}` holds a character that no header may hold", .value.escape_debug())]
    HeaderValue {
        /// The value.
        value: String,
    },

    /// A condition that looks for nothing.
    #[error("it is missing; write the name that is looked for")]
    NoKey,

    /// A condition on the host with a key.
    #[error("a host has no key; write what it must be as `value`")]
    KeyOfHost,

    /// A condition on the host without a value.
    #[error("it is missing; every request has a host, so write which")]
    NoValue,

    /// A condition's value.
    #[error("`{value}` is no regular expression: {fault}")]
    Regex {
        /// The value.
        value: String,
        /// What is wrong.
        fault: String,
    },
}
