use super::*;

/// Threat model, 6.4: 32 cases, a peer that is trusted or not, and no, one, many or spoofed values of each header.
#[test]
fn a_header_counts_if_a_trusted_proxy_wrote_it() {
    let own = "10.0.0.1 http here.example:3000 3000";
    let many = |header: &str| {
        format!(
            "400 `{header}` has more than one value; a proxy in front should set it and pass none on"
        )
    };
    let (hosts, protos) = (many("x-forwarded-host"), many("x-forwarded-proto"));
    let rows = [
        (
            "for",
            [
                ("", own),
                ("203.0.113.9", "203.0.113.9 http here.example:3000 3000"),
                (
                    "203.0.113.9, 10.0.0.2",
                    "203.0.113.9 http here.example:3000 3000",
                ),
                (
                    "127.0.0.1, 203.0.113.9",
                    "203.0.113.9 http here.example:3000 3000",
                ),
            ],
        ),
        (
            "host",
            [
                ("", own),
                ("shop.example", "10.0.0.1 http shop.example 80"),
                ("shop.example, shop.example", &hosts),
                ("evil.example", own),
            ],
        ),
        (
            "proto",
            [
                ("", own),
                ("https", "10.0.0.1 https here.example:3000 3000"),
                ("https,http", &protos),
                (
                    "gopher",
                    "400 `x-forwarded-proto` is `gopher`, which cannot be",
                ),
            ],
        ),
        (
            "forwarded",
            [
                ("", own),
                (
                    "for=203.0.113.9;host=shop.example;proto=https",
                    "203.0.113.9 https shop.example 443",
                ),
                (
                    "for=203.0.113.9;host=shop.example;proto=https, for=10.0.0.2",
                    "203.0.113.9 https shop.example 443",
                ),
                (
                    "for=127.0.0.1;host=shop.example;proto=https, for=203.0.113.9",
                    "203.0.113.9 http here.example:3000 3000",
                ),
            ],
        ),
    ];
    for (header, cases) in rows {
        for (value, expected) in cases {
            let sent = if value.is_empty() {
                String::new()
            } else {
                format!("{header}: {value}")
            };
            check("10.0.0.1", &sent, expected);
            check(
                "198.51.100.7",
                &sent,
                "198.51.100.7 http here.example:3000 3000",
            );
        }
    }
}

#[test]
fn a_chain_is_read_from_its_right_end() {
    let seen = |client: &str| format!("{client} http here.example:3000 3000");
    check(
        "10.0.0.1",
        "for: 1.1.1.1, 203.0.113.9, 10.0.0.2\nfor: 10.0.0.3",
        &seen("203.0.113.9"),
    );
    check("10.0.0.1", "for: 10.0.0.3, 10.0.0.2", &seen("10.0.0.3"));
    check("10.0.0.1", "for: 203.0.113.9:4711", &seen("203.0.113.9"));
    check("10.0.0.1", "for: [2001:db8::9]:4711", &seen("2001:db8::9"));
    check("10.0.0.1", "for: 2001:db8::9", &seen("2001:db8::9"));
    check("10.0.0.1", "for: 203.0.113.9, unknown", &seen("10.0.0.1"));
    check(
        "10.0.0.1",
        "for: 203.0.113.9, unknown, 10.0.0.2",
        &seen("10.0.0.2"),
    );
    check("10.0.0.1", "for: , 203.0.113.9,,", &seen("203.0.113.9"));
    check("10.0.0.1", "for: 203.0.113.9, é", &seen("10.0.0.1"));
    check(
        "::ffff:10.0.0.1",
        "for: 203.0.113.9, ::ffff:10.0.0.2",
        &seen("203.0.113.9"),
    );
    check(
        "::ffff:198.51.100.7",
        "for: 203.0.113.9",
        &seen("198.51.100.7"),
    );
    check("fd00::1", "for: 203.0.113.9", &seen("203.0.113.9"));
}

#[test]
fn forwarded_is_read_as_its_rfc_has_it() {
    let seen = |client: &str| format!("{client} http here.example:3000 3000");
    check(
        "10.0.0.1",
        "forwarded: For=\"[2001:db8::9]:4711\"",
        &seen("2001:db8::9"),
    ); // RFC 7239, 4
    check(
        "10.0.0.1",
        "forwarded: for=203.0.113.9:80",
        &seen("203.0.113.9"),
    );
    check(
        "10.0.0.1",
        "forwarded: by=x; for=203.0.113.9 ; secret=\"a, b;\\\"c\"",
        &seen("203.0.113.9"),
    );
    check(
        "10.0.0.1",
        "forwarded: for=203.0.113.9\nforwarded: for=10.0.0.2",
        &seen("203.0.113.9"),
    ); // 7.1
    check(
        "10.0.0.1",
        "forwarded: for=203.0.113.9, for=unknown",
        &seen("10.0.0.1"),
    ); // 6.2
    check(
        "10.0.0.1",
        "forwarded: for=203.0.113.9, for=_hidden",
        &seen("10.0.0.1"),
    ); // 6.3
    check(
        "10.0.0.1",
        "forwarded: proto=https;for=_hidden",
        "10.0.0.1 https here.example:3000 3000",
    );
    check(
        "10.0.0.1",
        "forwarded: proto=https;host=\"shop.example:8443\"",
        "10.0.0.1 https shop.example:8443 8443",
    );
    check("10.0.0.1", "forwarded: , ;", &seen("10.0.0.1"));
    for (sent, rest) in [
        ("for", "for"),
        ("for=a;for=b", "for=b"),
        ("for=\"a", "for=\\\"a"),
        ("for=a b", "b"),
        ("for=", "for="),
        ("=a", "=a"),
        ("for=a, é=b", "é=b"),
    ] {
        check(
            "10.0.0.1",
            &format!("forwarded: {sent}"),
            &format!("400 `forwarded` cannot be read from `{rest}` on"),
        );
    }
    check(
        "10.0.0.1",
        "forwarded: host=\"a b\"",
        "400 `forwarded` is `a b`, which cannot be",
    );
}

#[test]
fn two_kinds_of_header_have_to_agree() {
    let disagree = |header: &str| {
        format!(
            "400 `forwarded` and `{header}` disagree; a proxy in front should set one and remove the other"
        )
    };
    check(
        "10.0.0.1",
        "for: 203.0.113.9\nforwarded: for=203.0.113.9",
        "203.0.113.9 http here.example:3000 3000",
    );
    check(
        "10.0.0.1",
        "for: 203.0.113.9\nforwarded: for=127.0.0.1",
        &disagree("x-forwarded-for"),
    );
    check(
        "10.0.0.1",
        "proto: http\nforwarded: proto=https",
        &disagree("x-forwarded-proto"),
    );
    check(
        "10.0.0.1",
        "host: shop.example\nforwarded: host=evil.example",
        &disagree("x-forwarded-host"),
    );
    // The proxy writes one kind, and the client the other.
    check(
        "10.0.0.1",
        "for: 203.0.113.9\nforwarded: for=203.0.113.9;host=shop.example",
        &disagree("x-forwarded-host"),
    );
    check(
        "10.0.0.1",
        "for: 203.0.113.9\nforwarded: for=203.0.113.9;proto=https",
        &disagree("x-forwarded-proto"),
    );
}

#[test]
fn a_host_and_a_port_are_the_operators() {
    check(
        "10.0.0.1",
        "host: SHOP.example",
        "10.0.0.1 http shop.example 80",
    );
    check(
        "10.0.0.1",
        "host: shop.example:8080",
        "10.0.0.1 http shop.example:8080 8080",
    );
    check(
        "10.0.0.1",
        "host: api.example:444",
        "10.0.0.1 http api.example:444 444",
    );
    check(
        "10.0.0.1",
        "host: api.example",
        "10.0.0.1 http here.example:3000 3000",
    );
    check(
        "10.0.0.1",
        "host: shop.example.evil.example",
        "10.0.0.1 http here.example:3000 3000",
    );
    check(
        "10.0.0.1",
        "host: shop.example\nport: 8443\nproto: https",
        "10.0.0.1 https shop.example 8443",
    );
    check(
        "10.0.0.1",
        "host: a/b",
        "400 `x-forwarded-host` is `a/b`, which cannot be",
    );
    check(
        "10.0.0.1",
        "host: ",
        "400 `x-forwarded-host` is ``, which cannot be",
    );
    check(
        "10.0.0.1",
        "host: shop.example\nhost: shop.example",
        "400 `x-forwarded-host` has more than one value; a proxy in front should set it and pass none on",
    );
    for port in ["0", "+80", "65536", "x"] {
        check(
            "10.0.0.1",
            &format!("port: {port}"),
            &format!("400 `x-forwarded-port` is `{port}`, which cannot be"),
        );
    }
    check(
        "10.0.0.1",
        "port: 80,81",
        "400 `x-forwarded-port` has more than one value; a proxy in front should set it and pass none on",
    );
}

#[test]
fn a_host_that_a_proxy_has_kept_is_vouched_for_if_it_is_the_operators() {
    let kept = |peer: &str, host: &str, sent: &str| {
        let settle = |arrival: &Arrival<'_>| settle(&Arrival { host, ..*arrival }, &trust());
        let settled = arrive(peer, sent, |arrival| settle(arrival).unwrap());
        let (scheme, word) = (settled.scheme.as_str(), settled.is_vouched);
        format!("{scheme} {} {word}", settled.host)
    };
    let proxy = |host: &str, sent: &str| kept("10.0.0.1", host, sent);
    assert_eq!(
        proxy("shop.example", "proto: https"),
        "https shop.example true"
    );
    assert_eq!(
        proxy("Shop.Example:81", "for: 203.0.113.9"),
        "http shop.example:81 true"
    );
    assert_eq!(
        proxy("shop.example", "forwarded: proto=https"),
        "https shop.example true"
    );
    assert_eq!(
        proxy("api.example", "proto: https"),
        "https api.example false"
    );
    assert_eq!(
        proxy("shop.example", "host: evil.example"),
        "http shop.example false"
    );
    assert_eq!(
        kept("198.51.100.7", "shop.example", "proto: https"),
        "http shop.example false"
    );
}

#[test]
fn a_handler_sees_what_was_settled() {
    let headers = |peer: &str, sent: &str| {
        let settled = arrive(peer, sent, |arrival| settle(arrival, &trust()).unwrap());
        let lines = settled.headers();
        let lines = lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        headers("2001:db8::7", "for: 1.1.1.1\nhost: evil.example"),
        "forwarded: for=\"[2001:db8::7]\";host=\"here.example:3000\";proto=http\nx-forwarded-for: 2001:db8::7\n\
         x-forwarded-host: here.example:3000\nx-forwarded-port: 3000\nx-forwarded-proto: http\nx-real-ip: 2001:db8::7",
    );
    assert_eq!(
        headers(
            "10.0.0.1",
            "for: 1.1.1.1, 203.0.113.9, 10.0.0.2\nhost: shop.example\nproto: https"
        ),
        "forwarded: for=203.0.113.9;host=\"shop.example\";proto=https, for=10.0.0.2, for=10.0.0.1\n\
         x-forwarded-for: 203.0.113.9, 10.0.0.2, 10.0.0.1\n\
         x-forwarded-host: shop.example\nx-forwarded-port: 443\nx-forwarded-proto: https\nx-real-ip: 203.0.113.9",
    );
}

pub(super) fn trust() -> Trust {
    let proxies = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].map(str::to_owned);
    Trust::new(
        &proxies,
        &["Shop.example", "api.example:444"].map(str::to_owned),
    )
    .unwrap()
}

pub(super) fn arrival<'a>(
    peer: &str,
    [forwarded, r#for, host, port, proto]: &'a [Vec<&'a [u8]>; 5],
) -> Arrival<'a> {
    Arrival {
        peer: peer.parse().unwrap(),
        scheme: Scheme::Http,
        host: "here.example:3000",
        forwarded,
        x_forwarded_for: r#for,
        x_forwarded_host: host,
        x_forwarded_port: port,
        x_forwarded_proto: proto,
    }
}

/// A request with the headers that are sent, one a line: `forwarded`, or `for`, `host`, `port` or `proto` without their `x-forwarded-`.
pub(super) fn arrive<T>(peer: &str, sent: &str, then: impl Fn(&Arrival<'_>) -> T) -> T {
    let headers = ["forwarded: ", "for: ", "host: ", "port: ", "proto: "].map(|name| {
        let lines = sent.lines().filter_map(|line| line.strip_prefix(name));
        lines.map(str::as_bytes).collect::<Vec<_>>()
    });
    then(&arrival(peer, &headers))
}

#[track_caller]
fn check(peer: &str, sent: &str, expected: &str) {
    let found = arrive(peer, sent, |arrival| match settle(arrival, &trust()) {
        Err(error) => format!("400 {error}"),
        Ok(settled) => format!(
            "{} {} {} {}",
            settled.client,
            settled.scheme.as_str(),
            settled.host,
            settled.port
        ),
    });
    assert_eq!(found, expected, "{peer} sends {sent}");
}
