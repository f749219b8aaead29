//! Requests that handlers make.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use waystation_tests::upstream::{Served, Upstream, served, streamed};

use crate::support::{Edited, borrowed, production, program, turn};

/// Does what the query says, and tells what came of it.
pub(crate) const ASK: &str = r#"use std::time::Duration;
use waystation::fetch::{FetchError, Fetched, Redirect};
use waystation::http::Method;
use waystation::{Request, Response, Result, fetch};

pub async fn get(request: Request) -> Result<String> {
    let params = request.url().search_params();
    let mut asked = fetch(params.get("url").unwrap_or_default().into_owned());
    if let Some(method) = params.get("method") {
        asked = asked.method(Method::from_bytes(method.as_bytes())?);
    }
    if let Some(body) = params.get("body") {
        asked = asked.body(body.into_owned());
    }
    if let Some(secret) = params.get("secret") {
        asked = asked.header("authorization", secret.into_owned());
    }
    if let Some(redirect) = params.get("redirect") {
        asked = asked.redirect(if redirect == "manual" { Redirect::Manual } else { Redirect::Error });
    }
    if params.get("timeout").is_some() {
        asked = asked.timeout(Duration::from_millis(50));
    }
    let answer = match asked.await {
        Ok(answer) => answer,
        Err(error) => {
            let kind = error.downcast_ref::<FetchError>().map(FetchError::kind).cloned();
            return Ok(format!("{kind:?}"));
        }
    };
    let head = format!("{} ok={} at={} redirected={}", answer.status().as_u16(), answer.ok(), answer.url(), answer.redirected());
    Ok(format!("{head}: {}", answer.text().await?))
}

/// Hands on what it gets, both ways.
pub async fn post(request: Request) -> Result<Fetched> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    fetch(url).body(request.body()?).header("content-type", "text/plain").await
}

pub async fn put(request: Request) -> Result<Response> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let mut asked = Vec::new();
    for number in 0..60 {
        match fetch(&url).await {
            Ok(answer) => asked.push(answer.status().as_u16()),
            Err(error) => return Ok(Response::text(format!("{number} then {error}"))),
        }
    }
    Ok(Response::text("all"))
}

/// How a body ends, of which no more than a piece is held.
pub async fn patch(request: Request) -> Result<String> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let mut body = fetch(url).await?.body();
    let mut length = 0;
    while let Some(piece) = body.chunk().await {
        match piece {
            Ok(piece) => length += piece.len(),
            Err(error) => {
                let kind = error.downcast_ref::<FetchError>().map(FetchError::kind).cloned();
                return Ok(format!("{kind:?} after {length}"));
            }
        }
    }
    Ok(format!("{length}"))
}
"#;

const CIRCLE: &str = r#"use waystation::fetch::FetchError;
pub async fn get() -> waystation::Result<String> {
    match waystation::fetch("/circle").await {
        Ok(answer) => answer.text().await,
        Err(error) => Ok(format!("{:?}", error.downcast_ref::<FetchError>().map(FetchError::kind))),
    }
}
"#;

/// Hands on what a rewrite of its own app has from another server.
const RELAY: &str = "pub async fn get() -> waystation::Result<waystation::fetch::Fetched> {\n    waystation::fetch(\"/ext/events\").await\n}\n";

const OWN: &str = r#"use waystation::{Request, Context, cookies};
pub async fn get(request: Request, context: Context) -> String {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    format!("own {} host={} via={} for={} cookie={:?}", request.url().search(), header("host"), header("x-forwarded-for"), context.client_address(), cookies().get("a"))
}
"#;

pub(crate) async fn answer(request: Request<Incoming>) -> Served {
    match request.uri().path() {
        "/echo" => {
            let method = request.method().clone();
            let body = request
                .into_body()
                .collect()
                .await
                .map(|body| body.to_bytes());
            let body = String::from_utf8(body.unwrap_or_default().to_vec()).unwrap_or_default();
            served(
                201,
                &[
                    ("x-from", "upstream"),
                    ("connection", "x-hop"),
                    ("x-hop", "1"),
                ],
                format!("{method} {body}"),
            )
        }
        "/found" => served(302, &[("location", "/echo")], ""),
        "/same" => served(307, &[("location", "./echo?kept")], ""),
        "/away" => served(302, &[("location", "http://other.test/")], ""),
        "/round" => served(302, &[("location", "/round")], ""),
        "/never" => std::future::pending().await,
        "/gone" => served(404, &[], "gone"),
        "/half" => {
            let (pieces, mut answer) = streamed();
            answer
                .headers_mut()
                .insert(CONTENT_LENGTH, (2 << 20).into());
            let piece = vec![b'.'; 1 << 20]; // hyper would not begin to send a small one before the end
            pieces.send(piece.into()).await.expect("room for it");
            answer
        }
        "/endless" => {
            let (pieces, answer) = streamed();
            tokio::spawn(async move {
                let piece = Bytes::from(vec![b'.'; 1 << 20]);
                while pieces.send(piece.clone()).await.is_ok() {}
            });
            answer
        }
        _ => served(200, &[], "upstream"),
    }
}

/// The app. To read a hundred megabytes, a handler needs half a second of a machine that does nothing else: `cpu_ms` is not what is tested.
pub(crate) fn files(upstream: &Upstream) -> Vec<(String, String)> {
    let toml = format!(
        "[limits]\ncpu_ms = 30000\n[outbound]\nhosts = [\"{}\", \"http://localhost:*\", \"http://metadata.test\"]\naddresses = [\"127.0.0.2\"]\n\
         [[rewrites.fallback]]\nsource = \"/ext/:path*\"\ndestination = \"{}/:path*\"\n",
        upstream.origin(),
        upstream.origin(),
    );
    let files = [
        ("waystation.toml", toml),
        ("app/ask/route.rs", ASK.to_owned()),
        ("app/circle/route.rs", CIRCLE.to_owned()),
        ("app/relay/route.rs", RELAY.to_owned()),
        ("app/own/route.rs", OWN.to_owned()),
    ];
    files.map(|(path, text)| (path.to_owned(), text)).into()
}

#[tokio::test]
async fn a_handler_asks_other_servers_and_its_own_app() {
    let upstream = Upstream::new(answer).await;
    let mut files = files(&upstream);
    let (_, toml) = &mut files[0];
    toml.insert_str(
        0,
        "trusted_proxies = [\"127.0.0.0/8\"]\nhosts = [\"shop.example\"]\n",
    );
    let app = Edited::new(&borrowed(&files)).await;
    let origin = upstream.origin();
    let port = upstream.port();
    let asked = async |query: &str| -> String {
        app.client
            .get(&format!("/ask?{query}"))
            .await
            .text()
            .trim_end()
            .to_owned()
    };

    assert_eq!(
        asked(&format!("url={origin}/x")).await,
        format!("200 ok=true at={origin}/x redirected=false: upstream")
    );
    let head = upstream.heads().last().unwrap().clone();
    for sent in [
        "user-agent: waystation/",
        "accept: */*",
        "accept-encoding: identity",
    ] {
        assert!(head.contains(sent), "{head}");
    }
    assert_eq!(
        asked(&format!("url={origin}/green%20tea?q=%C3%A9%25")).await,
        format!("200 ok=true at={origin}/green%20tea?q=%C3%A9% redirected=false: upstream")
    );
    assert_eq!(
        asked(&format!("url={origin}/gone")).await,
        format!("404 ok=false at={origin}/gone redirected=false: gone")
    );
    assert_eq!(
        asked(&format!("url={origin}/echo&body=tea")).await,
        format!("201 ok=true at={origin}/echo redirected=false: POST tea")
    );
    assert!(
        upstream
            .heads()
            .last()
            .unwrap()
            .contains("content-length: 3"),
        "{:?}",
        upstream.heads()
    );
    assert_eq!(
        asked(&format!(
            "url=http://localhost:{port}/echo&method=PURGE&body=x"
        ))
        .await,
        format!("201 ok=true at=http://localhost:{port}/echo redirected=false: PURGE x")
    );
    assert!(
        upstream
            .heads()
            .last()
            .unwrap()
            .contains(&format!("host: localhost:{port}"))
    );

    assert_eq!(
        asked(&format!("url={origin}/x&method=CONNECT")).await,
        "Some(Other(\"ErrorCode::HttpRequestMethodInvalid\"))"
    );

    // Redirects: followed as browsers do, and each server is one that has to be allowed.
    assert_eq!(
        asked(&format!("url={origin}/found&body=tea")).await,
        format!("201 ok=true at={origin}/echo redirected=true: GET")
    );
    assert_eq!(
        asked(&format!("url={origin}/same&method=PUT&body=tea&secret=s")).await,
        format!("201 ok=true at={origin}/echo?kept redirected=true: PUT tea")
    );
    assert!(
        upstream
            .heads()
            .last()
            .unwrap()
            .contains("authorization: s")
    );
    assert_eq!(
        asked(&format!("url={origin}/away")).await,
        "Some(NotAllowed)"
    );
    assert_eq!(
        asked(&format!("url={origin}/round")).await,
        "Some(Redirect)"
    );
    assert_eq!(
        asked(&format!("url={origin}/found&redirect=error")).await,
        "Some(Redirect)"
    );
    assert_eq!(
        asked(&format!("url={origin}/found&redirect=manual")).await,
        format!("302 ok=false at={origin}/found redirected=false:")
    );

    // What is not allowed, cannot be reached, or takes too long.
    for (url, kind) in [
        ("http://127.0.0.1:1/", "NotAllowed"),
        ("https://api.example.com/", "NotAllowed"),
        ("http://localhost:25/", "NotAllowed"),
        ("http://metadata.test/", "Dns"),
        ("ftp://localhost/", "Url"),
        ("http://self/own", "Url"),
    ] {
        assert_eq!(
            asked(&format!("url={url}")).await,
            format!("Some({kind})"),
            "{url}"
        );
    }
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert_eq!(
        asked(&format!("url=http://localhost:{free}/")).await,
        "Some(Unreachable)"
    );
    assert_eq!(
        asked(&format!("url={origin}/never&timeout=1")).await,
        "Some(Timeout)"
    );
    let told = "a request was refused: `https://api.example.com` is not allowed; add it to `hosts` of `[outbound]` in waystation.toml";
    app.host
        .wait_for_line(told, |line| line.contains("/ask ") && line.contains(told));

    // The app itself, without the network and on behalf of the same client.
    let own = app.host.address();
    let expected = format!(
        "200 ok=true at=/own?q=1 redirected=false: own ?q=1 host=localhost:{} via=127.0.0.1 for=127.0.0.1 cookie=None",
        own.port()
    );
    assert_eq!(asked("url=/own?q=1").await, expected);
    let absolute = format!("url=http://localhost:{}/own", own.port());
    assert!(
        asked(&absolute).await.contains(": own "),
        "{}",
        asked(&absolute).await
    );
    let told = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "https"),
    ];
    for url in ["/own", "https://shop.example/own"] {
        let path = format!("/ask?url={url}");
        let answer = app.client.ask("GET", &path, &told, "").await;
        let text = answer.text();
        assert!(
            text.contains("via=203.0.113.9 for=203.0.113.9 "),
            "{url}: {text}"
        );
    }
    let circle = app.client.get("/circle").await;
    assert_eq!(circle.line(), "200 Some(Loop)");
    let told = "handlers of this app ask each other in a circle";
    app.host.wait_for_line(told, |line| line.contains(told));

    // No more than the operator allows, over connections that are kept.
    let before = upstream.accepted();
    let many = app
        .client
        .ask("PUT", &format!("/ask?url={origin}/x"), &[], "")
        .await;
    assert_eq!(
        many.line(),
        format!(
            "200 50 then cannot fetch `{origin}/x`: one request may not make so many; the operator can allow more with `fetches` of `[limits]` in waystation.toml"
        )
    );
    // One is free again a moment after its body has ended, so a few requests find none.
    assert!(
        upstream.accepted() - before <= 5,
        "{} connections for 50 requests",
        upstream.accepted() - before
    );

    // A body that is not all of it says why.
    for (path, ended) in [
        ("/gone", "200 4"),
        ("/half", "200 Some(Incomplete) after "),
        ("/endless", "200 Some(TooLarge) after 1048"), // 100 MiB but for the piece that was too much
    ] {
        let path = format!("/ask?url={origin}{path}");
        let answer = app.client.ask("PATCH", &path, &[], "").await.line();
        assert!(answer.starts_with(ended), "{path}: {answer}");
    }
    app.host.wait_for_line("the limit", |line| {
        line.contains("/ask ") && line.contains("the body of an answer to a `fetch` is too long")
    });

    // Both bodies are handed on, and so is the head.
    let echoed = app
        .client
        .post(&format!("/ask?url={origin}/echo"), &[], "a stream")
        .await;
    assert_eq!(echoed.line(), "201 POST a stream");
    assert_eq!(echoed.header("x-from"), "upstream");

    // A stream cannot be sent to where a redirect leads.
    let led = app
        .client
        .post(&format!("/ask?url={origin}/same"), &[], "a stream")
        .await;
    assert_eq!(led.status, 500);
    let why = "a body that is a stream cannot be sent twice";
    assert!(led.text().contains(why), "{}", led.text());
}

/// In production this machine is nobody's to ask, unless the operator says so.
#[tokio::test]
async fn in_production_the_own_network_is_closed() {
    let upstream = Upstream::new(answer).await;
    let turn = turn().await;
    let toml = |addresses: &str| {
        format!("[outbound]\nhosts = [\"http://localhost:*\", \"http://127.0.0.1:*\"]\n{addresses}")
    };
    let app = turn.app(&[("waystation.toml", &toml("")), ("app/ask/route.rs", ASK)]);
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let asked = async |expected: [&str; 2]| {
        let host = program().start(app.root());
        let client = waystation_tests::Client::new(host.address());
        for (name, expected) in ["localhost", "127.0.0.1"].into_iter().zip(expected) {
            let answer = client
                .get(&format!("/ask?url=http://{name}:{}/x", upstream.port()))
                .await;
            assert!(
                answer.text().starts_with(expected),
                "{name}: {}",
                answer.text()
            );
        }
    };
    asked(["Some(NotPublic)", "Some(NotPublic)"]).await;
    app.write("waystation.toml", &toml("addresses = [\"127.0.0.1\"]\n"));
    asked(["200 ok=true", "200 ok=true"]).await;
}
