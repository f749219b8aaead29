//! The command line: what it prints where, and how it exits.

use std::net::TcpListener;

use waystation_tests::{App, Client, Exit};

use crate::support::{fixture, fixture_host, production, program, text_route, turn};

#[test]
fn exit_codes_tell_what_was_not_understood() {
    let empty = tempfile::tempdir().unwrap();
    for (arguments, code) in [
        ("--help", 0),
        ("--version", 0),
        ("dev --help", 0),
        ("", 2),
        ("fly", 2),
        ("dev --prot 1", 2),
        ("start --port x .", 2),
    ] {
        let exit = program().line(arguments).in_folder(empty.path()).run();
        assert_eq!(
            exit.code,
            Some(code),
            "{arguments}: {}{}",
            exit.stdout,
            exit.stderr
        );
    }
    let exit = program().line("dev --prot 1").run();
    assert!(exit.stderr.contains("--port"), "{}", exit.stderr);
}

#[test]
fn routes_are_listed_for_people_and_for_programs() {
    let app = App::new(&[
        ("app/route.rs", ""),
        ("app/items/[slug]/route.rs", ""),
        ("app/(group)/docs/[[...path]]/route.rs", ""),
        ("app/_private/route.rs", ""),
    ]);
    let list = routes(&app);
    assert_eq!(list.code, Some(0), "{}", list.stderr);
    let lines: Vec<_> = list
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "/ app/route.rs",
            "/docs/[[...path]] app/(group)/docs/[[...path]]/route.rs",
            "/items/[slug] app/items/[slug]/route.rs"
        ]
    );

    let json = program().command("routes", app.root()).arg("--json").run();
    assert_eq!(json.stderr, "");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[2]["pattern"], "/items/[slug]");
    assert_eq!(json[2]["file"], "app/items/[slug]/route.rs");
    assert_eq!(json[2]["kind"], "rust");
    assert_eq!(json.as_array().unwrap().len(), 3);
}

#[test]
fn routes_in_each_other_s_way_are_named_both() {
    conflict(&["app/(a)/x", "app/(b)/x"], "two files answer `/x`"); // X2
    conflict(
        &["app/[a]", "app/[b]"],
        "`/[a]` and `/[b]` match the same paths",
    ); // X4
    conflict(
        &["app/x", "app/x/[[...b]]"],
        "`/x/[[...b]]` matches `/x` too",
    ); // X6
    conflict(&["app", "app/[[...b]]"], "`/[[...b]]` matches `/` too"); // X6
    conflict(&["app/[...a]", "app/[...b]"], "match the same paths"); // X14
    conflict(&["app/[...a]", "app/[[...b]]"], "match the same paths"); // X15
    conflict(
        &["app/[a]/x", "app/[b]/y"],
        "`[a]` and `[b]` name the same segment",
    ); // X5
}

#[test]
fn folder_names_that_make_no_sense_are_told() {
    fault(
        "app/[...a]/x",
        "`[...a]` takes the rest of the path, so `x` cannot follow it",
    ); // X7
    fault("app/[a]/[a]", "`a` names two segments of this path"); // X8
    fault("app/[a-b]/[ab]", "differ only in punctuation"); // X9
    fault(
        "app/[[a]]",
        "would be an optional segment, which there is not",
    ); // X10
    fault("app/[…a]", "where three dots belong"); // X11
    fault("app/[.a]", "starts with a period"); // X12
    fault("app/[]", "has no name between its brackets"); // X13
    fault("app/[...]", "has no name between its brackets"); // X13
}

#[test]
fn every_fault_is_told_at_once() {
    let app = App::new(&[
        ("app/[a]/[a]/route.rs", ""),
        ("app/x/[]/route.rs", ""),
        ("app/(a)/y/route.rs", ""),
        ("app/(b)/y/route.rs", ""),
    ]);
    for command in ["routes", "build", "check"] {
        let exit = program().command(command, app.root()).run();
        assert_eq!(exit.code, Some(1), "{command}");
        for part in [
            "app/[a]/[a]/route.rs",
            "app/x/[]/route.rs",
            "app/(a)/y/route.rs",
            "app/(b)/y/route.rs",
        ] {
            assert!(
                exit.stderr.contains(part),
                "{command} says nothing of {part}: {}",
                exit.stderr
            );
        }
    }
}

fn conflict(folders: &[&str], said: &str) {
    let files: Vec<_> = folders
        .iter()
        .map(|folder| format!("{folder}/route.rs"))
        .collect();
    let app = App::new(
        &files
            .iter()
            .map(|file| (file.as_str(), ""))
            .collect::<Vec<_>>(),
    );
    let exit = routes(&app);
    assert_eq!(
        (exit.code, exit.stdout.as_str()),
        (Some(1), ""),
        "{folders:?}"
    );
    assert!(exit.stderr.contains(said), "{folders:?}: {}", exit.stderr);
    assert!(exit.stderr.contains("hint: "), "{}", exit.stderr);
    for file in files {
        assert!(
            exit.stderr.contains(&format!("--> {file}")),
            "{folders:?}: {}",
            exit.stderr
        );
    }
}

fn fault(folder: &str, said: &str) {
    let file = format!("{folder}/route.rs");
    let exit = routes(&App::new(&[(&file, "")]));
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(1), ""), "{folder}");
    assert!(exit.stderr.contains(said), "{folder}: {}", exit.stderr);
    assert!(
        exit.stderr.contains(&format!("--> {file}")),
        "{folder}: {}",
        exit.stderr
    );
}

fn routes(app: &App) -> Exit {
    program().command("routes", app.root()).run()
}

#[tokio::test]
async fn check_says_what_is_wrong_and_writes_no_output() {
    let turn = turn().await;
    let app = turn.app(&[
        ("app/a/route.rs", &text_route("a")),
        ("app/b/route.rs", &text_route("b")),
    ]);
    let good = program().command("check", app.root()).run();
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (Some(0), ""),
        "{}",
        good.stderr
    );
    assert!(
        good.stderr.contains("2 routes without a fault"),
        "{}",
        good.stderr
    );
    app.write(
        "app/a/route.rs",
        "pub fn get() -> &'static str {\n    1\n}\n",
    );
    app.write(
        "app/b/route.rs",
        "pub fn get() -> &'static str {\n    missing\n}\n",
    );
    let bad = program().command("check", app.root()).run();
    assert_eq!(
        (bad.code, bad.stdout.as_str()),
        (Some(1), ""),
        "{}",
        bad.stderr
    );
    for part in [
        "app/a/route.rs:2:5",
        "app/b/route.rs:2:5",
        "error[E0308]",
        "error[E0425]",
    ] {
        assert!(bad.stderr.contains(part), "{part}: {}", bad.stderr);
    }
    assert!(!app.path(".waystation/output").exists());
}

#[test]
fn what_is_no_app_is_told_with_the_next_step() {
    let empty = tempfile::tempdir().unwrap();
    for command in ["dev", "build", "routes", "check"] {
        let exit = program().command(command, empty.path()).run();
        assert_eq!(exit.code, Some(1));
        assert!(
            exit.stderr.contains("no `app/` or `src/app/` here") && exit.stderr.contains("hint: "),
            "{}",
            exit.stderr
        );
        let nowhere = program()
            .command(command, &empty.path().join("nowhere"))
            .run();
        assert_eq!(nowhere.code, Some(1));
        assert!(nowhere.stderr.contains("nowhere"), "{}", nowhere.stderr);
    }
    let app = App::new(&[
        (
            "Cargo.toml",
            "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        ),
        ("app/a/route.rs", ""),
    ]);
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("members = [\".waystation/routes/*\"]"),
        "{}",
        exit.stderr
    );
    let app = App::new(&[
        (
            "Cargo.toml",
            "[package]\nname = \"x\"\n\n[workspace]\nmembers = [\".waystation/routes/*\"]\n",
        ),
        ("app/a/route.rs", ""),
    ]);
    let exit = program().command("build", app.root()).run();
    assert!(
        exit.stderr
            .contains("the app does not depend on `waystation`"),
        "{}",
        exit.stderr
    );
}

#[test]
fn a_setting_that_there_is_not_is_told_with_its_place() {
    let app = App::new(&[
        ("app/a/route.rs", ""),
        ("waystation.toml", "[server]\nprot = 3000\n"),
    ]);
    for command in ["dev", "build", "start", "check"] {
        let exit = program().command(command, app.root()).run();
        assert_eq!(exit.code, Some(1), "{command}");
        assert!(
            exit.stderr.contains("--> waystation.toml:2:1")
                && exit.stderr.contains("did you mean `port`?"),
            "{}",
            exit.stderr
        );
    }
}

#[test]
fn limits_of_a_route_that_there_is_not_are_told() {
    let app = App::new(&[
        ("app/a/[id]/route.rs", ""),
        (
            "waystation.toml",
            "[limits.routes.\"/a/[ib]\"]\ncpu_ms = 10\n",
        ),
    ]);
    for command in ["build", "check", "test"] {
        let exit = program().command(command, app.root()).run();
        assert_eq!(exit.code, Some(1), "{command}");
        let told = "`limits.routes.\"/a/[ib]\"` is for a route that is not there";
        assert!(
            exit.stderr.contains(told) && exit.stderr.contains("did you mean `/a/[id]`?"),
            "{command}: {}",
            exit.stderr
        );
    }
}

#[tokio::test]
async fn dev_says_where_it_serves_and_a_line_for_each_request() {
    let host = fixture_host();
    let local = format!("  - Local: http://localhost:{}", host.address().port());
    for line in [
        concat!("▲ Waystation ", env!("CARGO_PKG_VERSION"), " (dev)"),
        &local,
    ] {
        host.wait_for_line(line, |said| said == line); // CL3
    }
    assert_eq!(fixture().get("/items/seen").await.status, 200);
    host.wait_for_line("the request", |line| {
        line.starts_with(" GET /items/seen 200 in ") && line.ends_with(" /items/[id]") // CL4
    });
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_to_its_owner() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();

    // `start` fails (CL5).
    let start = program().command("start", production().root());
    let exit = start
        .arg("--hostname")
        .arg("127.0.0.1")
        .arg("--port")
        .arg(&port.to_string())
        .run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    for part in [
        &format!("cannot listen on 127.0.0.1:{port}"),
        "in use",
        "hint: ",
        "`--port`",
    ] {
        assert!(exit.stderr.contains(part), "{part}: {}", exit.stderr);
    }

    // `dev` takes the next (CL2), and says so.
    let turn = turn().await;
    let app = turn.app(&[("app/a/route.rs", &text_route("a"))]);
    let dev = program()
        .command("dev", app.root())
        .env("PORT", &port.to_string());
    let host = dev.arg("--hostname").arg("127.0.0.1").serve();
    let next = host.address();
    assert!((port + 1..=port + 10).contains(&next.port()), "{next}");
    let said = format!(
        "Port {port} is in use, using available port {} instead.",
        next.port()
    );
    assert!(host.stderr().contains(&said), "{}", host.stderr());
    assert_eq!(Client::new(next).get("/a").await.line(), "200 a");
}

#[tokio::test]
async fn the_settings_file_says_where_to_listen_and_the_command_line_wins() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let app = App::new(&[(
        "waystation.toml",
        &format!("[server]\nhost = \"127.0.0.1\"\nport = {free}\n"),
    )]);
    let output = ".waystation/output";
    waystation_tests::tree::copy(&production().path(output), &app.path(output), &|_| true).unwrap();
    let host = program().start(app.root()); // `--port 0`
    assert_ne!(host.address().port(), free);
    let host = program().command("start", app.root()).spawn();
    assert_eq!(host.address().port(), free);
    waystation_tests::wait_for("it serves", async || {
        Client::new(host.address()).try_connect().await.ok()
    })
    .await;
    assert_eq!(
        Client::new(host.address()).get("/hello").await.line(),
        "200 hello"
    );
}
