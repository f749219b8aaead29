//! `waystation new`: an app that serves, and whose tests pass.

use std::fs;
use std::path::Path;

use regex::Regex;
use waystation_tests::{App, Client, Exit, tree};

use crate::support::{Turn, borrowed, lasting, program, turn};

#[tokio::test]
async fn a_new_app_serves_and_its_tests_pass() {
    let turn = turn().await;
    let app = made(&turn);
    {
        let host = program().dev(app.root());
        let client = Client::new(host.address());
        assert_eq!(
            client.get("/items/tea").await.line(),
            "200 You asked for tea"
        );
        let item = r#"{"name":"tea","price":3}"#;
        let answer = client.post("/items", &[], item).await;
        assert_eq!(answer.line(), format!("201 {item}"));
    }
    let exit = test(&app, &[]);
    assert_eq!(exit.code, Some(0), "{}\n{}", exit.stdout, exit.stderr);
    for test in [
        "route::tests::the_slug_is_decoded",
        "route::tests::an_item_comes_back",
        "route::tests::what_is_no_item_is_refused",
        "items_are_asked_for_and_made",
        "a_method_without_a_handler_is_refused",
    ] {
        let line = format!("test {test} ... ok");
        assert!(exit.stdout.contains(&line), "{test}: {}", exit.stdout);
    }

    // Tests see what the routes see, by the files of their mode, and a test that fails is told by the exit code.
    let route = "app/items/[slug]/route.rs";
    let other = app.read(route).replace(
        "format!(\"You asked for {}\", context.params.slug)",
        "std::env::var(\"GREETING\").unwrap_or_default()",
    );
    app.write(route, &other);
    app.write("waystation.toml", "env = [\"GREETING\"]\n");
    app.write(".env.test", "GREETING=green\n");
    app.write(".env.local", "GREETING=of this machine\n");
    app.write(
        "tests/served.rs",
        "#[test]\nfn both_see_it() {\n    assert_eq!(std::env::var(\"GREETING\").as_deref(), Ok(\"green\"));\n    \
         let request = waystation::testing::TestRequest::get(\"/items/tea\");\n    assert_eq!(request.send().text(), \"green\");\n}\n",
    );
    let exit = test(&app, &["--", "--no-fail-fast"]);
    assert_eq!(exit.code, Some(1), "{}\n{}", exit.stdout, exit.stderr);
    for line in [
        "test route::tests::the_slug_is_decoded ... FAILED",
        "test both_see_it ... ok",
    ] {
        assert!(exit.stdout.contains(line), "{line}: {}", exit.stdout);
    }
}

#[test]
fn new_says_what_to_type_next_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let exit = new(folder.path(), &["shop"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(exit.stdout, "");
    for line in ["  cd shop", "  waystation dev ", "  waystation test "] {
        assert!(exit.stderr.contains(line), "{line}: {}", exit.stderr);
    }
    let schema = program().line("schema").run();
    assert_eq!(schema.code, Some(0), "{}", schema.stderr);
    let written = folder
        .path()
        .join("shop/.waystation/waystation.schema.json");
    assert_eq!(
        fs::read_to_string(written).unwrap().trim_end(),
        schema.stdout
    );

    let before = tree::files(folder.path()).unwrap();
    for (arguments, said) in [
        (&["shop"][..], "this folder is not empty"),
        (&["my shop"], "`my shop` cannot name a package"),
        (&["serde"], "`serde` is taken"),
        (&["other", "--sdk", "nowhere"], "this is not the SDK"),
    ] {
        let exit = new(folder.path(), arguments);
        assert_eq!(exit.code, Some(1), "{arguments:?}");
        assert!(exit.stderr.contains(said), "{arguments:?}: {}", exit.stderr);
        assert!(exit.stderr.contains("hint: "), "{}", exit.stderr);
    }
    assert_eq!(tree::files(folder.path()).unwrap(), before);
    let exit = new(folder.path(), &["my shop", "--name", "shop"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn the_readme_shows_the_route_of_a_new_app() {
    let readme = include_str!("../../README.md");
    let route = include_str!("../../host/templates/app/app/items/[slug]/route.rs");
    let shown = "pub async fn get(context: Context<Params>) -> String {\n    format!(\"You asked for {}\", context.params.slug)\n}\n";
    assert!(readme.contains(shown) && route.contains(shown));
}

#[test]
fn the_guide_of_a_new_app_names_every_constant() {
    let guide = include_str!("../../host/templates/app/AGENTS.md");
    let guide: Vec<_> = guide
        .split(|c: char| !c.is_ascii_uppercase() && c != '_')
        .collect();
    let sdk = include_str!("../../guest-sdk/macros/src/constants.rs");
    let constant = Regex::new(r#"constant\(\s*"([A-Z_]+)""#).unwrap();
    let names = constant.captures_iter(sdk).map(|found| found.extract().1);
    let names: Vec<_> = names.map(|[name]| name).collect();
    assert!(names.contains(&"BODY_LIMIT"), "{names:?}");
    for name in names {
        assert!(guide.contains(&name), "{name}");
    }
}

/// A new app, with what is compiled already.
fn made(turn: &Turn) -> App {
    let folder = tempfile::tempdir().unwrap();
    let exit = new(folder.path(), &["shop"]);
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let root = folder.path().join("shop");
    let files = tree::files(&root).unwrap().into_iter();
    let files = files.map(|file| {
        let text = fs::read_to_string(root.join(&file)).unwrap();
        (file.to_string_lossy().into_owned(), text)
    });
    let sdk = waystation_tests::sdk_folder();
    let files = files.map(|(file, text)| match file.as_str() {
        // The app moves on to another folder.
        "Cargo.toml" => (file, with_sdk(&text, &sdk)),
        _ => (file, text),
    });
    turn.app(&borrowed(&files.collect::<Vec<_>>()))
}

/// The manifest with the SDK's absolute path.
fn with_sdk(manifest: &str, sdk: &Path) -> String {
    let lines = manifest
        .lines()
        .map(|line| match line.split_once("path = \"") {
            Some((before, after)) => {
                let (_, after) = after.split_once('"').unwrap();
                format!("{before}path = {sdk:?}{after}\n")
            }
            None => format!("{line}\n"),
        });
    lines.collect()
}

fn new(folder: &Path, arguments: &[&str]) -> Exit {
    let command = program().line("new").in_folder(folder);
    let command = arguments
        .iter()
        .fold(command, |command, argument| command.arg(argument));
    command.run()
}

/// Runs the app's tests; what they are compiled to natively is kept for the next run.
fn test(app: &App, arguments: &[&str]) -> Exit {
    let native = lasting("native").display().to_string();
    let command = program().command("test", app.root());
    let command = command.env("CARGO_TARGET_DIR", &native);
    let command = arguments
        .iter()
        .fold(command, |command, argument| command.arg(argument));
    command.run()
}
