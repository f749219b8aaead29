//! What is kept on disk outlives the program, however that ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use waystation_tests::Client;

use crate::prerender::deployed;
use crate::support::{program, state};

/// So often it is killed while it writes what it keeps; the store on its own is killed more often.
const KILLS: usize = 40;
/// Requests at once, each of which has an answer made and kept.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn a_restart_finds_what_was_kept() {
    let deployed = deployed("[cache]\ndisk_mb = 64\n");
    let mut host = program().start(deployed.path());
    let kept = Client::new(host.address()).get("/posts/new").await;
    assert_eq!(state(&kept), "MISS");
    host.terminate();
    host.wait_for_exit();
    let host = program().start(deployed.path());
    let again = Client::new(host.address()).get("/posts/new").await;
    assert_eq!(state(&again), "HIT");
    assert_eq!(again.body, kept.body);
}

/// An answer that was given is found again as it was, or made anew; none is another's, and none is half of one.
#[tokio::test]
async fn a_kill_costs_answers_and_a_second_and_makes_none_of_them_wrong() {
    let deployed = deployed("[cache]\ndisk_mb = 64\n");
    let mut given = HashMap::new();
    let (mut found, mut took) = (0, Vec::new());
    for round in 0..KILLS {
        let begun = Instant::now();
        let mut host = program().start(deployed.path());
        let client = Client::new(host.address());
        assert_eq!(client.get("/plain").await.line(), "200 plain");
        if 0 < round {
            took.push(begun.elapsed()); // the first start compiles
        }
        for (slug, before) in given.drain() {
            let answer = client.get(&format!("/posts/{slug}")).await;
            assert!(
                answer.text().starts_with(&format!("{slug} ")),
                "{slug}: {}",
                answer.line()
            );
            if state(&answer) == "HIT" {
                assert_eq!(answer.text(), before, "{slug}");
                found += 1;
            }
        }
        let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
        let asking: Vec<_> = (0..AT_ONCE)
            .map(|at| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for number in 0.. {
                        let slug = format!("r{round}-{at}-{number}");
                        let path = format!("/posts/{slug}");
                        let Ok(answer) = client.try_ask("GET", &path, &[], "").await else {
                            return; // it was killed
                        };
                        sender.send((slug, answer.text().to_owned())).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..1 + round % 40 {
            given.extend(answers.recv().await);
        }
        host.kill();
        for asked in asking {
            asked.await.unwrap();
        }
    }
    took.sort();
    let (median, most) = (took[KILLS / 2], took[KILLS * 9 / 10]); // the first start is not among them
    println!(
        "{found} answers were found again; the first answer after a kill took {median:?}, nine of ten {most:?}"
    );
    assert!(KILLS < found, "{found}");
    assert!(most < Duration::from_secs(1), "{took:?}");
}
