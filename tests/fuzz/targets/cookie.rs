//! What a client sends as cookies never panics, and what is set can be read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use waystation_rules::cookies::{SetCookie, merge, parse};

fuzz_target!(|input: (&str, Vec<Vec<u8>>, &str, &str, i64)| {
    let (header, own, name, value, now) = input;
    for (name, _) in parse(header) {
        assert!(!name.contains([';', '=']), "{header:?}"); // a nameless one is Next's too
    }
    let cookie = SetCookie {
        name: name.to_owned(),
        value: value.to_owned(),
        path: "/".to_owned(),
        expires: Some(now),
        max_age: Some(now),
        domain: None,
        secure: false,
        http_only: false,
        same_site: None,
        partitioned: false,
        priority: None,
    };
    if cookie.check().is_err() {
        return;
    }
    let line = cookie.to_header(now);
    assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
    let pair = line.split(';').next().unwrap_or_default();
    assert_eq!(
        parse(pair),
        [(name.to_owned(), value.to_owned())],
        "{line:?}"
    );
    let _any_lines = merge(own, &[cookie], now);
});
