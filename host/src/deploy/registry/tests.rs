//! Registries that answer what no honest one does.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use super::*;
use crate::deploy::Arrivals;
use crate::project::digest::Digest;
use crate::project::layout::Blobs;
use crate::project::release::ARTIFACT_TYPE;

/// A registry on a free port. It hears `GET /v2/shop/..` and who asks, and answers as it likes.
struct Fake {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    async fn new(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let routes = Router::new().fallback(async move |request: Request| {
            let mut line = format!("{} {}", request.method(), request.uri());
            for name in ["range", "authorization"] {
                let value = request.headers().get(name);
                line += &value.map_or_else(String::new, |value| format!(" {value:?}"));
            }
            hearing.lock().unwrap().push(line.clone());
            answer(&line)
        });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { port, heard }
    }

    fn reference(&self) -> Reference {
        format!("127.0.0.1:{}/shop:live", self.port)
            .parse()
            .unwrap()
    }

    fn client(&self) -> Registry {
        Registry::new(&self.reference(), Access::Pull)
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// A body that does not end.
fn endless() -> Body {
    let piece = Bytes::from(vec![b' '; 64 << 10]);
    Body::from_stream(stream::repeat_with(move || {
        Ok::<_, std::io::Error>(piece.clone())
    }))
}

/// A release of two blobs, as its image manifest.
fn image(layer: &[u8], size: usize) -> Bytes {
    let part = |kind: &str, digest: Digest, size: usize| {
        let annotations = json!({ "org.opencontainers.image.title": kind });
        json!({ "mediaType": kind, "digest": digest.to_oci(), "size": size, "annotations": annotations })
    };
    let image = json!({
        "schemaVersion": 2,
        "artifactType": ARTIFACT_TYPE,
        "config": part("config", Digest::of(b"{}"), 2),
        "layers": [part("layer", Digest::of(layer), size)],
    });
    image.to_string().into()
}

/// What comes of fetching a release of a layer with this name, for which the registry gives something else.
async fn fetched(layer: &'static [u8], size: usize, given: &'static [u8]) -> String {
    let manifest = image(layer, size);
    let digest = Digest::of(&manifest);
    let fake = Fake::new(move |line| {
        let path = line.split(' ').nth(1).unwrap();
        match path.ends_with(Digest::of(layer).as_str()) {
            true => answer(200, &[], given),
            false if path.contains("/blobs/") => answer(200, &[], "{}"),
            false => answer(200, &[], manifest.clone()),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&fake, &digest, folder.path()).await;
    let whole = Blobs::at(folder.path()).path(&digest).exists();
    assert_eq!(whole, fetched.is_ok(), "the manifest comes last");
    fetched.map_or_else(|error| error.to_string(), |()| "fetched".to_owned())
}

async fn fetch(
    fake: &Fake,
    digest: &Digest,
    folder: &std::path::Path,
) -> Result<(), RegistryError> {
    let arrivals = Arrivals::new(Blobs::at(folder), &folder.join("arriving"), 1 << 20);
    let client = fake.client();
    let manifest = client.manifest(digest).await?;
    client
        .fetch(digest, manifest, &Arc::new(arrivals), 1 << 20, &|_| {})
        .await
}

#[tokio::test]
async fn what_is_not_what_the_manifest_says_is_not_taken() {
    assert_eq!(fetched(b"layer", 5, b"layer").await, "fetched");
    assert_eq!(fetched(b"", 0, b"").await, "fetched");
    for (size, given, words) in [
        (5, &b"lAyer"[..], "what came is not"),
        (5, b"layers", "a blob has up to 5 bytes"),
        (5, b"laye", "`layer` ends before its end"),
        (4, b"layer", "a blob has up to 4 bytes"),
        (2 << 20, b"layer", "bytes, and 1048576 is the most"),
    ] {
        let told = fetched(b"layer", size, given).await;
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn what_does_not_end_is_not_kept_in_memory() {
    let manifest = image(b"layer", 5);
    let digest = Digest::of(&manifest);
    let folder = tempfile::tempdir().unwrap();
    for (endless_part, words) in [
        ("/manifests/", "more than 4194304 bytes"),
        ("/blobs/", "a blob has up to"),
    ] {
        let manifest = manifest.clone();
        let fake = Fake::new(move |line| match line.contains(endless_part) {
            true => answer(200, &[], endless()),
            false => answer(200, &[], manifest.clone()),
        });
        let told = fetch(&fake.await, &digest, folder.path()).await;
        let told = told.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    let refusing = Fake::new(|_| answer(500, &[], endless())).await;
    let told = refusing.client().digest().await.unwrap_err().to_string();
    assert!(told.contains("answers 500"), "{told}"); // HEAD has no body
    let told = fetch(&refusing, &digest, folder.path()).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("more than 65536 bytes"), "{told}");
}

#[tokio::test]
async fn a_blob_that_broke_off_goes_on_where_it_did() {
    let manifest = image(b"layer", 5);
    let digest = Digest::of(&manifest);
    let fake = Fake::new(move |line| {
        let path = line.split(' ').nth(1).unwrap();
        match path.ends_with(Digest::of(b"layer").as_str()) {
            true if line.contains("bytes=3-") => answer(206, &[], "er"),
            true => answer(200, &[], "lay"),
            false if path.contains("/blobs/") => answer(200, &[], "{}"),
            false => answer(200, &[], manifest.clone()),
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    assert!(fetch(&fake, &digest, folder.path()).await.is_err());
    fetch(&fake, &digest, folder.path()).await.unwrap();
    fake.heard();
    fetch(&fake, &digest, folder.path()).await.unwrap();
    assert_eq!(fake.heard().len(), 1, "the rest is here");
}

#[tokio::test]
async fn a_tag_is_looked_at_without_fetching_anything() {
    let digest = Digest::of(b"manifest");
    let told = digest.to_oci();
    let fake = Fake::new(move |_| answer(200, &[("docker-content-digest", &told)], "")).await;
    assert_eq!(fake.client().digest().await.unwrap(), digest);
    assert_eq!(fake.heard(), ["HEAD /v2/shop/manifests/live"]);
    let silent = Fake::new(|_| answer(200, &[], "manifest")).await;
    assert_eq!(silent.client().digest().await.unwrap(), digest);
    let pinned = silent.reference().at(&Digest::of(b"other"));
    let other = Registry::new(&pinned, Access::Pull).digest().await;
    assert!(
        other
            .unwrap_err()
            .to_string()
            .contains("names another release")
    );
}

#[tokio::test]
async fn what_is_no_release_is_told() {
    for (manifest, words) in [
        (
            "{\"schemaVersion\":2,\"manifests\":[]}",
            "is no release: missing field",
        ),
        ("no JSON", "is no release"),
    ] {
        let fake = Fake::new(move |_| answer(200, &[], manifest)).await;
        let folder = tempfile::tempdir().unwrap();
        let told = fetch(&fake, &Digest::of(manifest.as_bytes()), folder.path()).await;
        let told = told.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    let fake = Fake::new(|_| answer(404, &[], "")).await;
    let told = fake.client().digest().await.unwrap_err().to_string();
    assert_eq!(told, format!("there is no `{}`", fake.reference()));
    let words = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"too\\u001b[2J\\nmany\"}]}";
    let fake = Fake::new(move |_| answer(429, &[], words)).await;
    let folder = tempfile::tempdir().unwrap();
    let told = fetch(&fake, &Digest::of(b""), folder.path()).await;
    let told = told.unwrap_err().to_string();
    assert!(
        told.ends_with("answers 429 Too Many Requests: too [2J many"),
        "{told}"
    );
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_told_to_the_registry_alone() {
    let elsewhere = Fake::new(|_| answer(200, &[], "manifest")).await;
    let digest = Digest::of(b"manifest");
    let port = elsewhere.port;
    let challenge = Arc::new(Mutex::new(String::new()));
    let fake = Fake::new({
        let challenge = Arc::clone(&challenge);
        move |line| {
            let elsewhere = format!("http://127.0.0.1:{port}/manifest");
            let challenge = challenge.lock().unwrap();
            match line {
                token if token.contains("/token?") => answer(200, &[], "{\"token\":\"abc\"}"),
                known if known.contains("Bearer abc") => {
                    answer(307, &[("location", &elsewhere)], "")
                }
                _ => answer(401, &[("www-authenticate", &challenge)], ""),
            }
        }
    })
    .await;
    let realm = format!(
        "Bearer realm=\"http://127.0.0.1:{}/token\",service=\"a b\"",
        fake.port
    );
    challenge.lock().unwrap().push_str(&realm);
    let client = fake.client();
    assert_eq!(client.digest().await.unwrap(), digest);
    let asked = fake.heard();
    assert_eq!(asked[0], "HEAD /v2/shop/manifests/live");
    assert_eq!(
        asked[1],
        "GET /token?scope=repository%3Ashop%3Apull&service=a+b"
    );
    assert!(asked[2].ends_with("\"Bearer abc\""), "{asked:?}");
    assert!(
        elsewhere
            .heard()
            .iter()
            .all(|line| !line.contains("Bearer"))
    );
    client.digest().await.unwrap();
    assert!(fake.heard().iter().all(|line| !line.contains("/token")));
}

#[tokio::test]
async fn a_server_that_a_registry_leads_to_is_told_no_password() {
    let asked_for = Fake::new(|_| answer(200, &[], "{\"token\":\"abc\"}")).await;
    let realm = format!("Bearer realm=\"http://127.0.0.1:{}/token\"", asked_for.port);
    let elsewhere = Fake::new(move |_| answer(401, &[("www-authenticate", &realm)], "")).await;
    let there = format!("http://127.0.0.1:{}/manifest", elsewhere.port);
    let fake = Fake::new(move |_| answer(307, &[("location", &there)], "")).await;
    let error = fake.client().digest().await.unwrap_err().to_string();
    assert!(error.contains("wants to know who asks"), "{error}");
    assert!(asked_for.heard().is_empty());
}

#[tokio::test]
async fn a_registry_leads_nobody_astray() {
    let redirecting = |to: &'static str| Fake::new(move |_| answer(307, &[("location", to)], ""));
    let challenging =
        |header: &'static str| Fake::new(move |_| answer(401, &[("www-authenticate", header)], ""));
    for (fake, words) in [
        (
            redirecting("http://a.example/").await,
            "`http://a.example`, which is not encrypted",
        ),
        (
            redirecting("file:///etc/passwd").await,
            "leads to what is no URL",
        ),
        (
            redirecting("/again").await,
            "leads from one place to the next",
        ),
        (
            challenging("Bearer realm=\"http://a.example/\"").await,
            "which is not encrypted",
        ),
        (
            challenging("Negotiate").await,
            "it does not say how to log in",
        ),
        (
            challenging("Basic realm=\"a\"").await,
            "Docker's config has none for it",
        ),
    ] {
        let told = fake.client().digest().await.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    for token in ["{\"token\":\"a\\nb\"}", "{}", "token"] {
        let realm = Arc::new(Mutex::new(String::new()));
        let fake = Fake::new({
            let realm = Arc::clone(&realm);
            move |line| match line.contains("/token?") {
                true => answer(200, &[], token),
                false => answer(401, &[("www-authenticate", &realm.lock().unwrap())], ""),
            }
        })
        .await;
        let text = format!("Bearer realm=\"http://127.0.0.1:{}/token\"", fake.port);
        realm.lock().unwrap().push_str(&text);
        let told = fake.client().digest().await.unwrap_err().to_string();
        assert!(
            told.contains("does not answer as a registry does"),
            "{token}: {told}"
        );
    }
}
