//! One handler makes a value of `cached` for all who ask for it meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::wait_for;

use crate::revalidation::client;

const ASKING: usize = 5;

#[tokio::test]
async fn a_value_is_made_once_for_all_who_wait_and_by_the_next_one_if_that_fails() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let (release, held) = tokio::sync::watch::channel(0);
    let upstream = Upstream::new(move |_: http::Request<_>| {
        let number = ASKED.fetch_add(1, Ordering::Relaxed);
        let mut held = held.clone();
        async move {
            held.wait_for(|released| number < *released)
                .await
                .expect("the test goes on");
            let status = if number == 0 { 500 } else { 200 };
            served(status, &[], format!("answer {number}"))
        }
    })
    .await;
    let path = format!("/rate?url={}", upstream.origin());
    let asked: Vec<_> = (0..ASKING)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { client().get(&path).await })
        })
        .collect();
    for released in [1, 2] {
        wait_for("one asks", async || {
            (ASKED.load(Ordering::Relaxed) == released).then_some(())
        })
        .await;
        release.send(released).unwrap();
    }
    let mut failed = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        match answer.status {
            StatusCode::INTERNAL_SERVER_ERROR => failed += 1,
            _ => assert_eq!(answer.text(), "answer 1"),
        }
    }
    assert_eq!((failed, ASKED.load(Ordering::Relaxed)), (1, 2));
}
