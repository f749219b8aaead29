//! What a handler returns, and what of it leaves.

use waystation_tests::{Answer, Client};

use crate::support::{fixture, fixture_host, fixture_http2, production, program};

#[tokio::test]
async fn values_answer_by_their_type() {
    check("text", "200 text/plain; charset=utf-8 text é").await; // S3
    check("html", "200 text/html; charset=utf-8 <p>page</p>").await;
    check("json", r#"200 application/json ["a","b"]"#).await; // S1
    check("unit", "200 - ").await;
    check("created", "201 application/json 7").await;
    check("teapot", "418 text/plain; charset=utf-8 short and stout").await;
    assert_eq!(kind("created").await.header("x-shelf"), "b4");
    let bytes = kind("bytes").await;
    assert_eq!(bytes.body.as_ref(), [0, 255, 10]);
    assert_eq!(bytes.header("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn whole_bodies_have_a_length() {
    assert_eq!(kind("json").await.header("content-length"), "9"); // S4, ours: always a length
    assert_eq!(kind("unit").await.header("content-length"), "0");
    let large = kind("large").await;
    assert_eq!(large.header("content-length"), "1048576");
    assert_eq!(large.body.len(), 1 << 20);
}

#[tokio::test]
async fn some_statuses_have_no_body() {
    for (name, status) in [("no-content", 204), ("not-modified", 304)] {
        let answer = kind(name).await; // S9
        assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
        assert_eq!(answer.header("content-length"), "");
        assert_eq!(answer.header("transfer-encoding"), "");
    }
}

#[tokio::test]
async fn repeated_headers_are_sent_in_one_line() {
    let answer = kind("many").await;
    assert_eq!(answer.all("x-m"), ["1, 2"]); // S6
    assert_eq!(answer.all("link"), ["<a>, <b>"]);
    assert_eq!(answer.header("vary"), "accept");
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let (client, path) = (fixture(), "/response?kind=json");
    let first = client.get(path).await;
    let name = first.header("etag");
    assert!(name.starts_with("W/\""), "{name}");
    for method in ["GET", "HEAD"] {
        let has = [("if-none-match", name)];
        let again = client.ask(method, path, &has, "").await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), name);
        assert_eq!(again.header("content-type"), "");
    }
    let other = [("if-none-match", "W/\"other\"")];
    assert_eq!(client.ask("GET", path, &other, "").await.status, 200);
}

#[tokio::test]
async fn a_guest_does_not_frame_its_answer() {
    for client in [fixture(), fixture_http2()] {
        for (name, value) in [
            ("transfer-encoding", "gzip"),
            ("connection", "close"),
            ("keep-alive", "timeout=1"),
            ("content-length", "3"),
            ("x-middleware-next", "1"),         // M16
            ("x-middleware-rewrite", "/hello"), // M17
        ] {
            let path = format!("/response?kind=header&name={name}&value={value}");
            let answer = client.get(&path).await; // S4
            assert_eq!(answer.status, 500, "{name}");
            let said = format!("a handler cannot set `{name}`: ");
            assert!(answer.text().starts_with(&said), "{}", answer.text());
        }
        for (name, value) in [("content-length", "5"), ("x-kept", "yes")] {
            let path = format!("/response?kind=header&name={name}&value={value}");
            let answer = client.get(&path).await;
            assert_eq!(
                (answer.line().as_str(), answer.header(name)),
                ("200 hello", value)
            );
        }
    }
}

#[tokio::test]
async fn a_header_that_http_does_not_allow_is_an_error() {
    let answer = kind("bad-header").await;
    assert_eq!(answer.status, 500);
    assert!(
        answer.text().contains("building the answer"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn an_error_answers_its_status_with_its_words_in_development() {
    let plain = error(fixture(), "plain").await;
    assert_eq!(plain.line(), "500 the shelf is empty"); // M15
    let causes = error(fixture(), "causes").await;
    assert_eq!(
        causes.line(),
        "500 placing the order\nreading the quantity\ninvalid digit found in string"
    );
    assert_eq!(
        error(fixture(), "status").await.line(),
        "422 order at least one"
    );
    for name in ["cache-control", "x-request-id"] {
        assert!(!plain.header(name).is_empty(), "{name}");
    }
    assert!(plain.all("set-cookie").is_empty()); // C14
}

#[tokio::test]
async fn an_error_says_nothing_in_production() {
    let host = program().start(production().root());
    let client = Client::new(host.address());
    for (kind, status) in [
        ("plain", 500),
        ("causes", 500),
        ("status", 422),
        ("panic", 500),
    ] {
        let answer = error(client, kind).await; // fact 3
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (status, 0),
            "{kind}"
        );
        assert!(!answer.header("x-request-id").is_empty());
        assert!(answer.all("set-cookie").is_empty());
    }
    host.wait_for_line("the error's words", |line| {
        line.contains("the shelf is empty")
    });
    host.wait_for_line("the panic's words", |line| {
        line.contains("the roof is on fire")
    });
    for (path, status) in [
        ("/nowhere", 404),
        ("/items/%zz", 400),
        ("/methods/post", 405),
    ] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (status, 0),
            "{path}"
        );
    }
    assert_eq!(client.get("/hello").await.line(), "200 hello");
}

#[tokio::test]
async fn a_panic_is_one_request_s_failure() {
    for kind in ["panic", "overflow"] {
        let mut sender = fixture().connect().await;
        let answer = sender
            .ask("GET", &format!("/error?kind={kind}"), &[], "")
            .await
            .unwrap();
        assert_eq!(answer.status, 500, "{kind}");
        let next = sender.ask("GET", "/error", &[], "").await.unwrap();
        assert_eq!(next.line(), "200 no error", "{kind}"); // on the same connection
    }
    let said = "the roof is on fire";
    fixture_host().wait_for_line("the panic's words", |line| line.contains(said));
    fixture_host().wait_for_line("where it panicked", |line| {
        line.contains("app/error/route.rs")
    });
}

async fn kind(kind: &str) -> Answer {
    fixture().get(&format!("/response?kind={kind}")).await
}

async fn error(client: Client, kind: &str) -> Answer {
    client.get(&format!("/error?kind={kind}")).await
}

async fn check(name: &str, expected: &str) {
    let answer = kind(name).await;
    let content_type = match answer.header("content-type") {
        "" => "-",
        content_type => content_type,
    };
    let found = format!(
        "{} {content_type} {}",
        answer.status.as_u16(),
        answer.text()
    );
    assert_eq!(found, expected);
}
