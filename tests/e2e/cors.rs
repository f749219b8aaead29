//! Pages of other origins.

use waystation_tests::Answer;

use crate::support::{fixture, fixture_http2, program, turn};

const SHOP: &str = "https://shop.example";

#[tokio::test]
async fn a_page_of_an_origin_that_is_named_may_read() {
    for client in [fixture(), fixture_http2()] {
        for origin in [SHOP, "http://localhost:3000"] {
            let answer = client.ask("GET", "/cors", &[("origin", origin)], "").await;
            assert_eq!(answer.line(), "200 hello");
            assert_eq!(allowed(&answer), [origin, "true", "Origin"]);
            assert_eq!(answer.header("access-control-expose-headers"), "etag");
        }
        for other in [
            "https://other.example",
            "https://shop.example.evil.test",
            "null",
        ] {
            let answer = client.ask("GET", "/cors", &[("origin", other)], "").await;
            assert_eq!(answer.line(), "200 hello"); // it is the browser that keeps it from the page
            assert_eq!(allowed(&answer), ["", "", "Origin"]);
        }
        assert_eq!(allowed(&client.get("/cors").await), ["", "", "Origin"]);
    }
}

#[tokio::test]
async fn a_page_may_read_why_there_is_no_answer() {
    for (method, path, status) in [
        ("GET", "/cors?kind=missing", 404),
        ("GET", "/cors?kind=broken", 500),
        ("DELETE", "/cors", 405),
    ] {
        let answer = fixture().ask(method, path, &[("origin", SHOP)], "").await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(allowed(&answer), [SHOP, "true", "Origin"], "{path}");
    }
}

#[tokio::test]
async fn a_preflight_learns_what_the_page_may_do() {
    let answer = preflight("/cors", SHOP).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(allowed(&answer), [SHOP, "true", "Origin"]);
    for (name, value) in [
        ("access-control-allow-methods", "GET, HEAD, OPTIONS, PUT"),
        ("access-control-allow-headers", "content-type, x-token"),
        ("access-control-max-age", "600"),
        ("allow", "GET, HEAD, OPTIONS, PUT"),
        ("access-control-allow-private-network", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let other = preflight("/cors", "https://other.example").await;
    assert_eq!(other.status, 204);
    assert_eq!(allowed(&other), ["", "", "Origin"]);
    assert_eq!(other.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn a_route_s_own_options_and_headers_win() {
    let own = preflight("/cors/own", SHOP).await;
    assert_eq!((own.status.as_u16(), own.header("x-own")), (202, "yes"));
    assert_eq!(own.header("access-control-allow-methods"), "");
    assert_eq!(allowed(&own), ["*", "", ""]);
    let answer = fixture()
        .ask("GET", "/cors?kind=own", &[("origin", SHOP)], "")
        .await;
    assert_eq!(allowed(&answer), ["https://own.example", "", ""]);
}

#[tokio::test]
async fn a_route_that_says_nothing_allows_nothing() {
    let answer = fixture()
        .ask("GET", "/hello", &[("origin", SHOP)], "")
        .await;
    assert_eq!(allowed(&answer), ["", "", ""]);
    let answer = preflight("/hello", SHOP).await; // M10
    assert_eq!(allowed(&answer), ["", "", ""]);
}

#[tokio::test]
async fn what_cannot_be_does_not_compile() {
    let turn = turn().await;
    let route = "use waystation::Cors;\n\n\
                 pub const CORS: Cors = Cors::new().any_origin().credentials();\n\n\
                 pub fn get() {}\n";
    let app = turn.app(&[("app/a/route.rs", route)]);
    let exit = program().command("check", app.root()).run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    for part in ["with `credentials` nothing can be `*`", "app/a/route.rs:3"] {
        assert!(exit.stderr.contains(part), "{part}: {}", exit.stderr);
    }
}

async fn preflight(path: &str, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "x-token"),
        ("access-control-request-private-network", "true"),
    ];
    fixture().ask("OPTIONS", path, &headers, "").await
}

/// Who may read, whether as somebody, and what the answer depends on.
fn allowed(answer: &Answer) -> [&str; 3] {
    [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "vary",
    ]
    .map(|name| answer.header(name))
}
