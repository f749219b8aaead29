//! What a node's operator bounds, that one app's requests do not take what another app needs, and how apps take turns at what is scarce.

use std::fs;
use std::time::{Duration, Instant};

use waystation_tests::raw::Socket;
use waystation_tests::wait_for;

use crate::edge::{self, Edge, Forged, build, named};
use crate::support::program;

#[tokio::test]
async fn a_release_that_asks_for_more_than_a_node_gives_is_refused_with_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let cap = folder.path().join("cap.toml");
    fs::write(
        &cap,
        "[limits]\nmemory_mb = 64\ncpu_ms = 500\n\n[cache]\nredis = false\n",
    )
    .unwrap();
    let mut edge = Edge::with(&["--cap", cap.to_str().unwrap()]);
    let modest = Forged::new("one");
    modest.edit(|manifest| manifest["routes"][0]["config"]["cpuMs"] = 400.into());
    let deploy = edge.command("deploy", modest.root()).arg("--host");
    let exit = deploy.arg("*").arg("--no-wait").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let greedy = Forged::new("two");
    greedy.edit(|manifest| manifest["routes"][0]["config"]["cpuMs"] = 502.into());
    greedy.replace_settings(
        "[limits]\nmemory_mb = 128\ncpu_ms = 501\nconcurrency = 10\n\n[cache]\nredis = \"redis://10.0.0.1\"\n",
    );
    let exit = edge.command("deploy", greedy.root()).run();
    assert_eq!(exit.code, Some(1));
    for words in [
        "`limits.memory_mb` of waystation.toml is 128, and this node gives 64 at most",
        "`limits.cpu_ms` of waystation.toml is 501, and this node gives 500 at most",
        "`cache.redis` of waystation.toml names a Redis",
        "`CPU_MS` of app/greeting/route.rs asks for 502 ms, and 500 is the most that the release has here\n",
    ] {
        assert!(exit.stderr.contains(words), "{words}: {}", exit.stderr);
    }
    assert!(!exit.stderr.contains("concurrency"), "{}", exit.stderr);
    assert_eq!(edge.serves().await, "one");

    fs::write(&cap, "[limits]\ncpu_ms = 300\n").unwrap();
    edge.host.terminate();
    edge.host.wait_for_exit();
    edge.restart(); // what was taken under a higher cap still serves
    assert_eq!(edge.serves().await, "one");
    let exit = edge.command("deploy", modest.root()).run();
    assert_eq!(exit.code, Some(1));
    let words = "asks for 400 ms, and 300 is the most";
    assert!(exit.stderr.contains(words), "{}", exit.stderr);

    fs::write(&cap, "[limits]\nmemory = 64\n").unwrap();
    let data = folder.path().join("data");
    let wrong = edge::start(
        &data,
        &["--cap".to_owned(), cap.to_str().unwrap().to_owned()],
    );
    let wrong = wrong.run();
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("cap.toml makes no sense"),
        "{}",
        wrong.stderr
    );
}

/// A node with two apps.
fn slow_and_quick(args: &[&str]) -> Edge {
    let edge = Edge::with(args);
    for (app, release) in [("slow", "one"), ("quick", "two")] {
        let deploy = program().line("deploy --no-wait --app").arg(app);
        let deploy = deploy.arg("--to").arg(&edge.socket()).arg("--host");
        let deploy = deploy.arg(&format!("{app}.example"));
        let exit = deploy.arg(build(release).to_str().unwrap()).run();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    }
    edge
}

/// Begins requests of the slow one.
async fn begin(edge: &Edge, times: usize, query: &str) -> Vec<Socket> {
    let mut begun = Vec::new();
    for _ in 0..times {
        let mut socket = Socket::open(edge.host.address()).await;
        let request = format!("GET /version?{query} HTTP/1.1\r\nhost: slow.example\r\n\r\n");
        socket.send(request).await;
        begun.push(socket);
    }
    begun
}

#[tokio::test]
async fn slow_requests_of_one_app_leave_places_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let cap = folder.path().join("cap.toml");
    fs::write(&cap, "[limits]\nconcurrency = 4\n").unwrap();
    let edge = slow_and_quick(&["--cap", cap.to_str().unwrap()]);
    let waiting = begin(&edge, 8, "slow").await;
    let running = || edge.host.stderr().matches("it is slow").count();
    wait_for("it has what it may have", async || {
        (running() == 3).then_some(())
    })
    .await;
    let busy = edge.asked(&[("host", "slow.example")]).await; // once it has waited its second
    assert!(busy.starts_with("503"), "{busy}");
    for _ in 0..10 {
        assert_eq!(edge.asked(&[("host", "quick.example")]).await, "two");
    }
    assert_eq!(running(), 3);
    drop(waiting);
    wait_for("its places are free again", async || {
        (edge.asked(&[("host", "slow.example")]).await == "one").then_some(())
    })
    .await;
}

/// What takes a guest 50 ms takes it twice to thrice as long beside another app's guests, and not as long as if it were one of those.
#[tokio::test]
async fn guests_of_one_app_that_spin_leave_processors_to_the_others() {
    const SPINNING: usize = 64;
    let edge = slow_and_quick(&[]);
    let client = edge.client();
    let works = async || {
        let asked = Instant::now();
        let headers = [("host", "quick.example")];
        let answer = client.ask("GET", "/version?works", &headers, "").await;
        assert_eq!(named(&answer.line()), "two");
        asked.elapsed()
    };
    works().await; // its code is loaded then
    let alone = works().await.min(works().await);
    let spinning = begin(&edge, SPINNING, "spins").await;
    let begun = || edge.host.stderr().matches("it spins").count();
    let all = async || (begun() == SPINNING).then_some(());
    wait_for("all of them", all).await;
    let mut beside = Duration::MAX;
    for _ in 0..5 {
        beside = beside.min(works().await); // the machine may do something else too
    }
    println!("{alone:?} alone, {beside:?} beside {SPINNING} that spin");
    assert!(
        beside < 8 * alone,
        "{alone:?} alone, {beside:?} beside them"
    );
    let stopped = edge.host.stderr();
    let stopped = stopped.matches("it executed for more than").count();
    assert!(stopped < SPINNING / 2, "{stopped} have ended");
    drop(spinning);
}

/// Guests have 6 MiB, so code has one, and each release's code is more than half of that.
#[tokio::test]
async fn code_makes_room_for_what_is_asked_and_is_loaded_again() {
    const UNLOADED: u64 = 100;
    let edge = slow_and_quick(&["--guest-memory", "6"]);
    let ask_both_until_unloaded = async |times: u64| {
        wait_for("it is unloaded again and again", async || {
            for (host, release) in [("slow.example", "one"), ("quick.example", "two")] {
                assert_eq!(edge.asked(&[("host", host)]).await, release);
            }
            let unloaded = counted(&edge, "waystation_code_unloaded_total").await;
            (times <= unloaded).then_some(unloaded)
        })
        .await
    };
    let before = ask_both_until_unloaded(UNLOADED / 4).await;
    let (memory, descriptors) = (edge.host.memory(), edge.host.descriptors().len());
    ask_both_until_unloaded(before + UNLOADED).await;
    let grown = edge.host.memory().saturating_sub(memory);
    assert!(grown < 8 << 20, "{grown} bytes"); // where all of it stayed, it would be fifty MiB at least
    let left_open = edge.host.descriptors().len().saturating_sub(descriptors);
    assert!(left_open < 10, "{left_open} descriptors");

    // What the other takes beside one that runs is too much as soon as it is not in use.
    let running = begin(&edge, 1, "slow").await;
    let begun = async || edge.host.stderr().contains("it is slow").then_some(());
    wait_for("it runs", begun).await;
    assert_eq!(edge.asked(&[("host", "quick.example")]).await, "two");
    wait_for("no more code than may be there", async || {
        let bytes = counted(&edge, "waystation_code_bytes").await;
        (512 << 10..=1 << 20).contains(&bytes).then_some(())
    })
    .await;
    drop(running);
}

/// What a node counts of itself.
async fn counted(edge: &Edge, name: &str) -> u64 {
    let metrics = edge::metrics(edge.data()).await;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = value.unwrap_or_else(|| panic!("{name}: {metrics}"));
    value.parse().unwrap()
}
