use super::*;
use proptest::prelude::*;

#[test]
fn what_was_set_before_is_seen() {
    let set = |name: &str, value: &str| SetCookie {
        name: name.to_owned(),
        value: value.to_owned(),
        ..SetCookie::default()
    };
    let mut cookies = parse("a=1; b=2");
    overlay(&mut cookies, &[set("b", "3"), set("c", "4"), set("a", "")]); // C18
    let pairs = [("a", ""), ("b", "3"), ("c", "4")];
    assert_eq!(
        cookies,
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_cookie_header_is_pairs() {
    // Q6
    check_parse("a=1; b=2", "a=1 b=2");
    check_parse("a=1;b=2;   c=3;", "a=1 b=2 c=3");
    check_parse("a=x=y", "a=x=y");
    check_parse("", "");
}

#[test]
fn a_pair_without_a_value_is_true() {
    check_parse("flag; b=2", "flag=true b=2");
    check_parse("a=", "a=");
}

#[test]
fn values_are_decoded_once_or_dropped() {
    check_parse("a=%C3%A9%20v; b=%2541", "a=é v b=%41");
    check_parse("a=%zz; b=2; c=%E0%A4; d=%", "b=2");
    check_parse("a%20b=1+1", "a%20b=1+1");
}

#[test]
fn the_last_value_stands_at_the_first_place() {
    check_parse("a=1; b=2; a=3", "a=3 b=2");
    check_parse("a=1; a=%zz", "a=1");
}

#[test]
fn a_cookie_is_written_with_its_path() {
    check(
        "a=1",
        &SetCookie {
            value: "1".into(),
            ..cookie()
        },
    ); // C1
    check("a=", &cookie());
}

#[test]
fn attributes_have_a_fixed_order() {
    let full = SetCookie {
        value: "2".into(),
        path: "/x".into(),
        max_age: Some(60),
        domain: Some("example.com".into()),
        secure: true,
        http_only: true,
        same_site: Some(SameSite::Lax),
        partitioned: true,
        priority: Some(Priority::High),
        ..cookie()
    };
    let expected = "a=2; Path=/x; Expires=Wed, 02 Jan 2030 00:01:00 GMT; Max-Age=60; Domain=example.com; Secure; HttpOnly; SameSite=lax; Partitioned; Priority=high";
    assert_eq!(full.to_header(NOW), expected); // C2
}

#[test]
fn deleting_is_expiring_at_the_epoch() {
    check(
        "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        &SetCookie {
            expires: Some(0),
            ..cookie()
        },
    ); // C3
}

#[test]
fn values_are_encoded_as_uri_components() {
    check(
        "a=%C3%A9%20v",
        &SetCookie {
            value: "é v".into(),
            ..cookie()
        },
    ); // C4
    let kept = "-_.!~*'()";
    check(
        &format!("a={kept}"),
        &SetCookie {
            value: kept.into(),
            ..cookie()
        },
    );
    check(
        "a=%3B%2C%25%22%0D%0A",
        &SetCookie {
            value: ";,%\"\r\n".into(),
            ..cookie()
        },
    );
}

#[test]
fn max_age_sets_expires_unless_it_is_zero() {
    check(
        "a=; Max-Age=0",
        &SetCookie {
            max_age: Some(0),
            ..cookie()
        },
    ); // C5
    check(
        "a=; Expires=Tue, 01 Jan 2030 23:59:59 GMT; Max-Age=-1",
        &SetCookie {
            max_age: Some(-1),
            ..cookie()
        },
    );
    let both = SetCookie {
        expires: Some(0),
        max_age: Some(1),
        ..cookie()
    };
    check(
        "a=; Expires=Wed, 02 Jan 2030 00:00:01 GMT; Max-Age=1",
        &both,
    );
}

#[test]
fn a_date_stays_within_what_http_can_say() {
    let last = "a=; Expires=Fri, 31 Dec 9999 23:59:59 GMT";
    check(
        last,
        &SetCookie {
            expires: Some(i64::MAX),
            ..cookie()
        },
    );
    check(
        &format!("{last}; Max-Age={}", i64::MAX),
        &SetCookie {
            max_age: Some(i64::MAX),
            ..cookie()
        },
    );
    check(
        "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        &SetCookie {
            expires: Some(i64::MIN),
            ..cookie()
        },
    );
}

#[test]
fn the_response_wins_and_comes_first() {
    check_merge(
        &["a=fromres; Path=/r"],
        "a=1 z=9",
        &["a=fromres; Path=/r", "z=9; Path=/"],
    ); // C6
    check_merge(&["  a =x"], "a=1", &["  a =x"]);
    check_merge(&["ab=x"], "a=1", &["ab=x", "a=1; Path=/"]);
}

#[test]
fn the_responses_own_lines_keep_their_bytes() {
    let own = [
        "a=1; Foo=bar; Max-Age=0",
        "b=hello world",
        "a=2; Path=/x",
        "flag",
    ];
    check_merge(&own, "", &own); // C7
    check_merge(&own, "flag=1 c=3", &[&own[..], &["c=3; Path=/"]].concat()); // C8, decision 19.4
    assert_eq!(
        merge(vec![b"a=\xff".to_vec()], &[cookie()], NOW),
        [b"a=\xff"]
    );
}

#[test]
fn the_last_edit_stands_at_the_first_place() {
    check_merge(&[], "a=1 b=2 a=3", &["a=3; Path=/", "b=2; Path=/"]); // C10
}

#[test]
fn another_path_or_domain_is_another_cookie() {
    let at = |value: &str, path: &str, domain: Option<&str>| SetCookie {
        name: "a".into(),
        value: value.into(),
        path: path.into(),
        domain: domain.map(str::to_owned),
        ..cookie()
    };
    let edits = [
        at("1", "/admin", None),
        at("2", "/", None),
        at("3", "/", Some("a.test")),
        at("4", "/admin", None),
    ];
    let lines = merge(Vec::new(), &edits, NOW);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "a=4; Path=/admin",
            "a=2; Path=/",
            "a=3; Path=/; Domain=a.test"
        ]
    );
}

#[test]
fn a_name_is_a_token() {
    let named = |name: &str| {
        SetCookie {
            name: name.into(),
            ..cookie()
        }
        .check()
    };
    assert_eq!(named("__Host-a.b~1"), Ok(()));
    for name in ["", "a b", "a=b", "a;b", "é", "a\r\nb", "\"a\""] {
        assert_eq!(named(name), Err(CookieError::Name { name: name.into() }));
    }
    let words = "cannot name a cookie; use letters, digits and any of !#$%&'*+-.^_`|~";
    assert_eq!(
        named("a\nb").unwrap_err().to_string(),
        format!("`a\\nb` {words}")
    );
}

#[test]
fn an_attribute_stays_in_its_place() {
    let path = SetCookie {
        path: "/; Secure".into(),
        ..cookie()
    };
    let words = "holds a semicolon or a character outside printable ASCII";
    assert_eq!(
        path.check().unwrap_err().to_string(),
        format!("cookie `a`: `/; Secure` {words}")
    );
    let domain = SetCookie {
        domain: Some("a\nb".into()),
        ..cookie()
    };
    assert_eq!(
        domain.check().unwrap_err().to_string(),
        format!("cookie `a`: `a\\nb` {words}")
    );
}

/// 2 January 2030, midnight.
const NOW: i64 = 1_893_542_400;

fn cookie() -> SetCookie {
    SetCookie {
        name: "a".into(),
        path: "/".into(),
        ..SetCookie::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever a client sends is read without a panic, each name once; whatever can be set is one line, and is read back.
    #[test]
    fn any_text_is_read_and_what_is_set_is_read_back(
        header in "([a-c%=; \"é]|%[0-9a-fA-F]{2}){0,24}|.{0,24}",
        name in "[a-c!#$~]{1,4}",
        value in ".{0,16}",
        age in prop::option::of(any::<i64>()),
        now: i64,
    ) {
        let read = parse(&header);
        for (at, (name, _)) in read.iter().enumerate() {
            prop_assert!(!name.contains([';', '=']), "{}", name);
            prop_assert!(read[..at].iter().all(|(known, _)| known != name), "{} twice", name);
        }
        let cookie = SetCookie { name: name.clone(), value: value.clone(), max_age: age, ..cookie() };
        prop_assert_eq!(cookie.check(), Ok(()));
        let line = cookie.to_header(now);
        prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", line);
        let pair = line.split(';').next().unwrap();
        prop_assert_eq!(parse(pair), [(name, value)]);
        let merged = merge(vec![header.into_bytes()], &[cookie], now);
        prop_assert!(merged.len() <= 2);
    }
}

#[track_caller]
fn check_parse(header: &str, expected: &str) {
    let found: Vec<_> = parse(header)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(found.join(" "), expected);
}

/// Compares a cookie's line, whose path is left out of `expected`.
#[track_caller]
fn check(expected: &str, cookie: &SetCookie) {
    assert_eq!(cookie.check(), Ok(()));
    let (value, attributes) = expected
        .split_once("; ")
        .map_or((expected, String::new()), |(v, a)| (v, format!("; {a}")));
    assert_eq!(
        cookie.to_header(NOW),
        format!("{value}; Path=/{attributes}")
    );
}

#[track_caller]
fn check_merge(response: &[&str], edits: &str, expected: &[&str]) {
    let edit = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        SetCookie {
            name: name.into(),
            value: value.into(),
            ..cookie()
        }
    };
    let edits: Vec<_> = edits.split_whitespace().map(edit).collect();
    let response = response
        .iter()
        .map(|line| line.as_bytes().to_vec())
        .collect();
    let merged: Vec<_> = merge(response, &edits, NOW)
        .into_iter()
        .map(|line| String::from_utf8(line).unwrap())
        .collect();
    assert_eq!(merged, expected);
}
