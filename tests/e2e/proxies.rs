//! Which proxies a request meets, and that nothing gets around one.

use waystation_tests::Client;

use crate::support::{Edited, production, program, text_route, turn};

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
    app.warm_too(production());
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
async fn a_proxy_may_be_given_less_than_its_app() {
    let turn = turn().await;
    let app = turn.app(&[
        (
            "proxy.rs",
            "pub const MATCHER: &str = \"/a\";\n\npub fn proxy() -> &'static str { \"the proxy\" }\n",
        ),
        ("app/a/route.rs", &text_route("a")),
        ("app/b/route.rs", &text_route("b")),
        (
            "waystation.toml",
            "[limits.routes.\"proxy.rs\"]\nurl_bytes = 50\nheader_bytes = 300\n",
        ),
    ]);
    let host = program().dev(app.root());
    let client = Client::new(host.address());
    let long = "x".repeat(300);
    let padded = [("x-padding", long.as_str())];
    for (path, short, long_url, long_head) in
        [("/a", "200 the proxy", 414, 431), ("/b", "200 b", 200, 200)]
    {
        assert_eq!(client.get(path).await.line(), short);
        let url = format!("{path}?{}", "x".repeat(50));
        assert_eq!(client.get(&url).await.status, long_url, "{url}");
        let answer = client.ask("GET", path, &padded, "").await;
        assert_eq!(answer.status, long_head, "{path}");
    }
}
