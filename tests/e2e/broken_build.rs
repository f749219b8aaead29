//! A route that does not compile: its own fault and nobody else's, in the compiler's words, until it is mended.

use waystation_tests::{Answer, Client, wait_for};

use crate::support::{Edited, program, text_route, turn};

const BROKEN: &str = "pub fn get() -> &'static str {\n    let word: &str = 1;\n    word\n}\n";

#[tokio::test]
async fn a_broken_route_answers_with_the_compiler_s_words_and_heals() {
    let app = Edited::new(&[
        ("app/a/route.rs", &text_route("one")),
        ("app/b/route.rs", &text_route("b")),
    ])
    .await;
    for round in 0..3 {
        app.app.write("app/a/route.rs", BROKEN);
        app.answers("/a", "the error", |answer| answer.status == 500)
            .await;
        let answer = app.client.get("/a").await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        is_told(&answer, "error[E0308]: mismatched types");
        is_told(&answer, "app/a/route.rs:2:22");
        is_told(&answer, "expected `&str`, found integer");
        assert!(!answer.text().contains('\u{1b}'), "{:?}", answer.text());
        assert_eq!(app.client.get("/b").await.line(), "200 b");
        assert_eq!(app.client.post("/a", &[], "").await.status, 500);

        // Healed by new content, and by the very content from before.
        let healed = if round == 1 { "one" } else { "two" };
        app.app.write("app/a/route.rs", &text_route(healed));
        app.shows("/a", &format!("200 {healed}")).await;
    }
    app.host.wait_for_line("the terminal shows it too", |line| {
        line.contains("mismatched types")
    });
}

#[tokio::test]
async fn a_browser_gets_a_page() {
    let app = Edited::new(&[
        ("app/a/route.rs", BROKEN),
        ("app/b/route.rs", &text_route("b")),
    ])
    .await;
    assert_eq!(app.client.get("/b").await.line(), "200 b"); // served from the start, beside a broken one
    let browser = [(
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    )];
    let page = app.client.ask("GET", "/a", &browser, "").await;
    assert_eq!(page.status, 500);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    is_told(&page, "<!doctype html>");
    is_told(&page, "app/a/route.rs:2:22");
    is_told(&page, "--&gt; ");
    assert!(!page.text().contains("<module"), "{}", page.text());
    let text = app.client.ask("GET", "/a", &[("accept", "*/*")], "").await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    app.app.write("app/a/route.rs", &text_route("mended"));
    app.shows("/a", "200 mended").await;
}

#[tokio::test]
async fn a_wrong_module_is_told_at_its_own_line() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    wrong(
        &app,
        "pub fn GET() -> &'static str {\n    \"\"\n}\n",
        &["app/a/route.rs:1:8", "get"],
    )
    .await;
    wrong(
        &app,
        "fn get() -> &'static str {\n    \"\"\n}\n",
        &["app/a/route.rs:1", "pub"],
    )
    .await;
    wrong(
        &app,
        "pub const REVALIDATE: u32 = 60;\n\npub fn get() {}\n",
        &["REVALIDATE", "app/a/route.rs:1:"],
    )
    .await;
    wrong(&app, "// nothing\n", &["app/a/route.rs"]).await; // M11
    wrong(&app, "use crate::Params;\nuse waystation::Context;\n\npub fn get(context: Context<Params>) -> String {\n    context.params.id\n}\n", &["app/a/route.rs"]).await;
    app.app.write("app/a/route.rs", &text_route("mended"));
    app.shows("/a", "200 mended").await;
}

#[tokio::test]
async fn a_wrong_type_of_a_handler_is_told_in_plain_words_at_the_handler() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    wrong(
        &app,
        "pub fn get() -> u128 {\n    1\n}\n",
        &[
            "error: a handler cannot answer with `u128`\n --> app/a/route.rs:1:17\n",
            "1 | pub fn get() -> u128 {\n  |                 ^^^^\n",
        ],
    )
    .await;
    wrong(
        &app,
        "pub fn get() -> waystation::Result<u128> {\n    Ok(1)\n}\n",
        &["error: a handler cannot answer with `Result<u128, waystation::Error>`\n --> app/a/route.rs:1:17\n"],
    )
    .await;
    wrong(
        &app,
        "pub fn get() {}\n\npub fn post(body: String) {}\n",
        &["error: a handler cannot take `String`\n --> app/a/route.rs:3:19\n"],
    )
    .await;
}

async fn wrong(app: &Edited, source: &str, told: &[&str]) {
    app.app.write("app/a/route.rs", source);
    let is_told = |answer: &Answer| {
        answer.status == 500 && told.iter().all(|part| answer.text().contains(part))
    };
    app.answers("/a", &format!("{told:?}"), is_told).await;
}

#[tokio::test]
async fn a_param_that_the_folder_does_not_have_is_an_error_at_its_use() {
    let source = "use crate::Params;\nuse waystation::Context;\n\npub fn get(context: Context<Params>) -> String {\n    context.params.slug\n}\n";
    let app = Edited::new(&[("app/[id]/route.rs", source)]).await;
    let answer = app.client.get("/1").await;
    is_told(&answer, "no field `slug` on type");
    is_told(&answer, "app/[id]/route.rs:5:20");
    app.app.rename("app/[id]", "app/[slug]");
    app.shows("/1", "200 1").await;
}

#[tokio::test]
async fn broken_shared_code_breaks_just_the_routes_that_use_it() {
    let app = Edited::new(&[
        ("src/lib.rs", "pub const WORD: &str = \"one\";\n"),
        (
            "app/uses/route.rs",
            "pub fn get() -> &'static str {\n    shop::WORD\n}\n",
        ),
        ("app/alone/route.rs", &text_route("alone")),
    ])
    .await;
    app.app.write("src/lib.rs", "pub const WORD: &str = 1;\n");
    app.answers("/uses", "the error", |answer| answer.status == 500)
        .await;
    is_told(&app.client.get("/uses").await, "src/lib.rs:1:24");
    app.shows("/alone", "200 alone").await;
    app.app
        .write("src/lib.rs", "pub const WORD: &str = \"two\";\n");
    app.shows("/uses", "200 two").await;
    app.shows("/alone", "200 alone").await;
}

#[tokio::test]
async fn a_broken_cargo_toml_leaves_everything_serving() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    let whole = app.app.read("Cargo.toml");
    let seen = app.host.lines();
    app.app.write("Cargo.toml", "[package\n");
    app.host
        .wait_for_line_after(seen, "where it is broken", |line| {
            line.contains("Cargo.toml:1")
        });
    app.host
        .wait_for_line_after(seen, "what is served", |line| {
            line.contains("what was served before is still served")
        });
    assert_eq!(app.client.get("/a").await.line(), "200 a");

    // A dependency that is nowhere is cargo's to explain.
    let seen = app.host.lines();
    app.app.write(
        "Cargo.toml",
        &app.app.cargo_toml("nowhere = { path = \"nowhere\" }\n"),
    );
    app.host.wait_for_line_after(seen, "cargo's words", |line| {
        line.contains("nowhere/Cargo.toml")
    });
    assert_eq!(app.client.get("/a").await.line(), "200 a");

    app.app.write("Cargo.toml", &whole);
    app.app.write("app/a/route.rs", &text_route("mended"));
    app.shows("/a", "200 mended").await;
}

#[tokio::test]
async fn a_broken_waystation_toml_is_told_and_leaves_everything_serving() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    let seen = app.host.lines();
    app.app
        .write("waystation.toml", "[limits]\nmax_duratoin = 3\n");
    app.host
        .wait_for_line_after(seen, "where it is broken", |line| {
            line.contains("waystation.toml:2:1")
        });
    assert_eq!(app.client.get("/a").await.line(), "200 a");
    app.app
        .write("waystation.toml", "[limits]\nmax_duration = 3\n");
    app.app.write("app/a/route.rs", &text_route("mended"));
    app.shows("/a", "200 mended").await;
}

#[tokio::test]
async fn routes_in_each_other_s_way_are_told_and_leave_everything_serving() {
    let app = Edited::new(&[("app/shop/[item]/route.rs", &text_route("item"))]).await;
    let seen = app.host.lines();
    app.app
        .write("app/(sale)/shop/[product]/route.rs", &text_route("product"));
    for file in [
        "app/shop/[item]/route.rs",
        "app/(sale)/shop/[product]/route.rs",
    ] {
        app.host
            .wait_for_line_after(seen, file, |line| line.trim() == format!("--> {file}"));
    }
    assert_eq!(app.client.get("/shop/1").await.line(), "200 item");
    app.app.remove("app/shop");
    app.shows("/shop/1", "200 product").await;
}

#[tokio::test]
async fn dev_starts_on_an_app_that_cannot_be_built_and_serves_it_once_it_can() {
    let turn = turn().await;
    let app = turn.app(&[
        ("app/[a]/[a]/route.rs", &text_route("never")),
        ("app/b/route.rs", &text_route("b")),
    ]);
    let host = program().command("dev", app.root());
    let host = host.on_a_free_port().spawn();
    host.wait_for_line("the fault", |line| line.contains("`a` names two segments"));
    host.wait_for_line("its file", |line| line.trim() == "--> app/[a]/[a]/route.rs");
    host.wait_for_line("what is served", |line| {
        line.contains("nothing is served until this is mended")
    });
    app.remove("app/[a]");
    let client = Client::new(host.address());
    wait_for("the other route", async || {
        let answer = client.try_ask("GET", "/b", &[], "").await;
        (answer.ok()?.line() == "200 b").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_app_without_any_route_that_compiles_is_served_all_the_same() {
    let app = Edited::new(&[("app/a/route.rs", BROKEN)]).await;
    assert_eq!(app.client.get("/a").await.status, 500);
    app.app.write("app/a/route.rs", &text_route("mended"));
    app.shows("/a", "200 mended").await;
    app.app.remove("app/a");
    app.shows("/a", "404 no route answers this path").await;
    app.app.write("app/a/route.rs", "");
    app.answers("/a", "an error", |answer| answer.status == 500)
        .await;
    app.app.write("app/a/route.rs", &text_route("back"));
    app.shows("/a", "200 back").await;
}

#[tokio::test]
async fn warnings_are_shown_and_break_nothing() {
    let app = Edited::new(&[("app/a/route.rs", &text_route("a"))]).await;
    app.app.write(
        "app/a/route.rs",
        "pub fn get() -> &'static str {\n    let unused = 1;\n    \"warned\"\n}\n",
    );
    app.shows("/a", "200 warned").await;
    app.host
        .wait_for_line("the warning", |line| line.contains("unused variable"));
}

#[track_caller]
fn is_told(answer: &Answer, part: &str) {
    assert!(
        answer.text().contains(part),
        "no {part:?} in {}",
        answer.text()
    );
}
