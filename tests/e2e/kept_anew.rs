//! What becomes of a kept answer when it is to be made anew, and of those who wait for one that cannot be made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use http::StatusCode;
use waystation_tests::clock::Clock;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::{Client, wait_for};

use crate::support::{keeping, state, turn};

const TOML: &str = "[outbound]\nhosts = [\"http://127.0.0.1:*\", \"http://localhost:*\"]\n";

/// A server that answers with the status that it is told.
async fn moody() -> (Arc<AtomicU16>, Upstream) {
    let status = Arc::new(AtomicU16::new(200));
    let upstream = Upstream::new({
        let status = Arc::clone(&status);
        move |_| {
            let status = status.load(Ordering::Relaxed);
            async move { served(status, &[], "words") }
        }
    });
    (status, upstream.await)
}

#[tokio::test]
async fn a_kept_answer_is_fresh_then_stale_then_gone() {
    let turn = turn().await;
    let app = turn.app(&[
        (
            "app/minute/route.rs",
            "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
             pub fn get() -> String { random_u64().to_string() }\n",
        ),
        ("waystation.toml", "[cache]\nexpire_time = 600\n"),
    ]);
    let clock = Clock::new();
    let host = keeping(&app, Some(&clock));
    let client = Client::new(host.address());
    let ask = async || {
        let answer = client.get("/minute").await;
        (state(&answer).to_owned(), answer.text().to_owned())
    };

    let (first, one) = ask().await;
    assert_eq!(first, "MISS"); // I1
    clock.forward(59);
    assert_eq!(ask().await, ("HIT".to_owned(), one.clone())); // I2
    clock.forward(2);
    assert_eq!(ask().await, ("STALE".to_owned(), one.clone())); // I3
    let renewed = async || (ask().await.0 == "HIT").then_some(());
    wait_for("the new answer", renewed).await;
    let (state, two) = ask().await;
    assert_eq!(state, "HIT"); // I4
    assert_ne!(two, one);
    clock.forward(601);
    let (state, three) = ask().await;
    assert_eq!(state, "MISS"); // I5
    assert_ne!(three, two);
}

#[tokio::test]
async fn an_answer_that_cannot_be_made_anew_stays() {
    let (status, upstream) = moody().await;
    let route = format!(
        "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub async fn get() -> Result<String> {{\n\
             let answer = fetch(\"{}/\").await?;\n\
             if answer.status() == 500 {{ return Err(Error::message(\"it is down\")); }}\n\
             assert!(answer.ok(), \"it is down\");\n\
             Ok(format!(\"{{}} {{}}\", answer.text().await?, random_u64()))\n\
         }}\n",
        upstream.origin()
    );
    let turn = turn().await;
    let app = turn.app(&[("app/moody/route.rs", &route), ("waystation.toml", TOML)]);
    let clock = Clock::new();
    let host = keeping(&app, Some(&clock));
    let client = Client::new(host.address());
    let ask = async || {
        let answer = client.get("/moody").await;
        (state(&answer).to_owned(), answer.text().to_owned())
    };
    let (_, one) = ask().await;
    // Once with an error, once with a panic.
    for (fails, wait) in [(500, 61), (503, 31)] {
        status.store(fails, Ordering::Relaxed);
        clock.forward(wait);
        let seen = host.lines();
        assert_eq!(ask().await, ("STALE".to_owned(), one.clone())); // I6
        wait_for("the failure", async || {
            let said = host.stderr_after(seen);
            said.contains("the old answer stays").then_some(())
        })
        .await;
        let asked = upstream.heads().len();
        assert_eq!(ask().await, ("STALE".to_owned(), one.clone()));
        assert_eq!(upstream.heads().len(), asked, "not at once again");
    }
    status.store(200, Ordering::Relaxed);
    clock.forward(31);
    assert_eq!(ask().await.1, one);
    wait_for("the new answer", async || {
        (ask().await.0 == "HIT").then_some(())
    })
    .await;
    assert_ne!(ask().await.1, one);
}

/// What the handler has to say is no failure, whatever it thinks of who asks: what was there before may have been withdrawn.
#[tokio::test]
async fn an_answer_that_was_withdrawn_is_gone() {
    let (status, upstream) = moody().await;
    let route = format!(
        "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub async fn get() -> Result<Response> {{\n\
             let answer = fetch(\"{}/\").await?;\n\
             if answer.status() == 401 {{ return Err(Error::message(\"no\").with_status(StatusCode::UNAUTHORIZED)); }}\n\
             Response::builder().status(answer.status()).body(answer.text().await?)\n\
         }}\n",
        upstream.origin()
    );
    let turn = turn().await;
    let app = turn.app(&[("app/told/route.rs", &route), ("waystation.toml", TOML)]);
    let clock = Clock::new();
    let host = keeping(&app, Some(&clock));
    let client = Client::new(host.address());
    for withdrawn in [403, 451, 401] {
        status.store(200, Ordering::Relaxed);
        assert_eq!(client.get("/told").await.line(), "200 words");
        assert_eq!(state(&client.get("/told").await), "HIT");
        status.store(withdrawn, Ordering::Relaxed);
        clock.forward(61);
        assert_eq!(state(&client.get("/told").await), "STALE");
        wait_for("the old answer is gone", async || {
            let answer = client.get("/told").await;
            (answer.status.as_u16() == withdrawn).then_some(())
        })
        .await;
    }
}

/// Nobody who waits is lost when the first fails: the others make it for themselves.
#[tokio::test]
async fn those_who_wait_for_an_answer_that_fails_get_one_of_their_own() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    const ASKING: usize = 5;
    let (release, held) = tokio::sync::watch::channel(false);
    let upstream = Upstream::new(move |_: http::Request<_>| {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        let mut held = held.clone();
        async move {
            let is_released = held.wait_for(|is_released| *is_released);
            is_released.await.expect("the test goes on");
            served(if number == 0 { 500 } else { 200 }, &[], "words")
        }
    })
    .await;
    let route = format!(
        "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub async fn get() -> Result<String> {{\n\
             match fetch(\"{}/\").await? {{\n\
                 answer if answer.ok() => answer.text().await,\n\
                 _ => Err(Error::message(\"it is down\")),\n\
             }}\n\
         }}\n",
        upstream.origin()
    );
    let turn = turn().await;
    let app = turn.app(&[("app/awaited/route.rs", &route), ("waystation.toml", TOML)]);
    let host = keeping(&app, None);
    let client = Client::new(host.address());
    let asked: Vec<_> = (0..ASKING)
        .map(|_| tokio::spawn(async move { client.get("/awaited").await }))
        .collect();
    wait_for("the first", async || {
        (ASKED.load(Ordering::Relaxed) == 1).then_some(())
    })
    .await;
    release.send(true).unwrap();
    let mut failed = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        match answer.status {
            StatusCode::INTERNAL_SERVER_ERROR => failed += 1,
            _ => assert_eq!(answer.line(), "200 words"),
        }
    }
    assert_eq!(failed, 1); // I7
    assert_eq!(state(&client.get("/awaited").await), "HIT");
}
