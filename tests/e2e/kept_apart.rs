//! Nobody gets what was made for another: another client, another method, another app.

use waystation_tests::raw::exchange;
use waystation_tests::{Client, Redis, wait_for};

use crate::kept::client;
use crate::support::{keeping, state, turn, warm_app};

/// The poisoning matrix: nothing that one client sends changes what another gets.
#[tokio::test]
async fn nobody_gets_what_was_made_for_another() {
    let client = client();
    let poison = [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-http-method-override", "POST"),
        ("x-middleware-rewrite", "/auto"),
        ("x-prerender-revalidate", "1"), // I13: no header makes it anew
        ("x-waystation-fetch", "renew"),
        ("authorization", "Bearer 1"),
        ("cookie", "name=evil; __prerender_bypass=1"),
        ("accept-encoding", "gzip"),
        ("range", "bytes=0-1"),
    ];
    for (number, (name, value)) in poison.into_iter().enumerate() {
        let path = format!("/shown/poison-{number}");
        let poisoned = client
            .ask("GET", &format!("{path}?b=2&a=1"), &[(name, value)], "")
            .await;
        assert_eq!(poisoned.status, 200, "{name}");
        let clean = client.get(&format!("{path}?a=1&b=2")).await;
        assert_eq!(state(&clean), "HIT", "{name}");
        let shown = format!("{:?} {}", clean.headers, clean.text());
        for word in [
            "evil",
            "203.0.113.9",
            "Bearer",
            "https",
            "bytes=",
            "a=1",
            "127.0.0.1",
        ] {
            assert!(!shown.contains(word), "{name}: {word} in {shown}");
        }
        let again = client.ask("GET", &path, &[(name, value)], "").await;
        assert_eq!(state(&again), "HIT", "{name}"); // I13
        assert_eq!(clean.header("content-encoding"), "", "{name}");
    }
}

#[tokio::test]
async fn what_is_asked_by_another_method_first_is_not_what_get_gets() {
    let client = client();
    for path in ["/items/post-first", "/shown/post-first"] {
        let posted = client.post(path, &[], "").await;
        assert!(posted.status == 405 || posted.text() == "posted", "{path}"); // I12: no entry is poisoned with it
        let got = client.get(path).await;
        assert_eq!((got.status.as_u16(), state(&got)), (200, "MISS"), "{path}");
        assert_ne!(got.text(), "posted");
    }
    assert_eq!(
        client.post("/shown/post-first", &[], "").await.text(),
        "posted"
    );
    let head = client.ask("HEAD", "/shown/head-first", &[], "").await;
    assert_eq!((state(&head), head.body.len()), ("MISS", 0));
    let got = client.get("/shown/head-first").await; // I11
    assert_eq!(state(&got), "HIT");
    assert_eq!(got.body.len().to_string(), head.header("content-length"));
}

const POSTS: &str = r#"use crate::Params;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub async fn get(context: Context<Params>) -> Result<String> {
    let value = async || Ok(random_u64().to_string());
    Ok(format!("{} {}", cached("value", "max", value).tags(["t"]).await?, random_u64()))
}
"#;

const LAPSE: &str = "use waystation::*;\npub fn post() { update_tag(\"t\"); }\n";

/// The same code under two names.
#[tokio::test]
async fn apps_that_share_a_redis_have_nothing_of_each_other() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let turn = turn().await;
    let toml = format!("[cache]\nredis = {:?}\n", redis.url());
    let files = [
        ("app/posts/[slug]/route.rs", POSTS),
        ("app/lapse/route.rs", LAPSE),
        ("waystation.toml", &toml),
    ];
    let (shop, books) = (turn.app(&files), warm_app("books", &files));
    let manifest = books.read("Cargo.toml").replace("\"shop\"", "\"books\"");
    books.replace("Cargo.toml", &manifest);
    let mut hosts = Vec::new();
    for (name, app) in [("shop", &shop), ("books", &books)] {
        let host = keeping(app, None);
        let client = Client::new(host.address());
        let mut number = 0;
        wait_for("the app uses Redis", async || {
            number += 1;
            client.get(&format!("/posts/{name}-{number}")).await;
            let keys = exchange(redis.address(), "KEYS *\r\nQUIT\r\n").await;
            keys.contains(&format!("{{{name}}}:entry:")).then_some(())
        })
        .await;
        hosts.push((host, client));
    }
    let [shop, books] = [hosts[0].1, hosts[1].1];
    let made = shop.get("/posts/a").await;
    let others = books.get("/posts/a").await;
    assert_eq!([state(&made), state(&others)], ["MISS"; 2]);
    let value = |text: &str| text.split(' ').next().map(str::to_owned);
    assert_ne!(value(made.text()), value(others.text()));
    books.post("/lapse", &[], "").await;
    assert_eq!(state(&books.get("/posts/a").await), "MISS");
    let kept = shop.get("/posts/a").await;
    assert_eq!((state(&kept), &kept.body), ("HIT", &made.body));
}
