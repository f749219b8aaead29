//! `waystation deploy` and what can be done after it: one release or the other, never something between.

use std::fs;
use std::time::{Duration, Instant};

use waystation_tests::{Client, output, wait_for};

use crate::edge::{Asking, Edge, FAILING, Forged, GOOD, TRAPPING, build};
use crate::support::program;

#[tokio::test]
async fn a_release_is_deployed_listed_and_rolled_back() {
    let edge = Edge::new();
    edge.deploy("one");
    assert_eq!(edge.serves().await, "one");
    let second = edge.deploy("two");
    assert!(
        second.stderr.contains("Preview: http://"),
        "{}",
        second.stderr
    );
    assert_eq!(edge.serves().await, "two");
    let digest = |release: &str| output::digest(&build(release))[..12].to_owned();
    let listed = edge.command("releases", &build("one")).run().stdout;
    let expected = [
        format!("{}  active", digest("two")),
        format!("{}  was active", digest("one")),
    ];
    assert!(
        expected.iter().all(|line| listed.contains(line)),
        "{listed}"
    );

    let back = edge.command("rollback", &build("one")).run();
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert_eq!(edge.serves().await, "one");
    let again = edge.command("rollback", &build("one")).run();
    assert_eq!(again.code, Some(1));
    assert!(
        again
            .stderr
            .contains("no release was active before this one"),
        "{}",
        again.stderr
    );
    let named = edge
        .command("rollback", &build("one"))
        .arg("--release")
        .arg(&digest("two")[..6])
        .run();
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    assert_eq!(edge.serves().await, "two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deploys_under_load_lose_no_request_and_mix_no_answer() {
    let edge = Edge::new();
    edge.deploy("one");
    let asking = Asking::at(std::iter::repeat_n(edge.host.address(), 8));
    for turn in 0..20 {
        let release = GOOD[(turn + 1) % 2];
        tokio::task::block_in_place(|| edge.deploy(release));
        assert_eq!(edge.serves().await, release, "after deploy {turn}");
    }
    let asked = asking.end().await;
    assert!(100 < asked, "{asked} requests");
}

#[tokio::test]
async fn going_back_takes_less_than_a_tenth_of_a_second() {
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let line = edge
        .host
        .wait_for_line("where it is asked", |line| line.contains("Deploy to:"));
    let url = line.rsplit(' ').next().unwrap().to_owned();
    let admin = Client::new(url.trim_start_matches("http://").parse().unwrap());
    let token = program()
        .line("node token --data")
        .arg(edge.data().to_str().unwrap())
        .run();
    let token = token.stdout.trim();
    for release in GOOD {
        let line = program()
            .line("deploy --no-wait --app shop --host * --to")
            .arg(&url);
        let exit = line
            .arg(build(release).to_str().unwrap())
            .env("WAYSTATION_TOKEN", token)
            .run();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    }
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let began = Instant::now();
    let done = admin.post("/v1/apps/shop/rollback", &headers, "{}").await;
    let took = began.elapsed();
    assert_eq!(done.status, 200, "{}", done.line());
    assert_eq!(edge.serves().await, "one");
    assert!(took < Duration::from_millis(100), "{took:?}");
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_its_reason_and_changes_nothing() {
    let edge = Edge::with(&["--deny-import", "wasi:nothing"]);
    edge.deploy("one");
    let precompiled = Forged::new("two");
    precompiled.replace_component("app/greeting/route.rs", b"\x7fELF machine code");
    let module = Forged::new("two");
    module.replace_component("app/greeting/route.rs", b"\0asm\x01\0\0\0");
    let foreign = Forged::new("two");
    foreign.edit(|manifest| manifest["version"] = 99.into());
    let climbing = Forged::new("two");
    climbing.edit(|manifest| manifest["files"][0]["file"] = "public/../../etc/passwd".into());
    let misdescribed = Forged::new("two");
    misdescribed.edit(|manifest| manifest["routes"][0]["interface"] = "http2".into());
    for (root, words) in [
        (
            misdescribed.root(),
            "is not the component that the manifest describes",
        ),
        (
            precompiled.root(),
            "app/greeting/route.wasm: this was compiled ahead of time",
        ),
        (
            module.root(),
            "app/greeting/route.wasm: this is a core module",
        ),
        (
            climbing.root(),
            "`public/../../etc/passwd` leads out of the app's folder",
        ),
        (&build(TRAPPING), "GET /version?check answers 500"),
    ] {
        let exit = edge.command("deploy", root).run();
        assert_eq!(exit.code, Some(1), "{words}");
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
        assert!(
            exit.stderr.contains("nothing has changed on any node"),
            "{}",
            exit.stderr
        );
        assert_eq!(edge.serves().await, "one", "{words}");
    }
    let exit = edge.command("deploy", foreign.root()).run();
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("format 99"), "{}", exit.stderr);
    assert_eq!(edge.serves().await, "one");

    let strict = Edge::with(&[
        "--deny-import",
        "wasi:clocks",
        "--deny-import",
        "wasi:cli/environment",
    ]);
    let disguised = Forged::new("one");
    disguised.disguise();
    for root in [&*build("one"), disguised.root()] {
        let exit = strict.command("deploy", root).run();
        assert_eq!(exit.code, Some(1));
        for words in [
            "needs `wasi:clocks/",
            "app/greeting/route.wasm needs `wasi:cli/environment@",
        ] {
            assert!(exit.stderr.contains(words), "{words}: {}", exit.stderr);
        }
    }
}

#[tokio::test]
async fn where_keys_are_trusted_only_what_they_signed_is_taken() {
    let (keys, release) = (tempfile::tempdir().unwrap(), build("one"));
    let pair = || minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let (trusted, other) = (pair(), pair());
    let public = trusted.pk.to_box().unwrap().to_string();
    fs::write(keys.path().join("ci.pub"), public).unwrap();
    let edge = Edge::with(&["--keys", keys.path().to_str().unwrap()]);
    let sign = |pair: &minisign::KeyPair, release: &str| {
        let image = output::blob(&build(release), &output::digest(&build(release)));
        let image = fs::File::open(image).unwrap();
        let signature = minisign::sign(None, &pair.sk, image, None, None).unwrap();
        signature.into_string()
    };
    let deploy = |signature: Option<String>| {
        let command = edge
            .command("deploy", &release)
            .arg("--host")
            .arg("*")
            .arg("--no-wait");
        match signature {
            Some(text) => {
                let file = keys.path().join("release.minisig");
                fs::write(&file, text).unwrap();
                command.arg("--signature").arg(file.to_str().unwrap()).run()
            }
            None => command.run(),
        }
    };
    let wrong = "none of the keys that this node trusts has made this signature";
    for (signature, words) in [
        (None, "the release is not signed"),
        (Some(sign(&other, "one")), wrong),
        (Some(sign(&trusted, "two")), wrong),
    ] {
        let exit = deploy(signature);
        assert_eq!(exit.code, Some(1));
        assert!(exit.stderr.contains(words), "{}", exit.stderr);
    }
    let signed = deploy(Some(sign(&trusted, "one")));
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    assert_eq!(edge.serves().await, "one");
}

#[tokio::test]
async fn a_blob_that_is_not_what_its_name_says_is_thrown_away() {
    let edge = Edge::with(&["--admin", "127.0.0.1:0"]);
    let line = edge
        .host
        .wait_for_line("where it is asked", |line| line.contains("Deploy to:"));
    let admin = Client::new(line.rsplit('/').next().unwrap().parse().unwrap());
    let token = program()
        .line("node token --data")
        .arg(edge.data().to_str().unwrap())
        .run();
    let bearer = format!("Bearer {}", token.stdout.trim());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let digest = output::digest(&build("one"));
    let wrong = admin
        .ask(
            "PUT",
            &format!("/v1/blobs/{digest}?at=0&size=4"),
            &headers,
            "text",
        )
        .await;
    assert_eq!(wrong.status, 422, "{}", wrong.line());
    let cut = admin
        .ask(
            "PUT",
            &format!("/v1/blobs/{digest}?at=0&size=9"),
            &headers,
            "text",
        )
        .await;
    assert_eq!((cut.status.as_u16(), &cut.json()["held"]), (200, &4.into()));
    let elsewhere = admin
        .ask(
            "PUT",
            &format!("/v1/blobs/{digest}?at=7&size=9"),
            &headers,
            "xt",
        )
        .await;
    assert_eq!(elsewhere.status, 409, "{}", elsewhere.line());
    let stage = format!("{{\"release\":\"{digest}\"}}");
    let refused = admin.post("/v1/apps/shop/releases", &headers, &stage).await;
    assert_eq!(refused.status, 422, "{}", refused.line());
    assert!(
        refused.json()["faults"][0]
            .as_str()
            .unwrap()
            .contains("is not here; send it first")
    );
    assert!(!edge.data().join("blobs/sha256").join(&digest).exists());
}

#[tokio::test]
async fn killed_while_deploying_it_serves_the_old_release_or_the_new_one() {
    let mut edge = Edge::new();
    edge.deploy("one");
    let began = Instant::now();
    edge.deploy("two");
    let whole = began.elapsed();
    for (point, release) in (1..=8).zip(GOOD.iter().cycle()) {
        let deploying = edge
            .command("deploy", &build(release))
            .arg("--no-wait")
            .spawn();
        tokio::time::sleep(whole * point / 8).await; // the point is one in time
        edge.host.kill();
        drop(deploying);
        let started = Instant::now();
        edge.restart();
        let took = started.elapsed();
        let serves = edge.serves().await;
        assert!(GOOD.contains(&serves.as_str()), "at {point}/8: {serves}");
        assert!(took < Duration::from_secs(5), "{took:?}"); // unoptimised; a second otherwise
    }
    edge.deploy("one");
    assert_eq!(edge.serves().await, "one");
}

#[tokio::test]
async fn several_nodes_change_together_or_not_at_all() {
    let nodes = [Edge::new(), Edge::new()];
    let strict = Edge::with(&["--deny-import", "wasi:clocks"]);
    let deploy = |release: &str, edges: &[&Edge]| {
        let sockets: Vec<_> = edges.iter().map(|edge| edge.socket()).collect();
        let line = program().line("deploy --no-wait --app shop --host * --to");
        line.arg(&sockets.join(","))
            .arg(build(release).to_str().unwrap())
            .run()
    };
    let done = deploy("one", &[&nodes[0], &nodes[1]]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let failed = deploy("two", &[&nodes[0], &strict, &nodes[1]]);
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("nothing has changed on any node"),
        "{}",
        failed.stderr
    );
    for node in &nodes {
        assert_eq!(node.serves().await, "one");
    }
    assert_eq!(deploy("two", &[&nodes[0], &nodes[1]]).code, Some(0));
    for node in &nodes {
        assert_eq!(node.serves().await, "two");
    }
}

#[tokio::test]
async fn a_part_of_the_clients_tries_a_release_and_stays_with_it() {
    let edge = Edge::new();
    edge.deploy("one");
    let tried = edge
        .command("deploy", &build("two"))
        .arg("--percent")
        .arg("50")
        .arg("--no-wait")
        .run();
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    let mut sides = Vec::new();
    for client in 0..60 {
        let cookie = format!("a=1; waystation-canary={client}");
        let headers = [("cookie", cookie.as_str())];
        let side = edge.asked(&headers).await;
        assert_eq!(edge.asked(&headers).await, side, "client {client}");
        sides.push(side);
    }
    let new = sides.iter().filter(|side| *side == "two").count();
    assert!((15..=45).contains(&new), "{new} of 60");
    let by_address = edge.serves().await;
    assert_eq!(edge.serves().await, by_address);

    let promoted = edge.command("promote", &build("two")).run();
    assert_eq!(promoted.code, Some(0), "{}", promoted.stderr);
    for client in 0..10 {
        let cookie = format!("waystation-canary={client}");
        assert_eq!(edge.asked(&[("cookie", &cookie)]).await, "two");
    }
}

#[tokio::test]
async fn a_release_that_is_not_active_has_a_preview() {
    let edge = Edge::new();
    edge.deploy("one");
    let tried = edge
        .command("deploy", &build("two"))
        .arg("--percent")
        .arg("1")
        .arg("--no-wait")
        .run();
    let preview = tried.stderr.split("Preview: http://").nth(1).unwrap();
    let preview = preview.lines().next().unwrap();
    assert_eq!(edge.asked(&[("host", preview)]).await, "two");
    let back = edge.command("rollback", &build("one")).run();
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert_eq!(edge.asked(&[("host", preview)]).await, "two");
    assert_eq!(edge.serves().await, "one");
    let unknown = format!("000000000000{}", &preview[12..]);
    assert!(edge.asked(&[("host", &unknown)]).await.starts_with("404 "));
    let forged = format!("{}.forged", &preview[..12]);
    assert!(
        edge.asked(&[("x-waystation-preview", &forged)])
            .await
            .starts_with("404 ")
    );
}

#[tokio::test]
async fn a_release_that_fails_is_taken_back_and_the_deployer_is_told() {
    let edge = Edge::with(&["--watch", "60"]);
    edge.deploy("one");
    let mut deploying = edge.command("deploy", &build(FAILING)).spawn();
    wait_for("the failing release serves", async || {
        edge.serves().await.starts_with("500").then_some(())
    })
    .await;
    wait_for("the old one serves again", async || {
        (edge.serves().await == "one").then_some(())
    })
    .await;
    assert_eq!(deploying.wait_for_exit().code(), Some(1));
    let told = deploying.stderr();
    assert!(
        told.contains("answers failed") && told.contains("serves again"),
        "{told}"
    );
}
