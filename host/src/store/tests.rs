use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use waystation_rules::caching::{Lapse, Life};

use super::*;

fn entry(store: &Store, key: &str, tags: &[&str], life: Life) -> Entry {
    let mut headers = HeaderMap::new();
    headers.insert("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
    Entry {
        key: key.into(),
        kind: Kind::Answer,
        label: "/a".to_owned(),
        status: 200,
        headers,
        body: Bytes::from_static(b"body"),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        life,
        times: life.times(store.begin(), store.now()),
        prepared: Prepared::default(),
    }
}

fn at(clock: &Arc<AtomicU64>) -> Store {
    let clock = Arc::clone(clock);
    Store::new(1 << 20, None).by(move || clock.load(Ordering::Relaxed))
}

#[tokio::test]
async fn what_is_kept_is_fresh_stale_and_gone() {
    let clock = Arc::new(AtomicU64::new(1000));
    let store = at(&clock);
    let life = Life {
        revalidate: Some(1),
        expire: Some(3),
    };
    store.put(entry(&store, "a", &["t"], life)).await;
    let state = async |now| {
        clock.store(now, Ordering::Relaxed);
        store.get("a").await.map(|(_, state)| state)
    };
    assert_eq!(state(1500).await, Some(State::Fresh));
    assert_eq!(state(2500).await, Some(State::Stale));
    assert_eq!(state(4000).await, None);
    assert!(store.get("b").await.is_none());
}

#[tokio::test]
async fn a_tag_that_lapses_concerns_what_was_made_before() {
    let clock = Arc::new(AtomicU64::new(1000));
    let store = at(&clock);
    store.put(entry(&store, "a", &["t"], Life::default())).await;
    store.put(entry(&store, "b", &["u"], Life::default())).await;
    store.lapse(&[("t".to_owned(), Lapsing::Stale)]).await;
    assert_eq!(store.get("a").await.unwrap().1, State::Stale);
    assert_eq!(store.get("b").await.unwrap().1, State::Fresh);
    for _ in 0..3 {
        store.put(entry(&store, "a", &["t"], Life::default())).await; // in the same millisecond
        assert_eq!(store.get("a").await.unwrap().1, State::Fresh);
        store.lapse(&[("t".to_owned(), Lapsing::Expire(0))]).await;
        assert!(store.get("a").await.is_none());
    }
}

/// Two who ask for the same may say other things of it.
#[tokio::test]
async fn whoever_asks_says_how_long_it_lives_and_what_it_carries() {
    let clock = Arc::new(AtomicU64::new(0));
    let store = at(&clock);
    let long = Life {
        revalidate: Some(600),
        expire: None,
    };
    let short = Life {
        revalidate: Some(30),
        expire: Some(60),
    };
    store.put(entry(&store, "a", &["t"], long)).await;
    let state = async |seconds: u64, life, tag: &str| {
        clock.store(seconds * 1000, Ordering::Relaxed);
        let kept = store.get_for("a", life, &[tag.to_owned()]).await;
        kept.map(|(_, state)| state)
    };
    for (seconds, expected) in [
        (29, Some(State::Fresh)),
        (30, Some(State::Stale)),
        (60, None),
    ] {
        assert_eq!(state(seconds, short, "u").await, expected, "{seconds}");
        assert_eq!(state(seconds, long, "u").await, Some(State::Fresh));
    }
    let mut value = entry(&store, "a", &["t"], short);
    value.kind = Kind::Value;
    value.times = short.times(0, 0);
    store.put(value).await;
    assert_eq!(
        state(30, long, "v").await,
        Some(State::Stale),
        "as what went into it"
    );
    let mut fetched = entry(&store, "a", &["t"], short);
    fetched.times = long.times(0, 0);
    store.put(fetched).await;
    assert_eq!(state(60, long, "v").await, Some(State::Fresh));
    store.lapse(&[("u".to_owned(), Lapsing::Stale)]).await;
    assert_eq!(state(60, long, "u").await, Some(State::Stale));
    assert_eq!(state(60, long, "v").await, Some(State::Fresh));
    store.lapse(&[("u".to_owned(), Lapsing::Expire(0))]).await;
    assert_eq!(state(60, long, "u").await, None);
    store.lapse(&[("t".to_owned(), Lapsing::Stale)]).await;
    assert_eq!(
        state(60, long, "v").await,
        Some(State::Stale),
        "as it was kept"
    );
}

#[tokio::test]
async fn another_nodes_clock_may_be_ahead() {
    let store = at(&Arc::new(AtomicU64::new(1000)));
    let mut told = Lapse::default();
    told.add(Lapsing::Expire(0), 9000);
    store.clock.merge("t", &told);
    store.put(entry(&store, "a", &["t"], Life::default())).await;
    assert_eq!(store.get("a").await.unwrap().1, State::Fresh);
    store.clock.has_begun(9500);
    store.lapse(&[("t".to_owned(), Lapsing::Stale)]).await;
    assert_eq!(store.clock.of(&["t".to_owned()]).stale, Some(9500));

    let third = at(&Arc::new(AtomicU64::new(1000)));
    third.clock.merge("t", &told);
    third.lapse(&[("t".to_owned(), Lapsing::Stale)]).await; // what another has begun since it knows of the first lapse is not newer
    assert_eq!(third.clock.of(&["t".to_owned()]).stale, Some(9001));
}

#[tokio::test]
async fn memory_is_bounded() {
    let store = Store::new(100 << 10, None); // I15
    for number in 0..1000 {
        store
            .put(entry(&store, &format!("k{number}"), &[], Life::default()))
            .await;
    }
    let (bytes, count) = store.memory.settled();
    assert!(
        bytes <= 100 << 10 && 10 < count,
        "{count} entries of {bytes} bytes"
    );
}

/// A spot gives what a look would find, whatever became of it meanwhile.
#[tokio::test]
async fn what_was_found_before_is_found_again_as_long_as_it_is_there() {
    let clock = Arc::new(AtomicU64::new(1000));
    let store = at(&clock);
    let spot = Spot::default();
    let fresh = |key: &str| store.fresh(&spot, key).map(|(entry, _)| entry);
    assert!(fresh("a").is_none());
    let first = store.put(entry(&store, "a", &["t"], Life::default())).await;
    for now in [1000, 1500, 2000, 5000] {
        clock.store(now, Ordering::Relaxed);
        assert!(Arc::ptr_eq(&fresh("a").unwrap(), &first), "{now}");
    }
    let second = store.put(entry(&store, "a", &["t"], Life::default())).await;
    assert!(Arc::ptr_eq(&fresh("a").unwrap(), &second));
    store.put(entry(&store, "b", &[], Life::default())).await;
    assert!(Arc::ptr_eq(&fresh("a").unwrap(), &second));
    store.lapse(&[("t".to_owned(), Lapsing::Stale)]).await;
    assert!(fresh("a").is_none(), "it is not fresh");
    for forget in 0..2 {
        store.put(entry(&store, "a", &["t"], Life::default())).await;
        assert!(fresh("a").is_some());
        match forget {
            0 => store.remove("a").await,
            _ => store.purge().await,
        }
        assert!(fresh("a").is_none(), "it was forgotten");
    }
}

/// A spot keeps nothing in memory that the budget has no room for.
#[tokio::test]
async fn what_is_evicted_is_gone() {
    let store = Store::new(10 << 10, None);
    let spot = Spot::default();
    let put = store.put(entry(&store, "k0", &[], Life::default())).await;
    store.fresh(&spot, "k0").expect("it is there");
    let kept = Arc::downgrade(&put);
    drop(put);
    for number in 1..1000 {
        let key = format!("k{number}");
        store.put(entry(&store, &key, &[], Life::default())).await;
        store.get(&key).await; // others are asked for more
        store.get(&key).await;
    }
    store.memory.settled();
    assert!(store.memory.get("k0").is_none());
    assert!(kept.upgrade().is_none());
}

#[tokio::test]
async fn a_thousand_who_ask_at_once_have_it_made_once() {
    let store = Store::new(1 << 20, None);
    let made = Arc::new(AtomicUsize::new(0));
    let ask = |_| {
        let (store, made) = (store.clone(), Arc::clone(&made));
        tokio::spawn(async move {
            let flight = store.flight("a").await;
            if store.get("a").await.is_none() {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                store.put(entry(&store, "a", &[], Life::default())).await;
            }
            flight.land(Landed::Kept);
        })
    };
    for asked in (0..1000).map(ask).collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    assert_eq!(made.load(Ordering::Relaxed), 1); // I9
}

/// Between a look at what is kept and the flight that makes it anew, another may have done so, or failed to.
#[tokio::test]
async fn what_was_tried_just_before_is_not_made_anew() {
    let clock = Arc::new(AtomicU64::new(1000));
    let store = at(&clock);
    let life = Life {
        revalidate: Some(1),
        expire: None,
    };
    let stale = store.put(entry(&store, "a", &[], life)).await;
    let renewal = async || {
        let flight = store.try_flight("a").expect("nobody makes it");
        store.renewal(&stale, flight, PATIENCE).await.is_some()
    };
    clock.store(2000, Ordering::Relaxed);
    assert!(renewal().await);
    store.postpone(&stale);
    assert!(!renewal().await, "not at once after a failure"); // I6
    clock.store(5000, Ordering::Relaxed);
    assert!(renewal().await);
    store.put(entry(&store, "a", &[], life)).await;
    assert!(!renewal().await, "it is fresh");
}

/// A place that answers when it is told to.
struct Slow {
    entry: Arc<Entry>,
    asked: AtomicUsize,
    answers: tokio::sync::watch::Receiver<bool>,
}

impl Behind for Slow {
    fn follow(&self, _: &Arc<Clock>) {}

    fn load<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Entry>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.clone();
        Box::pin(async move {
            answers.wait_for(|does| *does).await.unwrap();
            Ok(Some((*self.entry).clone()))
        })
    }

    fn save<'a>(&'a self, _: &'a Arc<Entry>) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn lapse<'a>(&'a self, _: &'a [(String, Lapse)]) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A handler whose client does not read is not driven on, and neither is what it waits for.
#[tokio::test]
async fn whoever_stands_still_holds_up_nobody_and_what_was_read_is_judged_anew() {
    let (answer, answers) = tokio::sync::watch::channel(false);
    let entry = entry(&Store::new(0, None), "a", &["t"], Life::default());
    let behind = Arc::new(Slow {
        entry: Arc::new(entry),
        asked: AtomicUsize::new(0),
        answers,
    });
    let store = Store::new(1 << 20, Some(behind.clone() as _));
    let mut frozen = std::pin::pin!(store.get("a"));
    assert!(frozen.as_mut().now_or_never().is_none());
    answer.send(true).unwrap();
    assert_eq!(store.get("a").await.unwrap().1, State::Fresh);
    assert_eq!(behind.asked.load(Ordering::Relaxed), 1, "it is read once");
    store.lapse(&[("t".to_owned(), Lapsing::Expire(0))]).await;
    assert!(store.get("a").await.is_none());
    assert_eq!(
        behind.asked.load(Ordering::Relaxed),
        2,
        "not what was read before"
    );
    assert!(frozen.await.is_none(), "nor by the one that stood still");
}

/// A node has several releases ready, and takes them in again when something is set.
#[tokio::test]
async fn what_each_release_has_built_is_found_until_there_is_a_newer_one() {
    let store = Store::new(0, None);
    let life = Life::default();
    let built = |key: &str| -> ReadBuilt {
        let mut entry = entry(&Store::new(0, None), key, &["t"], life);
        entry.times = life.times(1, 1);
        Arc::new(move || Some(entry.clone()))
    };
    for (release, key) in [("1", "a"), ("2", "b"), ("3", "c"), ("1", "a"), ("1", "a")] {
        store.add_built(release, HashMap::from([(key.into(), built(key))]));
    }
    for key in ["a", "b", "c"] {
        assert!(store.get(key).await.is_some(), "{key}");
    }
    store.remove("a").await;
    assert!(store.get("a").await.is_none());
    store.lapse(&[("t".to_owned(), Lapsing::Expire(0))]).await;
    assert!(store.get("b").await.is_none());
}

#[tokio::test]
async fn what_memory_has_no_room_for_nobody_waits_for() {
    let [small, large] = [1000, 1 << 20].map(|bytes| Store::new(bytes, None));
    let mut entry = entry(&large, "a", &[], Life::default());
    entry.body = vec![0; 10_000].into();
    assert_eq!([small.holds(&entry), large.holds(&entry)], [false, true]);
}

#[tokio::test]
async fn nobody_waits_for_what_is_not_kept() {
    let store = Store::new(1 << 20, None);
    let first = store.flight("a").await;
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.flight("a").await })
        })
        .collect();
    tokio::task::yield_now().await;
    first.land(Landed::NotKept);
    let mut held = Vec::new();
    for flight in waiting {
        held.push(flight.await.unwrap()); // each while those before are still held
    }
    drop(held);
}

#[test]
fn an_entry_is_read_back_as_it_was_or_not_at_all() {
    let store = Store::new(1, None);
    let entry = entry(&store, "a", &["t"], Life::default());
    let bytes = entry.to_bytes();
    assert_eq!(Entry::from_bytes(&bytes.clone().into()).unwrap(), entry);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Entry::from_bytes(&changed.into()).is_err(), "byte {at}");
        let cut = Bytes::copy_from_slice(&bytes[..at]);
        assert!(Entry::from_bytes(&cut).is_err(), "cut at {at}");
    }
}
