//! `waystation node`: many apps in one process, each by its hosts, and what of them outlives it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use waystation_tests::{Client, output};

use crate::edge::{Edge, FAILING, build, component, start};
use crate::support::program;

#[tokio::test]
async fn each_app_answers_its_own_hosts() {
    let edge = Edge::new();
    let deploy = |app: &str, release: &str, host: &str| {
        let line = program().line("deploy --no-wait --app").arg(app);
        let line = line.arg("--to").arg(&edge.socket()).arg("--host").arg(host);
        line.arg(build(release).to_str().unwrap()).run()
    };
    for (app, release, host) in [
        ("shop", "one", "Shop.example"),
        ("blog", "two", "blog.example"),
    ] {
        let exit = deploy(app, release, host);
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    }
    for (host, expected) in [
        ("shop.example", "one"),
        ("SHOP.example:3000", "one"),
        ("blog.example.", "two"),
        ("other.example", "421 no app of this node answers this host"),
    ] {
        assert_eq!(edge.asked(&[("host", host)]).await, expected, "{host}");
    }
    // What a client says of the host beside that is no host (threat model, 6.4).
    let spoofed = [
        ("host", "shop.example"),
        ("x-forwarded-host", "blog.example"),
    ];
    assert_eq!(edge.asked(&spoofed).await, "one");

    let taken = deploy("blog", "two", "shop.example");
    assert_eq!(taken.code, Some(1));
    assert!(
        taken
            .stderr
            .contains("the app `shop` answers `shop.example` already"),
        "{}",
        taken.stderr
    );
    assert_eq!(deploy("rest", "two", "*").code, Some(0));
    assert_eq!(edge.asked(&[("host", "other.example")]).await, "two");
    assert_eq!(edge.asked(&[("host", "shop.example")]).await, "one");
}

#[tokio::test]
async fn a_restart_serves_what_was_served_and_tells_what_cannot_be() {
    let mut edge = Edge::new();
    edge.deploy("one");
    let other = program().line("deploy --no-wait --app blog --host blog.example");
    let other = other.arg("--to").arg(&edge.socket());
    assert_eq!(
        other.arg(build("two").to_str().unwrap()).run().code,
        Some(0)
    );
    edge.host.terminate();
    assert_eq!(
        edge.host.wait_for_exit().code(),
        Some(0),
        "{}",
        edge.host.stderr()
    );
    edge.restart();
    assert_eq!(edge.serves().await, "one");
    assert_eq!(edge.asked(&[("host", "blog.example")]).await, "two");

    edge.host.terminate();
    edge.host.wait_for_exit();
    let blobs = edge.data().join("blobs/sha256");
    let component = component(&build("two"), "app/version/route.rs");
    fs::write(blobs.join(component), "something else").unwrap();
    edge.restart();
    assert_eq!(edge.serves().await, "one");
    let compiled = edge.asked(&[("host", "blog.example")]).await;
    assert_eq!(compiled, "two"); // the node has its code

    edge.host.terminate();
    edge.host.wait_for_exit();
    fs::write(blobs.join(output::digest(&build("two"))), "something else").unwrap();
    edge.restart();
    assert_eq!(edge.serves().await, "one");
    let broken = edge.asked(&[("host", "blog.example")]).await;
    assert_eq!(broken, "503 this app has no active release");
    let told = edge.host.stderr();
    assert!(
        told.contains("blog") && told.contains("cannot be served"),
        "{told}"
    );
}

#[test]
fn a_second_node_does_not_take_the_folder() {
    let edge = Edge::new();
    let exit = start(edge.data(), &[]).run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("another node runs on this folder"),
        "{}",
        exit.stderr
    );
}

#[tokio::test]
async fn variables_are_seen_at_once_and_never_shown() {
    let mut edge = Edge::new();
    edge.deploy("one");
    let greeting = async |edge: &Edge| edge.client().get("/greeting").await.line();
    assert_eq!(greeting(&edge).await, "200 none");
    let on = |edge: &Edge, line: &str| {
        let line = program().line(line).arg("--to").arg(&edge.socket());
        line.arg("--app").arg("shop").run()
    };
    let set = on(&edge, "env set GREETING=secret-word OTHER=1");
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    assert_eq!(greeting(&edge).await, "200 secret-word");
    let listed = on(&edge, "env list");
    assert!(
        listed.stdout.contains("GREETING OTHER"),
        "{}",
        listed.stdout
    );
    for told in [listed.stdout, listed.stderr, set.stderr, edge.host.stderr()] {
        assert!(!told.contains("secret-word"), "{told}");
    }
    let file = edge.data().join("apps/shop/env");
    assert_eq!(
        fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    edge.host.terminate();
    edge.host.wait_for_exit();
    edge.restart();
    assert_eq!(greeting(&edge).await, "200 secret-word");
    assert_eq!(on(&edge, "env unset GREETING").code, Some(0));
    assert_eq!(greeting(&edge).await, "200 none");
    let wrong = on(&edge, "env set A-B=1");
    assert_eq!(wrong.code, Some(1), "{}", wrong.stderr);
}

#[tokio::test]
async fn over_the_network_a_token_is_needed() {
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let line = edge
        .host
        .wait_for_line("where it is asked", |line| line.contains("Deploy to:"));
    let url = line.rsplit(' ').next().unwrap().to_owned();
    let token = |line: &str| {
        let made = program()
            .line(line)
            .arg("--data")
            .arg(edge.data().to_str().unwrap())
            .run();
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        made.stdout.trim().to_owned()
    };
    let deploy = |app: &str, token: &str| {
        let line = program()
            .line("deploy --no-wait --host shop.example --app")
            .arg(app);
        let line = line.arg("--to").arg(&url).env("WAYSTATION_TOKEN", token);
        line.arg(build("one").to_str().unwrap()).run()
    };
    let shop = token("node token --name ci --app shop --host shop.example");
    for (app, token, words) in [
        ("shop", "", "this needs a token that the node knows"),
        (
            "shop",
            "wst_guessed",
            "this needs a token that the node knows",
        ),
        ("blog", &shop, "this token is for another app"),
    ] {
        let exit = deploy(app, token);
        assert_eq!(exit.code, Some(1));
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
    }
    let done = deploy("shop", &shop);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(edge.asked(&[("host", "shop.example")]).await, "one");
    let log = fs::read_to_string(edge.data().join("apps/shop/deploy.log")).unwrap();
    assert!(
        log.contains("\"by\":\"ci\"") && !log.contains(&shop),
        "{log}"
    );

    token("node token --name ci --revoke");
    assert_eq!(deploy("shop", &shop).code, Some(1));
}

#[tokio::test]
async fn a_node_says_how_it_is() {
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let line = edge
        .host
        .wait_for_line("where it is asked", |line| line.contains("Deploy to:"));
    let address = line.rsplit('/').next().unwrap();
    let admin = Client::new(address.parse().unwrap());
    assert_eq!(admin.get("/healthz").await.line(), "200 ok");
    assert_eq!(admin.get("/readyz").await.line(), "200 ready");
    assert_eq!(
        admin.get("/v1/openapi.json").await.json()["openapi"],
        "3.1.0"
    );
    assert_eq!(admin.get("/v1/apps").await.status, 401);
}

#[tokio::test]
async fn code_that_no_release_needs_goes_and_what_a_crash_left_too() {
    let mut edge = Edge::with(&["--keep", "1"]);
    edge.deploy("one");
    let code = edge.data().join("code");
    let names = || -> BTreeSet<_> {
        let files = fs::read_dir(&code).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    };
    let first = names();
    edge.deploy("two");
    edge.deploy(FAILING); // the first one is not kept any more
    let all = names();
    edge.host.terminate();
    edge.host.wait_for_exit();
    let before = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    let written = |file: &OsString| fs::metadata(code.join(file)).unwrap().ino();
    let as_they_were: BTreeMap<_, _> = all.iter().map(|file| (file, written(file))).collect();
    let crashed = code.join(".tmp1f2e3d");
    fs::write(&crashed, "half of it").unwrap();
    for file in &all {
        let file = File::options().append(true).open(code.join(file));
        file.unwrap().set_modified(before).unwrap();
    }
    edge.restart();
    let gone: Vec<_> = all.difference(&names()).cloned().collect();
    assert_eq!(gone.len(), 1, "{gone:?} of {all:?}");
    assert!(first.contains(&gone[0]), "{gone:?} of {first:?}");
    assert!(!crashed.exists());
    assert!(names().is_subset(&all));
    let is_as_it_was = |file: &OsString| as_they_were[file] == written(file);
    assert!(
        names().iter().all(is_as_it_was),
        "something was compiled again"
    );
}
