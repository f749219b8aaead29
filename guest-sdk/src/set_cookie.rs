//! `Cookie` and `Set-Cookie` lines, for hosts that do not read and write them.
//!
//! In: the handler's cookie edits and the headers of its answer. Out: the lines, where the answer's own win by name and come first.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bindings::outcome::{Cookie, Priority, SameSite};
use crate::pattern::decode;

/// What `encodeURIComponent` encodes.
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

/// `now` is in seconds since the epoch.
pub(crate) fn merge(headers: &mut HeaderMap, cookies: &[Cookie], now: i64) {
    let own: Vec<String> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(name)
        .collect();
    for cookie in cookies.iter().filter(|cookie| !own.contains(&cookie.name)) {
        if let Ok(line) = HeaderValue::try_from(line(cookie, now)) {
            headers.append(SET_COOKIE, line);
        }
    }
}

fn name(line: &HeaderValue) -> Option<String> {
    Some(
        line.to_str()
            .ok()?
            .split(['=', ';'])
            .next()?
            .trim()
            .to_owned(),
    )
}

fn line(cookie: &Cookie, now: i64) -> String {
    let mut line = format!(
        "{}={}; Path={}",
        cookie.name,
        utf8_percent_encode(&cookie.value, COMPONENT),
        cookie.path
    );
    let mut attribute = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _always_ok = write!(line, "; {name}{value}");
    };
    // Row C2: an age is sent as a date too, except for 0.
    let from_age = cookie.max_age.filter(|age| *age != 0);
    let from_age = from_age.map(|age| now.saturating_add(age));
    if let Some(expires) = from_age.or(cookie.expires) {
        attribute("Expires=", &http_date(expires));
    }
    if let Some(age) = cookie.max_age {
        attribute("Max-Age=", &age.to_string());
    }
    if let Some(domain) = &cookie.domain {
        attribute("Domain=", domain);
    }
    if cookie.secure {
        attribute("Secure", "");
    }
    if cookie.http_only {
        attribute("HttpOnly", "");
    }
    if let Some(same_site) = cookie.same_site {
        let value = match same_site {
            SameSite::Strict => "strict",
            SameSite::Lax => "lax",
            SameSite::None => "none",
        };
        attribute("SameSite=", value);
    }
    if cookie.partitioned {
        attribute("Partitioned", "");
    }
    if let Some(priority) = cookie.priority {
        let value = match priority {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
        };
        attribute("Priority=", value);
    }
    line
}

/// Seconds since the epoch as `Thu, 01 Jan 1970 00:00:00 GMT`; the format has years of four digits from 1970 on.
fn http_date(seconds: i64) -> String {
    let seconds = seconds.clamp(0, 253_402_300_799).unsigned_abs();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The cookies of a request, decoded, as this project's host has them: one that cannot be decoded is left out, and the last value of a name
/// stands at its first place.
pub(crate) fn cookie_pairs(lines: &[Vec<u8>]) -> Vec<(String, String)> {
    let lines = lines
        .iter()
        .filter_map(|line| std::str::from_utf8(line).ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .map(|pair| pair.trim_start_matches(' '))
        .filter(|pair| !pair.is_empty());
    let mut cookies: Vec<(String, String)> = Vec::new();
    for (name, value) in pairs.filter_map(cookie_pair) {
        match cookies.iter_mut().find(|(known, _)| *known == name) {
            Some(cookie) => cookie.1 = value,
            None => cookies.push((name, value)),
        }
    }
    cookies
}

fn cookie_pair(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
    Some((name.to_owned(), decode(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::{Cookie, Priority, SameSite};
    use std::time::SystemTime;

    /// Noon on a leap day.
    const NOW: i64 = 1_709_208_000;

    #[test]
    fn attributes_keep_their_order() {
        check(Cookie::new("a", "1"), "a=1; Path=/");
        check(Cookie::new("a", "é v"), "a=%C3%A9%20v; Path=/");
        let all = Cookie::new("b", "2")
            .path("/x")
            .max_age(Duration::from_secs(60))
            .domain("example.com")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .partitioned(true)
            .priority(Priority::High);
        check(
            all,
            "b=2; Path=/x; Expires=Thu, 29 Feb 2024 12:01:00 GMT; Max-Age=60; Domain=example.com; Secure; HttpOnly; SameSite=lax; \
             Partitioned; Priority=high",
        );
        check(
            Cookie::named("c").expires(SystemTime::UNIX_EPOCH),
            "c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
    }

    #[track_caller]
    fn check(cookie: Cookie, expected: &str) {
        assert_eq!(line(&cookie.into_edit(), NOW), expected);
    }

    #[test]
    fn the_answers_own_cookies_win() {
        let mut headers =
            HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static("a=own; Path=/r"))]);
        merge(
            &mut headers,
            &[
                Cookie::new("a", "1").into_edit(),
                Cookie::new("z", "9").into_edit(),
            ],
            NOW,
        );
        let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(lines, ["a=own; Path=/r", "z=9; Path=/"]);
    }

    #[test]
    fn cookies_are_decoded() {
        let pairs = cookie_pairs(&[b"a=0; b=%C3%A9; flag;c=%FF; d=x=y; a=1".to_vec()]);
        let shown: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(shown, ["a=1", "b=é", "flag=true", "d=x=y"]);
    }
}
