//! Decides in which coding an answer is sent (rows S7 and S11).
//!
//! In: the request's `Accept-Encoding`, and of the answer its status, its headers and the length of its body.
//! Out: a [`Sent`]: the coding, and whether another client would have got another.
//!
//! The host does the work, and flushes after each chunk of a stream: nothing here waits for a body.

mod accept;
mod kind;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, VARY,
};
use http::{HeaderMap, HeaderValue};

use crate::conditional;
use crate::finish;
use accept::Accepted;

/// A way to send fewer bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `zstd`: the least work for its size, so it goes first where a client takes several alike.
    Zstd,
    /// `br`: as small, for more work.
    Brotli,
    /// `gzip`: what every client takes.
    Gzip,
}

impl Coding {
    /// All of them, the host's favourite first.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in `Content-Encoding`, such as `br`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// How an answer is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// None for the bytes as they are.
    pub coding: Option<Coding>,
    /// Whether it depends on `Accept-Encoding`, which caches have to know.
    pub varies: bool,
}

/// A body of fewer bytes is hardly smaller when it is compressed.
pub const SHORTEST: u64 = 1024;

/// Chooses the coding of an answer.
///
/// `length` is that of its body in bytes, if that is known.
///
/// A client that refuses the bytes as they are (`identity;q=0`) gets a short body, or one of any type, compressed too if it names a coding
/// of ours; if it names none, it gets the bytes all the same, as RFC 9110 (12.5.3) allows.
#[must_use]
pub fn choose(asked: &HeaderMap, status: u16, headers: &HeaderMap, length: Option<u64>) -> Sent {
    let accept = Accepted::of(asked);
    if is_short(length) && !accept.refuses_identity() {
        return Sent::default();
    }
    if length == Some(0) || !may_change(status, headers) {
        return Sent::default();
    }
    let pays = !is_short(length) && kind::is_compressible(headers.get(CONTENT_TYPE));
    if !pays && !accept.refuses_identity() {
        return Sent::default();
    }
    Sent {
        coding: accept.best(),
        varies: true,
    }
}

/// What the headers say once the coding is chosen. A 304 that stands for such an answer (`status`) has no content to describe.
///
/// The name of the content becomes a weak one: the bytes that it named are not the bytes that are sent.
pub fn describe(sent: Sent, status: u16, headers: &mut HeaderMap) {
    if sent.varies {
        finish::vary(headers, "Accept-Encoding");
    }
    let Some(coding) = sent.coding else { return };
    if let Some(weak) = headers.get(ETAG).and_then(conditional::weakened) {
        headers.insert(ETAG, weak);
    }
    if status != 304 {
        let name = HeaderValue::from_static(coding.name());
        headers.insert(CONTENT_ENCODING, name);
        headers.remove(CONTENT_LENGTH);
        headers.remove(ACCEPT_RANGES);
    }
}

fn is_short(length: Option<u64>) -> bool {
    length.is_some_and(|length| length < SHORTEST)
}

/// Whether the bytes are the host's to change: a whole body that nobody has coded, and whose author does not forbid it.
fn may_change(status: u16, headers: &HeaderMap) -> bool {
    let forbids = |value: &HeaderValue| {
        finish::words(value).any(|word| word.eq_ignore_ascii_case("no-transform"))
    };
    !matches!(status, 100..=199 | 204..=206 | 304)
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !headers.get_all(CACHE_CONTROL).iter().any(forbids)
        && !headers.get_all(VARY).iter().any(|value| value == "*")
}

#[cfg(test)]
mod tests;
