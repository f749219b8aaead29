//! `FETCH_CACHE` in its modes, and what a `fetch` makes of the answer that it goes into.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use bytes::Bytes;
use waystation_tests::clock::Clock;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::{Answer, App, Client, Host, wait_for};

use crate::revalidation::numbered;
use crate::support::{keeping, state, warm_app};

/// What the routes of all modes do.
const SHARED: &str = r#"use waystation::fetch::CacheMode;
use waystation::*;

/// Fetches as the query says, and tells what the server said.
pub async fn fetched(request: Request) -> Result<String> {
    let params = request.url().search_params();
    let mut asked = fetch(params.get("url").unwrap_or_default().into_owned());
    match params.get("says").as_deref() {
        Some("force-cache") => asked = asked.cache(CacheMode::ForceCache),
        Some("no-store") => asked = asked.cache(CacheMode::NoStore),
        Some("60") => asked = asked.revalidate(60),
        _ => {}
    }
    asked.await?.text().await
}
"#;

/// The mode, and what becomes of a plain `fetch`, `force-cache`, `no-store` and `revalidate(60)`: rows FM1 to FM7.
const MODES: [(&str, [Kept; 4]); 7] = [
    ("Auto", [No, Yes, No, Yes]),
    ("DefaultCache", [Yes, Yes, No, Yes]),
    ("OnlyCache", [Yes, Yes, Refused, Yes]),
    ("ForceCache", [Yes, Yes, Yes, Yes]),
    ("DefaultNoStore", [No, Yes, No, Yes]),
    ("OnlyNoStore", [No, Refused, No, No]),
    ("ForceNoStore", [No, No, No, No]),
];
const SAYS: [&str; 4] = ["", "force-cache", "no-store", "60"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
    Refused,
}
use Kept::{No, Refused, Yes};

/// An answer that is kept for a minute, made of one `fetch`.
const MADE: &str = r#"use crate::Params;
use waystation::fetch::CacheMode;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::seconds(60);
pub async fn get(context: Context<Params>) -> Result<String> {
    let life = match context.params.says.as_str() { "moment" => Life::seconds(0), _ => Life::seconds(600) };
    if let "value" | "moment" = context.params.says.as_str() {
        let value = cached(context.params.says.clone(), life, async || Ok(random_u64())).await?;
        return Ok(format!("{value} {}", random_u64()));
    }
    if context.params.says == "nested" {
        let inner = async || cached("inner", "max", async || Ok(random_u64())).tags(["drawn"]).await;
        let outer = cached("outer", "max", inner).await?;
        return Ok(format!("{outer} {}", random_u64()));
    }
    let asked = fetch("/draw");
    let asked = match context.params.says.as_str() {
        "no-store" => asked.cache(CacheMode::NoStore),
        "zero" => asked.revalidate(0),
        "soon" => asked.revalidate(30),
        "sooner" => asked.revalidate(30).tags(["drawn"]),
        "later" | "lapsed" => asked.revalidate(600),
        _ => asked,
    };
    Ok(format!("{} {}", asked.await?.text().await?, random_u64()))
}
"#;

const DRAW: &str = r#"use waystation::*;
pub fn get() -> String { random_u64().to_string() }
"#;

/// Says what it had before its tag lapsed, and what after.
const UPDATES: &str = r#"use waystation::*;
pub async fn post(request: Request) -> Result<String> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let ask = async || fetch(url.clone()).revalidate(60).tags(["t"]).await?.text().await;
    let before = ask().await?;
    update_tag("t");
    Ok(format!("{before}, then {}", ask().await?))
}
"#;

const BYTES: &str = r#"use waystation::fetch::CacheMode;
use waystation::*;
pub async fn get(request: Request) -> Result<Response> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let answer = fetch(url).cache(CacheMode::ForceCache).await?;
    let kept = answer.headers()["x-waystation-cache"].clone();
    Response::builder().header("x-fetched", kept).body(answer.bytes().await?)
}
"#;

/// Dynamic, of a value that goes into another.
const NESTED: &str = r#"use waystation::*;
pub async fn get() -> Result<String> {
    let part = async || cached("part", "max", async || Ok(random_u64())).tags(["part"]).await;
    Ok(cached("whole", "max", part).await?.to_string())
}
pub fn post() { revalidate_tag("part", "max"); }
"#;

/// Writes until its client takes no more, while it fetches.
const FROZEN: &str = r#"use waystation::fetch::CacheMode;
use waystation::*;
pub fn get(request: Request) -> Response {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    Response::writer(async move |mut body: Writer| {
        let fetched = async { fetch(url).cache(CacheMode::ForceCache).await?.text().await };
        let written = async {
            loop {
                body.write(vec![0; 64 << 10]).await?;
            }
        };
        let (fetched, written): (Result<String>, Result<()>) = futures_util::future::join(fetched, written).await;
        fetched.and(written)
    })
}
"#;

const LAPSE: &str = r#"use waystation::*;
pub fn post(request: Request) {
    match request.url().search_params().get("path") {
        Some(path) => revalidate_path(path.as_ref()),
        None => update_tag("drawn"),
    }
}
"#;

const TOML: &str = "[outbound]\nhosts = [\"http://127.0.0.1:*\"]\n";

static APP: LazyLock<App> = LazyLock::new(|| {
    let modes = MODES.map(|(mode, _)| {
        let route = format!(
            "use waystation::*;\npub const FETCH_CACHE: FetchCache = FetchCache::{mode};\n\
             pub async fn get(request: Request) -> Result<String> {{ shop::fetched(request).await }}\n"
        );
        (format!("app/modes/{mode}/route.rs"), route)
    });
    let mut files = vec![
        ("src/lib.rs", SHARED),
        ("app/made/[says]/route.rs", MADE),
        ("app/draw/route.rs", DRAW),
        ("app/updates/route.rs", UPDATES),
        ("app/bytes/route.rs", BYTES),
        ("app/lapse/route.rs", LAPSE),
        ("app/frozen/route.rs", FROZEN),
        ("app/nested/route.rs", NESTED),
        ("waystation.toml", TOML),
    ];
    files.extend(modes.iter().map(|(path, text)| (&**path, &**text)));
    warm_app("fetch-modes", &files)
});

pub(crate) static HOST: LazyLock<Host> = LazyLock::new(|| keeping(&APP, None));

pub(crate) fn client() -> Client {
    Client::new(HOST.address())
}

#[tokio::test]
async fn a_route_s_mode_says_for_its_fetches() {
    let (_upstream, url) = numbered().await;
    let client = client();
    for (mode, expected) in MODES {
        for (says, expected) in SAYS.into_iter().zip(expected) {
            let path = format!("/modes/{mode}?says={says}&url={url}/{mode}-{says}");
            let (first, second) = (client.get(&path).await, client.get(&path).await);
            let found = match first.status.as_u16() {
                200 if first.body == second.body => Yes,
                200 => No,
                _ => Refused,
            };
            assert_eq!(found, expected, "{mode} {says}: {}", first.line());
            if expected == Refused {
                let told = first.text();
                assert!(
                    told.contains(&format!(
                        "`{says}` in a route with `FETCH_CACHE = FetchCache::{mode}`"
                    )),
                    "{told}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_fetch_shortens_the_life_of_what_it_goes_into() {
    let client = client();
    for (says, expected) in [
        ("plain", "s-maxage=60, stale-while-revalidate=31535940"), // FP2: asked each time, and what is made of it is kept
        ("later", "s-maxage=60, stale-while-revalidate=31535940"),
        ("soon", "s-maxage=30, stale-while-revalidate=31535970"), // FP3
    ] {
        let path = format!("/made/{says}");
        let first = client.get(&path).await;
        assert_eq!(first.header("cache-control"), expected, "{says}");
        let again = client.get(&path).await;
        assert_eq!((state(&again), again.text()), ("HIT", first.text()));
    }
}

#[tokio::test]
async fn what_is_not_to_be_kept_makes_the_answer_dynamic() {
    let client = client();
    for (says, why) in [
        ("no-store", "it made a `fetch` that is not to be kept"), // FP1
        ("zero", "it made a `fetch` that is not to be kept"),
        (
            "moment",
            "it used a value of `cached` that lives for no time",
        ), // CC5
    ] {
        let path = format!("/made/{says}");
        let seen = HOST.lines();
        let (first, second) = (client.get(&path).await, client.get(&path).await);
        let first_word = second.header("cache-control").split(',').next();
        assert_eq!((state(&second), first_word), ("", Some("private")));
        assert_ne!(first.body, second.body, "{says}");
        let told = format!("(not kept: {why})");
        HOST.wait_for_line_after(seen, &told, |line| {
            line.contains(&path) && line.ends_with(&told)
        });
    }
}

#[tokio::test]
async fn tags_of_what_goes_into_an_answer_are_its_own() {
    let client = client();
    let other = client.get("/made/later").await;
    for path in ["/made/sooner", "/made/nested"] {
        let before = client.get(path).await;
        assert_eq!(client.get(path).await.body, before.body);
        client.post("/lapse", &[], "").await;
        let after = client.get(path).await;
        assert_eq!(state(&after), "MISS", "{path}"); // FP3 and CC6
        assert_ne!(drawn(&after), drawn(&before), "{path}");
    }
    assert_eq!(client.get("/made/later").await.body, other.body);
}

/// What an answer was made of.
fn drawn(answer: &Answer) -> Option<String> {
    answer.text().split(' ').next().map(str::to_owned)
}

/// It would be of no use to make the answer anew of what is just as old.
#[tokio::test]
async fn a_path_that_is_revalidated_is_made_of_new_parts() {
    let client = client();
    for path in ["/made/lapsed", "/made/value"] {
        let before = client.get(path).await;
        client.post(&format!("/lapse?path={path}"), &[], "").await;
        let after = client.get(path).await;
        assert_eq!(state(&after), "MISS");
        assert_ne!(drawn(&after), drawn(&before), "{path}"); // V5
    }
}

#[tokio::test]
async fn a_handler_that_lets_a_tag_lapse_fetches_anew_itself() {
    let (_upstream, url) = numbered().await;
    let path = format!("/updates?url={url}/updates");
    let said = client().post(&path, &[], "").await;
    let (before, after) = said.text().split_once(", then ").unwrap();
    assert_ne!(before, after); // V9
    let again = client().post(&path, &[], "").await;
    let (next, _) = again.text().split_once(", then ").unwrap();
    assert_ne!(next, before, "what others get is not the old one either");
}

#[tokio::test]
async fn a_kept_fetch_has_the_bytes_that_were_sent() {
    let bytes: Bytes = (0..=u8::MAX).cycle().take(70_000).collect();
    let sent = bytes.clone();
    let upstream = Upstream::new(move |_| {
        let sent = sent.clone();
        async move { served(200, &[], sent) }
    })
    .await;
    for expected in ["MISS", "HIT"] {
        let answer = client()
            .get(&format!("/bytes?url={}/", upstream.origin()))
            .await;
        assert_eq!(answer.header("x-fetched"), expected);
        assert_eq!(answer.body, bytes); // FC15
    }
    assert_eq!(upstream.accepted(), 1);
}

#[tokio::test]
async fn a_stale_fetch_stays_while_there_is_no_new_one_and_is_asked_for_each_time() {
    static STATUS: AtomicU16 = AtomicU16::new(200);
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let upstream = Upstream::new(async |_: http::Request<_>| {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        served(
            STATUS.load(Ordering::Relaxed),
            &[],
            format!("answer {number}"),
        )
    })
    .await;
    let clock = Clock::new();
    let _compiled = HOST.address(); // what it has compiled, the other finds
    let host = keeping(&APP, Some(&clock));
    let path = format!("/modes/Auto?says=60&url={}/", upstream.origin());
    let client = Client::new(host.address());
    let ask = async || client.get(&path).await.text().to_owned();
    assert_eq!(ask().await, "answer 0");
    clock.forward(61);
    for (number, status) in [500, 404, 201].into_iter().enumerate() {
        STATUS.store(status, Ordering::Relaxed);
        assert_eq!(ask().await, "answer 0", "{status}"); // FC9
        wait_for("it is asked for again", async || {
            (number + 2 <= ASKED.load(Ordering::Relaxed)).then_some(())
        })
        .await;
    }
    STATUS.store(200, Ordering::Relaxed);
    wait_for("a new answer", async || {
        (ask().await != "answer 0").then_some(())
    })
    .await;
}

/// What is made anew of a part that is stale too would be as old as before, and be kept as if it were new.
#[tokio::test]
async fn a_value_is_made_anew_of_parts_that_are_new() {
    let client = client();
    let before = client.get("/nested").await;
    client.post("/nested", &[], "").await;
    wait_for("a new value", async || {
        let after = client.get("/nested").await;
        (after.body != before.body).then_some(())
    })
    .await;
}
