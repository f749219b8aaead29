//! `waystation build`, and `waystation start` on what it made.

use waystation_tests::{App, Client, output, tree};

use crate::support::{Deployed, lasting, production, program, text_route, turn};

#[tokio::test]
async fn start_needs_neither_the_sources_nor_a_toolchain() {
    let deployed = Deployed::new();
    let host = deployed.start();
    let client = Client::new(host.address());
    assert_eq!(client.get("/hello").await.line(), "200 hello");
    assert_eq!(
        client.get("/items/a%2Fb").await.line(),
        "200 id=a/b path=/items/a%2Fb"
    );
    assert_eq!(
        client.get("/stream?kind=items").await.line(),
        "200 <p>One</p><p>Two</p><p>Three</p>"
    );
    assert_eq!(
        Client::http2(host.address()).get("/hello").await.line(),
        "200 hello"
    );
    let refused = client.ask("DELETE", "/methods/post", &[], "").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("allow")),
        (405, "OPTIONS, POST")
    );
    assert!(!deployed.path("app").exists() && !deployed.path("Cargo.toml").exists());
}

#[tokio::test]
async fn the_settings_are_those_of_the_build_unless_the_folder_has_its_own() {
    let deployed = Deployed::new();
    let host = deployed.start();
    let hello = Client::new(host.address()).get("/hello").await;
    assert_eq!(hello.header("x-of-the-build"), "yes");
    drop(host);
    std::fs::write(deployed.path("waystation.toml"), "").unwrap();
    let host = deployed.start();
    let hello = Client::new(host.address()).get("/hello").await;
    assert_eq!(hello.header("x-of-the-build"), "");
}

#[tokio::test]
async fn the_second_start_takes_its_code_from_the_cache() {
    let deployed = Deployed::new();
    drop(deployed.start());
    let cached = deployed.largest(".waystation/cache");
    let first = std::fs::metadata(&cached).unwrap().modified().unwrap();
    drop(deployed.start());
    assert_eq!(
        std::fs::metadata(&cached).unwrap().modified().unwrap(),
        first
    );

    // Code that this node did not sign counts as absent.
    let folder = deployed.path(".waystation/cache");
    let mut damaged = Vec::new();
    for file in tree::files(&folder).unwrap() {
        let file = folder.join(file);
        let mut code = std::fs::read(&file).unwrap();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        std::fs::write(&file, &code).unwrap();
        damaged.push((file, code));
    }
    let host = deployed.start();
    assert_eq!(
        Client::new(host.address()).get("/hello").await.line(),
        "200 hello"
    );
    let is_mended = |(file, code): &&(_, Vec<u8>)| std::fs::read(file).unwrap() != *code;
    let mended = damaged.iter().filter(is_mended).count();
    assert_eq!(mended, 1, "what nobody asked for was not read");
}

/// Code is read when it is first asked for: what is not there then is told, and the rest serves.
#[tokio::test]
async fn code_that_has_gone_is_told_to_who_asks_for_it() {
    let deployed = Deployed::new();
    drop(deployed.start());
    let host = deployed.start();
    let client = Client::new(host.address());
    assert_eq!(client.get("/hello").await.line(), "200 hello");
    for folder in [".waystation/cache", ".waystation/output/blobs"] {
        std::fs::remove_dir_all(deployed.path(folder)).unwrap();
    }
    let gone = client.get("/error?as=not-found").await;
    assert_eq!(gone.status, 500);
    host.wait_for_line("why", |line| line.contains("its code cannot be loaded: "));
    assert_eq!(client.get("/hello").await.line(), "200 hello");
}

#[tokio::test]
async fn nobody_stands_in_for_the_clock_of_what_start_serves() {
    let deployed = Deployed::new();
    let start = program().command("start", deployed.root());
    let start = start.env("WAYSTATION_TEST_SECRET", "known"); // for tests alone
    let host = start.on_a_free_port().serve();
    let client = Client::new(host.address());
    let told = [("x-waystation-test", "known now=0")];
    let seen = client.ask("GET", "/request", &told, "").await.json();
    assert_ne!(seen["second"], 0);
    let names = seen["names"].as_array().unwrap();
    let is_there = names.iter().any(|name| name == "x-waystation-test");
    assert!(!is_there, "{names:?}");
}

#[test]
fn a_component_that_was_changed_is_not_served() {
    let deployed = Deployed::new();
    let component = output::largest(deployed.root(), "application/wasm");
    let mut bytes = std::fs::read(&component).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&component, bytes).unwrap();
    let name = component.file_name().unwrap().to_string_lossy();
    let refused = |why: &str| {
        let start = program().command("start", deployed.root());
        let exit = start.on_a_free_port().run();
        assert_eq!(exit.code, Some(1));
        for said in [why, &name, "hint: run `waystation build` again"] {
            assert!(exit.stderr.contains(said), "{said}: {}", exit.stderr);
        }
    };
    refused("this is not the file that was built");
    std::fs::remove_file(&component).unwrap();
    refused("a file of the build is missing");
}

#[test]
fn without_a_build_start_says_what_to_run() {
    let app = App::new(&[("app/a/route.rs", &text_route("a"))]);
    let exit = program()
        .command("start", app.root())
        .on_a_free_port()
        .run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("hint: run `waystation build` first"),
        "{}",
        exit.stderr
    );
}

#[tokio::test]
async fn a_build_that_fails_leaves_the_last_one_as_it_was() {
    let _turn = turn().await;
    let app = App::lasting(
        &lasting("rebuilt"),
        &[("app/a/route.rs", &text_route("first"))],
    );
    app.warm(production());
    let built = program().command("build", app.root()).run();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    app.write(
        "app/a/route.rs",
        "pub fn get() -> &'static str {\n    1\n}\n",
    );
    let failed = program().command("build", app.root()).run();
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("app/a/route.rs:2:5"),
        "{}",
        failed.stderr
    );
    assert!(
        failed.stderr.contains("app/a/route.rs cannot be built"),
        "{}",
        failed.stderr
    );
    let host = program().start(app.root());
    assert_eq!(
        Client::new(host.address()).get("/a").await.line(),
        "200 first"
    );
}

#[test]
fn the_build_is_shown_as_a_table() {
    let exit = program().command("build", production().root()).run();
    assert_eq!(
        (exit.code, exit.stdout.as_str()),
        (Some(0), ""),
        "{}",
        exit.stderr
    );
    for part in [
        "Route (app)",
        "┌ ƒ /",
        "├ ƒ /items/[id]",
        "└ ƒ /",
        " kB",
        "(Dynamic)",
    ] {
        assert!(exit.stderr.contains(part), "{part}: {}", exit.stderr); // CL6, CL7
    }
    assert!(
        !exit.stderr.contains('\u{1b}'),
        "colour where there is no terminal: {:?}",
        exit.stderr
    );
}
