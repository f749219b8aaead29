//! Releases that go by way of a registry: pushed, pulled, and followed by nodes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use waystation_tests::{Client, Exit, LOGIN, Registry, output, wait_for};

use crate::edge::{Edge, GOOD, TRAPPING, build, component, named};
use crate::releases::has_skopeo;
use crate::support::program;

/// Brings a release to a registry, as somebody who has not logged in anywhere.
#[track_caller]
fn push(root: &Path, reference: &str) -> Exit {
    let exit = run("push", &[reference, root.to_str().unwrap()]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    exit
}

fn run(command: &str, arguments: &[&str]) -> Exit {
    let line = program().line(command).env("DOCKER_CONFIG", "/nowhere");
    let line = arguments
        .iter()
        .fold(line, |line, argument| line.arg(argument));
    line.run()
}

fn inspected(what: &Path) -> String {
    let exit = program().command("inspect", what).arg("--json").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let inspected: Value = serde_json::from_str(&exit.stdout).unwrap();
    inspected["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_pushed_is_pulled_as_it_was() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let (release, folder) = (build("one"), tempfile::tempdir().unwrap());
    let digest = format!("sha256:{}", output::digest(&release));
    let reference = registry.reference("me/shop:live");
    let pushed = push(&release, &reference);
    assert_eq!(pushed.stdout, format!("{reference}@{digest}"));
    let again = push(&release, &registry.reference("me/shop:other"));
    assert!(again.stderr.contains(", 0 of "), "{}", again.stderr);

    let archive = folder.path().join("shop.tar");
    let root = folder.path().join("pulled");
    for to in [&archive, &root] {
        let pulled = run("pull", &[&reference, "-o", to.to_str().unwrap()]);
        assert_eq!(
            (pulled.code, &*pulled.stdout),
            (Some(0), ""),
            "{}",
            pulled.stderr
        );
        assert!(pulled.stderr.contains(&digest), "{}", pulled.stderr);
        assert_eq!(inspected(to), digest);
    }
    let from_file = push(&archive, &registry.reference("another/shop"));
    assert!(from_file.stdout.ends_with(&digest), "{}", from_file.stdout);
    let by_digest = registry.reference(&format!("another/shop@{digest}"));
    let pulled = run("pull", &[&by_digest, "-o", root.to_str().unwrap()]);
    assert_eq!(pulled.code, Some(0), "{}", pulled.stderr);

    let host = program().start(&root);
    let answer = Client::new(host.address()).get("/version").await;
    assert_eq!(named(&answer.line()), "one");
    let edge = Edge::new();
    let deployed = edge.command("deploy", &root).arg("--host").arg("*");
    let deployed = deployed.arg("--no-wait").run();
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    assert_eq!(edge.serves().await, "one");

    let none = run("pull", &[&registry.reference("me/none")]);
    assert_eq!(none.code, Some(1));
    assert!(
        none.stderr.contains("there is no `127.0.0.1:"),
        "{}",
        none.stderr
    );
    let unnamed = run("push", &["shop:live"]);
    assert_eq!(unnamed.code, Some(2));
    assert!(
        unnamed.stderr.contains("ghcr.io/me/shop:live"),
        "{}",
        unnamed.stderr
    );
}

#[test]
fn skopeo_finds_components_in_a_registry() {
    let Some(registry) = Registry::start().filter(|_| has_skopeo()) else {
        return;
    };
    let release = build("one");
    push(&release, &registry.reference("shop:live"));
    let found = Command::new("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{}", registry.reference("shop:live")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "{said}");
    let image: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(image, output::image(&release));
    let component = format!("sha256:{}", component(&release, "app/version/route.rs"));
    let mut layers = image["layers"].as_array().unwrap().iter();
    let layer = layers.find(|layer| layer["digest"] == component).unwrap();
    assert_eq!(layer["mediaType"], "application/wasm");
}

#[test]
fn a_registry_is_told_who_asks_and_nobody_else_is() {
    let Some(registry) = Registry::guarded() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let reference = registry.reference("shop:live");
    let (release, name) = (build("one"), registry.name());
    let config = |content: &str| fs::write(folder.path().join("config.json"), content).unwrap();
    let helper = folder.path().join("docker-credential-of-test");
    let (login, word) = LOGIN;
    let script = format!(
        "#!/bin/sh\nread server\n[ \"$1 $server\" = \"get {name}\" ] || exit 1\n\
         echo '{{\"ServerURL\":\"\",\"Username\":\"{login}\",\"Secret\":\"{word}\"}}'\n"
    );
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", folder.path().display());
    let run = |command: &str, what: &str| {
        let line = program().line(command).arg(&reference).arg(what);
        let line = line.env("DOCKER_CONFIG", folder.path().to_str().unwrap());
        let exit = line.env("PATH", &path).run();
        for told in [&exit.stdout, &exit.stderr] {
            let is_told = told.contains(word) || told.contains("czNjcmV0");
            assert!(!is_told, "{told}");
        }
        exit
    };
    let root = release.to_str().unwrap();
    let refused = |words: &str| {
        let exit = run("push", root);
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
    };
    let hint = format!("Docker's config has none for it\n\nhint: `docker login {name}`");
    refused(&hint);
    let auth = |text: &str| format!("{{\"auths\":{{\"{name}\":{{\"auth\":\"{text}\"}}}}}}");
    config(&auth("bWU6d3Jvbmc=")); // me:wrong
    refused("the credentials that Docker's config has for it do not open it");
    config(&format!("{{\"credHelpers\":{{\"{name}\":\"not-there\"}}}}"));
    refused("the credential helper that it names cannot be asked");

    config(&auth("bWU6czNjcmV0LXdvcmQ=")); // LOGIN
    let pushed = run("push", root);
    assert_eq!(pushed.code, Some(0), "{}", pushed.stderr);
    for content in [
        format!("{{\"credHelpers\":{{\"{name}\":\"of-test\"}}}}"),
        "{\"credsStore\":\"of-test\"}".to_owned(),
    ] {
        config(&content);
        let into = format!("-o{}", folder.path().join("pulled").display());
        let pulled = run("pull", &into);
        assert_eq!(pulled.code, Some(0), "{content}: {}", pulled.stderr);
    }
}

#[test]
fn a_blob_that_was_changed_in_the_registry_is_refused() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let (release, folder) = (build("one"), tempfile::tempdir().unwrap());
    let reference = registry.reference("shop:live");
    push(&release, &reference);
    let blob = registry.blob(&component(&release, "app/version/route.rs"));
    let whole = fs::read(&blob).unwrap();
    let mut changed = whole.clone();
    let last = changed.last_mut().unwrap();
    *last = last.wrapping_add(1);
    let root = folder.path().to_str().unwrap();
    let pull = || run("pull", &[&reference, "-o", root]);
    for (content, words) in [
        (&changed[..], "app/version/route.wasm of `127.0.0.1:"),
        (&whole[..1000], "ends before its end"),
    ] {
        fs::write(&blob, content).unwrap();
        let exit = pull();
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
        let none = program().command("inspect", folder.path()).run();
        assert_eq!(none.code, Some(1), "{}", none.stdout);
    }
    fs::write(&blob, &whole).unwrap();
    let exit = pull();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let digest = format!("sha256:{}", output::digest(&release));
    assert_eq!(inspected(folder.path()), digest);
}

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
    let (stop, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients = nodes.iter().flat_map(|node| [node.host.address(); 2]);
    let clients: Vec<_> = clients
        .map(|address| {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut sender = Client::new(address).connect().await;
                while !stop.load(Ordering::Relaxed) {
                    let answer = sender.ask("GET", "/version", &[], "").await.unwrap();
                    let release = named(&answer.line());
                    assert!(GOOD.contains(&release.as_str()), "{release}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::task::block_in_place(|| push(&build("two"), &reference));
    for node in &nodes {
        wait_until_it_serves(node, "two").await;
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(50 < asked.load(Ordering::Relaxed), "{asked:?} requests");

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
