//! Which answers may be kept at all (row Y8; threat model, R4).

use http::HeaderMap;
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};

use super::Reads;
use crate::finish::words;

/// Why an answer is not kept; shown in development, and of `DYNAMIC = Error` by the build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// The handler read the request.
    #[error("it used {0}")]
    Read(Reads),

    /// 400 and up but for 404; also 206 and 304, which are about one client's request.
    #[error("its status is {0}")]
    Status(u16),

    /// It is for one client.
    #[error("it sets a cookie")]
    Cookie,

    /// The handler says so.
    #[error("its `Cache-Control` has `{0}`")]
    CacheControl(&'static str),

    /// It depends on what is not in the key.
    #[error("its `Vary` is `*`")]
    Vary,

    /// Its body is longer than one entry may be.
    #[error("its body is longer than {0} bytes")]
    Size(usize),

    /// It changes what is kept, or draft mode (row V10).
    #[error("it revalidates or sets draft mode")]
    Changes,

    /// It is made of what is asked for each time (section 11.2).
    #[error("it made a `fetch` that is not to be kept")]
    Fetch,

    /// A value that goes into it lives for no time.
    #[error("it used a value of `cached` that lives for no time")]
    Momentary,

    /// The handler was stopped, so what it read is not known.
    #[error("it stopped without an answer")]
    Stopped,
}

impl NotKept {
    /// Whether something went wrong, so that an old answer is better than this one (row I6). An answer below 500 is what the handler has to say:
    /// what was there before may have been withdrawn.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Status(500..) | Self::Stopped)
    }
}

/// Whether an answer may be kept, its cookies among its headers.
///
/// # Errors
///
/// Why not.
pub fn storable(status: u16, headers: &HeaderMap) -> Result<(), NotKept> {
    if !matches!(status, 200 | 301 | 302 | 303 | 307 | 308 | 404 | 410) {
        return Err(NotKept::Status(status)); // Y8, and at run time too (section 19, 3)
    }
    if headers.contains_key(SET_COOKIE) {
        return Err(NotKept::Cookie); // I16
    }
    let all = |name| headers.get_all(name).iter().flat_map(words);
    let says = |name: &'static str| {
        all(CACHE_CONTROL).any(|word| {
            let directive = word.split('=').next().unwrap_or_default().trim();
            directive.eq_ignore_ascii_case(name)
        })
    };
    if let Some(name) = ["private", "no-store"].into_iter().find(|name| says(name)) {
        return Err(NotKept::CacheControl(name));
    }
    match all(VARY).any(|word| word == "*") {
        true => Err(NotKept::Vary),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_what_is_for_everybody_is_kept() {
        for status in [200, 301, 302, 303, 307, 308, 404, 410] {
            check(status, "", ""); // Y8
        }
        for status in [101, 201, 204, 206, 304, 400, 401, 500, 503] {
            check(status, "", &format!("its status is {status}"));
        }
        check(200, "set-cookie: a=1", "it sets a cookie"); // I16
        check(200, "cache-control: max-age=5", ""); // I8
        check(
            200,
            "cache-control: max-age=5, Private",
            "its `Cache-Control` has `private`",
        );
        check(
            200,
            "cache-control: no-store",
            "its `Cache-Control` has `no-store`",
        );
        check(200, "vary: accept-encoding", "");
        check(200, "vary: a, *", "its `Vary` is `*`");
    }

    #[track_caller]
    fn check(status: u16, header: &'static str, expected: &str) {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header.split_once(": ") {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let actual = storable(status, &headers);
        let actual = actual.err().map(|reason| reason.to_string());
        assert_eq!(actual.unwrap_or_default(), expected);
    }
}
