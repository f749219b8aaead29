//! Decides how a file is answered: in which encoding, and whole, in part or not at all.
//!
//! In: the request's headers, the encodings that there are, and the `ETag` and length of the one that was chosen.
//! Out: [`choose`] says which encoding, [`answer`] what is sent of it. [`is_hidden`] says what is sent to nobody.
//!
//! There is no `Last-Modified`: a build has no times, and two nodes that serve it would disagree about them. So a condition on a time is
//! as if it were not there, and a range on condition of a time is the whole file.

use headers::{ETag, HeaderMapExt as _, IfMatch, IfNoneMatch, IfRange};
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, RANGE};
use http_range_header::{
    EndPosition, StartPosition, SyntacticallyCorrectRange, parse_range_header,
};
use serde::{Deserialize, Serialize};

/// How long a file of `public/` may be kept before it is asked for again, as in Next: not at all, and a 304 is the answer then.
pub const CACHE_CONTROL: &str = "public, max-age=0";

/// Whether a file or folder of `public/` is kept from the world: `.env`, `.git`, but not `.well-known`, which is there to be asked for
/// (RFC 8615).
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && name != ".well-known"
}

/// How a file that lies beside another holds the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `app.js.br`
    Br,
    /// `app.js.zst`
    Zstd,
    /// `app.js.gz`
    Gzip,
}

/// What is sent of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with all of it.
    Whole,
    /// 206 with these bytes, the last one included.
    Part {
        /// From 0.
        first: u64,
        /// Less than the file's length.
        last: u64,
    },
    /// 304: the client has it.
    NotModified,
    /// 412: the client wants a file that is no longer there.
    Failed,
    /// 416: there are no such bytes.
    Unsatisfiable,
}

impl Encoding {
    /// Every encoding, the one that is preferred first.
    pub const ALL: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    /// What ends the name of the file that holds it: `br`.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zst",
            Self::Gzip => "gz",
        }
    }

    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// Chooses an encoding of those that are there; none for the file as it is.
///
/// What the client weighs highest wins, then the order of [`Encoding::ALL`]. A client that takes nothing of what there is gets the file as
/// it is, for that is more use to it than 406.
#[must_use]
pub fn choose(headers: &HeaderMap, there: &[Encoding]) -> Option<Encoding> {
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    let accepted: Vec<_> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(weighed)
        .collect();
    let weight = |token: &str| {
        let find = |token| accepted.iter().find(|(name, _)| name == token);
        find(token).map(|(_, weight)| *weight)
    };
    let as_it_is = weight("identity").unwrap_or(0); // where nothing is said, it is the last choice
    // `max_by_key` takes the last of several, which has to be the first in the order of preference.
    let wanted = Encoding::ALL.into_iter().rev().filter_map(|encoding| {
        let weight = weight(encoding.token()).or(weight("*")).unwrap_or(0);
        let is_wanted = there.contains(&encoding) && 0 < weight && as_it_is <= weight;
        is_wanted.then_some((encoding, weight))
    });
    let best = wanted.max_by_key(|(_, weight)| *weight);
    best.map(|(encoding, _)| encoding)
}

/// `gzip;q=0.5` as the name and thousandths; one that makes no sense is not accepted.
fn weighed(item: &str) -> (String, u16) {
    let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
    let weight = weight.trim().to_ascii_lowercase();
    let weight = weight
        .strip_prefix("q=")
        .and_then(|q| q.parse::<f32>().ok());
    let thousandths = weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0) * 1000.0;
    (name.trim().to_ascii_lowercase(), thousandths as u16)
}

/// Decides what is sent of a file of `length` bytes that is called `tag` (RFC 9110, 13.2.2 and 14.2).
///
/// One range is answered as such; several at once are answered with the whole file, as Next does.
#[must_use]
pub fn answer(headers: &HeaderMap, is_get: bool, tag: &ETag, length: u64) -> Answer {
    if let Some(wanted) = headers.typed_get::<IfMatch>()
        && !wanted.precondition_passes(tag)
    {
        return Answer::Failed;
    }
    if let Some(has) = headers.typed_get::<IfNoneMatch>()
        && !has.precondition_passes(tag)
    {
        return Answer::NotModified;
    }
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let is_of_another = || {
        let condition = headers.typed_get::<IfRange>();
        condition.is_some_and(|condition| condition.is_modified(Some(tag), None))
    };
    match range.map(parse_range_header) {
        Some(Ok(ranges)) if is_get && !is_of_another() => match ranges.ranges[..] {
            [range] => part(range, length),
            _ => Answer::Whole,
        },
        _ => Answer::Whole, // no range, or none that can be read
    }
}

fn part(range: SyntacticallyCorrectRange, length: u64) -> Answer {
    let first = match range.start {
        StartPosition::Index(first) => first,
        StartPosition::FromLast(bytes) => length.saturating_sub(bytes),
    };
    let end = length.saturating_sub(1);
    let last = match range.end {
        EndPosition::Index(last) => last.min(end),
        EndPosition::LastByte => end,
    };
    match first < length && first <= last {
        true => Answer::Part { first, last },
        false => Answer::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_s_weights_choose_the_encoding() {
        choice("gzip, br, zstd", "br zstd gzip", "br");
        choice("gzip, deflate, br", "gzip", "gzip");
        choice("gzip, zstd", "br zstd gzip", "zstd");
        choice("gzip;q=1, br;q=0.5", "br gzip", "gzip");
        choice("gzip;q=0.2, identity;q=0.1", "gzip", "gzip");
        choice("*", "gzip", "gzip");
        choice("GZIP ; Q=0.8", "gzip", "gzip");
    }

    #[test]
    fn without_one_that_is_accepted_the_file_is_sent_as_it_is() {
        choice("", "br gzip", "as it is");
        choice("deflate", "br gzip", "as it is");
        choice("gzip;q=0", "gzip", "as it is");
        choice("br;q=0, *", "br", "as it is");
        choice("gzip;q=0.5, identity", "gzip", "as it is");
        choice("identity;q=0", "gzip", "as it is");
        choice("gzip;q=x", "gzip", "as it is");
        choice("gzip, br", "", "as it is");
    }

    #[test]
    fn what_starts_with_a_dot_is_hidden() {
        assert!([".env", ".git", ".", ".well-known.txt"].map(is_hidden) == [true; 4]);
        assert!([".well-known", "a.txt", "well-known"].map(is_hidden) == [false; 3]);
    }

    #[test]
    fn a_range_is_a_part() {
        check("range: bytes=0-3", "206 0-3");
        check("range: bytes=4-", "206 4-9");
        check("range: bytes=-3", "206 7-9");
        check("range: bytes=8-100", "206 8-9");
        check("range: bytes=-100", "206 0-9");
        check("range: bytes=10-", "416");
        check("range: bytes=5-2", "416");
    }

    #[test]
    fn a_range_that_is_none_is_the_whole_file() {
        check("", "200");
        check("range: lines=1-2", "200");
        check("range: bytes=a-b", "200");
        check("range: bytes=0-1,4-5", "200");
    }

    #[test]
    fn a_range_of_another_content_is_the_whole_file() {
        check("range: bytes=0-3, if-range: \"now\"", "206 0-3");
        check("range: bytes=0-3, if-range: \"before\"", "200");
        check("range: bytes=0-3, if-range: W/\"now\"", "200");
        check("range: bytes=99-, if-range: \"before\"", "200");
        let date = "if-range: Wed; 21 Oct 2026 07:28:00 GMT";
        check(&format!("range: bytes=0-3, {date}"), "200");
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        check("if-none-match: \"now\"", "304");
        check("if-none-match: W/\"now\"", "304");
        check("if-none-match: *", "304");
        check("if-none-match: \"before\"", "200");
        check("if-none-match: \"now\", range: bytes=0-3", "304");
        check("if-none-match: \"before\", range: bytes=0-3", "206 0-3");
        check("if-modified-since: Wed; 21 Oct 2026 07:28:00 GMT", "200");
    }

    #[test]
    fn what_the_client_wants_has_to_be_there() {
        check("if-match: \"now\"", "200");
        check("if-match: *", "200");
        check("if-match: \"before\"", "412");
        check("if-match: W/\"now\"", "412");
    }

    #[test]
    fn head_asks_for_no_part() {
        let headers = headers("range: bytes=0-3");
        let tag = "\"now\"".parse().unwrap();
        assert_eq!(answer(&headers, false, &tag, 10), Answer::Whole);
    }

    #[test]
    fn an_empty_file_has_no_part() {
        let tag = "\"now\"".parse().unwrap();
        let asked = answer(&headers("range: bytes=0-"), true, &tag, 0);
        assert_eq!(asked, Answer::Unsatisfiable);
    }

    #[track_caller]
    fn choice(accept: &str, there: &str, expected: &str) {
        let named = |name| {
            Encoding::ALL
                .into_iter()
                .find(|known| known.token() == name)
        };
        let there: Vec<_> = there.split_whitespace().filter_map(named).collect();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, accept.parse().unwrap());
        let chosen = choose(&headers, &there).map_or("as it is", Encoding::token);
        assert_eq!(chosen, expected);
    }

    /// What is sent of ten bytes that are called `"now"`.
    #[track_caller]
    fn check(asked: &str, expected: &str) {
        let tag = "\"now\"".parse().unwrap();
        let found = match answer(&headers(asked), true, &tag, 10) {
            Answer::Whole => "200".to_owned(),
            Answer::Part { first, last } => format!("206 {first}-{last}"),
            Answer::NotModified => "304".to_owned(),
            Answer::Failed => "412".to_owned(),
            Answer::Unsatisfiable => "416".to_owned(),
        };
        assert_eq!(found, expected);
    }

    /// Lines with `, ` between them; a `;` stands for the comma of a date.
    fn headers(text: &str) -> HeaderMap {
        let lines = text.split(", ").filter_map(|line| line.split_once(": "));
        lines
            .map(|(name, value)| {
                let name: http::HeaderName = name.parse().unwrap();
                (name, value.replace(';', ",").parse().unwrap())
            })
            .collect()
    }
}
