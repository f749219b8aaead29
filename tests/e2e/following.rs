//! Nodes that follow a tag in a registry.

use std::fs;

use waystation_tests::{Registry, output, wait_for};

use crate::edge::{Asking, Edge, FAILING, TRAPPING, build, component};
use crate::registry::{push, run};

/// A node whose app `shop` answers any host and follows a tag.
fn following(reference: &str, more: &[&str]) -> Edge {
    let follow = format!("shop@*={reference}");
    let arguments = ["--follow", &follow, "--follow-interval", "1"];
    Edge::with(&[&arguments, more].concat())
}

async fn wait_until_it_serves(edge: &Edge, release: &str) {
    let serves = async || (edge.serves().await == release).then_some(());
    wait_for(format!("the node serves {release}"), serves).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_serve_what_a_tag_names() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let reference = registry.reference("me/shop:live");
    push(&build("one"), &reference);
    let mut nodes = [following(&reference, &[]), following(&reference, &[])];
    for node in &nodes {
        wait_until_it_serves(node, "one").await;
    }
    let fetched = registry.asked("GET").len();
    tokio::task::block_in_place(|| registry.wait_for_looks(6));
    assert_eq!(registry.asked("GET").len(), fetched, "nothing is fetched");

    // Another release under the tag: both change, and no request is lost.
    let asking = Asking::at(nodes.iter().flat_map(|node| [node.host.address(); 2]));
    tokio::task::block_in_place(|| push(&build("two"), &reference));
    for node in &nodes {
        wait_until_it_serves(node, "two").await;
    }
    let asked = asking.end().await;
    assert!(50 < asked, "{asked} requests");

    // Where it came from is told, and what an operator does stays.
    let listed = nodes[0].command("releases", &build("two")).run().stdout;
    let digest = output::digest(&build("two"));
    let expected = format!(
        "{}  active  from {reference}@sha256:{digest}",
        &digest[..12]
    );
    assert!(listed.contains(&expected), "{listed}");
    let back = nodes[0].command("rollback", &build("one")).run();
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    tokio::task::block_in_place(|| registry.wait_for_looks(6));
    assert_eq!(nodes[0].serves().await, "one", "the tag is the same");
    nodes[0].host.terminate();
    nodes[0].host.wait_for_exit();
    nodes[0].restart();
    tokio::task::block_in_place(|| registry.wait_for_looks(6));
    assert_eq!(nodes[0].serves().await, "one", "after a restart too");
    nodes[0].deploy("two");
    assert_eq!(nodes[0].serves().await, "two");

    // A release that cannot be served is refused, once, with its reason.
    let fetched = registry.asked("GET").len();
    tokio::task::block_in_place(|| push(&build(TRAPPING), &reference));
    let broken = output::digest(&build(TRAPPING));
    let told = format!("shop does not take {} from {reference}, ", &broken[..12]);
    for node in &nodes {
        let line = node
            .host
            .wait_for_line("why not", |line| line.contains(&told));
        assert!(line.contains("GET /version?check answers 500"), "{line}");
        assert!(line.contains("serves on"), "{line}");
    }
    assert!(fetched < registry.asked("GET").len(), "it was fetched");
    tokio::task::block_in_place(|| registry.wait_for_looks(6));
    for node in &nodes {
        assert_eq!(node.serves().await, "two");
        assert_eq!(node.host.stderr().matches(&told).count(), 1);
        let log = fs::read_to_string(node.data().join("apps/shop/deploy.log")).unwrap();
        let is_refusal = |line: &&str| line.contains("\"refused\"") && line.contains(&broken);
        let refusals: Vec<_> = log.lines().filter(is_refusal).collect();
        let by_registry = refusals
            .iter()
            .all(|line| line.contains("\"by\":\"registry\""));
        assert!(refusals.len() == 1 && by_registry, "{log}");
    }
    push(&build("one"), &reference);
    for node in &nodes {
        wait_until_it_serves(node, "one").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_fails_in_its_first_minute_is_taken_back_for_good() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let reference = registry.reference("shop:live");
    push(&build("one"), &reference);
    let node = following(&reference, &["--watch", "60"]);
    wait_until_it_serves(&node, "one").await;
    push(&build(FAILING), &reference);
    let fails = async || node.serves().await.starts_with("500").then_some(());
    wait_for("the failing release serves", fails).await;
    wait_until_it_serves(&node, "one").await;
    let taken_back = |line: &str| line.contains("is taken back");
    node.host.wait_for_line("it is taken back", taken_back);
    tokio::task::block_in_place(|| registry.wait_for_looks(3));
    assert_eq!(node.serves().await, "one", "the tag is the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_away_or_changed_leaves_what_serves() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let reference = registry.reference("shop:live");
    push(&build("one"), &reference);
    let node = following(&reference, &["--deny-import", "wasi:nothing"]);
    wait_until_it_serves(&node, "one").await;
    push(&build("two"), &registry.reference("shop:other"));
    let blob = registry.blob(&component(&build("two"), "app/version/route.rs"));
    let length = fs::metadata(&blob).unwrap().len();
    fs::write(&blob, vec![0; usize::try_from(length).unwrap()]).unwrap();
    push(&build("two"), &reference);
    let told = node
        .host
        .wait_for_line("it is refused", |line| line.contains("what came is not"));
    assert!(
        told.contains("serves on: app/version/route.wasm of "),
        "{told}"
    );
    drop(registry);
    let told = node
        .host
        .wait_for_line("it is away", |line| line.contains("cannot follow"));
    assert!(told.contains("cannot be reached"), "{told}");
    assert_eq!(node.serves().await, "one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_keys_are_trusted_a_tag_is_followed_to_what_they_signed() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let (keys, reference) = (
        tempfile::tempdir().unwrap(),
        registry.reference("shop:live"),
    );
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let public = pair.pk.to_box().unwrap().to_string();
    fs::write(keys.path().join("ci.pub"), public).unwrap();
    push(&build("one"), &reference);
    let node = following(&reference, &["--keys", keys.path().to_str().unwrap()]);
    let unsigned = |line: &str| line.contains("the release is not signed");
    node.host.wait_for_line("it is not signed", unsigned);
    assert!(node.serves().await.starts_with("421 "));
    let blob = component(&build("one"), "app/version/route.rs");
    assert!(!node.data().join("blobs/sha256").join(blob).exists());

    let release = build("two");
    let image = fs::File::open(output::blob(&release, &output::digest(&release))).unwrap();
    let signature = minisign::sign(None, &pair.sk, image, None, None).unwrap();
    let file = keys.path().join("release.minisig");
    fs::write(&file, signature.into_string()).unwrap();
    let (root, file) = (release.to_str().unwrap(), file.to_str().unwrap());
    let pushed = run("push", &[&reference, root, "--signature", file]);
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    wait_until_it_serves(&node, "two").await;
}
