use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::*;
use crate::node::{Policy, make_token};

/// Reads the routes where they are declared.
fn declared() -> BTreeSet<(String, String)> {
    let source: String = include_str!("routes.rs").split_whitespace().collect();
    let routes = source.split(".route(\"").skip(1);
    let routes = routes.flat_map(|route| {
        let (path, rest) = route.split_once('"').unwrap();
        let rest = rest.split(")}").next().unwrap();
        let methods = ["get", "put", "post", "patch", "delete"];
        let used = methods.into_iter().filter(|method| {
            let (first, chained) = (format!(",{method}("), format!(".{method}("));
            rest.starts_with(&first) || rest.contains(&chained)
        });
        used.map(|method| (path.to_owned(), method.to_owned()))
            .collect::<Vec<_>>()
    });
    routes.collect()
}

#[test]
fn the_description_lists_what_can_be_asked() {
    let described: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    let paths = described["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, operations)| {
        let methods = operations.as_object().unwrap().keys();
        let methods = methods.filter(|key| *key != "parameters");
        methods.map(|method| (path.clone(), method.clone()))
    });
    assert_eq!(operations.collect::<BTreeSet<_>>(), declared());
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let references = OPENAPI.split("#/components/schemas/").skip(1);
    for name in references.map(|rest| rest.split('"').next().unwrap()) {
        assert!(schemas.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn over_the_network_a_token_opens_its_app_alone() {
    let data = tempfile::tempdir().unwrap();
    let shop = "shop".to_owned().try_into().unwrap();
    let all = make_token(data.path(), "ci", None, Vec::new()).unwrap();
    let one = make_token(data.path(), "shop", Some(shop), Vec::new()).unwrap();
    let node = Arc::new(open(data.path()).await);
    let mut tcp = guarded(Arc::clone(&node), Guard::Token);
    for (token, path, expected) in [
        (None, "/v1/apps", 401),
        (None, "/metrics", 401),
        (Some(&*one), "/metrics", 200),
        (Some("wst_0"), "/v1/apps", 401),
        (Some(&*all), "/v1/apps", 200),
        (Some(&*one), "/v1/apps", 200),
        (Some(&*all), "/v1/apps/blog", 404),
        (Some(&*one), "/v1/apps/blog", 403),
        (Some(&*one), "/v1/apps/shop", 404),
        (Some(&*one), "/v1/apps/..", 400),
        (None, "/v1/apps/shop", 401),
        (None, "/healthz", 200),
        (None, "/readyz", 200),
        (None, "/v1/openapi.json", 200),
        (Some(&*all), "/v2", 404),
    ] {
        let (status, _) = ask(&mut tcp, "GET", path, token, "").await;
        assert_eq!(status, expected, "{path}");
    }
    let mut socket = guarded(node, Guard::Socket);
    assert_eq!(ask(&mut socket, "GET", "/v1/apps", None, "").await.0, 200);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_json() {
    let data = tempfile::tempdir().unwrap();
    let mut socket = guarded(Arc::new(open(data.path()).await), Guard::Socket);
    for (method, path, body, expected) in [
        ("POST", "/v1/apps/shop/activate", "{", 400),
        ("POST", "/v1/apps/shop/activate", "{\"release\":\"a\"}", 400),
        ("PUT", "/v1/blobs/a?at=0&size=1", "a", 400),
        ("PUT", "/v1/blobs/a?at=x", "a", 400),
        ("PATCH", "/v1/apps/shop/env", "{\"A-B\":\"1\"}", 400),
        ("PUT", "/v1/apps/shop/hosts", "{\"hosts\":[\"a:80\"]}", 400),
        ("GET", "/nothing", "", 404),
    ] {
        let (status, answer) = ask(&mut socket, method, path, None, body).await;
        assert_eq!(status, expected, "{path}: {answer}");
        let refused: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert!(refused["error"].is_string(), "{answer}");
    }
}

async fn open(data: &std::path::Path) -> Node {
    let data = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Node::open(&data, 80, Policy::default()));
    opened.await.unwrap().unwrap()
}

async fn ask(
    routes: &mut Router,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    request = request.header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = routes.call(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}
