use super::address::Address;
use super::follow::{becomes_get, carried};
use super::*;
use crate::ambient::Scope;
use crate::call::Call;
use crate::segment::Revalidate;
use crate::testing::{self, TestRequest};
use http::header::{ACCEPT, AUTHORIZATION, COOKIE};

#[test]
fn an_address_is_absolute_or_a_path_of_the_app() {
    let check = |url: &str, expected: &str| {
        let shown = Address::parse(url).map_or("none".to_owned(), |address| {
            format!(
                "{} {} {}",
                address.scheme(),
                address.authority,
                address.target
            )
        });
        assert_eq!(shown, expected, "{url}");
    };
    check("https://a.test", "https a.test /");
    check("HTTP://a.test:8080/b?c=d#e", "http a.test:8080 /b?c=d");
    check("https://a.test?q=1", "https a.test /?q=1");
    check("/items?q=1#top", "http self /items?q=1");
    check(
        "https://a.test/green tea/\u{e9}%20{x}?q=a b&r='\u{e9}'",
        "https a.test /green%20tea/%C3%A9%20%7Bx%7D?q=a%20b&r=%27%C3%A9%27",
    );
    for none in [
        "",
        "items",
        "//a.test/x",
        "ftp://a.test",
        "https://",
        "https:///x",
        "http://self/x",
        "http://Store.self/value/a",
        "mailto:a@b.test",
    ] {
        check(none, "none");
    }
}

/// RFC 3986, 5.4, as far as `http` goes.
#[test]
fn a_location_leads_from_where_it_came() {
    let from = Address::parse("http://a/b/c/d;p?q").unwrap();
    let check = |location: &str, expected: &str| {
        let shown = from
            .join(location)
            .map_or("none".to_owned(), |address| address.to_string());
        assert_eq!(shown, expected, "{location}");
    };
    for (location, expected) in [
        ("g:h", "none"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        (";x", "http://a/b/c/;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g..", "http://a/b/c/g.."),
        ("./g/.", "http://a/b/c/g/"),
        ("g/../h", "http://a/b/c/h"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("https://b.test/x", "https://b.test/x"),
    ] {
        check(location, expected);
    }
    let own = Address::parse("/api/items").unwrap();
    assert_eq!(own.join("../login").unwrap().to_string(), "/login");
}

#[test]
fn a_redirect_changes_the_method_as_browsers_do() {
    let check = |status: u16, method: Method, expected: bool| {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(becomes_get(status, &method), expected, "{status} {method}");
    };
    check(301, Method::POST, true);
    check(302, Method::POST, true);
    check(302, Method::PUT, false);
    check(303, Method::PUT, true);
    check(303, Method::HEAD, false);
    check(307, Method::POST, false);
    check(308, Method::POST, false);
}

#[test]
fn secrets_do_not_follow_to_another_server() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (AUTHORIZATION, "secret"),
        (COOKIE, "a=b"),
        (ACCEPT, "*/*"),
        (CONTENT_TYPE, "text/plain"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let names = |method: &Method, is_same_origin| {
        let carried = carried(headers.clone(), method, is_same_origin);
        let mut names: Vec<_> = carried
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(
        names(&Method::POST, true),
        "accept authorization content-type cookie"
    );
    assert_eq!(names(&Method::POST, false), "accept content-type");
    assert_eq!(names(&Method::GET, false), "accept");
}

#[test]
fn what_cannot_be_sent_is_told_before_it_is() {
    let check = |fetch: Fetch, expected: &str| {
        let error = crate::testing::now(fetch.into_future()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        fetch("items"),
        "cannot fetch `items`: write an absolute URL such as `https://api.example.com/items`, or a path of this app such as `/items`",
    );
    check(
        fetch("/items").method(Method::GET).body("x"),
        "cannot fetch `/items`: GET and HEAD have no body; choose another method",
    );
    check(
        fetch("/items").header("x-waystation-fetch", "renew"),
        "cannot fetch `/items`: `x-waystation-fetch` is the host's own; leave it out",
    );
    check(
        fetch("/items").header("a b", "c"),
        "invalid HTTP header name",
    );
}

#[test]
fn what_is_said_of_keeping_is_told_to_the_host() {
    let posts = || fetch("/").revalidate(60).tags(["a b", "é"]);
    told("", || fetch("/")); // FC1
    told("cache=force-cache", || {
        fetch("/").cache(CacheMode::ForceCache)
    }); // FC2
    told("revalidate=never", || {
        fetch("/").revalidate(Revalidate::NEVER)
    });
    told("revalidate=60; tag=a%20b; tag=%C3%A9", posts); // FC3
    told("cache=no-store", || fetch("/").cache(CacheMode::NoStore)); // FC4
    told("revalidate=0", || fetch("/").revalidate(0));
    told("tag=a", || fetch("/").tags(["a"])); // FC6
    told("revalidate=60", || fetch("/elsewhere").revalidate(60)); // along a redirect
    told("revalidate=60; renew; tag=a%20b; tag=%C3%A9", move || {
        crate::update_tag("é"); // V9
        posts()
    });
}

/// Compares what the host is told beside a request.
#[track_caller]
fn told(expected: &str, ask: impl FnOnce() -> Fetch + 'static) {
    let host = |request: http::Request<Bytes>| match request.uri().path() {
        "/elsewhere" => Response::builder()
            .status(307)
            .header("location", "/")
            .body(()),
        _ => {
            let told = request.headers().get(HEADER);
            Ok(Response::text(
                told.map_or("", |told| told.to_str().unwrap()),
            ))
        }
    };
    let handler = || async { ask().await?.text().await };
    let response = TestRequest::get("/").fetch(host).call(handler);
    assert_eq!(response.text(), expected);
}

#[test]
fn a_host_without_a_store_is_told_nothing() {
    let mut facts = testing::facts("/", Vec::new());
    facts.request_id.clear();
    let call = Call::in_memory(http::Request::default(), facts, testing::World::default());
    let keep = Keep {
        cache: Some(CacheMode::ForceCache),
        ..Keep::default()
    };
    let header = testing::now(Scope {
        call,
        future: Box::pin(async move { keep.header() }),
    });
    assert_eq!(header, None);
}
