use super::*;

#[test]
fn only_listed_servers_are_asked() {
    let listed = &[
        "https://api.example.com",
        "http://*.shop.test:8080",
        "http://localhost:*",
    ];
    check(
        listed,
        "https://api.example.com/items?q=1",
        "https://api.example.com",
    );
    check(
        listed,
        "https://API.example.com:443",
        "https://api.example.com",
    );
    check(
        listed,
        "http://a.b.shop.test:8080/",
        "http://a.b.shop.test:8080",
    );
    check(listed, "http://localhost:4321/x", "http://localhost:4321");
    for other in [
        "http://api.example.com",
        "https://api.example.com:8443",
        "https://api.example.com.evil.test",
        "https://evil-api.example.com",
        "http://shop.test:8080",
        "http://evilshop.test:8080",
        "https://example.com",
        "https://api.example.com.",
        "http://self/",
    ] {
        let url = url::Url::parse(other).unwrap();
        let origin = url.as_str().strip_suffix('/').unwrap();
        check(
            listed,
            other,
            &format!(
                "`{origin}` is not allowed; add it to `hosts` of `[outbound]` in waystation.toml"
            ),
        );
    }
    check(
        &["https://*"],
        "https://anything.test/",
        "https://anything.test",
    );
    check(
        &[],
        "https://anything.test/",
        "`https://anything.test` is not allowed; add it to `hosts` of `[outbound]` in waystation.toml",
    );
}

#[test]
fn a_url_of_the_app_s_own_never_leaves() {
    let origin = Authority::from_static("localhost:3000");
    let trust = Trust::new(&[], &["shop.example".to_owned()]).unwrap();
    let is_own_of = |scheme, url: &str| is_own(&url.parse().unwrap(), scheme, &origin, &trust);
    let is_own = |url: &str| is_own_of(Scheme::Http, url);
    for own in [
        "http://self/items?q=1",
        "http://localhost:3000/",
        "http://LOCALHOST:3000/",
        "http://shop.example/a",
        "https://Shop.example/a",
    ] {
        assert!(is_own(own), "{own}");
    }
    for other in [
        "https://self/items",
        "https://localhost:3000/",
        "http://localhost/",
        "http://localhost:3001/",
        "http://self:80/",
        "http://self.localhost:3000/",
        "http://localhost:3000@evil.test/",
        "https://shop.example:8443/",
        "https://a.shop.example/",
        "/items",
    ] {
        assert!(!is_own(other), "{other}");
    }
    assert!(is_own_of(Scheme::Https, "https://localhost:3000/"));
    assert!(is_own_of(Scheme::Https, "http://self/items"));
    assert!(!is_own_of(Scheme::Https, "http://localhost:3000/"));
}

#[test]
fn what_is_no_web_server_is_never_asked() {
    let all = &["https://*:*", "http://*:*"];
    let no_server = |url: &str| {
        format!(
            "`{url}` is no address of a web server; write one such as `https://api.example.com/items`"
        )
    };
    for url in [
        "ftp://a.test/",
        "file:///etc/passwd",
        "/items",
        "a.test",
        "https://",
        "http://a b/",
        "http://[::1",
    ] {
        check(all, url, &no_server(url));
    }
    check(
        all,
        "https://name:word@a.test/",
        "the URL of a request holds a name and a password; send an `authorization` header instead",
    );
    for port in [22, 25, 465, 587, 6667] {
        check(
            all,
            &format!("http://a.test:{port}"),
            &format!("port {port} belongs to another protocol, and no web server is asked there"),
        );
    }
}

/// Sixty spellings of one's own network, each of which some parser has let pass (threat model, T15).
#[test]
fn an_address_that_is_not_public_is_not_asked_in_any_spelling() {
    let all = &["https://*:*", "http://*:*"];
    let spellings = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0x0.0x0.0x1",
        "0177.0.0.1",
        "0177.1",
        "017700000001",
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "0",
        "0.0.0.0",
        "0x0",
        "00.0.0.0",
        "10.0.0.1",
        "10.1",
        "167772161",
        "0xa000001",
        "012.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.1",
        "3232235521",
        "0xc0a80001",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "100.64.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]",
        "[2001:db8::1]",
        "[2001::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[3fff::1]",
    ];
    assert!(60 <= spellings.len());
    for spelling in spellings {
        let refused = asked(all, &format!("http://{spelling}/"));
        assert!(
            refused.contains("which is not public"),
            "{spelling}: {refused}"
        );
    }
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "[2606:4700::1111]",
        "[64:ff9b::808:808]",
        "[::ffff:8.8.8.8]",
    ] {
        let target = asked(all, &format!("http://{public}/"));
        assert!(target.starts_with("http://"), "{public}: {target}");
    }
}

#[test]
fn no_tunnel_is_asked_for() {
    for name in ["CONNECT", "connect", "TRACE", "Track"] {
        assert!(!is_method(name), "{name}");
    }
    for name in ["GET", "POST", "QUERY", "PURGE", "CONNECTED"] {
        assert!(is_method(name), "{name}");
    }
}

#[test]
fn the_operator_may_open_an_address() {
    let outbound =
        |addresses: &[&str], loopback| Outbound::new(&[], &owned(addresses), loopback).unwrap();
    let reaches =
        |outbound: &Outbound, address: &str| outbound.is_reachable(address.parse().unwrap());
    let closed = outbound(&[], false);
    assert!(
        reaches(&closed, "1.1.1.1") && !reaches(&closed, "127.0.0.1") && !reaches(&closed, "::1")
    );
    let in_development = outbound(&[], true);
    assert!(reaches(&in_development, "127.0.0.1") && reaches(&in_development, "::1"));
    assert!(reaches(&in_development, "::ffff:127.0.0.1") && !reaches(&in_development, "10.0.0.1"));
    let open = outbound(&["10.1.0.0/16", "fd00::1"], false);
    assert!(
        reaches(&open, "10.1.2.3")
            && reaches(&open, "::ffff:10.1.2.3")
            && reaches(&open, "fd00::1")
    );
    assert!(!reaches(&open, "10.2.0.1") && !reaches(&open, "fd00::2"));
}

#[test]
fn what_the_operator_wrote_himself_needs_no_listing() {
    let outbound = Outbound::default();
    assert_eq!(
        outbound.admit_own("https://a.test/x").unwrap().to_string(),
        "https://a.test"
    );
    assert!(matches!(
        outbound.admit_own("http://127.1/"),
        Err(Refused::Address { .. })
    ));
}

#[test]
fn a_wrong_entry_says_what_to_write() {
    let wrong = |hosts: &[&str], addresses: &[&str]| {
        Outbound::new(&owned(hosts), &owned(addresses), false)
            .unwrap_err()
            .to_string()
    };
    let server = "is no server; write one such as `https://api.example.com`, `https://*.example.com` or `http://localhost:*`";
    for host in [
        "api.example.com",
        "https://a.test/items",
        "ftp://a.test",
        "https://",
        "https://*a.test",
        "https://a.test:x",
        "https://*.10.0.0.1",
    ] {
        assert_eq!(
            wrong(&["http://ok.test", host], &[]),
            format!("`outbound.hosts[1]`: `{host}` {server}")
        );
    }
    assert_eq!(
        wrong(&[], &["a.test"]),
        "`outbound.addresses[0]`: `a.test` is no range of addresses; write one such as `10.0.0.0/8` or `127.0.0.1`"
    );
}

#[track_caller]
fn check(listed: &[&str], url: &str, expected: &str) {
    assert_eq!(asked(listed, url), expected);
}

fn asked(listed: &[&str], url: &str) -> String {
    let outbound = Outbound::new(&owned(listed), &[], false).unwrap();
    outbound
        .admit(url)
        .map_or_else(|refused| refused.to_string(), |target| target.to_string())
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
