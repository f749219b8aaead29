//! Components of other makes as `route.wasm`: WASI-HTTP of both versions, and files that are no such thing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use tokio::task::JoinSet;
use waystation_tests::{Answer, Client, Foreign, wait_for};

use crate::attack_guests::framed;
use crate::support::{Edited, lasting, production, program, text_route, turn};

/// `foreign/`, compiled once a run.
struct Components {
    http2: Vec<u8>,
    http3: Vec<u8>,
    command: Vec<u8>,
}

static FOREIGN: LazyLock<Components> = LazyLock::new(|| {
    let foreign = Foreign::compile(&lasting("foreign"));
    Components {
        http2: foreign.read("foreign_http2"),
        http3: foreign.read("foreign_http3"),
        command: foreign.read("foreign-command"),
    }
});

/// An app with one route of Rust and these of other makes.
async fn app(wasm: &[(&str, &[u8])]) -> Edited {
    let bytes = wasm.to_vec();
    Edited::with(&[("app/rust/route.rs", &text_route("rust"))], |app| {
        for (file, content) in bytes {
            app.write_bytes(file, content);
        }
    })
    .await
}

#[tokio::test]
async fn components_of_both_versions_answer_beside_rust_routes() {
    let app = app(&[
        ("app/two/[id]/route.wasm", &FOREIGN.http2),
        ("app/three/[...rest]/route.wasm", &FOREIGN.http3),
    ])
    .await;
    assert_eq!(app.client.get("/rust").await.line(), "200 rust");
    for _ in 0..2 {
        // A fresh instance for each request.
        let two = app.client.get("/two/a%2Fb?q=1").await;
        assert_eq!(
            two.line(),
            "203 0.2 Method::Get /two/a%2Fb?q=1 request 1 of this instance"
        );
        assert_eq!(two.header("x-made-by"), "wasip2");
        let three = app.client.get("/three/x/y").await;
        assert_eq!(
            three.line(),
            "200 0.3 Method::Get /three/x/y request 1 of this instance"
        );
        assert_eq!(three.header("x-made-by"), "wasip3");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        for path in ["/two/1", "/three/1"] {
            let answer = app.client.ask(method, path, &[], "").await;
            assert!(
                answer.status.is_success() && answer.text().contains("of this instance"),
                "{method} {path}: {}",
                answer.line()
            );
        }
    }
    assert_eq!(
        Client::http2(app.host.address()).get("/two/1").await.status,
        203
    );
}

#[tokio::test]
async fn they_have_the_same_limits_and_their_errors_are_told() {
    let app = app(&[
        ("app/two/route.wasm", &FOREIGN.http2),
        ("app/three/route.wasm", &FOREIGN.http3),
    ])
    .await;
    let spun = app.client.get("/two?spin").await;
    assert_eq!(spun.status, 503);
    told(&spun, "it executed for more than 1000 ms (CPU_MS)");
    let failed = app.client.get("/three?fail").await;
    assert_eq!(failed.status, 500);
    told(&failed, "as it was asked to");
    assert_eq!(app.client.get("/two").await.status, 203);
}

/// Each keeps the stack that it waits on, and another for what came when it waited before.
#[tokio::test]
async fn as_many_may_block_as_a_route_may_run() {
    const AT_ONCE: usize = 700;
    let turn = turn().await;
    let app = turn.app(&[]);
    app.write_bytes("app/three/route.wasm", &FOREIGN.http3);
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let host = program().start(app.root());
    let client = Client::new(host.address());
    assert_eq!(client.get("/three").await.status, 200);
    let mut asked = JoinSet::new();
    for _ in 0..AT_ONCE {
        asked.spawn(async move { client.get("/three?blocks").await });
    }
    let blocking = || host.stderr().matches("it blocks").count();
    wait_for("all block", async || {
        let ended = asked.try_join_next().map(Result::unwrap);
        assert!(ended.is_none(), "{}", ended.unwrap().line());
        (blocking() == AT_ONCE).then_some(())
    })
    .await;
    for answer in asked.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.line());
    }
}

#[tokio::test]
async fn a_component_that_is_replaced_is_served_at_once() {
    let app = app(&[("app/a/route.wasm", &FOREIGN.http2)]).await;
    assert_eq!(app.client.get("/a").await.header("x-made-by"), "wasip2");
    app.app.write_bytes("app/a/route.wasm", &FOREIGN.http3);
    app.answers("/a", "the other component", |answer| {
        answer.header("x-made-by") == "wasip3"
    })
    .await;
    app.app.remove("app/a");
    app.shows("/a", "404 no route answers this path").await;
}

#[tokio::test]
async fn what_is_no_component_is_told_and_healed() {
    let whole: &[u8] = &FOREIGN.http2;
    let app = app(&[("app/a/route.wasm", &whole[..whole.len() / 2])]).await;
    let damaged = app.client.get("/a").await;
    assert_eq!(damaged.status, 500);
    told(&damaged, "the component is damaged");
    told(&damaged, "--> app/a/route.wasm");
    for (content, what) in [
        (
            b"<html>not found</html>".as_slice(),
            "this is not WebAssembly",
        ),
        (b"(component)", "this is WebAssembly text"),
        (b"", "the file is empty"),
        (
            b"\0asm\x01\0\0\0",
            "this is a core module, and a route is a component",
        ),
        (b"\x7fELF\x02\x01\x01", "this was compiled ahead of time"),
        (
            b"\0asm\x0d\0\x01\0",
            "this component answers no requests: it exports nothing",
        ),
        (
            &FOREIGN.command,
            "this component answers no requests: it exports `wasi:cli/run@",
        ),
        (&whole[..whole.len() - 1], "the component is damaged"),
    ] {
        app.app.write_bytes("app/a/route.wasm", content);
        app.answers("/a", what, |answer| {
            answer.status == 500 && answer.text().contains(what)
        })
        .await;
        assert_eq!(app.client.get("/rust").await.line(), "200 rust");
    }
    app.app.write_bytes("app/a/route.wasm", whole);
    app.answers("/a", "the whole component", |answer| answer.status == 203)
        .await;
}

#[tokio::test]
async fn two_kinds_in_one_folder_are_in_each_other_s_way() {
    let app = app(&[("app/a/route.wasm", &FOREIGN.http2)]).await;
    let seen = app.host.lines();
    app.app.write("app/a/route.rs", &text_route("a"));
    app.host.wait_for_line_after(seen, "both files", |line| {
        line.contains("`route.rs` and `route.wasm` both answer this path")
    });
    assert_eq!(app.client.get("/a").await.status, 203);
    app.app.remove("app/a/route.wasm");
    app.shows("/a", "200 a").await;
}

/// What cannot be linked is refused each time, not only before its code is kept.
#[tokio::test]
async fn a_component_that_needs_what_nobody_has_is_never_built() {
    let turn = turn().await;
    let app = turn.app(&[("app/hello/route.rs", "pub fn get() {}\n")]);
    let wasm = framed(
        r#"(import "wasi:keyvalue/store@0.2.0-draft" (instance (export "open" (func))))
        (core module $m (func (export "handle") (param i32 i32))) (core instance $i (instantiate $m))"#,
    );
    app.write_bytes("app/needy/route.wasm", &wasm);
    app.warm_too(production());
    for _ in 0..2 {
        let exit = program().command("build", app.root()).run();
        assert_eq!(exit.code, Some(1));
        assert!(
            exit.stderr
                .contains("it imports what this host does not have"),
            "{}",
            exit.stderr
        );
    }
}

#[tokio::test]
async fn they_are_built_and_started_too() {
    let app = waystation_tests::App::new(&[]);
    app.write_bytes("app/two/route.wasm", &FOREIGN.http2);
    app.write_bytes("app/three/route.wasm", &FOREIGN.http3);
    let built = program().command("build", app.root()).run();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    app.remove("app");
    let host = program().start(app.root());
    let client = Client::new(host.address());
    assert_eq!(client.get("/two").await.header("x-made-by"), "wasip2");
    assert_eq!(client.get("/three").await.header("x-made-by"), "wasip3");
}

#[track_caller]
fn told(answer: &Answer, part: &str) {
    assert!(
        answer.text().contains(part),
        "no {part:?} in {}",
        answer.text()
    );
}

/// Run with `cargo test --workspace --test e2e -- --ignored other_languages`.
#[tokio::test]
#[ignore = "downloads 300 MB of other languages' tools and takes minutes"]
async fn other_languages_answer_beside_rust_routes() {
    let out = lasting("languages");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign/languages/build");
    let built = Command::new(script).arg(&out).output().unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let read = |name: &str| fs::read(out.join(name)).unwrap();
    let (js, py) = (read("js.wasm"), read("py.wasm"));
    let app = app(&[("app/js/route.wasm", &js), ("app/py/route.wasm", &py)]).await;
    for _ in 0..2 {
        let js = app.client.post("/js", &[], "tea").await;
        assert_eq!(js.line(), "200 JavaScript POST /js tea");
        assert_eq!(js.header("x-made-by"), "componentize-js");
        let py = app.client.get("/py?q=1").await;
        assert_eq!(py.line(), "200 Python GET /py?q=1");
        assert_eq!(py.header("x-made-by"), "componentize-py");
        assert_eq!(app.client.get("/rust").await.line(), "200 rust");
    }
}
