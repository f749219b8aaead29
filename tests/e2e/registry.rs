//! Releases that go by way of a registry: pushed, and pulled as they were.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use http::Request;
use hyper::body::Incoming;
use serde_json::Value;
use waystation_tests::upstream::{Upstream, served};
use waystation_tests::{Client, Exit, LOGIN, Registry, output};

use crate::edge::{Edge, build, component, named};
use crate::releases::has_skopeo;
use crate::support::program;
use crate::tls;

/// Brings a release to a registry, as somebody who has not logged in anywhere.
#[track_caller]
pub(crate) fn push(root: &Path, reference: &str) -> Exit {
    let exit = run("push", &[reference, root.to_str().unwrap()]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    exit
}

/// A command of somebody who has not logged in anywhere.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Exit {
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

/// As registries of the large hosters do: the blobs are on another server, which nobody else's certificate speaks for.
#[tokio::test]
async fn a_registry_may_keep_its_blobs_elsewhere() {
    let (release, folder) = (build("one"), tempfile::tempdir().unwrap());
    let digest = output::digest(&release);
    let [trusted, stranger] = ["localhost"; 2].map(tls::certificate);
    let blobs = async |request: Request<Incoming>| {
        let file = output::blob(&build("one"), request.uri().path().trim_start_matches('/'));
        served(200, &[], fs::read(file).unwrap())
    };
    let servers = [&trusted, &stranger].map(|own| Upstream::tls(tls::config(own), blobs));
    let [own, strange] = servers;
    let (own, strange) = (own.await, strange.await);
    let system = folder.path().join("system.pem");
    fs::write(&system, trusted.cert.pem()).unwrap();
    for (port, words) in [
        (strange.port(), "cannot be reached: "),
        (own.port(), "Pulled sha256:"),
    ] {
        let (digest, image) = (digest.clone(), output::blob(&release, &digest));
        let front = Upstream::new(move |request: Request<Incoming>| {
            let told = format!("sha256:{digest}");
            let blob = request.uri().path().rsplit_once("/blobs/sha256:");
            let answer = match blob {
                Some((_, blob)) => {
                    let elsewhere = format!("https://localhost:{port}/{blob}");
                    served(307, &[("location", &elsewhere)], "")
                }
                None => served(
                    200,
                    &[("docker-content-digest", &told)],
                    fs::read(&image).unwrap(),
                ),
            };
            async move { answer }
        })
        .await;
        let line = program()
            .line("pull -o")
            .arg(folder.path().to_str().unwrap());
        let line = line.arg(&format!("127.0.0.1:{}/shop:live", front.port()));
        let line = line.env("SSL_CERT_FILE", system.to_str().unwrap());
        let exit = tokio::task::spawn_blocking(|| line.env("SSL_CERT_DIR", "").run());
        let exit = exit.await.unwrap();
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
    }
    assert_eq!(inspected(folder.path()), format!("sha256:{digest}"));
    assert!(strange.heads().is_empty(), "{:?}", strange.heads());
}
