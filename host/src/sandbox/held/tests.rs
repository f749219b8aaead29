use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use tokio::task::JoinHandle;
use waystation_rules::caching::{Lapsing, Life};

use super::*;
use crate::store::{Kind, Prepared};

const MINUTE: Duration = Duration::from_secs(60);

/// Calls of one app.
#[derive(Clone)]
struct Calls {
    store: Store,
    made: Arc<AtomicUsize>,
}

impl Calls {
    fn new() -> Self {
        Self {
            store: Store::new(1 << 20, None),
            made: Arc::default(),
        }
    }

    /// What a call finds: `None` if it has to make the value.
    async fn find(&self, call: &Held, key: &str) -> Option<Served> {
        let sought = Sought {
            key,
            life: Life::default(),
            tags: &[],
            takes_stale: true,
        };
        let found = call.find(&self.store, &sought).await;
        found.map(|(_, served)| served)
    }

    /// The same without waiting.
    fn find_now(&self, call: &Held, key: &str) -> Option<Served> {
        let found = self.find(call, key).now_or_never();
        found.expect("it does not wait")
    }

    async fn keep(&self, call: &Held, key: &str, life: Life) {
        let entry = Entry {
            key: key.into(),
            kind: Kind::Value,
            label: key.to_owned(),
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"1"),
            tags: vec!["tag".to_owned()],
            life,
            times: life.times(self.store.begin(), self.store.now()),
            prepared: Prepared::default(),
        };
        self.store.put(entry).await;
        call.kept(&self.store, key).await;
    }

    /// Calls that ask for `a` and make it if they have to; each has asked when this returns.
    async fn ask(&self, count: usize, life: Life) -> Vec<JoinHandle<Option<Served>>> {
        let ask = |_| {
            let calls = self.clone();
            tokio::spawn(async move {
                let call = call();
                let found = calls.find(&call, "a").await;
                if found.is_none() {
                    calls.made.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    calls.keep(&call, "a", life).await;
                }
                found
            })
        };
        let asked = (0..count).map(ask).collect();
        tokio::task::yield_now().await;
        asked
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

fn call() -> Held {
    of(MINUTE)
}

/// A call with so much time.
fn of(time: Duration) -> Held {
    Held::new(0, Instant::now(), time)
}

async fn found(asked: Vec<JoinHandle<Option<Served>>>) -> usize {
    let mut found = 0;
    for ask in asked {
        found += usize::from(ask.await.unwrap() == Some(Served::Hit));
    }
    found
}

#[tokio::test]
async fn many_who_ask_at_once_have_it_made_once() {
    let calls = Calls::new();
    let asked = calls.ask(100, Life::default()).await;
    assert_eq!((found(asked).await, calls.made()), (99, 1));
}

/// A stream may make values long after its call began, and after a tag of theirs has lapsed.
#[tokio::test]
async fn a_value_is_of_when_the_call_looked_for_it() {
    let calls = Calls::new();
    let stream = call();
    let call_began = calls.store.begin();
    let lapse = ("tag".to_owned(), Lapsing::Expire(0));
    calls.store.lapse(&[lapse]).await;
    assert_eq!(calls.find_now(&stream, "a"), None);
    let began = stream.take_begun("a").unwrap();
    assert!(call_began < began);
    assert_eq!(stream.take_begun("a"), None, "once");
    let life = Life::default();
    let mut entry = Entry {
        key: "a".into(),
        kind: Kind::Value,
        label: "a".to_owned(),
        status: 200,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"1"),
        tags: vec!["tag".to_owned()],
        life,
        times: life.times(call_began, calls.store.now()),
        prepared: Prepared::default(),
    };
    calls.store.put(entry.clone()).await;
    assert!(calls.store.get("a").await.is_none(), "of before the lapse");
    entry.times = life.times(began, calls.store.now());
    calls.store.put(entry).await;
    assert!(calls.store.get("a").await.is_some());
}

#[tokio::test]
async fn after_one_that_fails_or_ends_the_next_one_makes_it() {
    for goes_on in [true, false] {
        let calls = Calls::new();
        let first = call();
        assert_eq!(calls.find_now(&first, "a"), None);
        let asked = calls.ask(5, Life::default()).await;
        assert_eq!(calls.made(), 0, "they wait");
        let first = match goes_on {
            true => {
                first.failed("a");
                Some(first)
            }
            false => {
                drop(first);
                None
            }
        };
        assert_eq!((found(asked).await, calls.made()), (4, 1));
        drop(first);
    }
}

#[tokio::test]
async fn nobody_waits_for_what_cannot_be_kept() {
    let begun = Instant::now();
    for lives in [true, false] {
        let calls = Calls::new();
        let first = call();
        assert_eq!(calls.find_now(&first, "a"), None);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let calls = calls.clone();
                tokio::spawn(async move {
                    let call = call();
                    (calls.find(&call, "a").await, call)
                })
            })
            .collect();
        tokio::task::yield_now().await;
        let no_time = Life {
            revalidate: Some(0),
            expire: Some(0),
        };
        match lives {
            true => first.not_kept("a"),
            false => calls.keep(&first, "a", no_time).await,
        }
        let mut making = Vec::new();
        for ask in waiting {
            let (found, call) = ask.await.unwrap();
            assert_eq!(found, None);
            making.push(call); // each while those before still make it
        }
    }
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_makes_something_waits_for_nobody() {
    let calls = Calls::new();
    let (one, other) = (call(), call());
    assert_eq!(calls.find_now(&one, "a"), None);
    assert_eq!(calls.find_now(&other, "b"), None);
    assert_eq!(calls.find_now(&one, "b"), None, "opposite orders");
    assert_eq!(calls.find_now(&other, "a"), None, "opposite orders");
    assert_eq!(calls.find_now(&one, "a"), None, "its own");
    assert_eq!(calls.find_now(&one, "c"), None, "nested");
    calls.keep(&other, "a", Life::default()).await; // as good as that of whoever makes it for all
    assert_eq!(calls.find_now(&one, "a"), Some(Served::Hit));
    let asked_by_a_handler = Held::new(1, Instant::now(), MINUTE);
    assert_eq!(calls.find_now(&asked_by_a_handler, "c"), None);
}

#[test]
fn the_page_says_how_long_a_call_waits() {
    crate::telemetry::limits_page::says_time("value wait", PATIENCE);
}

#[tokio::test]
async fn nobody_waits_longer_than_he_has_time_for() {
    let calls = Calls::new();
    let first = call();
    for key in ["a", "b", "c"] {
        assert_eq!(calls.find_now(&first, key), None);
    }
    let time = Duration::from_millis(200);
    let (hurried, begun) = (of(time), Instant::now());
    for key in ["a", "b", "c"] {
        assert_eq!(calls.find(&hurried, key).await, None);
    }
    let waited = begun.elapsed();
    assert!((time / 2..time).contains(&waited), "{waited:?} in all");
    calls.keep(&hurried, "a", Life::default()).await;
    assert_eq!(calls.find_now(&call(), "a"), Some(Served::Hit));
}

#[tokio::test]
async fn nobody_waits_for_a_call_that_hardly_gets_on() {
    let calls = Calls::new();
    let streaming = call();
    calls.keep(&streaming, "a", Life::default()).await;
    let lapse = [("tag".to_owned(), Lapsing::Stale)];
    calls.store.lapse(&lapse).await;
    assert_eq!(calls.find_now(&streaming, "a"), Some(Served::Stale));
    assert_eq!(calls.find_now(&streaming, "b"), None);
    let impatient = || Held {
        patience: Duration::ZERO,
        ..call()
    };
    assert_eq!(calls.find_now(&call(), "a"), Some(Served::Hit));
    assert_eq!(calls.find_now(&impatient(), "a"), Some(Served::Stale));
    assert_eq!(calls.find_now(&impatient(), "b"), None);
}

#[tokio::test]
async fn one_call_makes_anew_what_is_stale() {
    let calls = Calls::new();
    let (one, other) = (call(), call());
    calls.keep(&one, "a", Life::default()).await;
    let lapse = [("tag".to_owned(), Lapsing::Stale)];
    calls.store.lapse(&lapse).await;
    assert_eq!(calls.find_now(&one, "a"), Some(Served::Stale));
    assert_eq!(calls.find_now(&other, "a"), Some(Served::Hit));
    one.failed("a");
    assert_eq!(calls.find_now(&other, "a"), Some(Served::Stale));
    calls.keep(&other, "a", Life::default()).await;
    assert_eq!(calls.find_now(&one, "a"), Some(Served::Hit));
}
