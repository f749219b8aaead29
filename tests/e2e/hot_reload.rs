//! `waystation dev`: what is saved is served, and nothing fails meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use waystation_tests::raw::Socket;
use waystation_tests::{Client, wait_for};

use crate::support::{Edited, rounds, text_route};

/// An answer long enough to show if it were made of two versions.
fn long_route(version: usize) -> String {
    format!("pub fn get() -> String {{\n    \"version {version}\\n\".repeat(2_000)\n}}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_fail_no_request() {
    let app = Edited::new(&[
        ("app/swapped/route.rs", &long_route(0)),
        ("app/still/route.rs", &text_route("still")),
    ])
    .await;
    let load = Arc::new(Load::default());
    let clients = [
        Client::new(app.client.address()),
        Client::http2(app.client.address()),
    ];
    let workers: Vec<_> = clients
        .into_iter()
        .cycle()
        .take(4)
        .map(|client| tokio::spawn(Arc::clone(&load).run(client)))
        .collect();
    for version in 1..=rounds(20) {
        app.app
            .replace("app/swapped/route.rs", &long_route(version));
        let is_live = |text: &str| text.starts_with(&format!("version {version}\n"));
        app.answers("/swapped", "the new version", |answer| {
            is_live(answer.text())
        })
        .await;
    }
    load.is_over.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let asked = load.asked.load(Ordering::Relaxed);
    assert!(100 < asked, "only {asked} requests"); // on a machine that is busy elsewhere
}

#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    asked: AtomicU64,
}

impl Load {
    /// Asks without a pause over one connection. Each answer must be there, whole, of one version, and never of an older one than before.
    async fn run(self: Arc<Self>, client: Client) {
        let mut sender = client.connect().await;
        let mut newest = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let answer = sender
                .ask("GET", "/swapped", &[], "")
                .await
                .expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.line());
            let lines: Vec<_> = answer.text().lines().collect();
            assert_eq!(lines.len(), 2_000);
            assert!(
                lines.iter().all(|line| line == &lines[0]),
                "two versions in one answer"
            );
            let version: usize = lines[0].strip_prefix("version ").unwrap().parse().unwrap();
            assert!(newest <= version, "{version} after {newest}");
            newest = version;
            let still = sender
                .ask("GET", "/still", &[], "")
                .await
                .expect("an answer");
            assert_eq!(still.line(), "200 still");
            self.asked.fetch_add(2, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn fifty_quick_saves_end_on_the_last() {
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("0")),
        ("app/b/route.rs", &text_route("b")),
    ])
    .await;
    for version in 1..=50 {
        let text = text_route(&version.to_string());
        match version % 2 {
            0 => app.app.write("app/a/route.rs", &text),
            _ => app.app.replace("app/a/route.rs", &text),
        }
    }
    app.shows("/a", "200 50").await;
    // Whatever else was still to come of the saves has come when a later change is live.
    app.app.write("app/b/route.rs", &text_route("later"));
    app.shows("/b", "200 later").await;
    app.shows("/a", "200 50").await;
    assert!(
        !app.host.stderr().contains("error"),
        "{}",
        app.host.stderr()
    );
}

#[tokio::test]
async fn a_save_during_a_build_is_never_lost() {
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("0")),
        ("app/b/route.rs", &text_route("0")),
    ])
    .await;
    for round in 1..=5 {
        let seen = app.host.lines();
        app.app
            .write("app/a/route.rs", &text_route(&format!("early {round}")));
        app.host
            .wait_for_line_after(seen, "the build begins", |line| {
                line.contains("changed ...")
            });
        app.app
            .write("app/a/route.rs", &text_route(&format!("late {round}")));
        app.app
            .write("app/b/route.rs", &text_route(&format!("beside {round}")));
        app.shows("/a", &format!("200 late {round}")).await;
        app.shows("/b", &format!("200 beside {round}")).await;
    }
}

/// A value of `cached` is kept for a day, and of the code that made it.
#[tokio::test]
async fn a_value_that_is_kept_is_not_of_code_that_is_gone() {
    let route = |word: &str| {
        format!(
            "use waystation::*;\npub async fn get() -> Result<String> {{\n    \
             cached(\"word\", \"days\", async || Ok({word:?}.to_owned())).await\n}}\n"
        )
    };
    let app = Edited::new(&[("app/a/route.rs", &route("one"))]).await;
    app.shows("/a", "200 one").await;
    app.app.write("app/a/route.rs", &route("two"));
    app.shows("/a", "200 two").await;
}

#[tokio::test]
async fn saving_the_same_content_does_nothing() {
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("a")),
        ("app/b/route.rs", &text_route("b")),
    ])
    .await;
    let seen = app.host.lines();
    app.app.write("app/a/route.rs", &text_route("a"));
    app.app.replace("app/a/route.rs", &text_route("a"));
    app.app.write("app/b/route.rs", &text_route("other"));
    app.shows("/b", "200 other").await;
    let said = app.host.stderr_after(seen);
    assert!(!said.contains("app/a/route.rs"), "{said}");
    assert!(!said.contains("/a live"), "{said}");
}

#[tokio::test]
async fn routes_come_and_go_with_their_folders() {
    let app = Edited::new(&[("app/first/route.rs", &text_route("first"))]).await;
    app.app
        .write("app/second/deep/[id]/route.rs", &text_route("second"));
    app.shows("/second/deep/1", "200 second").await;
    app.app.remove("app/first");
    app.shows("/first", "404 no route answers this path").await;
    app.shows("/second/deep/1", "200 second").await;
    app.app.rename("app/second", "app/renamed");
    app.shows("/renamed/deep/1", "200 second").await;
    app.shows("/second/deep/1", "404 no route answers this path")
        .await;
    app.app
        .write("app/first/route.rs", &text_route("first again"));
    app.shows("/first", "200 first again").await;
}

#[tokio::test]
async fn a_whole_tree_that_appears_at_once_is_found() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    for n in 0..3 {
        app.app.write(
            &format!("aside/x{n}/y/z/route.rs"),
            &text_route(&format!("moved {n}")),
        );
    }
    app.app.rename("aside", "app/tree"); // one event for all of them
    for n in 0..3 {
        app.shows(&format!("/tree/x{n}/y/z"), &format!("200 moved {n}"))
            .await;
    }
    app.app.rename("app/tree", "away"); // and none at all below
    for n in 0..3 {
        app.shows(&format!("/tree/x{n}/y/z"), "404 no route answers this path")
            .await;
    }
    for n in 0..3 {
        app.app.write(
            &format!("app/made/x{n}/y/z/route.rs"),
            &text_route(&format!("made {n}")),
        );
    }
    for n in 0..3 {
        app.shows(&format!("/made/x{n}/y/z"), &format!("200 made {n}"))
            .await;
    }
}

#[tokio::test]
async fn a_storm_like_a_git_checkout_ends_on_the_files_as_they_are() {
    let shared = |branch: &str| format!("pub const BRANCH: &str = {branch:?};\n");
    let common = "pub fn get() -> &'static str {\n    shop::BRANCH\n}\n";
    let app = Edited::new(&[
        ("src/lib.rs", &shared("main")),
        ("app/stay/route.rs", &text_route("stay")),
        ("app/branch/route.rs", common),
        ("app/main-0/route.rs", &text_route("main 0")),
        ("app/main-1/route.rs", &text_route("main 1")),
    ])
    .await;
    let checkout = |from: &str, to: &str| {
        for n in 0..2 {
            app.app.remove(&format!("app/{from}-{n}"));
        }
        app.app.replace("src/lib.rs", &shared(to));
        for n in 0..2 {
            app.app.write(
                &format!("app/{to}-{n}/route.rs"),
                &text_route(&format!("{to} {n}")),
            );
        }
        for n in 0..300 {
            app.app.write(&format!("app/stay/{to}/{n}/notes.txt"), to);
        }
        app.app.remove(&format!("app/stay/{to}"));
    };
    let stay = tokio::spawn(stays(app.client));
    for (from, to) in [
        ("main", "topic"),
        ("topic", "main"),
        ("main", "topic"),
        ("topic", "main"),
        ("main", "topic"),
    ] {
        checkout(from, to);
    }
    app.shows("/branch", "200 topic").await;
    for n in 0..2 {
        app.shows(&format!("/topic-{n}"), &format!("200 topic {n}"))
            .await;
        app.shows(&format!("/main-{n}"), "404 no route answers this path")
            .await;
    }
    stay.abort();
    if let Err(error) = stay.await {
        assert!(error.is_cancelled(), "{error}");
    }
    assert!(
        !app.host.stderr().contains("panicked"),
        "{}",
        app.host.stderr()
    );
}

/// Asks for a route that no change concerns, until it is stopped.
async fn stays(client: Client) {
    let mut sender = client.connect().await;
    loop {
        let answer = sender
            .ask("GET", "/stay", &[], "")
            .await
            .expect("an answer");
        assert_eq!(answer.line(), "200 stay");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_under_way_ends_on_the_version_it_began_with() {
    let streaming = |word: &str| {
        format!(
            "use std::time::Duration;\nuse waystation::{{Response, sleep}};\n\
             pub fn get() -> Response {{\n    Response::writer(|mut writer| async move {{\n        loop {{\n            \
             writer.write(\"{word} \").await?;\n            sleep(Duration::from_millis(5)).await;\n        }}\n    }})\n}}\n"
        )
    };
    let app = Edited::new(&[("app/a/route.rs", &streaming("old"))]).await;
    let mut under_way = Socket::open(app.client.address()).await;
    under_way.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    under_way.read_until("old ").await;
    app.app.write("app/a/route.rs", &streaming("new"));
    wait_for("the new version", async || {
        let mut socket = Socket::open(app.client.address()).await;
        socket.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let read = socket.read_until(" ").await;
        let read = read + &socket.read_until("\r\n\r\n").await + &socket.read_until(" ").await;
        read.contains("new ").then_some(())
    })
    .await;
    for _ in 0..10 {
        let read = under_way.read_until("old ").await;
        assert!(!read.contains("new"), "{read}");
    }
}
