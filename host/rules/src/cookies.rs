//! Reads the `Cookie` header and writes `Set-Cookie`.
//!
//! In: the header that the client sent; the cookies that a handler set, the `Set-Cookie` lines of its response, and the time.
//! Out: the client's cookies in order; the `Set-Cookie` lines to send.
//!
//! A line that the handler wrote itself is never taken apart: only its name is looked at, and its bytes are sent as they are.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::path;

/// A cookie to set. Deleting one is setting it empty with `expires` 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetCookie {
    /// An RFC 6265 token, such as `theme`.
    pub name: String,
    /// Any text; sent as `encodeURIComponent` spells it.
    pub value: String,
    /// Usually `/`; nothing is sent if empty.
    pub path: String,
    /// Seconds since the epoch.
    pub expires: Option<i64>,
    /// Seconds from now; sets `Expires` too, except for 0.
    pub max_age: Option<i64>,
    /// Such as `example.com`; absent or empty for the host only.
    pub domain: Option<String>,
    /// Sent over TLS only.
    pub secure: bool,
    /// Out of reach for scripts.
    pub http_only: bool,
    /// Absent to leave it to the browser.
    pub same_site: Option<SameSite>,
    /// One jar per top-level site (CHIPS).
    pub partitioned: bool,
    /// Absent to leave it to the browser.
    pub priority: Option<Priority>,
}

/// When a cookie may be sent along with requests from other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// On top-level navigation.
    Lax,
    /// Always; needs `secure`.
    None,
}

/// Which cookies a browser drops first when it has too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// First.
    Low,
    /// Then.
    Medium,
    /// Last.
    High,
}

/// Why a cookie cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// A name that a browser would read as something else.
    #[error("`{}` cannot name a cookie; use letters, digits and any of !#$%&'*+-.^_`|~", .name.escape_debug())]
    Name {
        /// The name.
        name: String,
    },

    /// A path or domain that would end its attribute early.
    #[error("cookie `{name}`: `{}` holds a semicolon or a character outside printable ASCII", .text.escape_debug())]
    Attribute {
        /// The cookie's name.
        name: String,
        /// The path or the domain.
        text: String,
    },
}

/// Reads a `Cookie` header into names and decoded values.
///
/// Pairs are separated by `;` and any number of spaces. A pair without `=` has the value `true`; a pair that cannot be percent-decoded is
/// left out. If a name repeats, its last value stands at its first place.
#[must_use]
pub fn parse(header: &str) -> Vec<(String, String)> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut cookies: Vec<(String, String)> = Vec::new();
    for pair in header
        .split(';')
        .map(|pair| pair.trim_start_matches(' '))
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let Some(value) = path::decode_text(value) else {
            continue;
        };
        let place = *places.entry(name).or_insert(cookies.len());
        match cookies.get_mut(place) {
            Some(cookie) => cookie.1 = value.into_owned(),
            None => cookies.push((name.to_owned(), value.into_owned())),
        }
    }
    cookies
}

/// Adds what a handler set to the `Set-Cookie` lines of its response.
///
/// The response's own lines come first and win by name. Of two edits with one name, path and domain, the last stands at the first one's
/// place: as for a browser, a cookie of another path or domain is another cookie.
/// `now_unix_seconds` is the time in seconds since the epoch.
#[must_use]
pub fn merge(response: Vec<Vec<u8>>, edits: &[SetCookie], now_unix_seconds: i64) -> Vec<Vec<u8>> {
    let mut kept: Vec<&SetCookie> = Vec::new();
    for edit in edits {
        if response
            .iter()
            .any(|line| name_of(line) == edit.name.as_bytes())
        {
            continue;
        }
        match kept.iter_mut().find(|earlier| earlier.is_same(edit)) {
            Some(earlier) => *earlier = edit,
            None => kept.push(edit),
        }
    }
    let edits = kept
        .into_iter()
        .map(|edit| edit.to_header(now_unix_seconds).into_bytes());
    response.into_iter().chain(edits).collect()
}

/// Adds to the cookies of a request what was set for its answer before the handler runs (row C18), each name at its first place.
pub fn overlay(cookies: &mut Vec<(String, String)>, edits: &[SetCookie]) {
    for SetCookie { name, value, .. } in edits {
        match cookies.iter_mut().find(|(known, _)| known == name) {
            Some(cookie) => cookie.1.clone_from(value),
            None => cookies.push((name.clone(), value.clone())),
        }
    }
}

impl SetCookie {
    /// Says whether the cookie can be sent; to be asked before it is used.
    ///
    /// # Errors
    ///
    /// [`CookieError::Name`] if the name is no token, [`CookieError::Attribute`] if the path or domain would break out of its attribute.
    pub fn check(&self) -> Result<(), CookieError> {
        let is_token =
            |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return Err(CookieError::Name {
                name: self.name.clone(),
            });
        }
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b';';
        match [Some(&self.path), self.domain.as_ref()]
            .into_iter()
            .flatten()
            .find(|text| !text.bytes().all(is_plain))
        {
            Some(text) => Err(CookieError::Attribute {
                name: self.name.clone(),
                text: text.clone(),
            }),
            None => Ok(()),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.path == other.path && self.domain == other.domain
    }

    /// The value of `Set-Cookie`, its attributes in the order of the manual.
    ///
    /// `now_unix_seconds` is the time in seconds since the epoch, from which `Max-Age` counts.
    #[must_use]
    pub fn to_header(&self, now_unix_seconds: i64) -> String {
        let expires = match self.max_age {
            Some(age) if age != 0 => Some(now_unix_seconds.saturating_add(age)),
            _ => self.expires,
        };
        let attribute =
            |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
        let flag = |name: &str, is_set: bool| is_set.then(|| name.to_owned());
        let value = utf8_percent_encode(&self.value, COMPONENT);
        let parts = [
            Some(format!("{}={value}", self.name)),
            attribute("Path", (!self.path.is_empty()).then(|| self.path.clone())),
            attribute("Expires", expires.map(http_date)),
            attribute("Max-Age", self.max_age.map(|age| age.to_string())),
            attribute(
                "Domain",
                self.domain.clone().filter(|domain| !domain.is_empty()),
            ),
            flag("Secure", self.secure),
            flag("HttpOnly", self.http_only),
            attribute(
                "SameSite",
                self.same_site.map(|site| site.as_str().to_owned()),
            ),
            flag("Partitioned", self.partitioned),
            attribute(
                "Priority",
                self.priority.map(|priority| priority.as_str().to_owned()),
            ),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl SameSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Lax => "lax",
            Self::None => "none",
        }
    }
}

impl Priority {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What `encodeURIComponent` escapes.
pub(crate) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The last second that an HTTP date can name: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Such as `Thu, 01 Jan 1970 00:00:00 GMT`; a time that has no such spelling becomes the nearest that has.
fn http_date(unix_seconds: i64) -> String {
    let seconds = u64::try_from(unix_seconds).unwrap_or(0).min(LAST_SECOND);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The cookie's name in a `Set-Cookie` line.
fn name_of(line: &[u8]) -> &[u8] {
    line.split(|byte| b"=;".contains(byte))
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

#[cfg(test)]
mod tests;
