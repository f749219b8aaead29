//! `waystation dev`: which files an app is made of, beside its routes.

use crate::support::{Edited, text_route};

#[tokio::test]
async fn shared_code_rebuilds_just_the_routes_that_use_it() {
    let counter = "use std::sync::atomic::{AtomicU32, Ordering};\n\
         pub const ISOLATION: waystation::Isolation = waystation::Isolation::Shared;\n\
         static COUNT: AtomicU32 = AtomicU32::new(0);\n\
         pub fn get() -> String {\n    COUNT.fetch_add(1, Ordering::Relaxed).to_string()\n}\n";
    let app = Edited::new(&[
        ("src/lib.rs", "pub const WORD: &str = \"one\";\n"),
        (
            "app/uses/route.rs",
            "pub fn get() -> &'static str {\n    shop::WORD\n}\n",
        ),
        ("app/alone/route.rs", counter),
    ])
    .await;
    app.shows("/uses", "200 one").await;
    app.shows("/alone", "200 0").await;
    let seen = app.host.lines();
    app.app
        .write("src/lib.rs", "pub const WORD: &str = \"two\";\n");
    app.shows("/uses", "200 two").await;
    let live = app
        .host
        .wait_for_line_after(seen, "what is live", |line| line.contains(" live in "));
    assert!(live.contains("/uses") && !live.contains("/alone"), "{live}");
    app.shows("/alone", "200 1").await; // its instance serves on
}

#[tokio::test]
async fn modules_beside_a_route_are_watched() {
    let app = Edited::new(&[
        (
            "app/a/route.rs",
            "mod helper;\n\npub fn get() -> &'static str {\n    helper::WORD\n}\n",
        ),
        ("app/a/helper.rs", "pub const WORD: &str = \"one\";\n"),
    ])
    .await;
    app.shows("/a", "200 one").await;
    app.app
        .replace("app/a/helper.rs", "pub const WORD: &str = \"two\";\n");
    app.shows("/a", "200 two").await;
}

#[tokio::test]
async fn a_dependency_by_path_is_watched_and_so_is_cargo_toml() {
    let manifest = "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let turnless = waystation_tests::App::new(&[
        ("Cargo.toml", manifest),
        ("src/lib.rs", "pub const WORD: &str = \"one\";\n"),
    ]);
    let app = Edited::new(&[("app/a/route.rs", &text_route("without"))]).await;
    app.shows("/a", "200 without").await;

    let dependency = format!("words = {{ path = {:?} }}\n", turnless.root());
    app.app
        .write("Cargo.toml", &app.app.cargo_toml(&dependency));
    app.app.write(
        "app/a/route.rs",
        "pub fn get() -> &'static str {\n    words::WORD\n}\n",
    );
    app.shows("/a", "200 one").await;

    turnless.write("src/lib.rs", "pub const WORD: &str = \"two\";\n");
    app.shows("/a", "200 two").await;
}

#[tokio::test]
async fn waystation_toml_is_watched() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    app.shows("/a", "200 a").await;
    app.app.write("waystation.toml", "trailing_slash = true\n");
    app.answers("/a", "a redirect to /a/", |answer| {
        answer.status == 308 && answer.header("location") == "/a/"
    })
    .await;
    app.app.remove("waystation.toml");
    app.shows("/a", "200 a").await;
}

#[tokio::test]
async fn a_file_with_an_old_time_is_noticed_by_its_content() {
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("one")),
        ("aside/route.rs", &text_route("two")),
    ])
    .await;
    app.shows("/a", "200 one").await;
    let aside = std::fs::File::options()
        .write(true)
        .open(app.app.path("aside/route.rs"))
        .unwrap();
    let long_ago =
        std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    aside.set_modified(long_ago).unwrap();
    app.app.rename("aside/route.rs", "app/a/route.rs");
    app.shows("/a", "200 two").await;
}

#[tokio::test]
async fn hidden_files_and_editors_copies_are_no_change() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    let seen = app.host.lines();
    for name in [".route.rs.swp", "route.rs~", ".#route.rs"] {
        app.app.write(&format!("app/a/{name}"), "noise");
    }
    let hidden = "app/.well-known/health/route.rs"; // a folder is a part of the path, hidden or not
    app.app.write(hidden, &text_route("well"));
    app.shows("/.well-known/health", "200 well").await;
    let said = app.host.stderr_after(seen);
    assert!(said.contains(&format!("{hidden} changed ...")), "{said}");
}
