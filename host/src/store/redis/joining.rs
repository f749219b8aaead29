//! What a node learns from Redis when it starts: what went out of date, and which secrets the others use.

use super::super::Store;
use super::server::{Server, eventually};
use super::tests::{entry, node};
use super::*;

use waystation_rules::caching::{Lapsing, Life, State};

const PATIENCE: Duration = Duration::from_secs(20);

/// A node's secret under a name, and what it is until the node has heard of others.
fn secret(node: &Store, name: &str) -> (Arc<Secret>, String) {
    let own = blake3::hash(&getrandom::u64().unwrap().to_le_bytes()).to_hex();
    let secret = Arc::new(Secret::new(name.to_owned(), own.to_string()));
    node.share(&secret);
    (secret, own.to_string())
}

/// Waits until it is no longer the node's own.
async fn shared(secret: &Secret, own: &str) -> String {
    eventually("shared", async || secret.current() != own).await;
    secret.current()
}

#[tokio::test]
async fn nodes_share_a_secret_and_keep_it_when_redis_forgets() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let [one, other] = [node(server.port), node(server.port)];
    let [(first, own), (second, another)] = [secret(&one, "1"), secret(&other, "1")];
    let told = shared(&first, &own).await;
    assert_eq!(shared(&second, &another).await, told);
    assert_eq!(told.len(), 64);
    assert!(first.is_shown(&told) && second.is_shown(&told));
    assert!(first.is_shown(&own), "a client may have it already");
    assert!(!first.is_shown(&another));
    let foreign = Arc::new(Redis::open(&server.url(), "b").unwrap());
    let foreign = Store::new(1 << 20, Some(foreign));
    for (other, own) in [secret(&one, "2"), secret(&foreign, "1")] {
        shared(&other, &own).await;
        assert!(!other.is_shown(&told), "of another release or app");
    }

    server.kill();
    let before = told;
    assert_eq!(second.current(), before);
    server.restart();
    let third = node(server.port);
    let (third, own) = secret(&third, "1");
    shared(&third, &own).await;
    eventually("the same again", async || {
        let told = first.current();
        second.current() == told && third.current() == told
    })
    .await;
    assert!(first.is_shown(&before) && second.is_shown(&before));
}

#[tokio::test]
async fn what_is_no_secret_is_replaced() {
    let Some(server) = Server::start() else {
        return;
    };
    for told in ["", "0", "secret"] {
        let name = Keys::new("app").secret("1");
        server.ask::<()>(cmd("SET").arg(&name).arg(told));
        let node = node(server.port);
        let (secret, own) = secret(&node, "1");
        shared(&secret, &own).await;
        assert!(!secret.is_shown(told));
        let told: String = server.ask(cmd("GET").arg(&name));
        assert_eq!(told, secret.current());
        let left: u64 = server.ask(cmd("PTTL").arg(&name));
        assert!((1..=MONTH).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn a_node_that_starts_knows_what_went_out_of_date_before() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let other = node(server.port);
    other.ready(PATIENCE).await;
    let began = other.begin();
    let lapse = [("tag".to_owned(), Lapsing::Expire(0))];
    other.lapse(&lapse).await;
    let clock = Keys::new("app").clock;
    let tags = || -> usize { server.ask(cmd("HLEN").arg(&clock)) };
    eventually("told", async || tags() == 1).await;

    let started = node(server.port);
    started.ready(PATIENCE).await;
    for (key, tag) in [("old", "tag"), ("good", "another")] {
        let life = Life::default();
        let entry = Entry {
            tags: vec![tag.to_owned()],
            times: life.times(began, began),
            ..entry(&started, key, life)
        };
        started.put(entry).await;
    }
    assert!(started.get("old").await.is_none());
    let good = started.get("good").await.map(|(_, state)| state);
    assert_eq!(good, Some(State::Fresh));

    server.kill();
    let begun = std::time::Instant::now();
    let patience = Duration::from_millis(20);
    node(server.port).ready(patience).await;
    let waited = begun.elapsed();
    assert!((patience..PATIENCE).contains(&waited), "{waited:?}");
}
