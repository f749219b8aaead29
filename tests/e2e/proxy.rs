//! `proxy.rs`: what it sees, what it may change, and that nothing gets around it.

use waystation_tests::raw::Socket;
use waystation_tests::{Answer, Client, Host};

use crate::support::{Edited, program, text_route, turn};

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
async fn no_header_of_a_client_switches_a_proxy_off_or_speaks_for_it() {
    let app = Edited::new(&[
        (
            "proxy.rs",
            "pub const MATCHER: &str = \"/guarded/:path*\";\n\n\
             pub fn proxy() -> (waystation::StatusCode, &'static str) {\n    (waystation::StatusCode::FORBIDDEN, \"no\")\n}\n",
        ),
        ("app/guarded/a/route.rs", &text_route("secret")),
        ("app/free/route.rs", "use waystation::{cookies, headers};\n\npub fn get() -> String {\n    format!(\"{:?} {:?}\", cookies().get(\"a\"), headers().get(\"x-user\"))\n}\n"),
    ])
    .await;
    let names = [
        "x-middleware-subrequest",
        "x-middleware-rewrite",
        "x-middleware-next",
        "x-middleware-skip",
        "x-middleware-redirect",
        "x-middleware-override-headers",
        "x-middleware-request-x-user",
        "x-middleware-set-cookie",
        "x-middleware-invoke",
        "x-middleware-prefetch",
        "x-invoke-path",
        "x-prerender-revalidate",
        "x-now-route-matches",
        "x-matched-path",
        "x-nextjs-data",
        "next-resume",
        "x-waystation-proxy",
    ];
    let values = [
        "1",
        "/free",
        "x-user",
        "a=1; Path=/",
        "proxy:proxy:proxy:proxy:proxy",
        "src/proxy:src/proxy:src/proxy:src/proxy:src/proxy",
        "middleware:middleware:middleware:middleware:middleware",
    ];
    for name in names {
        for value in values {
            let ask = async |path: &str| {
                app.client
                    .ask("GET", path, &[(name, value)], "")
                    .await
                    .line()
            };
            assert_eq!(ask("/guarded/a").await, "403 no", "{name}: {value}"); // threat model, R1
            assert_eq!(ask("/free").await, "200 None None", "{name}: {value}");
        }
    }
    // Nor does another spelling (threat model, R2 and R3).
    for path in [
        "/guarded/a",
        "/g%75arded/a",
        "/guarded/%61",
        "/./guarded/a",
        "/x/../guarded/a",
        "/x/%2e%2e/guarded/a",
        "/GUARDED/a",
        "/guarded/a?nxtPa=free",
        "/guarded/a.rsc",
    ] {
        assert_eq!(app.client.get(path).await.line(), "403 no", "{path}");
    }
    for path in ["/guarded//a", "/guarded/a/"] {
        assert_eq!(app.client.get(path).await.status, 308, "{path}");
    }
    assert_eq!(app.client.get("/guarded%2Fa").await.status, 404);
}

/// A proxy that adds its name to those that the request has passed.
fn passing(name: &str, constant: &str) -> String {
    format!(
        "use waystation::{{Condition, Matcher, Next, Request, Result}};\n\n{constant}\n\n\
         const _: Option<(Matcher, Condition)> = None;\n\n\
         pub fn proxy(request: Request) -> Result<Next> {{\n    \
         let passed = request.headers().get(\"x-passed\").map_or(Ok(\"\"), |passed| passed.to_str())?;\n    \
         Ok(Next::new().request_header(\"x-passed\", format!(\"{{passed}}{name} \")))\n}}\n"
    )
}

const PASSED: &str = "use waystation::headers;\n\npub fn get() -> String {\n    \
     let headers = headers();\n    headers.get(\"x-passed\").map_or(String::new(), |passed| format!(\"{passed:?}\"))\n}\n";

#[tokio::test]
async fn proxies_of_folders_are_asked_outer_first() {
    let matcher = "pub const MATCHER: &[Matcher] = &[\n    \
         Matcher::new(\"/admin/:path*\").missing(&[Condition::cookie(\"member\").value(\"yes\")]),\n    \
         Matcher::new(\"/cart\").has(&[Condition::query(\"traced\")]),\n];";
    let params = "use crate::Params;\nuse waystation::{Context, Next};\n\n\
         pub fn proxy(context: Context<Params>) -> Next {\n    \
         Next::new().request_header(\"x-passed\", format!(\"team {} \", context.params.team)).header(\"x-team\", \"1\")\n}\n";
    let app = Edited::new(&[
        ("proxy.rs", &passing("root", matcher)),
        ("app/admin/proxy.rs", &passing("admin", "")),
        ("app/admin/users/proxy.rs", &passing("users", "")),
        ("app/admin/users/[id]/route.rs", PASSED),
        (
            "app/(shop)/proxy.rs",
            &passing(
                "shop",
                "pub const MATCHER: &[&str] = &[\"/cart\", \"/till\"];",
            ),
        ),
        ("app/(shop)/cart/route.rs", PASSED),
        ("app/[team]/proxy.rs", params),
        ("app/[team]/members/route.rs", PASSED),
        (
            "waystation.toml",
            "[[rewrites.fallback]]\nsource = '/by-:id'\ndestination = '/admin/users/:id'\n",
        ),
    ])
    .await;
    let ask = async |path: &str, expected: &str| {
        let line = app.client.get(path).await.line();
        assert_eq!(line, expected, "{path}");
    };
    ask("/admin/users/7", "200 \"root admin users \"").await; // PX1, PX4
    ask("/cart", "200 \"shop \"").await;
    ask("/cart?traced=1", "200 \"root shop \"").await;
    ask("/red/members", "200 \"team red \"").await;
    ask("/by-7", "200 \"root admin users \"").await; // a rewrite leads around none
    let member = [("cookie", "member=yes")];
    let answer = app.client.ask("GET", "/admin/users/7", &member, "").await;
    assert_eq!(answer.line(), "200 \"admin users \"");
    let listed = program().command("routes", app.app.root()).run();
    let files: Vec<_> = listed
        .stdout
        .lines()
        .map(|line| line.split_whitespace().last().unwrap_or_default())
        .collect();
    assert_eq!(
        files[..5],
        [
            "proxy.rs",
            "app/(shop)/proxy.rs",
            "app/[team]/proxy.rs",
            "app/admin/proxy.rs",
            "app/admin/users/proxy.rs"
        ]
    );
    assert!(listed.stdout.starts_with("Proxy / "), "{}", listed.stdout);
}

#[tokio::test]
async fn a_proxy_is_edited_broken_mended_and_removed_while_it_serves() {
    let answering = |text: &str| format!("pub fn proxy() -> &'static str {{\n    {text:?}\n}}\n");
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("a")),
        ("app/b/route.rs", &text_route("b")),
    ])
    .await;
    assert_eq!(app.client.get("/a").await.line(), "200 a");
    app.app.write("app/a/proxy.rs", &answering("one"));
    app.shows("/a", "200 one").await;
    app.shows("/a/none", "200 one").await;
    app.app.replace("app/a/proxy.rs", &answering("two"));
    app.shows("/a", "200 two").await;
    app.host.wait_for_line("which proxy is live", |line| {
        line.contains("app/a/proxy.rs live")
    });

    app.app.write(
        "app/a/proxy.rs",
        "pub fn proxy() -> &'static str {\n    1\n}\n",
    );
    app.answers("/a", "the error", |answer| answer.status == 500)
        .await;
    for path in ["/a", "/a/none"] {
        let broken = app.client.get(path).await;
        assert_eq!(broken.status, 500);
        assert!(
            broken.text().contains("app/a/proxy.rs:2:5"),
            "{}",
            broken.text()
        );
        assert!(
            broken.text().contains("error[E0308]: mismatched types"),
            "{}",
            broken.text()
        );
    }
    assert_eq!(app.client.get("/b").await.line(), "200 b");
    app.app.write(
        "app/a/proxy.rs",
        "pub const MATCHER: &str = \"a\";\n\npub fn proxy() -> &'static str {\n    \"three\"\n}\n",
    );
    app.answers("/a", "its matcher", |answer| {
        answer.text().contains("`MATCHER[0].source`: `a` does not start with a slash; write `/a`\n  --> app/a/proxy.rs")
    })
    .await;
    app.app.write("app/a/proxy.rs", &answering("three"));
    app.shows("/a", "200 three").await;
    app.app.remove("app/a/proxy.rs");
    app.shows("/a", "200 a").await;

    app.app.write("proxy.rs", &answering("all"));
    app.shows("/b", "200 all").await;
    app.shows("/none", "200 all").await;
    app.app.write(
        "proxy.rs",
        "pub fn middleware() -> &'static str {\n    \"\"\n}\n",
    );
    app.answers("/b", "its name", |answer| {
        answer
            .text()
            .contains("`middleware` is not called; name it `proxy`")
            && answer.text().contains("proxy.rs:1:8")
    })
    .await;
    app.app.remove("proxy.rs");
    app.shows("/b", "200 b").await;
}

#[tokio::test]
async fn a_built_app_asks_its_proxies() {
    let turn = turn().await;
    let app = turn.app(&[
        (
            "proxy.rs",
            &passing("root", "pub const MATCHER: &str = \"/a/:path*\";"),
        ),
        ("app/a/route.rs", PASSED),
        ("app/b/route.rs", PASSED),
    ]);
    let built = program().command("build", app.root()).run();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    let row = built
        .stderr
        .lines()
        .find(|line| line.contains("Proxy proxy.rs"));
    assert!(
        row.is_some_and(|row| row.ends_with("/a/:path*")),
        "{}",
        built.stderr
    );
    let host = program().start(app.root());
    let client = Client::new(host.address());
    assert_eq!(client.get("/a").await.line(), "200 \"root \"");
    assert_eq!(client.get("/b").await.line(), "200");
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
