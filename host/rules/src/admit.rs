//! Decides whether a request head may be answered at all; how long it is is asked once more of the route or proxy that was found.
//!
//! In: the facts of the head that decide where the request goes and where it ends.
//! Out: nothing, or the [`Refusal`] with its status.
//!
//! Two readers that disagree about a host or a length are how requests are smuggled, so what is ambiguous is refused. `OPTIONS *` and
//! CONNECT are answered by the host before this.

use std::net::Ipv6Addr;

use crate::segment::Limits;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// How long it is.
    pub length: Length,
    /// How long it may be.
    pub limits: &'a Limits,
    /// The path as it came.
    pub path: &'a str,
    /// The first `Host` header; `None` if it is missing or no ASCII.
    pub host: Option<&'a str>,
    /// How many `Host` headers there are.
    pub host_count: usize,
    /// Of an absolute target in HTTP/1.1, or `:authority` in HTTP/2.
    pub authority: Option<&'a str>,
    /// Whether `Host` is optional beside an authority.
    pub version_is_http2: bool,
    /// The value of `Content-Length`.
    pub content_length: Option<u64>,
    /// Whether there is a `Transfer-Encoding` header.
    pub has_transfer_encoding: bool,
}

/// How long a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Bytes of the request target, with the query.
    pub url: usize,
    /// Bytes of the header section: names, values, and four for each line.
    pub headers: usize,
}

impl Length {
    /// Checks it against the limits of an app, or of a route once it is found.
    ///
    /// # Errors
    ///
    /// [`Refusal::LongUrl`] or [`Refusal::LongHeaders`].
    pub fn check(self, limits: &Limits) -> Result<(), Refusal> {
        if limits.url_bytes < self.url {
            return Err(Refusal::LongUrl {
                length: self.url,
                limit: limits.url_bytes,
            });
        }
        if limits.header_bytes < self.headers {
            return Err(Refusal::LongHeaders {
                length: self.headers,
                limit: limits.header_bytes,
            });
        }
        Ok(())
    }
}

/// Why a request is refused before its handler is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 414.
    #[error("the URL has {length} bytes and the limit is {limit}")]
    LongUrl {
        /// Bytes that came.
        length: usize,
        /// Bytes that may come.
        limit: usize,
    },

    /// 431.
    #[error("the headers have {length} bytes and the limit is {limit}")]
    LongHeaders {
        /// Bytes that came.
        length: usize,
        /// Bytes that may come.
        limit: usize,
    },

    /// `GET x`: neither a path nor a URL.
    #[error("the request target `{path}` is no path")]
    NoPath {
        /// What came.
        path: String,
    },

    /// Neither a `Host` header nor, in HTTP/2, an authority.
    #[error("there is no Host header")]
    NoHost,

    /// More than one `Host` header.
    #[error("there are {count} Host headers")]
    ManyHosts {
        /// How many.
        count: usize,
    },

    /// Not a host with an optional port.
    #[error("`{}` is no host name", .host.escape_debug())]
    BadHost {
        /// What came.
        host: String,
    },

    /// The target names another host than the header.
    #[error("the request target names `{}` and the Host header `{host}`", .authority.escape_debug())]
    TwoHosts {
        /// The authority of the target.
        authority: String,
        /// The `Host` header.
        host: String,
    },

    /// Both `Content-Length` and `Transfer-Encoding`.
    #[error("the body's end is given twice, by Content-Length and by Transfer-Encoding")]
    TwoLengths,
}

/// Checks the head of a request.
///
/// # Errors
///
/// The first [`Refusal`] that applies. The connection is best closed after it: its two ends may not agree on what was said.
pub fn check(head: &Head<'_>) -> Result<(), Refusal> {
    head.length.check(head.limits)?;
    if head.has_transfer_encoding && head.content_length.is_some() {
        return Err(Refusal::TwoLengths);
    }
    if !head.path.starts_with('/') {
        return Err(Refusal::NoPath {
            path: head.path.to_owned(),
        });
    }
    if 1 < head.host_count {
        return Err(Refusal::ManyHosts {
            count: head.host_count,
        });
    }
    let host = match (head.host, head.authority) {
        (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority) => {
            return Err(Refusal::TwoHosts {
                authority: authority.to_owned(),
                host: host.to_owned(),
            });
        }
        (Some(host), _) => host,
        (None, Some(authority)) if head.version_is_http2 && head.host_count == 0 => authority,
        (None, _) => return Err(Refusal::NoHost),
    };
    if !is_host(host) {
        return Err(Refusal::BadHost {
            host: host.to_owned(),
        });
    }
    Ok(())
}

/// Headers that Next's own parts use among themselves and no client may send, besides those with one of [`INTERNAL_PREFIXES`].
pub const INTERNAL_HEADERS: [&str; 7] = [
    "next-resume",
    "x-matched-path",
    "x-next-resume-state-length",
    "x-nextjs-data",
    "x-nextjs-html-request-id",
    "x-nextjs-request-id",
    "x-now-route-matches",
];

/// How internal headers begin; the last is kept for Waystation.
pub const INTERNAL_PREFIXES: [&str; 4] = [
    "x-middleware-",
    "x-invoke-",
    "x-prerender-",
    "x-waystation-",
];

/// Whether a header is taken off each request before anything reads it, so that no decision ever hangs on it.
#[must_use]
pub fn is_internal(header_name_lowercase: &str) -> bool {
    let name = header_name_lowercase;
    INTERNAL_HEADERS.contains(&name)
        || INTERNAL_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::LongUrl { .. } => 414,
            Self::LongHeaders { .. } => 431,
            _ => 400,
        }
    }
}

/// `example.com`, `127.0.0.1:3000` or `[::1]:3000`.
///
/// Names are letters, digits, `-`, `.` and `_`: the rest of what RFC 3986 allows is used by nobody but those who try something.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (text, ""),
    };
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let ip6 = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_port = port.is_empty()
        || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    is_port && (is_name || ip6.is_some_and(|ip6| ip6.parse::<Ipv6Addr>().is_ok()))
}

#[cfg(test)]
mod tests;
