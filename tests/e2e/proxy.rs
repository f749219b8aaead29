//! `proxy.rs`: what it sees, and what it may change.

use waystation_tests::raw::Socket;
use waystation_tests::{Answer, Host};

use crate::support::{Edited, text_route};

/// A proxy that does by the path what a proxy can do.
const PROXY: &str = r#"use std::time::Duration;
use waystation::{Context, Error, IntoResponse, Next, Request, Response, Result, cookies, redirect, sleep};

pub const MAX_DURATION: u32 = 1;
pub const BODY_LIMIT: u64 = 1000;

pub async fn proxy(request: Request, context: Context) -> Result<Response> {
    let url = request.url();
    match url.pathname() {
        "/answer" => return Response::builder().status(401).header("x-why", "proxy").body("no"),
        "/login" => return redirect("/signin?from=login"),
        "/absolute" => return Ok(Response::redirect(&format!("{}/signin", url.origin()))),
        "/old" => return Next::rewrite("/echo?from=old").into_response(),
        "/here" => return Next::rewrite(format!("{}/echo", url.origin())).into_response(),
        "/away" => return Next::rewrite("https://example.com/x").into_response(),
        "/frames" => return Next::new().header("connection", "close").into_response(),
        "/astray" => return Next::rewrite("nowhere").into_response(),
        "/fail" => return Err(Error::message("the proxy's own words")),
        "/flood" => {
            let mut next = Next::new();
            for number in 0..2_000 {
                next = next.request_header(format!("x-{number}"), "");
            }
            return next.into_response();
        }
        "/slow" => sleep(Duration::from_secs(30)).await,
        "/whole" => {
            let mut headers = request.headers().clone();
            headers.remove("x-debug");
            headers.remove("host");
            headers.insert("x-user", "whole".parse()?);
            return Next::new().request_headers(headers).into_response();
        }
        "/read" => {
            let length = request.text().await?.len();
            return Next::rewrite("/echo").request_header("x-user", length.to_string()).into_response();
        }
        _ => {}
    }
    cookies().set(("seen", "yes & no"));
    cookies().delete("gone");
    Next::new()
        .request_header("x-user", context.client_address())
        .request_header("x-forwarded-for", "6.6.6.6")
        .request_header("x-middleware-next", "1")
        .request_header("host", "evil.example")
        .remove_request_header("x-debug")
        .header("x-from", "proxy")
        .into_response()
}
"#;

/// A route that says what it was asked.
const ECHO: &str = r#"use waystation::{Request, Response, Result, cookies};

pub async fn get(request: Request) -> Result<Response> {
    post(request).await
}

pub async fn post(request: Request) -> Result<Response> {
    let header = |name: &str| match request.headers().get(name) {
        Some(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        None => "-".to_owned(),
    };
    let names = ["x-user", "x-forwarded-for", "x-middleware-next", "x-debug", "accept-language"];
    let said = names.map(header).join(" ");
    let host = header("host").starts_with("127.0.0.1");
    let target = format!("{}{}", request.url().pathname(), request.url().search());
    let read = cookies();
    let cookies = format!("{:?} {:?}", read.get("seen"), read.get("gone"));
    read.set(("own", "1"));
    let body = request.text().await?;
    let text = format!("{target} | {said} | {host} | {cookies} | {body}");
    Response::builder().header("x-from", "route").header("vary", "accept").body(text)
}
"#;

#[tokio::test]
async fn a_proxy_goes_on_rewrites_redirects_or_answers() {
    let echo = "/echo | 127.0.0.1 127.0.0.1 - - de | true | Some(\"yes & no\") Some(\"\") |";
    let app = Edited::new(&[
        ("proxy.rs", PROXY),
        ("app/echo/route.rs", ECHO),
        ("app/whole/route.rs", ECHO),
        (
            "waystation.toml",
            "[[headers]]\nsource = '/echo'\nheaders = [{ key = 'x-from', value = 'rule' }, { key = 'set-cookie', value = 'rule=1' }]\n\
             [[redirects]]\nsource = '/moved'\ndestination = '/echo'\npermanent = true\n",
        ),
    ])
    .await;
    let ask = async |method: &str, path: &str, body: &str| -> Answer {
        let headers = [
            ("x-debug", "1"),
            ("accept-language", "de"),
            ("cookie", "gone=1"),
        ];
        app.client.ask(method, path, &headers, body).await
    };

    // It goes on: headers of the request and of the answer, cookies for the route and for the client (PX5, PX6, C18).
    let on = ask("GET", "/echo", "").await;
    assert_eq!(on.line(), format!("200 {echo}"));
    assert_eq!(on.all("x-from"), ["proxy"]);
    assert_eq!(
        on.all("set-cookie"),
        [
            "rule=1",
            "gone=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "seen=yes%20%26%20no; Path=/",
            "own=1; Path=/"
        ]
    );
    let whole = ask("GET", "/whole", "").await;
    assert!(
        whole
            .text()
            .starts_with("/whole | whole 127.0.0.1 - - de | true |"),
        "{}",
        whole.text()
    );
    // What nothing answers has its headers too, and so has what a route refuses (PX2).
    assert_eq!(
        ask("GET", "/none", "").await.line().split(' ').next(),
        Some("404")
    );
    assert_eq!(ask("GET", "/none", "").await.all("x-from"), ["proxy"]);
    assert_eq!(ask("DELETE", "/echo", "").await.status, 405);
    assert_eq!(ask("OPTIONS", "/echo", "").await.all("x-from"), ["proxy"]);

    // It rewrites (PX7): the query is the target's own.
    let old = ask("GET", "/old?a=1", "").await;
    assert!(
        old.text().starts_with("/echo?from=old | - "),
        "{}",
        old.text()
    );
    assert!(
        ask("GET", "/here", "")
            .await
            .text()
            .starts_with("/echo | - ")
    );
    let frames = ask("GET", "/frames", "").await;
    assert_eq!(frames.status, 500);
    assert!(
        frames
            .text()
            .starts_with("a handler cannot set `connection`"),
        "{}",
        frames.text()
    );
    let away = ask("GET", "/away", "").await;
    assert_eq!(away.status, 502); // a proxy may ask whom handlers may, and nobody is listed
    assert!(
        away.text().contains("`https://example.com` is not allowed"),
        "{}",
        away.text()
    );

    // It redirects (PX8), after the operator's own redirects (fact 1).
    let login = ask("GET", "/login", "").await;
    assert_eq!(
        (login.status.as_u16(), login.header("location")),
        (307, "/signin?from=login")
    );
    assert_eq!(
        ask("GET", "/absolute", "").await.header("location"),
        "/signin"
    );
    let moved = ask("GET", "/moved", "").await;
    assert_eq!(moved.status, 308);
    assert!(moved.all("x-from").is_empty());

    // It answers, and no route runs (PX9).
    let answer = ask("POST", "/answer", "x").await;
    assert_eq!(
        (answer.line(), answer.header("x-why")),
        ("401 no".to_owned(), "proxy")
    );
    assert_eq!(ask("HEAD", "/answer", "").await.body.len(), 0);

    // What it reads of the body, the route reads again (PX10); it may read so much itself.
    let read = ask("POST", "/read", "the body").await;
    assert!(read.text().starts_with("/echo | 8 "), "{}", read.text());
    assert!(read.text().ends_with("| the body"), "{}", read.text());
    let long = "x".repeat(1001);
    assert_eq!(ask("POST", "/read", &long).await.status, 413);
    let unread = ask("POST", "/echo", &long).await;
    assert!(unread.text().ends_with(&format!("| {long}")));

    // It fails (PX12): its file is named in the log, and its limits are a route's.
    failed(
        &app.host,
        &ask("GET", "/fail", "").await,
        500,
        "the proxy's own words",
    );
    failed(
        &app.host,
        &ask("GET", "/astray", "").await,
        500,
        "it rewrites to `nowhere`",
    );
    failed(
        &app.host,
        &ask("GET", "/slow", "").await,
        504,
        "MAX_DURATION",
    );
    failed(
        &app.host,
        &ask("GET", "/flood", "").await,
        500,
        "it sends on 2000 header fields",
    );
    app.host.wait_for_line("what it may not set", |line| {
        line.contains("proxy.rs")
            && line.contains("`x-forwarded-for` of the request is not a proxy's to set")
    });
}

#[track_caller]
fn failed(host: &Host, answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status);
    assert!(answer.text().contains(words), "{}", answer.text());
    host.wait_for_line("the proxy's file", |line| {
        line.contains("proxy.rs ") && line.contains(words)
    });
}

#[tokio::test]
async fn a_body_that_a_proxy_has_begun_reaches_the_route_whole() {
    let app = Edited::new(&[
        (
            "proxy.rs",
            "use waystation::{Next, Request, Result};\n\npub const BODY_LIMIT: u64 = 5;\n\n\
             pub async fn proxy(request: Request) -> Result<Next> {\n    \
             let first = request.body()?.chunk().await.transpose()?;\n    \
             println!(\"the proxy has {first:?}\");\n    Ok(Next::new())\n}\n",
        ),
        (
            "app/echo/route.rs",
            "use waystation::{Request, Result};\n\n\
             pub async fn post(request: Request) -> Result<String> {\n    request.text().await\n}\n",
        ),
    ])
    .await;
    let mut socket = Socket::open(app.client.address()).await;
    socket
        .send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    app.host.wait_for_line("what the proxy has", |line| {
        line.contains("the proxy has Some(b\"abc\")")
    });
    socket.send("defghij").await;
    socket.read_until("\r\n\r\nabcdefghij").await;
}

#[tokio::test]
async fn it_may_go_on_after_the_answer() {
    let app = Edited::new(&[
        (
            "proxy.rs",
            "use waystation::{Error, IntoResponse, Next, Request, Response, Result, after};\n\n\
             pub fn proxy(request: Request) -> Result<Response> {\n    \
             let path = request.url().pathname().to_owned();\n    \
             let said = path.clone();\n    \
             after(async move { println!(\"after the proxy of {said}\") });\n    \
             match path.as_str() {\n        \
             \"/answered\" => Ok(Response::text(\"by the proxy\")),\n        \
             \"/failed\" => Err(Error::message(\"no\")),\n        \
             _ => Next::new().into_response(),\n    }\n}\n",
        ),
        ("app/a/route.rs", &text_route("a")),
    ])
    .await;
    for (path, status) in [("/a", 200), ("/answered", 200), ("/failed", 500)] {
        let seen = app.host.lines();
        assert_eq!(app.client.get(path).await.status, status, "{path}");
        let said = format!("after the proxy of {path}"); // PX11
        app.host
            .wait_for_line_after(seen, &said, |line| line.contains(&said));
    }
}

/// Nothing here speaks WebSocket, so whoever asks for it is answered as if they had not, and the proxy is asked like always.
#[tokio::test]
async fn an_upgrade_is_a_request_like_any_other() {
    let upgrade = "use waystation::{Next, Request};\n\n\
         pub fn proxy(request: Request) -> Next {\n    \
         let asked = request.headers().contains_key(\"upgrade\");\n    \
         Next::new().header(\"x-upgrade\", asked.to_string())\n}\n";
    let app = Edited::new(&[("proxy.rs", upgrade), ("app/a/route.rs", &text_route("a"))]).await;
    for (path, status) in [("/a", "200 OK"), ("/none", "404 Not Found")] {
        let mut socket = Socket::open(app.client.address()).await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.send(&request).await;
        let head = socket.read_until("\r\n\r\n").await; // W1, PX13
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{head}"
        );
        assert!(head.contains("x-upgrade: false\r\n"), "{head}");
    }
}
