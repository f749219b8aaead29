use super::*;

const HTML: &str = "content-type: text/html";

#[test]
fn the_client_s_favourite_is_sent() {
    check("gzip, deflate, br, zstd", "zstd");
    check("gzip, br", "br");
    check("GZip", "gzip");
    check("x-gzip", "gzip");
    check("br;q=0.5, gzip", "gzip");
    check("zstd;q=0, br ; q=0.002, gzip;Q=0.001", "br");
    check("*", "zstd");
    check("zstd;q=0, *;q=0.1", "br");
}

#[test]
fn a_client_that_names_no_coding_gets_the_bytes_as_they_are() {
    check("", "as they are");
    check("identity", "as they are");
    check("deflate, compress, snappy", "as they are");
    check("gzip;q=0", "as they are");
    check("gzip;q=0.5, identity", "as they are");
    check("gzip;q=2, br;q=x, zstd;v=1", "as they are");
    check("*;q=0", "as they are"); // RFC 9110 allows that rather than 406
}

#[test]
fn a_client_may_refuse_the_bytes_as_they_are() {
    let asked = "gzip, identity;q=0";
    check(asked, "gzip");
    check_answer(asked, "200, content-type: image/png, 5000", "gzip");
    check_answer(asked, "200, content-type: text/html, 10", "gzip");
    check_answer("gzip, *;q=0", "200, content-type: text/html, 10", "gzip");
    check_answer(
        asked,
        "200, content-encoding: br, 5000",
        "as they are, to all",
    );
    check_answer(
        "identity;q=0",
        "200, content-type: text/html, 10",
        "as they are",
    );
    check_answer(asked, "200, 0", "as they are, to all");
}

#[test]
fn short_bodies_are_sent_as_they_are() {
    check_answer(
        "gzip",
        "200, content-type: text/html, 1023",
        "as they are, to all",
    ); // S11
    check_answer("gzip", "200, content-type: text/html, 1024", "gzip");
    check_answer("gzip", "200, content-type: text/html", "gzip"); // of a length that nobody knows
    check_answer(
        "",
        "200, content-type: text/html, 1023",
        "as they are, to all",
    );
    check_answer("", "200, content-type: text/html, 1024", "as they are"); // S7
}

#[test]
fn content_is_compressed_by_its_type() {
    for compressible in [
        "text/html",
        "Text/CSV; charset=utf-8",
        "text/event-stream",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "application/wasm",
        "font/ttf",
    ] {
        check_answer(
            "gzip",
            &format!("200, content-type: {compressible}"),
            "gzip",
        );
    }
    for other in [
        "image/png",
        "application/octet-stream",
        "application/zip",
        "font/woff2",
        "video/mp4",
        "+",
    ] {
        let answer = format!("200, content-type: {other}");
        check_answer("gzip", &answer, "as they are, to all");
    }
    check_answer("gzip", "200", "as they are, to all");
}

#[test]
fn what_is_not_the_host_s_to_change_is_left() {
    for header in [
        "cache-control: public, No-Transform",
        "content-encoding: gzip",
        "content-encoding: identity",
        "content-range: bytes 0-4/10",
        "vary: *",
    ] {
        check_answer(
            "gzip",
            &format!("200, {HTML}, {header}"),
            "as they are, to all",
        );
    }
    check_answer(
        "gzip",
        "200, content-type: text/html, cache-control: x-no-transform",
        "gzip",
    );
    for status in [204, 205, 206, 304] {
        check_answer("gzip", &format!("{status}, {HTML}"), "as they are, to all");
    }
    check_answer("gzip", "404, content-type: text/html", "gzip");
}

#[test]
fn the_headers_say_what_was_done() {
    let gzip = Sent {
        coding: Some(Coding::Gzip),
        varies: true,
    };
    check_headers(
        gzip,
        "content-length: 5000, accept-ranges: bytes, etag: \"a\"",
        "content-encoding: gzip, etag: W/\"a\", vary: Accept-Encoding",
    );
    check_headers(
        gzip,
        "etag: W/\"a\"",
        "content-encoding: gzip, etag: W/\"a\", vary: Accept-Encoding",
    );
    let varies = Sent {
        coding: None,
        varies: true,
    };
    check_headers(
        varies,
        "content-length: 5000, etag: \"a\"",
        "content-length: 5000, etag: \"a\", vary: Accept-Encoding",
    );
    check_headers(varies, "vary: cookie", "vary: cookie; Accept-Encoding");
    check_headers(varies, "vary: accept-encoding", "vary: accept-encoding");
    check_headers(Sent::default(), "etag: \"a\"", "etag: \"a\"");

    let mut unchanged = pairs("etag: \"a\"");
    describe(gzip, 304, &mut unchanged);
    assert_eq!(unchanged["etag"], "W/\"a\"");
    assert_eq!(unchanged["vary"], "Accept-Encoding");
    assert_eq!(unchanged.len(), 2);
}

/// Asks for a page of 5,000 bytes.
#[track_caller]
fn check(accept: &str, expected: &str) {
    check_answer(accept, "200, content-type: text/html, 5000", expected);
}

/// `answer` is a status, headers, and a length if that is known.
#[track_caller]
fn check_answer(accept: &str, answer: &str, expected: &str) {
    let mut asked = HeaderMap::new();
    if !accept.is_empty() {
        asked.insert("accept-encoding", accept.parse().unwrap());
    }
    let (status, rest) = answer.split_at(3);
    let (headers, length) = match rest.rsplit_once(", ") {
        Some((headers, length)) if length.parse::<u64>().is_ok() => (headers, length.parse().ok()),
        _ => (rest, None),
    };
    let headers = pairs(headers.trim_start_matches(", "));
    let sent = choose(&asked, status.parse().unwrap(), &headers, length);
    let found = match (sent.coding, sent.varies) {
        (Some(coding), true) => coding.name(),
        (None, true) => "as they are",
        (None, false) => "as they are, to all",
        (Some(_), false) => "a coding that caches do not know of",
    };
    assert_eq!(found, expected, "{accept} {answer}");
}

#[track_caller]
fn check_headers(sent: Sent, before: &str, after: &str) {
    let mut headers = pairs(before);
    describe(sent, 200, &mut headers);
    let mut shown: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()).replace(", ", "; "))
        .collect();
    shown.sort();
    assert_eq!(shown.join(", "), after);
}

/// Headers from text: a comma starts the next unless it stands inside a value, where no colon follows.
fn pairs(text: &str) -> HeaderMap {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for part in text.split(", ").filter(|part| !part.is_empty()) {
        match (part.split_once(": "), headers.last_mut()) {
            (Some((name, value)), _) => headers.push((name, value.to_owned())),
            (None, Some((_, value))) => *value = format!("{value}, {part}"),
            (None, None) => panic!("{part}"),
        }
    }
    headers
        .into_iter()
        .map(|(name, value)| {
            (
                name.parse::<http::HeaderName>().unwrap(),
                value.parse::<http::HeaderValue>().unwrap(),
            )
        })
        .collect()
}
