//! Says where an answer of a shared instance differs from that of a fresh one.
//!
//! In: what both answered to one request. Out: the first difference, in words.
//!
//! Whether the difference is one that the instance makes, `pipeline::leaks` finds out: it asks a second fresh one.

use std::collections::BTreeSet;

use http::header::DATE;
use http::{HeaderMap, HeaderName, HeaderValue};

/// An answer that is there as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its status.
    pub status: u16,
    /// Its headers, cookies among them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Headers that differ each time.
const IGNORED: [HeaderName; 2] = [DATE, HeaderName::from_static("x-request-id")];
/// Bytes of a body that are told, from where it differs on.
const TOLD: usize = 40;

/// The first difference: in the status, else in the headers by name, else in the body.
#[must_use]
pub fn difference(shared: &Seen, fresh: &Seen) -> Option<String> {
    let told = |what: &str, shared: &str, fresh: &str| {
        format!("{what} is {shared}, and {fresh} from a fresh instance")
    };
    if shared.status != fresh.status {
        let (shared, fresh) = (shared.status.to_string(), fresh.status.to_string());
        return Some(told("the status", &shared, &fresh));
    }
    let names = shared.headers.keys().chain(fresh.headers.keys());
    let names: BTreeSet<_> = names.map(HeaderName::as_str).collect();
    for name in names {
        if IGNORED.iter().all(|ignored| ignored != name) {
            let (shared, fresh) = (values(&shared.headers, name), values(&fresh.headers, name));
            if shared != fresh {
                return Some(told(
                    &format!("the header `{name}`"),
                    &listed(&shared, &fresh),
                    &listed(&fresh, &shared),
                ));
            }
        }
    }
    if shared.body == fresh.body {
        return None;
    }
    let pairs = shared.body.iter().zip(&fresh.body);
    let at = pairs.take_while(|(shared, fresh)| shared == fresh).count();
    let what = format!("the body from byte {at} on");
    Some(told(
        &what,
        &quoted(&shared.body[at..]),
        &quoted(&fresh.body[at..]),
    ))
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a HeaderValue> {
    headers.get_all(name).iter().collect()
}

/// The first value that the other does not have there, from where it differs on.
fn listed(values: &[&HeaderValue], others: &[&HeaderValue]) -> String {
    let pairs = values.iter().zip(others);
    let at = pairs.take_while(|(value, other)| value == other).count();
    let Some(value) = values.get(at).map(|value| value.as_bytes()) else {
        return "absent".into();
    };
    let other = others.get(at).map_or(&[][..], |other| other.as_bytes());
    let same = value.iter().zip(other).take_while(|(one, two)| one == two);
    match same.count() {
        0 if value.is_empty() => "empty".into(),
        0 => quoted(value),
        from => format!("{} from byte {from} on", quoted(&value[from..])),
    }
}

/// The beginning of a text, without what could drive a terminal.
fn quoted(bytes: &[u8]) -> String {
    let (told, rest) = match bytes.len() {
        0 => return "at its end".into(),
        1..=TOLD => (bytes, ""),
        _ => (&bytes[..TOLD], " .."),
    };
    let text = String::from_utf8_lossy(told);
    format!("`{}`{rest}", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        check("200 hello", "200 hello", None);
        check(
            "200 hello",
            "500 gone",
            Some("the status is 200, and 500 from a fresh instance"),
        );
        check(
            "200 visit 12",
            "200 visit 1",
            Some("the body from byte 7 on is `2`, and at its end from a fresh instance"),
        );
        check(
            "200 \u{1b}a",
            "200 b",
            Some("the body from byte 0 on is `\\u{1b}a`, and `b` from a fresh instance"),
        );
    }

    #[test]
    fn a_long_body_is_compared_whole_and_told_in_part() {
        let same = "x".repeat(1 << 20);
        let shared = format!("200 {same}{}", "y".repeat(100));
        let told = format!(
            "the body from byte 1048576 on is `{}` .., and `z` from a fresh instance",
            "y".repeat(TOLD)
        );
        check(&shared, &format!("200 {same}z"), Some(&told));
    }

    #[test]
    fn a_header_counts_unless_it_differs_each_time() {
        let with = |name, value| with_all(name, &[value]);
        let told = difference(&with("set-cookie", "a=1"), &seen("200 hello"));
        assert_eq!(
            told.as_deref(),
            Some("the header `set-cookie` is `a=1`, and absent from a fresh instance")
        );
        let long = |end| format!("session={}{end}", "0".repeat(40));
        let [one, two] = ["a", "b"].map(|end| with_all("set-cookie", &["x=1", &long(end)]));
        assert_eq!(
            difference(&one, &two).as_deref(),
            Some(
                "the header `set-cookie` is `a` from byte 48 on, and `b` from byte 48 on from a fresh instance"
            )
        );
        let told = difference(&with_all("x-a", &[""]), &with_all("x-a", &["1"]));
        assert_eq!(
            told.as_deref(),
            Some("the header `x-a` is empty, and `1` from a fresh instance")
        );
        for ignored in ["date", "x-request-id"] {
            assert_eq!(difference(&with(ignored, "1"), &with(ignored, "2")), None);
        }
    }

    fn with_all(name: &'static str, values: &[&str]) -> Seen {
        let mut seen = seen("200 hello");
        for value in values {
            seen.headers.append(name, value.parse().unwrap());
        }
        seen
    }

    #[track_caller]
    fn check(shared: &str, fresh: &str, expected: Option<&str>) {
        let told = difference(&seen(shared), &seen(fresh));
        assert_eq!(told.as_deref(), expected);
    }

    fn seen(line: &str) -> Seen {
        let (status, body) = line.split_once(' ').unwrap();
        Seen {
            status: status.parse().unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }
}
