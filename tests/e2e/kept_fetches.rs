//! What handlers keep of the servers that they ask: `fetch` and `FETCH_CACHE`.

use std::sync::atomic::{AtomicUsize, Ordering};

use waystation_tests::clock::Clock;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::{Answer, Client, wait_for};

use crate::revalidation::{FILES, client, numbered};
use crate::support::{keeping, state, turn};

/// Whether the same fetch twice asks the server once.
async fn is_kept(client: &Client, query: &str) -> bool {
    let path = format!("/fetched?{query}");
    let (first, second) = (client.get(&path).await, client.get(&path).await);
    assert_eq!(first.status, 200, "{}", first.line());
    let text = |answer: &Answer| {
        answer
            .text()
            .split_once(' ')
            .map(|(_, rest)| rest.to_owned())
    };
    text(&first) == text(&second)
}

#[tokio::test]
async fn a_fetch_is_kept_as_it_says() {
    let (_upstream, url) = numbered().await;
    let client = client();
    for (number, (says, expected)) in [
        ("", false),                                // FC1
        ("&cache=force-cache", true),               // FC2
        ("&revalidate=never", true),                // FC2
        ("&revalidate=60", true),                   // FC3
        ("&revalidate=0", false),                   // FC4
        ("&cache=no-store", false),                 // FC4
        ("&cache=force-cache&revalidate=0", false), // FC5
        ("&cache=no-store&revalidate=60", false),   // FC5
        ("&tag=alone", false),                      // FC6
        ("&cache=force-cache&body=hello", true),    // FC7
        ("&cache=force-cache&secret=one", true),    // FC8
    ]
    .into_iter()
    .enumerate()
    {
        let query = format!("url={url}/case-{number}{says}");
        assert_eq!(is_kept(&client, &query).await, expected, "{says}");
    }
    for status in [201, 404, 500] {
        let query = format!("url={url}/status-{status}&cache=force-cache");
        assert!(!is_kept(&client, &query).await, "{status}"); // FC9
    }
    let ask = async |rest: &str| {
        let path = format!("/fetched?url={url}/key&cache=force-cache{rest}");
        client.get(&path).await.text().to_owned()
    };
    let answers = [
        ask("").await,
        ask("&secret=one").await,
        ask("&secret=two").await,
        ask("&body=a").await,
        ask("&body=b").await,
    ];
    for (at, answer) in answers.iter().enumerate() {
        assert!(answer.starts_with("MISS"), "{at}: {answer}"); // FC8, FC7 and FC12
    }
    assert!(ask("&body=a").await.starts_with("HIT 200")); // FC15
}

#[tokio::test]
async fn a_fetch_is_asked_once_for_all_who_wait_and_not_kept_if_it_is_large() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let (release, held) = tokio::sync::watch::channel(false);
    let upstream = Upstream::new(move |request: http::Request<_>| {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        let mut held = held.clone();
        async move {
            let body = match request.uri().path() {
                "/held" => {
                    held.wait_for(|is_released| *is_released)
                        .await
                        .expect("the test goes on");
                    format!("answer {number}")
                }
                "/limit" => "a".repeat(2 << 20),
                _ => "a".repeat((2 << 20) + 1),
            };
            served(200, &[], body)
        }
    })
    .await;
    let url = upstream.origin();
    let path = format!("/fetched?url={url}/held&cache=force-cache");
    let asked: Vec<_> = (0..5)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { client().get(&path).await })
        })
        .collect();
    wait_for("the first", async || {
        (ASKED.load(Ordering::Relaxed) == 1).then_some(())
    })
    .await;
    release.send(true).unwrap();
    for answer in asked {
        assert!(answer.await.unwrap().text().ends_with("200 answer 0")); // FC13
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    let client = client();
    let limit = format!("/fetched?url={url}/limit&cache=force-cache");
    for _ in 0..2 {
        assert_eq!(client.get(&limit).await.status, 200);
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), 2);
    let before = ASKED.load(Ordering::Relaxed);
    let large = format!("/fetched?url={url}/large&cache=force-cache");
    for _ in 0..2 {
        assert_eq!(
            client.get(&large).await.body.len(),
            " 200 ".len() + (2 << 20) + 1
        ); // FC10: given, and not kept
    }
    assert_eq!(ASKED.load(Ordering::Relaxed), before + 2);
}

#[tokio::test]
async fn a_route_that_is_forced_to_be_static_is_kept_with_a_fetch_that_is_not() {
    let client = client();
    let first = client.get("/forced").await;
    let again = client.get("/forced").await;
    assert_eq!((state(&again), again.text()), ("HIT", first.text())); // Z8
    client.post("/lapse?path=/forced", &[], "").await;
    let anew = client.get("/forced").await;
    let drawn = |answer: &Answer| answer.text().split(' ').next().map(str::to_owned);
    assert_ne!(drawn(&anew), drawn(&first), "the fetch was kept");
}

#[tokio::test]
async fn a_stale_fetch_is_given_at_once_and_asked_anew_behind_it() {
    let (_upstream, url) = numbered().await;
    let turn = turn().await;
    let app = turn.app(&FILES);
    let clock = Clock::new();
    let host = keeping(&app, Some(&clock));
    let client = Client::new(host.address());
    let ask = async || {
        let answer = client
            .get(&format!("/fetched?url={url}/a&revalidate=60&tag=a"))
            .await;
        let (state, text) = answer.text().split_once(' ').unwrap();
        (state.to_owned(), text.to_owned())
    };
    let (_, one) = ask().await;
    clock.forward(61);
    assert_eq!(ask().await, ("STALE".to_owned(), one.clone())); // FC3
    wait_for("the new answer", async || {
        (ask().await.0 == "HIT").then_some(())
    })
    .await;
    let (_, two) = ask().await;
    assert_ne!(one, two);

    client.post("/lapse?tag=a&expire=30", &[], "").await; // V4: stale now, expired later
    assert_eq!(ask().await, ("STALE".to_owned(), two.clone()));
    wait_for("the newest answer", async || {
        (ask().await.0 == "HIT").then_some(())
    })
    .await;
    client.post("/lapse?tag=a&profile=brief", &[], "").await;
    clock.forward(21);
    let (state, three) = ask().await;
    assert_eq!(state, "MISS");
    assert_ne!(two, three);
}
