//! `Set-Cookie` lines, for hosts that do not write them.
//!
//! In: the handler's cookie edits and the headers of its answer. Out: the lines, where the answer's own win by name and come first.

use std::fmt::Write as _;

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bindings::outcome::{Cookie, Priority, SameSite};

/// What `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

pub(crate) fn merge(headers: &mut HeaderMap, cookies: &[Cookie]) {
    let own: Vec<String> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(name)
        .collect();
    for cookie in cookies.iter().filter(|cookie| !own.contains(&cookie.name)) {
        if let Ok(line) = HeaderValue::try_from(line(cookie)) {
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

fn line(cookie: &Cookie) -> String {
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
    if let Some(expires) = cookie.expires {
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

/// Seconds since the epoch as `Thu, 01 Jan 1970 00:00:00 GMT`.
fn http_date(seconds: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // The years that have four digits.
    let seconds = seconds.clamp(-62_167_219_200, 253_402_300_799);
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
    let (year, month, day) = date(days);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!(
        "{weekday}, {day:02} {} {year:04} {hour:02}:{minute:02}:{second:02} GMT",
        MONTHS[month as usize - 1]
    )
}

/// Days since the epoch as year, month and day. Years are counted from March, so that the leap day is the last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::{Cookie, Priority, SameSite};
    use std::time::{Duration, SystemTime};

    #[test]
    fn attributes_keep_their_order() {
        check(Cookie::new("a", "1"), "a=1; Path=/");
        check(Cookie::new("a", "é v"), "a=%C3%A9%20v; Path=/");
        let all = Cookie::new("b", "2")
            .path("/x")
            .expires(SystemTime::UNIX_EPOCH + Duration::from_secs(1_709_208_000))
            .max_age(Duration::from_secs(60))
            .domain("example.com")
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Lax)
            .partitioned(true)
            .priority(Priority::High);
        check(
            all,
            "b=2; Path=/x; Expires=Thu, 29 Feb 2024 12:00:00 GMT; Max-Age=60; Domain=example.com; Secure; HttpOnly; SameSite=lax; \
             Partitioned; Priority=high",
        );
        check(
            Cookie::named("c").expires(SystemTime::UNIX_EPOCH),
            "c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        );
    }

    #[track_caller]
    fn check(cookie: Cookie, expected: &str) {
        assert_eq!(line(&cookie.into_edit()), expected);
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
        );
        let lines: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
        assert_eq!(lines, ["a=own; Path=/r", "z=9; Path=/"]);
    }
}
