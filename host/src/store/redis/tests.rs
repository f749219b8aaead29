use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::HeaderMap;
use waystation_rules::caching::{Lapsing, Life, MOST_LAPSES, State};

use super::super::{Kind, Landed, PATIENCE, Prepared, Store};
use super::server::{Server, eventually, proxy};
use super::*;

/// What a request may wait for Redis.
const EXTRA: Duration = Duration::from_millis(50);

fn redis(port: u16) -> Arc<Redis> {
    let url = format!("redis://127.0.0.1:{port}/0");
    Arc::new(Redis::open(&url, "app").unwrap())
}

/// A node that has not met its Redis yet.
pub(super) fn node(port: u16) -> Store {
    Store::new(1 << 20, Some(redis(port)))
}

/// One that has.
async fn connected(port: u16) -> Store {
    let redis = redis(port);
    let store = Store::new(1 << 20, Some(redis.clone()));
    eventually("connected", async || redis.link.is_open()).await;
    store
}

pub(super) fn entry(store: &Store, key: &str, life: Life) -> Entry {
    Entry {
        key: key.into(),
        kind: Kind::Answer,
        label: key.to_owned(),
        status: 200,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"body"),
        tags: vec!["tag".to_owned(), key.to_owned()],
        life,
        times: life.times(store.now(), store.now()),
        prepared: Prepared::default(),
    }
}

async fn put(store: &Store, key: &str) {
    store.put(entry(store, key, Life::default())).await;
}

async fn state(store: &Store, key: &str) -> Option<State> {
    store.get(key).await.map(|(_, state)| state)
}

async fn lapse(store: &Store, tag: &str, lapsing: Lapsing) {
    store.lapse(&[(tag.to_owned(), lapsing)]).await;
}

/// Another node has it as soon as Redis has.
async fn arrives(from: &Store, at: &Store, key: &str) {
    eventually(key, async || {
        put(from, key).await;
        at.get(key).await.is_some()
    })
    .await;
}

#[tokio::test]
async fn what_one_node_keeps_the_others_have() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    let life = Life {
        revalidate: Some(10),
        expire: Some(60),
    };
    one.put(entry(&one, "a", life)).await;
    assert_eq!(state(&other, "a").await, Some(State::Fresh));
    let keys: Vec<String> = server.ask(cmd("KEYS").arg("waystation:{app}:entry:*"));
    let left: u64 = server.ask(cmd("PTTL").arg(&keys[0]));
    assert!((1..=60_000).contains(&left), "{left}");
    let foreign = Store::new(
        1 << 20,
        Some(Arc::new(Redis::open(&server.url(), "b").unwrap())),
    );
    assert_eq!(state(&foreign, "a").await, None);
    one.remove("a").await;
    assert_eq!(state(&one, "a").await, None);
}

#[tokio::test]
async fn what_is_no_entry_is_dropped() {
    let Some(server) = Server::start() else {
        return;
    };
    let one = connected(server.port).await;
    let name = Keys::new("app").entry("a");
    server.ask::<()>(cmd("SET").arg(&name).arg("not an entry"));
    assert_eq!(state(&one, "a").await, None);
    let is_there: bool = server.ask(cmd("EXISTS").arg(&name));
    assert!(!is_there);
}

#[tokio::test]
async fn a_lapse_is_seen_by_the_others_within_100_ms() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    let mut took = Vec::new();
    for number in 0..20 {
        took.push(seen(&one, &other, &format!("k{number}")).await);
    }
    took.sort();
    println!("seen after {:?}, at most {:?}", took[10], took[19]);
    assert!(took[17] < Duration::from_millis(100), "{took:?}"); // nine of ten, on a machine that does other things too
}

/// How long it takes until `other` sees what `one` lets lapse.
async fn seen(one: &Store, other: &Store, key: &str) -> Duration {
    arrives(one, other, key).await;
    assert_eq!(state(other, key).await, Some(State::Fresh));
    let begun = Instant::now();
    lapse(one, key, Lapsing::Stale).await;
    eventually("seen", async || {
        state(other, key).await == Some(State::Stale)
    })
    .await;
    begun.elapsed()
}

#[tokio::test]
async fn lapses_outlive_a_redis_that_forgets() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    for key in ["a", "b"] {
        arrives(&one, &other, key).await;
    }
    lapse(&one, "tag", Lapsing::Stale).await;
    server.kill();
    let begun = Instant::now();
    for number in 0..100 {
        lapse(&one, &format!("tag{number}"), Lapsing::Stale).await;
    }
    lapse(&one, "tag", Lapsing::Expire(0)).await;
    assert!(begun.elapsed() < EXTRA, "{:?}", begun.elapsed());
    assert!(state(&one, "a").await.is_none());
    assert_ne!(state(&other, "a").await, None, "it cannot know yet");

    server.restart();
    let back = eventually("replayed", async || state(&other, "a").await.is_none()).await;
    let took = seen(&one, &other, "c").await;
    println!("replayed {back:?} after the restart; then seen after {took:?}");
    assert!(took < Duration::from_millis(100), "{took:?}");
    let tags: usize = server.ask(cmd("HLEN").arg(&Keys::new("app").clock));
    assert_eq!(tags, 102);

    let third = connected(server.port).await; // knows nothing by itself
    let clock: Arc<Clock> = Arc::default();
    let redis = redis(server.port);
    redis.follow(&clock);
    eventually("told", async || clock.all().len() == 102).await;
    assert!(state(&third, "b").await.is_none());
}

#[tokio::test]
async fn of_too_many_tags_redis_forgets_the_first() {
    let Some(server) = Server::start() else {
        return;
    };
    let told: Vec<_> = (0..=MOST_LAPSES as u64)
        .map(|time| {
            let mut lapse = Lapse::default();
            lapse.add(Lapsing::Stale, time);
            (time.to_string(), lapse)
        })
        .collect();
    let mut fill = cmd("HSET");
    fill.arg(Keys::new("app").clock);
    for (tag, lapse) in &told {
        fill.arg(tag).arg(serde_json::to_string(lapse).unwrap());
    }
    server.ask::<()>(&fill);
    let clocks = [Arc::<Clock>::default(), Arc::default()];
    told[..100]
        .iter()
        .for_each(|(tag, lapse)| clocks[1].merge(tag, lapse));
    let nodes = clocks.each_ref().map(|clock| {
        let redis = redis(server.port);
        redis.follow(clock);
        redis
    });
    let count = || server.ask::<usize>(cmd("HLEN").arg(&nodes[0].keys.clock));
    eventually("forgotten", async || count() < MOST_LAPSES * 2 / 3).await;
    for clock in clocks {
        eventually("folded", async || clock.of(&[]).stale.is_some()).await;
        assert_eq!(clock.of(&[MOST_LAPSES.to_string()]), told[MOST_LAPSES].1);
    }
}

#[tokio::test]
async fn a_slow_redis_costs_one_short_wait() {
    let Some(server) = Server::start() else {
        return;
    };
    let (port, slowness) = proxy(server.port).await;
    let (one, other) = (connected(port).await, connected(server.port).await);
    arrives(&one, &other, "a").await;
    let mut waited = Vec::new();
    for round in 0..5 {
        slowness.store(5000, Ordering::Relaxed);
        let begun = Instant::now();
        assert_eq!(state(&one, "missing").await, None);
        waited.push(begun.elapsed());
        assert_goes_on_alone(&one, &format!("slow{round}-")).await;
        slowness.store(0, Ordering::Relaxed);
        arrives(&one, &other, &format!("b{round}")).await;
    }
    waited.sort();
    println!("a request waited {:?}, at most {:?}", waited[2], waited[4]);
    assert!(waited[2] < EXTRA, "{waited:?}");
}

/// Requests that find nothing, make it, keep it and invalidate are not held up.
async fn assert_goes_on_alone(node: &Store, name: &str) {
    let begun = Instant::now();
    for number in 0..10 {
        let key = format!("{name}{number}");
        let flight = node.flight(&key).await;
        assert_eq!(state(node, &key).await, None);
        put(node, &key).await;
        flight.land(Landed::Kept);
        assert_eq!(state(node, &key).await, Some(State::Fresh));
        lapse(node, "other", Lapsing::Stale).await;
    }
    let each = begun.elapsed() / 10;
    assert!(each < EXTRA, "{each:?}");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_used_once_it_is() {
    let Some(mut server) = Server::start() else {
        return;
    };
    server.kill();
    let (one, other) = (node(server.port), node(server.port));
    assert_goes_on_alone(&one, "alone").await;
    server.restart();
    arrives(&one, &other, "a").await;
    let clock: Arc<Clock> = Arc::default();
    let redis = redis(server.port);
    redis.follow(&clock);
    eventually("told", async || clock.all().len() == 1).await;
}

#[tokio::test]
async fn a_redis_that_came_back_meets_no_stampede() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let node = connected(server.port).await;
    server.kill();
    let asks: Vec<_> = (0..500)
        .map(|number| tokio::spawn(until_shared(node.clone(), format!("k{number}"))))
        .collect();
    server.restart();
    for ask in asks {
        ask.await.unwrap();
    }
    let told: String = server.ask(cmd("INFO").arg("stats"));
    let received = told.split("total_connections_received:").nth(1).unwrap();
    let received: u32 = received.lines().next().unwrap().parse().unwrap();
    assert!(received < 50, "{received} connections for 500 requests");
}

/// Goes on as requests do: with puts that Redis does not take, until it does.
async fn until_shared(node: Store, key: String) {
    let behind = node.behind.clone().unwrap();
    let begun = Instant::now();
    while !matches!(behind.load(&key).await, Ok(Some(_))) {
        assert!(begun.elapsed() < Duration::from_secs(20));
        put(&node, &key).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_full_redis_loses_no_lapse() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    arrives(&one, &other, "a").await;
    let limit = |bytes: &str| {
        let mut config = cmd("CONFIG");
        server.ask::<()>(config.arg("SET").arg("maxmemory").arg(bytes));
    };
    limit("1mb");
    assert_goes_on_alone(&one, "alone").await;
    lapse(&one, "tag", Lapsing::Stale).await;
    assert_eq!(state(&one, "a").await, Some(State::Stale));
    limit("0");
    eventually("told", async || {
        state(&other, "a").await == Some(State::Stale)
    })
    .await;
    arrives(&one, &other, "b").await;
}

#[tokio::test]
async fn two_nodes_make_it_once() {
    let Some(server) = Server::start() else {
        return;
    };
    let nodes = [connected(server.port).await, connected(server.port).await];
    let made = Arc::new(AtomicUsize::new(0));
    for round in 1..=10 {
        let before = made.load(Ordering::Relaxed);
        let asks: Vec<_> = (0..200)
            .map(|number| tokio::spawn(ask(nodes[number % 2].clone(), Arc::clone(&made))))
            .collect();
        for ask in asks {
            ask.await.unwrap();
        }
        let total = made.load(Ordering::Relaxed);
        assert!(total - before <= nodes.len(), "once per node at most");
        assert!(
            (round..round + 3).contains(&total),
            "{total} in {round} rounds: once is normal"
        );
        // Both know it is stale: it is made once more, not twice.
        lapse(&nodes[0], "tag", Lapsing::Stale).await;
        eventually("stale", async || {
            let [one, other] = [state(&nodes[0], "a").await, state(&nodes[1], "a").await];
            [one, other] == [Some(State::Stale); 2]
        })
        .await;
    }
}

async fn ask(node: Store, made: Arc<AtomicUsize>) {
    if state(&node, "a").await == Some(State::Fresh) {
        return;
    }
    let flight = node.flight("a").await;
    if state(&node, "a").await != Some(State::Fresh) {
        make(&node, &made).await;
    }
    flight.land(Landed::Kept);
}

async fn make(node: &Store, made: &AtomicUsize) {
    made.fetch_add(1, Ordering::Relaxed);
    let making = tokio::time::sleep(Duration::from_millis(30)); // what a handler takes
    making.await;
    put(node, "a").await;
}

#[tokio::test]
async fn a_node_that_dies_holds_nobody_up_for_long() {
    let Some(server) = Server::start() else {
        return;
    };
    let (one, other) = (connected(server.port).await, connected(server.port).await);
    let dead = one.flight("a").await;
    std::mem::forget(dead);
    let begun = Instant::now();
    other.flight("a").await.land(Landed::Kept);
    assert!(begun.elapsed() < LEASE + Duration::from_secs(1));
}

#[test]
fn the_page_says_how_long_a_shared_entry_is() {
    crate::telemetry::limits_page::says("shared entry", LONGEST as u64);
}

#[tokio::test]
async fn a_password_is_not_told() {
    let redis = Redis::open("redis://user:secret@127.0.0.1:1/0", "app").unwrap();
    let error = redis.read("a").await.unwrap_err().to_string();
    assert_eq!(error, "redis://127.0.0.1:1: it does not answer for now");
}

mod renewal;
