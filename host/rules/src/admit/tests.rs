use std::sync::LazyLock;

use super::*;

static LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);

#[test]
fn an_ordinary_request_is_admitted() {
    check_head(Head { ..http1() }, "ok");
    check_head(
        Head {
            content_length: Some(0),
            ..http1()
        },
        "ok",
    );
    check_head(
        Head {
            has_transfer_encoding: true,
            ..http1()
        },
        "ok",
    );
    check_head(http2(), "ok");
    check_head(
        Head {
            host: Some("example.com"),
            host_count: 1,
            ..http2()
        },
        "ok",
    );
}

#[test]
fn a_long_url_is_refused() {
    check_head(
        Head {
            length: Length {
                url: 8192,
                headers: 32768,
            },
            ..http1()
        },
        "ok",
    );
    check_head(
        Head {
            length: Length {
                url: 8193,
                headers: 60,
            },
            ..http1()
        },
        "414 the URL has 8193 bytes and the limit is 8192",
    );
    check_head(
        Head {
            length: Length {
                url: 1,
                headers: 32769,
            },
            ..http1()
        },
        "431 the headers have 32769 bytes and the limit is 32768",
    );
}

#[test]
fn a_target_is_a_path() {
    check_head(
        Head {
            path: "x",
            ..http1()
        },
        "400 the request target `x` is no path",
    );
    check_head(
        Head {
            path: "",
            ..http1()
        },
        "400 the request target `` is no path",
    );
    check_head(
        Head {
            path: "*",
            ..http1()
        },
        "400 the request target `*` is no path",
    );
}

#[test]
fn there_is_one_host() {
    check_head(
        Head {
            host: None,
            host_count: 0,
            ..http1()
        },
        "400 there is no Host header",
    );
    check_head(
        Head {
            host: None,
            host_count: 1,
            ..http1()
        },
        "400 there is no Host header",
    );
    check_head(
        Head {
            host: None,
            host_count: 1,
            ..http2()
        },
        "400 there is no Host header",
    );
    check_head(
        Head {
            host_count: 2,
            ..http1()
        },
        "400 there are 2 Host headers",
    );
    check_head(
        Head {
            host_count: 2,
            ..http2()
        },
        "400 there are 2 Host headers",
    );
    check_head(
        Head {
            authority: None,
            ..http2()
        },
        "400 there is no Host header",
    );
    check_head(
        Head {
            host: None,
            host_count: 0,
            authority: Some("example.com"),
            ..http1()
        },
        "400 there is no Host header",
    );
}

#[test]
fn a_target_with_a_host_names_the_same_one() {
    check_head(
        Head {
            authority: Some("EXAMPLE.com"),
            ..http1()
        },
        "ok",
    );
    let fault = "400 the request target names `evil.example` and the Host header `example.com`";
    check_head(
        Head {
            authority: Some("evil.example"),
            ..http1()
        },
        fault,
    );
    check_head(
        Head {
            authority: Some("evil.example"),
            host: Some("example.com"),
            host_count: 1,
            ..http2()
        },
        fault,
    );
}

#[test]
fn a_host_is_a_name_or_an_address_with_a_port() {
    let good = [
        "a",
        "a_b.example:80",
        "example.com:",
        "127.0.0.1:3000",
        "[::1]",
        "[::1]:3000",
        "xn--bcher-kva.example",
    ];
    for host in good {
        check_head(
            Head {
                host: Some(host),
                ..http1()
            },
            "ok",
        );
    }
    let bad = [
        "",
        ":80",
        "a/b@c",
        "user@host",
        "a b",
        "a,b",
        "a:x",
        "a:65536",
        "a:+80",
        "a:1:2",
        "[::1",
        "::1",
        "[x]",
        "a?b",
        "a\\b",
        "é",
    ];
    for host in bad {
        check_head(
            Head {
                host: Some(host),
                ..http1()
            },
            &format!("400 `{}` is no host name", host.escape_debug()),
        );
    }
    check_head(
        Head {
            authority: Some("user@host"),
            ..http2()
        },
        "400 `user@host` is no host name",
    );
}

#[test]
fn a_body_ends_in_one_way() {
    let both = Head {
        content_length: Some(1),
        has_transfer_encoding: true,
        ..http1()
    };
    check_head(
        both,
        "400 the body's end is given twice, by Content-Length and by Transfer-Encoding",
    );
}

#[test]
fn internal_headers_are_known() {
    // U12, threat-model R1
    let stripped = [
        "x-middleware-rewrite",
        "x-middleware-subrequest",
        "x-middleware-set-cookie",
        "x-now-route-matches",
        "x-matched-path",
        "x-nextjs-data",
        "x-next-resume-state-length",
        "next-resume",
        "x-invoke-path",
        "x-prerender-revalidate",
        "x-waystation-pattern",
    ];
    assert!(stripped.into_iter().all(is_internal));
    assert!(
        ![
            "host",
            "cookie",
            "x-request-id",
            "x-forwarded-for",
            "x-middleware"
        ]
        .into_iter()
        .any(is_internal)
    );
}

fn http1() -> Head<'static> {
    Head {
        length: Length {
            url: 1,
            headers: 60,
        },
        limits: &LIMITS,
        path: "/",
        host: Some("example.com"),
        host_count: 1,
        authority: None,
        version_is_http2: false,
        content_length: None,
        has_transfer_encoding: false,
    }
}

fn http2() -> Head<'static> {
    Head {
        host: None,
        host_count: 0,
        authority: Some("example.com"),
        version_is_http2: true,
        ..http1()
    }
}

#[track_caller]
fn check_head(head: Head<'_>, expected: &str) {
    let found = check(&head).map_or_else(
        |refusal| format!("{} {refusal}", refusal.status()),
        |()| "ok".to_owned(),
    );
    assert_eq!(found, expected);
}
