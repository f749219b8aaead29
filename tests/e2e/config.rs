//! The headers, redirects, rewrites, base path and trusted proxies of `waystation.toml`.

use waystation_tests::Answer;

use crate::support::{Edited, text_route};

const TOML: &str = r#"
base_path = "/docs"
trusted_proxies = ["127.0.0.0/8"]
hosts = ["example.com"]

[[headers]]
source = "/:path*"
headers = [{ key = "cache-control", value = "max-age=60" }, { key = "x-from", value = "rules" }, { key = "set-cookie", value = "seen=1" }]

[[redirects]]
source = "/old/:slug"
destination = "/items/:slug"
permanent = true

[[redirects]]
source = "/"
destination = "/docs"
permanent = false
base_path = false

[[rewrites.after_files]]
source = "/by/:slug"
destination = "/items/:slug?by=rewrite"

[[rewrites.fallback]]
source = "/:path*"
destination = "/plain"
has = [{ type = "header", key = "x-fall", value = "back" }]
"#;

const ITEM: &str = r#"use crate::Params;
use waystation::{Context, Request, Response, Result, cookies};

pub fn get(request: Request, context: Context<Params>) -> Result<Response> {
    cookies().set(("own", "1"));
    let via = request.headers().get("x-forwarded-for").and_then(|via| via.to_str().ok()).unwrap_or_default();
    let text = format!("{} at {} for {} via {via}", context.params.slug, request.url().href(), context.client_address());
    Response::builder().header("x-from", "handler").body(text)
}
"#;

/// Hands on what the app answers at the path that the query names.
const ASK: &str = r#"use waystation::{Request, Result, fetch, fetch::Fetched};

pub async fn get(request: Request) -> Result<Fetched> {
    fetch(request.url().search_params().get("path").unwrap_or_default()).await
}
"#;

#[tokio::test]
async fn more_than_a_thousand_rules_are_a_warning() {
    let rule = "[[redirects]]\nsource = '/a'\ndestination = '/b'\npermanent = false\n";
    let app = Edited::new(&[
        ("app/c/route.rs", &text_route("c")),
        ("waystation.toml", &rule.repeat(1_001)),
    ])
    .await;
    app.shows("/c", "200 c").await; // CF4
    app.host.wait_for_line("the warning", |line| {
        line.contains("waystation.toml has 1001 rules")
    });
}

#[tokio::test]
async fn what_waystation_toml_says_of_paths_and_proxies_holds_and_changes_while_it_serves() {
    let app = Edited::new(&[
        ("waystation.toml", TOML),
        ("app/items/[slug]/route.rs", ITEM),
        ("app/plain/route.rs", &text_route("plain")),
        (
            "app/go/route.rs",
            "pub fn get() -> waystation::Result<waystation::Response> {\n    waystation::redirect(\"/x\")\n}\n",
        ),
        ("app/ask/route.rs", ASK),
    ])
    .await;
    let address = app.host.address();
    let get = async |path: &str, headers: &[(&str, &str)]| -> Answer {
        app.client.ask("GET", path, headers, "").await
    };

    // Headers: they win over the handler's, but cookies stand side by side, theirs first (CF1, S5, C19).
    let item = get("/docs/items/a", &[]).await;
    assert_eq!(
        item.line(),
        format!(
            "200 a at http://localhost:{}/items/a for 127.0.0.1 via 127.0.0.1",
            address.port()
        )
    ); // U6
    assert_eq!(item.all("x-from"), ["rules"]);
    assert_eq!(item.all("set-cookie"), ["seen=1", "own=1; Path=/"]);
    assert_eq!(item.header("cache-control"), "max-age=60");
    let none = get("/docs/none", &[]).await;
    assert_eq!(none.all("x-from"), ["rules"]);
    assert!(none.header("cache-control").contains("no-store")); // U11

    // Redirects: before routes, without the headers (CF2).
    let moved = get("/docs/old/b?c=1", &[]).await;
    assert_eq!(moved.line(), "308 /docs/items/b?c=1");
    assert_eq!(moved.header("location"), "/docs/items/b?c=1");
    assert_eq!(moved.header("refresh"), "0;url=/docs/items/b?c=1");
    assert!(moved.all("x-from").is_empty());
    let tidied = get("/docs/items/a/", &[]).await;
    assert_eq!(tidied.line(), "308 /docs/items/a");
    assert!(tidied.all("x-from").is_empty()); // U1
    let head = app.client.ask("HEAD", "/docs/old/b", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (308, 0));
    assert_eq!(get("/", &[]).await.header("location"), "/docs");

    // Rewrites, and nothing outside of the base path (CF3, U6).
    let by = get("/docs/by/c", &[]).await;
    assert!(
        by.text().starts_with(&format!(
            "c at http://localhost:{}/items/c?by=rewrite ",
            address.port()
        )),
        "{}",
        by.text()
    );
    assert_eq!(
        get("/docs/none", &[("x-fall", "back")]).await.line(),
        "200 plain"
    );
    assert_eq!(get("/docs/none", &[]).await.status, 404);
    assert_eq!(get("/items/a", &[]).await.status, 404);
    assert_eq!(get("/docs/go", &[]).await.header("location"), "/x"); // U7

    // A handler asks the app for what a client would ask for, and is redirected as one.
    let own = async |path: &str| get(&format!("/docs/ask?path={path}"), &[]).await;
    assert_eq!(own("/docs/plain").await.line(), "200 plain");
    assert_eq!(own("/plain").await.status, 404);
    let moved = own("/docs/old/d").await;
    assert!(moved.text().starts_with("d at "), "{}", moved.text());

    // A trusted proxy names the client and the host; of a stranger's hosts none is taken.
    let proxy = [
        ("x-forwarded-for", "6.6.6.6, 203.0.113.7"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-proto", "https"),
    ];
    assert_eq!(
        get("/docs/items/a", &proxy).await.text(),
        "a at https://example.com/items/a for 203.0.113.7 via 203.0.113.7, 127.0.0.1"
    );
    let kept = [("host", "Example.com"), ("x-forwarded-proto", "https")];
    assert_eq!(
        get("/docs/items/a", &kept).await.text(),
        "a at https://example.com/items/a for 127.0.0.1 via 127.0.0.1"
    ); // Q2
    for name in ["host", "x-forwarded-host"] {
        let stranger = [(name, "evil.example"), ("x-forwarded-proto", "https")];
        let item = get("/docs/items/a", &stranger).await;
        let own = "a at http://localhost:";
        assert!(item.text().starts_with(own), "{name}: {}", item.text());
    }
    let twice = [("x-forwarded-proto", "http, https")];
    assert_eq!(get("/docs/items/a", &twice).await.status, 400);

    app.app.write(
        "waystation.toml",
        "[[rewrites.fallback]]\nsource = '/now'\ndestination = '/plain'\n",
    );
    app.shows("/now", "200 plain").await;
    let forged = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")];
    assert!(
        get("/items/a", &forged)
            .await
            .text()
            .ends_with("for 127.0.0.1 via 127.0.0.1")
    );
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_told_and_the_last_good_ones_stay() {
    let good = "[[redirects]]\nsource = '/old'\ndestination = '/plain'\npermanent = true\n";
    let app = Edited::new(&[
        ("waystation.toml", good),
        ("app/plain/route.rs", &text_route("plain")),
    ])
    .await;
    let seen = app.host.lines();
    app.app.write(
        "waystation.toml",
        "[[redirects]]\nsource = '/a'\ndestination = '/:b'\npermanent = true\n",
    );
    app.host.wait_for_line_after(seen, "the fault", |line| {
        line.contains("`redirects[0].destination`: `:b` is no param of this rule")
    });
    assert_eq!(app.client.get("/plain").await.line(), "200 plain");
    assert_eq!(app.client.get("/old").await.header("location"), "/plain");
}
