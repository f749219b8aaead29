//! What handlers keep themselves (`fetch`, `cached`), what takes it out of date, and draft mode.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt as _;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::{Answer, App, Client, Host, wait_for};

use crate::support::{keeping, state, turn, warm_app};

const FETCHED: &str = r#"use waystation::fetch::CacheMode;
use waystation::*;

/// Fetches as the query says, and tells where the answer comes from.
pub async fn get(request: Request) -> Result<String> {
    let params = request.url().search_params();
    let mut asked = fetch(params.get("url").unwrap_or_default().into_owned());
    match params.get("cache").as_deref() {
        Some("force-cache") => asked = asked.cache(CacheMode::ForceCache),
        Some("no-store") => asked = asked.cache(CacheMode::NoStore),
        _ => {}
    }
    match params.get("revalidate").as_deref() {
        Some("never") => asked = asked.revalidate(Revalidate::NEVER),
        Some(seconds) => asked = asked.revalidate(seconds.parse::<u32>()?),
        None => {}
    }
    if let Some(tag) = params.get("tag") {
        asked = asked.tags([tag.into_owned()]);
    }
    if let Some(body) = params.get("body") {
        asked = asked.body(body.into_owned());
    }
    if let Some(secret) = params.get("secret") {
        asked = asked.header("authorization", secret.into_owned());
    }
    let answer = asked.await?;
    let kept = answer.headers().get("x-waystation-cache").map(|value| format!("{value:?}"));
    let status = answer.status().as_u16();
    Ok(format!("{} {status} {}", kept.unwrap_or_default().replace('"', ""), answer.text().await?))
}
"#;

const LAPSE: &str = r#"use waystation::*;

fn lapse(params: &SearchParams) -> Result<()> {
    let kind = params.get("kind").map(|kind| if kind == "page" { PathKind::Page } else { PathKind::Layout });
    match (params.get("path"), kind) {
        (Some(path), Some(kind)) => revalidate_path((path.as_ref(), kind)),
        (Some(path), None) => revalidate_path(path.as_ref()),
        (None, _) => {}
    }
    if let Some(tag) = params.get("tag") {
        match (params.get("profile"), params.get("expire")) {
            (Some(profile), _) => revalidate_tag(tag, profile.as_ref()),
            (None, Some(seconds)) => revalidate_tag(tag, Expire::seconds(seconds.parse()?)),
            (None, None) => update_tag(tag),
        }
    }
    Ok(())
}

pub fn post(request: Request) -> Result<&'static str> {
    lapse(&request.url().search_params())?;
    Ok("lapsed")
}

/// The same once the answer is over.
pub fn put(request: Request) -> &'static str {
    after(async move { lapse(&request.url().search_params()) });
    "will lapse"
}
"#;

const POSTS: &str = r#"use crate::Params;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub fn get(context: Context<Params>) -> String {
    let draft = if draft_mode().is_enabled() { "draft " } else { "" };
    format!("{draft}{} {}", context.params.slug, random_u64())
}
"#;

const DRAFT: &str = r#"use waystation::*;
pub fn post() { draft_mode().enable(); }
pub fn delete() { draft_mode().disable(); }
"#;

const VALUE: &str = r#"use crate::Params;
use waystation::*;
pub async fn get(context: Context<Params>) -> Result<String> {
    let life = match context.params.name.as_str() { "odd" => "nope", _ => "hours" };
    cached(context.params.name, life, async || Ok(random_u64().to_string())).tags(["values"]).await
}
"#;

const RATE: &str = r#"use waystation::*;
pub async fn get(request: Request) -> Result<String> {
    let url = request.url().search_params().get("url").unwrap_or_default().into_owned();
    let load = async move || match fetch(url).await? {
        answer if answer.ok() => answer.text().await,
        answer => Err(Error::message(answer.status().to_string())),
    };
    cached("rate", "hours", load).await
}
"#;

const TAGGED: &str = r#"use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub async fn get() -> Result<String> {
    let value = cached("inner", Life::seconds(60), async || Ok(random_u64())).tags(["inner"]).await?;
    Ok(format!("{value} {}", random_u64()))
}
"#;

const STREAMED: &str = r#"use futures_util::stream;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub fn get() -> Result<Response> {
    let value = async || Ok(random_u64().to_string());
    let chunk = async move { cached("chunk", Life::seconds(60), value).tags(["chunk"]).await };
    Response::builder().body(Body::stream(stream::once(chunk)))
}
"#;

/// Says who asks, once the head has gone.
const GREETING: &str = r#"use futures_util::stream;
use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub fn get() -> Result<Response> {
    let hello = async { sleep(std::time::Duration::from_millis(1)).await; Ok::<_, Error>(cookies().get("name").unwrap_or_default()) };
    Response::builder().body(Body::stream(stream::once(hello)))
}
"#;

const CHANGES: &str = r#"use waystation::*;
pub const REVALIDATE: Revalidate = Revalidate::NEVER;
pub fn get() -> String { revalidate_tag("nobody", "max"); random_u64().to_string() }
"#;

const FORCED: &str = r#"use waystation::*;
pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;
pub async fn get() -> Result<String> {
    let drawn = fetch("/draw").revalidate(0).await?.text().await?;
    Ok(format!("{drawn} {}", random_u64()))
}
"#;

const DRAW: &str = r#"use waystation::*;
pub fn get() -> String { random_u64().to_string() }
"#;

const TOML: &str = "[outbound]\nhosts = [\"http://127.0.0.1:*\"]\n\n[cache.profiles.brief]\nrevalidate = 10\nexpire = 20\n";

pub(crate) const FILES: [(&str, &str); 13] = [
    ("app/fetched/route.rs", FETCHED),
    ("app/lapse/route.rs", LAPSE),
    ("app/posts/[slug]/route.rs", POSTS),
    ("app/draft/route.rs", DRAFT),
    ("app/value/[name]/route.rs", VALUE),
    ("app/rate/route.rs", RATE),
    ("app/tagged/route.rs", TAGGED),
    ("app/streamed/route.rs", STREAMED),
    ("app/greeting/route.rs", GREETING),
    ("app/changes/route.rs", CHANGES),
    ("app/forced/route.rs", FORCED),
    ("app/draw/route.rs", DRAW),
    ("waystation.toml", TOML),
];

static APP: LazyLock<App> = LazyLock::new(|| warm_app("revalidated", &FILES));

static HOST: LazyLock<Host> = LazyLock::new(|| keeping(&APP, None));

pub(crate) fn client() -> Client {
    Client::new(HOST.address())
}

/// A server that numbers its answers, and answers with the status that the path asks for.
pub(crate) async fn numbered() -> (Upstream, String) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let upstream = Upstream::new(async |request: http::Request<_>| {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        let status = request.uri().path().trim_start_matches("/status-").parse();
        served(status.unwrap_or(200), &[], format!("answer {number}"))
    })
    .await;
    let url = upstream.origin();
    (upstream, url)
}

#[tokio::test]
async fn an_answer_that_changes_what_is_kept_is_not_kept() {
    let client = client();
    let (first, second) = (client.get("/changes").await, client.get("/changes").await);
    assert_ne!(first.body, second.body); // V10
    assert_eq!(state(&second), "");
}

#[tokio::test]
async fn what_is_revalidated_is_made_anew() {
    let turn = turn().await;
    let app = turn.app(&FILES); // of its own, for all of it goes out of date
    let host = keeping(&app, None);
    let client = Client::new(host.address());
    let ask = async |path: &str| {
        let answer = client.get(path).await;
        (state(&answer).to_owned(), answer.text().to_owned())
    };
    let (_, one) = ask("/posts/one").await;
    let (_, two) = ask("/posts/two").await;
    assert_eq!(ask("/posts/one").await.0, "HIT");

    assert_eq!(
        client.post("/lapse?path=/posts/one/", &[], "").await.line(),
        "200 lapsed"
    ); // V5
    let (state_of_one, new) = ask("/posts/one").await;
    assert_eq!(state_of_one, "MISS");
    assert_ne!(new, one);
    assert_eq!(ask("/posts/two").await, ("HIT".to_owned(), two.clone()));

    client
        .post("/lapse?path=/posts/[slug]&kind=page", &[], "")
        .await; // V6
    assert_eq!(ask("/posts/one").await.0, "MISS");
    assert_eq!(ask("/posts/two").await.0, "MISS");
    client.post("/lapse?path=/&kind=layout", &[], "").await; // V7
    assert_eq!(ask("/posts/two").await.0, "MISS");
    client.post("/lapse?path=/posts/[slug]", &[], "").await; // V6: without a kind it is about nothing
    assert_eq!(ask("/posts/two").await.0, "HIT");

    // Once the answer is over (A3).
    let later = client.ask("PUT", "/lapse?path=/posts/one", &[], "").await;
    assert_eq!(later.line(), "200 will lapse");
    wait_for("it to lapse", async || {
        (ask("/posts/one").await.0 == "MISS").then_some(())
    })
    .await;

    let odd = client.post("/lapse?tag=t&profile=nope", &[], "").await;
    assert_eq!(odd.line(), "200 lapsed"); // V3: the answer stands, and the log says what is wrong
    host.wait_for_line("what is wrong", |line| {
        line.contains("there is no profile `nope`")
    });
}

#[tokio::test]
async fn what_a_proxy_lets_lapse_is_out_of_date_for_the_route_behind_it() {
    let turn = turn().await;
    let app = turn.app(&[
        ("app/posts/[slug]/route.rs", POSTS),
        (
            "proxy.rs",
            "use waystation::*;\npub fn proxy() -> Next { revalidate_path(\"/posts/one\"); draft_mode().disable(); Next::new() }\n",
        ),
    ]);
    let host = keeping(&app, None);
    let client = Client::new(host.address());
    for _ in 0..2 {
        let answer = client.get("/posts/one").await;
        assert_eq!(state(&answer), "MISS");
        assert!(
            answer
                .header("set-cookie")
                .starts_with("__prerender_bypass=; ")
        );
    }
    client.get("/posts/two").await;
    assert_eq!(state(&client.get("/posts/two").await), "HIT");
}

#[tokio::test]
async fn a_value_is_kept_for_all_who_ask() {
    let client = client();
    let one = client.get("/value/one").await;
    assert_eq!(client.get("/value/one").await.body, one.body); // CC4
    assert_ne!(client.get("/value/two").await.body, one.body);
    client.post("/lapse?tag=values", &[], "").await; // V2
    assert_ne!(client.get("/value/one").await.body, one.body);
    let odd = client.get("/value/odd").await;
    assert_eq!(odd.status, 500);
    assert!(
        odd.text().contains("there is no profile `nope`"),
        "{}",
        odd.text()
    );
}

#[tokio::test]
async fn what_went_into_an_answer_is_its_tags_and_its_life() {
    let client = client();
    let first = client.get("/tagged").await;
    assert_eq!(
        first.header("cache-control"),
        "s-maxage=60, stale-while-revalidate=31535940"
    ); // CC6
    assert_eq!(client.get("/tagged").await.body, first.body);
    client.post("/lapse?tag=inner", &[], "").await;
    let second = client.get("/tagged").await;
    assert_eq!(state(&second), "MISS");
    let number = |answer: &Answer| answer.text().split(' ').next().map(str::to_owned);
    assert_ne!(number(&second), number(&first));
    client.post("/lapse?tag=inner&profile=max", &[], "").await; // V1: the new answer is not made of what is stale
    let stale = client.get("/tagged").await;
    assert_eq!((state(&stale), &stale.body), ("STALE", &second.body));
    let renewed = wait_for("the new answer", async || {
        let answer = client.get("/tagged").await;
        (state(&answer) == "HIT").then_some(answer)
    });
    assert_ne!(number(&renewed.await), number(&second));
}

/// What a body asks for after its head counts too.
#[tokio::test]
async fn what_went_into_a_stream_is_its_tags() {
    let client = client();
    let first = client.get("/streamed").await;
    assert_eq!(client.get("/streamed").await.body, first.body);
    client.post("/lapse?tag=chunk", &[], "").await;
    let second = client.get("/streamed").await;
    assert_eq!(state(&second), "MISS"); // CC6
    assert_ne!(second.body, first.body);
}

/// A body that reads the request after its head is not kept (Q16), and what tells the host so does not go out.
#[tokio::test]
async fn a_stream_that_reads_the_request_is_not_kept() {
    let client = client();
    for name in ["ann", "ben"] {
        let cookie = format!("name={name}");
        let headers = [("cookie", cookie.as_str())];
        let answer = client.ask("GET", "/greeting", &headers, "").await;
        assert_eq!(answer.text(), name);
        assert_eq!(state(&answer), "");
    }
    let mut sender = Client::http2(HOST.address()).connect().await;
    let answer = sender.begin("GET", "/greeting", &[("cookie", "name=eve")], "");
    let body = answer.await.unwrap().into_body().collect().await.unwrap();
    assert!(body.trailers().is_none(), "{:?}", body.trailers());
    assert_eq!(body.to_bytes(), "eve");
}

#[tokio::test]
async fn a_client_in_draft_mode_goes_past_what_is_kept() {
    let client = client();
    let kept = client.get("/posts/draft").await;
    let enabled = client.post("/draft", &[], "").await;
    let line = enabled.header("set-cookie").to_owned();
    assert!(line.starts_with("__prerender_bypass="), "{line}");
    assert!(line.ends_with("; Path=/; HttpOnly; SameSite=lax"), "{line}"); // D1, in development
    let cookie = line.split(';').next().unwrap();
    let ask = async |cookie: &str| {
        client
            .ask("GET", "/posts/draft", &[("cookie", cookie)], "")
            .await
    };
    let draft = ask(cookie).await;
    assert!(draft.text().starts_with("draft draft "), "{}", draft.text()); // D3 and I14
    assert!(
        draft
            .header("cache-control")
            .starts_with("private, no-cache, no-store")
    );
    assert_eq!(state(&draft), "");
    assert_eq!(client.get("/posts/draft").await.body, kept.body);
    let (_upstream, url) = numbered().await;
    let path = format!("/fetched?url={url}/draft&cache=force-cache");
    let fetched = async || {
        let answer = client.ask("GET", &path, &[("cookie", cookie)], "").await;
        answer.text().to_owned()
    };
    assert_ne!(fetched().await, fetched().await); // FC14
    let value = client.get("/value/drafted").await;
    let drafted = async || {
        let headers = [("cookie", cookie)];
        client.ask("GET", "/value/drafted", &headers, "").await.body
    };
    let drafts = [drafted().await, drafted().await];
    assert!(
        drafts[0] != drafts[1] && !drafts.contains(&value.body),
        "made each time"
    );
    assert_eq!(
        client.get("/value/drafted").await.body,
        value.body,
        "and not kept"
    );
    let forged = ask("__prerender_bypass=0").await; // D4
    assert_eq!(forged.body, kept.body);
    let disabled = client.ask("DELETE", "/draft", &[], "").await;
    let line = disabled.header("set-cookie");
    assert!(
        line.starts_with("__prerender_bypass=; Path=/; Expires=Thu, 01 Jan 1970"),
        "{line}"
    ); // D2
}
