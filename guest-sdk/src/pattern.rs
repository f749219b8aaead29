//! Matches a path against the route's own pattern, for hosts that do not.
//!
//! In: `/items/[slug]` and a raw path. Out: the decoded values. Waystation's own host has matched already and never asks.

use percent_encoding::percent_decode_str;

use crate::bindings::context::{Param, ParamValue};

/// What a path is to a pattern.
#[derive(Debug)]
pub(crate) enum Match {
    Params(Vec<Param>),
    /// Another path.
    No,
    /// A value that is not UTF-8 once decoded.
    BadEscape,
}

pub(crate) fn find(pattern: &str, path: &str) -> Match {
    let mut params = Vec::new();
    let mut rest = segments(path).peekable();
    for segment in segments(pattern) {
        let value = match Segment::of(segment) {
            Segment::Static(text) => match rest.next() {
                Some(found) if found == text || decode(found).as_deref() == Some(text) => continue,
                _ => return Match::No,
            },
            Segment::One(name) => match rest.next() {
                Some(found) if !found.is_empty() => {
                    decode(found).map(|value| (name, ParamValue::One(value)))
                }
                _ => return Match::No,
            },
            Segment::Optional(_) if rest.peek().is_none() => continue,
            Segment::Many(name) | Segment::Optional(name) => {
                let found: Vec<_> = rest.by_ref().collect();
                if found.is_empty() || found.contains(&"") {
                    return Match::No;
                }
                let values: Option<Vec<_>> = found.into_iter().map(decode).collect();
                values.map(|values| (name, ParamValue::Many(values)))
            }
        };
        let Some((name, value)) = value else {
            return Match::BadEscape;
        };
        params.push(Param {
            name: name.to_owned(),
            value,
        });
    }
    if rest.next().is_some() {
        Match::No
    } else {
        Match::Params(params)
    }
}

enum Segment<'a> {
    Static(&'a str),
    One(&'a str),
    Many(&'a str),
    Optional(&'a str),
}

impl<'a> Segment<'a> {
    fn of(text: &'a str) -> Self {
        let inside = |open, close| {
            text.strip_prefix(open)
                .and_then(|text: &str| text.strip_suffix(close))
        };
        if let Some(name) = inside("[[...", "]]") {
            Self::Optional(name)
        } else if let Some(name) = inside("[...", "]") {
            Self::Many(name)
        } else if let Some(name) = inside("[", "]") {
            Self::One(name)
        } else {
            Self::Static(text)
        }
    }
}

/// The parts between slashes; none for `/`.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').skip(usize::from(path.is_empty()))
}

/// Decodes once, as `decodeURIComponent` does.
pub(crate) fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let escaped = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let sound = (0..bytes.len()).all(|at| bytes[at] != b'%' || escaped(at));
    sound.then(|| percent_decode_str(text).decode_utf8().ok().map(Into::into))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dynamic_segments_take_one_part() {
        check("/items/[id]", "/items/1", "id = 1");
        check("/items/[id]", "/items/a%2Fb+c", "id = a/b+c");
        check("/items/[id]", "/items/", "no match");
        check("/items/[id]", "/items/1/2", "no match");
        check("/items/[id]", "/items/%E0%A4%A", "bad escape");
        check("/shop/[tag]/[item]", "/shop/1/2", "tag = 1, item = 2");
    }

    #[test]
    fn catch_alls_take_the_rest() {
        check("/blog/[...slug]", "/blog/1/2", "slug = [1, 2]");
        check("/blog/[...slug]", "/blog", "no match");
        check("/blog/[[...slug]]", "/blog", "");
        check("/blog/[[...slug]]", "/blog/x", "slug = [x]");
        check("/[[...all]]", "/", "");
    }

    #[test]
    fn static_parts_match_by_case_and_decoded() {
        check("/", "/", "");
        check("/", "/a", "no match");
        check("/a b", "/a%20b", "");
        check("/a", "/A", "no match");
        check("/x[a]", "/x[a]", "");
    }

    #[track_caller]
    fn check(pattern: &str, path: &str, expected: &str) {
        let actual = match find(pattern, path) {
            Match::No => "no match".to_owned(),
            Match::BadEscape => "bad escape".to_owned(),
            Match::Params(params) => {
                let shown = params.iter().map(|param| match &param.value {
                    ParamValue::One(value) => format!("{} = {value}", param.name),
                    ParamValue::Many(values) => format!("{} = [{}]", param.name, values.join(", ")),
                });
                shown.collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(actual, expected);
    }
}
