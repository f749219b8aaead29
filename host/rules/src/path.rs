//! Reads the path of a request: the only parser of paths in the host.
//!
//! In: the path as it stood in the request line, without the query, and whether the project wants a trailing slash.
//! Out: the one spelling that everything behind uses, a redirect to it, or the reason for answering 400.
//!
//! The path is split on `/` first and each segment is percent-decoded once afterwards, so `%2F` never splits and `%252e` never climbs.
//! The router, the proxy and the cache all take a [`Path`], which only [`normalise`] makes: they cannot disagree about a URL.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What to do about the path of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Normal<'a> {
    /// Route it.
    Serve(Path<'a>),
    /// Answer 308 with this path and the query that came. It starts with exactly one slash, so it stays on this host.
    Redirect(String),
}

/// A path in its one spelling: it starts with a slash and has no empty segment, no dot segment, no backslash and no raw character that a
/// browser would escape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path<'a> {
    text: Cow<'a, str>,
}

/// Why a path is answered with 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `GET x` or `GET http:x`.
    #[error("the path `{path}` does not start with a slash")]
    NotAbsolute {
        /// The path as it came.
        path: String,
    },

    /// `/%zz` or `/100%`.
    #[error(
        "`{segment}` has a `%` without two hexadecimal digits; a percent sign is written `%25`"
    )]
    Escape {
        /// The segment as it came.
        segment: String,
    },

    /// `/%E0%A4`.
    #[error("`{segment}` is not UTF-8 once its escapes are decoded")]
    Utf8 {
        /// The segment as it came.
        segment: String,
    },

    /// `/%00`, or a raw control character.
    #[error("`{}` holds a character that no path may hold", .segment.escape_debug())]
    Character {
        /// The segment as it came.
        segment: String,
    },
}

/// Settles the spelling of a path.
///
/// Repeated slashes and backslashes are redirected, and so is a trailing slash that is missing or too many: with `trailing_slash`, `/a`
/// goes to `/a/`, except for file names (`/a.txt`) and `/.well-known`. Dot segments are resolved as browsers do. A path that needs none
/// of that is borrowed.
///
/// # Errors
///
/// A [`PathError`] if the path does not start with a slash or has a segment that [`decode`] refuses.
pub fn normalise(raw_path: &str, trailing_slash: bool) -> Result<Normal<'_>, PathError> {
    if !raw_path.starts_with('/') {
        return Err(PathError::NotAbsolute {
            path: raw_path.to_owned(),
        });
    }
    let (text, collapsed) = if is_ordinary(raw_path) {
        (Cow::Borrowed(raw_path), false)
    } else {
        tidy(raw_path)?
    };

    let bare = text.strip_suffix('/').unwrap_or(&text);
    let has_slash = !bare.is_empty() && bare.len() < text.len();
    let wants_slash = if trailing_slash {
        wants_slash(bare, has_slash)
    } else {
        false
    };
    if !collapsed && has_slash == wants_slash {
        return Ok(Normal::Serve(Path { text }));
    }
    let slash = if wants_slash || bare.is_empty() {
        "/"
    } else {
        ""
    };
    Ok(Normal::Redirect(format!("{bare}{slash}")))
}

impl Path<'_> {
    /// The whole path, still percent-encoded: `/items/a%2Fb`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments, still percent-encoded; none for `/`. A trailing slash adds none.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|segment| !segment.is_empty())
    }

    /// The path below another, which is [`Path::spelt`] and has no trailing slash; none if it is elsewhere.
    pub(crate) fn below(&self, base: &str) -> Option<Path<'_>> {
        if base.is_empty() {
            let text = Cow::Borrowed(&*self.text);
            return Some(Path { text });
        }
        let depth = base.matches('/').count();
        let ends = self.text.match_indices('/').map(|(at, _)| at).skip(1);
        let end = ends.chain([self.text.len()]).nth(depth - 1)?;
        let (above, below) = self.text.split_at(end);
        let is_base = spell(above).is_ok_and(|above| above == base);
        let text = Cow::Borrowed(if below.is_empty() { "/" } else { below });
        is_base.then_some(Path { text })
    }

    /// The same path without the text that it was read from.
    #[must_use]
    pub fn into_owned(self) -> Path<'static> {
        Path {
            text: Cow::Owned(self.text.into_owned()),
        }
    }

    /// The path with as few escapes as a path can have, so that `%61` is `a`; `%2F`, `%5C`, `%25` and what a browser escapes stay.
    pub(crate) fn spelt(&self) -> Cow<'_, str> {
        if !self.text.contains('%') {
            return Cow::Borrowed(&self.text);
        }
        Cow::Owned(spell(&self.text).unwrap_or_else(|_| self.text.to_string()))
    }
}

/// Percent-decodes one segment, once: `a%2Fb` is `a/b` and `a%252Fb` is `a%2Fb`. A `+` stays a plus sign.
///
/// # Errors
///
/// [`PathError::Escape`], [`PathError::Utf8`] or [`PathError::Character`]; never for a segment of a [`Path`].
pub fn decode(segment: &str) -> Result<Cow<'_, str>, PathError> {
    if !has_whole_escapes(segment) {
        return Err(PathError::Escape {
            segment: segment.to_owned(),
        });
    }
    let Some(text) = decode_text(segment) else {
        return Err(PathError::Utf8 {
            segment: segment.to_owned(),
        });
    };
    if text.contains('\0') || segment.contains(|c: char| c.is_ascii_control()) {
        return Err(PathError::Character {
            segment: segment.to_owned(),
        });
    }
    Ok(text)
}

/// Spells a text of segments, each decoded once, with as few escapes as a path can have.
///
/// # Errors
///
/// As [`decode`], for the first segment that cannot be read.
pub(crate) fn spell(text: &str) -> Result<String, PathError> {
    let segments = text.split('/').map(|segment| Ok(escape(&decode(segment)?)));
    Ok(segments.collect::<Result<Vec<_>, _>>()?.join("/"))
}

/// Escapes a decoded text as one segment, as [`Path::spelt`] would have it.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, SPELT).to_string()
}

/// What `decodeURIComponent` makes of a text; none where it throws.
pub(crate) fn decode_text(text: &str) -> Option<Cow<'_, str>> {
    if !has_whole_escapes(text) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

fn has_whole_escapes(text: &str) -> bool {
    let is_escape = |after: &str| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    text.split('%').skip(1).all(is_escape)
}

/// What a browser escapes in a path, besides everything outside ASCII.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// What is escaped in a segment that was decoded: it must not grow a slash, nor be decoded twice.
const SPELT: &AsciiSet = &ESCAPED.add(b'%').add(b'/').add(b'\\');

/// What a path holds as it is.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(
            byte,
            b'%' | b'\\' | b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'}'
        );
        byte += 1;
    }
    plain
};

/// Whether a path is its own one spelling, but for the trailing slash.
fn is_ordinary(path: &str) -> bool {
    let bytes = path.as_bytes();
    let begins_with = |sign| move |pair: &[u8]| pair == [b'/', sign];
    bytes.iter().all(|byte| PLAIN[usize::from(*byte)])
        && !bytes.windows(2).any(begins_with(b'/'))
        && !(bytes.windows(2).any(begins_with(b'.'))
            && path.split('/').any(|segment| matches!(segment, "." | "..")))
}

/// Spells a path that is not ordinary, keeping a trailing slash, and says whether slashes changed.
fn tidy(path: &str) -> Result<(Cow<'_, str>, bool), PathError> {
    let mut kept = Vec::new();
    let mut collapsed = path.contains('\\');
    let mut has_slash = false;
    let mut segments = path[1..].split(['/', '\\']).peekable();
    while let Some(segment) = segments.next() {
        decode(segment)?;
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        has_slash = matches!(&*dots, "" | "." | "..");
        match &*dots {
            "" => collapsed |= segments.peek().is_some(),
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(utf8_percent_encode(segment, ESCAPED)),
        }
    }
    let mut text: String = kept.iter().map(|segment| format!("/{segment}")).collect();
    if has_slash || text.is_empty() {
        text.push('/');
    }
    Ok((Cow::Owned(text), collapsed))
}

/// Whether a path ends in a slash where the project wants trailing slashes.
fn wants_slash(bare: &str, has_slash: bool) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if bare.is_empty() {
        return false;
    }
    if bare == "/.well-known" || bare.starts_with("/.well-known/") {
        return has_slash;
    }
    let last = bare.rsplit_once('/').map_or(bare, |(_, last)| last);
    match last.rsplit_once('.') {
        None => true,
        Some((_, extension)) if !extension.is_empty() && extension.bytes().all(is_word) => false,
        Some(_) => has_slash,
    }
}

#[cfg(test)]
mod tests;
