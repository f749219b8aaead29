//! Decides what of a guest's answer may leave.
//!
//! In: its headers and those of the operator's rules, the status, the request's method.
//! Out: yes or no, or the headers as they leave.
//!
//! How a message is framed is between the host and the connection: a guest that could say it could split a response in two.

use http::header::{CONNECTION, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Whether a header of a guest's answer is dropped: it would frame the message, manage the connection, or steer a Next-like proxy.
///
/// `content-length` is one of these: the host counts the body itself.
#[must_use]
pub fn is_forbidden(header_name_lowercase: &str) -> bool {
    header_name_lowercase == "content-length"
        || is_hop_by_hop(header_name_lowercase)
        || header_name_lowercase.starts_with("x-middleware-")
}

/// Whether a header speaks of one connection only, so that it is not passed on to another (RFC 9110, 7.6.1; RFC 9113, 8.2.2).
#[must_use]
pub fn is_hop_by_hop(header_name_lowercase: &str) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
    ];
    NAMES.contains(&header_name_lowercase)
}

/// Takes off what speaks of one connection only, and what the message says does: as it must be done to whatever is passed on.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let listed = headers.get_all(CONNECTION).iter().flat_map(words);
    let listed: Vec<_> = listed.map(str::to_ascii_lowercase).collect();
    let is_listed = |name: &str| listed.iter().any(|listed| listed == name);
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        if is_hop_by_hop(name.as_str()) || is_listed(name.as_str()) {
            headers.remove(name);
        }
    }
}

/// Puts the headers of rules and proxies on an answer: they win over a handler's, and go before those that can stand side by side (rows S5
/// and C19), in one line (row S6).
pub fn add(rules: Vec<(HeaderName, HeaderValue)>, headers: &mut HeaderMap) {
    if rules.is_empty() {
        return;
    }
    let mut own = Vec::new();
    for (name, _) in &rules {
        if is_appendable(name.as_str()) {
            let kept = headers.get_all(name).iter().cloned();
            own.extend(kept.map(|value| (name.clone(), value)));
        }
        headers.remove(name);
    }
    for (name, value) in rules.into_iter().chain(own) {
        headers.append(name, value);
    }
    join(headers);
}

/// Puts the values of each header in one line, but for cookies (row S6).
pub fn join(headers: &mut HeaderMap) {
    if headers.len() == headers.keys_len() {
        return;
    }
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names.into_iter().filter(|name| *name != SET_COOKIE) {
        let values = headers.get_all(&name).iter().map(HeaderValue::as_bytes);
        let values: Vec<_> = values.collect();
        if 1 < values.len()
            && let Ok(joined) = HeaderValue::from_bytes(&values.join(&b", "[..]))
        {
            headers.insert(name, joined);
        }
    }
}

/// Tells caches that the answer depends on the request header `name`, in the line that may be there (row S7).
pub fn vary(headers: &mut HeaderMap, name: &str) {
    let names = |word: &str| word == "*" || word.eq_ignore_ascii_case(name);
    if headers.get_all(VARY).iter().flat_map(words).any(names) {
        return;
    }
    let mut all: Vec<_> = headers
        .get_all(VARY)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    all.push(name.as_bytes());
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
        headers.insert(VARY, joined);
    }
}

/// The parts of a value between its commas; none of a value that is no text.
pub fn words(value: &HeaderValue) -> impl Iterator<Item = &str> {
    let words = value.to_str().unwrap_or_default().split(',');
    words.map(str::trim).filter(|word| !word.is_empty())
}

/// Whether a header of a guest's answer joins one of the same name that the operator's rules have set, rather than giving way (row S5).
#[must_use]
pub fn is_appendable(header_name_lowercase: &str) -> bool {
    matches!(
        header_name_lowercase,
        "proxy-authenticate" | "set-cookie" | "vary" | "www-authenticate"
    )
}

/// Whether a guest may answer with this status: a final one that HTTP can carry. 1xx belong to the connection.
#[must_use]
pub const fn is_status(status: u16) -> bool {
    matches!(status, 200..=599)
}

/// The status of a handler's error: what it asks for if that says so, else 500.
pub const fn failure_status(status: u16) -> u16 {
    match status {
        400..=599 => status,
        _ => 500,
    }
}

/// Whether an answer with `status` carries a body. That one to HEAD carries none is settled last: its name and length are those of GET.
#[must_use]
pub const fn body_allowed(status: u16) -> bool {
    !matches!(status, 100..=199 | 204 | 205 | 304)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_does_not_frame_its_message() {
        for name in [
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "upgrade",
        ] {
            assert!(is_forbidden(name), "{name}"); // S4
        }
        for name in [
            "x-middleware-next",
            "x-middleware-rewrite",
            "x-middleware-set-cookie",
        ] {
            assert!(is_forbidden(name), "{name}"); // M16, M17, C12
        }
        for name in [
            "content-type",
            "content-encoding",
            "set-cookie",
            "vary",
            "x-m",
            "te-x",
        ] {
            assert!(!is_forbidden(name), "{name}");
        }
    }

    #[test]
    fn what_belongs_to_one_connection_is_not_passed_on() {
        for (before, expected) in [
            ("x-a: 1, te: trailers, x-b: 2", "x-a: 1, x-b: 2"),
            ("connection: X-Hop; y, x-hop: 1", "x-hop: 1"),
            ("connection: X-Hop, x-hop: 1, x-hop: 2, x-a: 1", "x-a: 1"),
            ("connection: close, connection: x-b, x-b: 2", ""),
            (
                "upgrade: websocket, connection: upgrade, host: a",
                "host: a",
            ),
        ] {
            let mut headers = map(before);
            strip_hop_by_hop(&mut headers);
            assert_eq!(shown(&headers), expected, "{before}");
        }
    }

    #[test]
    fn some_headers_of_a_guest_join_those_of_the_rules() {
        // S5
        for name in [
            "set-cookie",
            "www-authenticate",
            "proxy-authenticate",
            "vary",
        ] {
            assert!(is_appendable(name), "{name}");
        }
        assert!(
            !["cache-control", "x-m", "link"]
                .into_iter()
                .any(is_appendable)
        );
    }

    #[test]
    fn the_rules_headers_win_or_go_first() {
        check_added("x-a: rule", "x-a: own, x-b: own", "x-b: own, x-a: rule"); // S5
        check_added(
            "set-cookie: a=rule, set-cookie: b=rule",
            "set-cookie: a=own",
            "set-cookie: a=rule, set-cookie: b=rule, set-cookie: a=own",
        ); // C19
        check_added("vary: accept", "vary: cookie", "vary: accept, cookie"); // S6
        check_added("x-a: 1, x-a: 2", "x-b: own", "x-b: own, x-a: 1, 2");
        check_added("", "x-a: own", "x-a: own");
    }

    #[track_caller]
    fn check_added(rules: &str, own: &str, expected: &str) {
        let rules = map(rules);
        let rules = rules
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        let mut headers = map(own);
        add(rules.collect(), &mut headers);
        assert_eq!(shown(&headers), expected);
    }

    #[test]
    fn repeated_headers_stand_in_one_line() {
        let mut headers = map("x-m: 1, set-cookie: a=1, x-m: 2, set-cookie: b=2, x-n: 3");
        join(&mut headers);
        assert_eq!(
            shown(&headers),
            "x-m: 1, 2, set-cookie: a=1, set-cookie: b=2, x-n: 3"
        ); // S6
    }

    #[test]
    fn vary_names_each_header_once() {
        for (before, expected) in [
            ("", "vary: Origin"),
            ("vary: accept", "vary: accept, Origin"),
            ("vary: accept, vary: cookie", "vary: accept, cookie, Origin"),
            ("vary: origin", "vary: origin"),
            ("vary: *", "vary: *"),
        ] {
            let mut headers = map(before);
            vary(&mut headers, "Origin"); // S7
            assert_eq!(shown(&headers), expected);
        }
    }

    fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
        text.split(", ").filter_map(|line| line.split_once(": "))
    }

    fn map(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs(text) {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn shown(headers: &HeaderMap) -> String {
        let lines = headers.iter();
        let lines: Vec<_> = lines
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.join(", ")
    }

    #[test]
    fn a_status_is_final() {
        assert!([200, 204, 304, 404, 599].into_iter().all(is_status));
        assert!(![0, 100, 101, 199, 600, 999].into_iter().any(is_status)); // S12
    }

    #[test]
    fn some_answers_have_no_body() {
        assert!([200, 201, 301, 404, 500].into_iter().all(body_allowed));
        assert!(![103, 204, 205, 304].into_iter().any(body_allowed)); // S9
    }

    #[test]
    fn an_error_is_no_success() {
        assert_eq!([400, 413, 599].map(failure_status), [400, 413, 599]);
        assert_eq!([0, 100, 200, 307, 600].map(failure_status), [500; 5]);
    }
}
