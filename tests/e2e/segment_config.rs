//! The constants of a route module, and what becomes of them.

use serde_json::json;
use waystation_tests::output;

use crate::support::{fixture, production, program, text_route, turn};

#[tokio::test]
async fn constants_reach_the_handler_as_they_were_settled() {
    let seen = fixture().get("/segment").await;
    for part in [
        "dynamic: ForceDynamic",
        "dynamic_params: false",
        "revalidate: Some(Revalidate(Some(0)))",
        "fetch_cache: ForceNoStore",
        "runtime: Edge",
        r#"preferred_region: ["fra1", "iad1"]"#,
        "max_duration: 7s",
        "isolation: Shared",
        "cpu: 500ms",
        "body_limit: 4096",
    ] {
        assert!(seen.text().contains(part), "{part}: {}", seen.text());
    }
}

#[tokio::test]
async fn what_is_not_said_has_its_default() {
    let seen = fixture().get("/segment/default").await;
    for part in [
        "dynamic: Auto",
        "dynamic_params: true",
        "revalidate: None",
        "max_duration: 30s",
        "isolation: Request",
        "cpu: 1s",
        "body_limit: 10485760",
    ] {
        assert!(seen.text().contains(part), "{part}: {}", seen.text());
    }
}

#[tokio::test]
async fn a_fresh_instance_forgets_and_a_shared_one_remembers() {
    for _ in 0..3 {
        assert_eq!(fixture().get("/count/fresh").await.line(), "200 1");
    }
    let mut sender = fixture().connect().await;
    let mut counts = Vec::new();
    for _ in 0..3 {
        let answer = sender.ask("GET", "/count/shared", &[], "").await.unwrap();
        counts.push(answer.text().parse::<u32>().unwrap());
    }
    assert!(counts.is_sorted() && counts[0] < counts[2], "{counts:?}");
}

#[tokio::test]
async fn a_shared_instance_that_trapped_or_grew_or_leaks_is_not_used_again() {
    let turn = turn().await;
    let route = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixture/app/count/shared/route.rs"
    ))
    .unwrap();
    let app = turn.app(&[("app/count/route.rs", &route)]);
    let host = program().dev(app.root());
    let mut sender = waystation_tests::Client::new(host.address())
        .connect()
        .await;
    let mut ask = async |method: &str, body: &str| {
        sender
            .ask(method, "/count", &[], body)
            .await
            .unwrap()
            .line()
    };
    assert_eq!(ask("GET", "").await, "200 1");
    assert_eq!(ask("POST", "").await, "200 2");
    // An error is an answer like any other; the instance lives on.
    assert!(ask("POST", "error").await.starts_with("500 "));
    assert_eq!(ask("GET", "").await, "200 4");
    assert!(ask("POST", "panic").await.starts_with("500 "));
    assert_eq!(ask("GET", "").await, "200 1");
    // It may hold on to 32 MiB.
    assert_eq!(ask("POST", "grow").await, "200 41943040");
    assert_eq!(ask("GET", "").await, "200 1");
    // And to 32 handles.
    for count in 2..=34 {
        assert_eq!(ask("PUT", "").await, format!("200 {count}"));
    }
    assert_eq!(ask("GET", "").await, "200 1");
    drop(turn);
}

#[tokio::test]
async fn more_than_the_operator_allows_is_refused() {
    let turn = turn().await;
    let constants = "pub const MAX_DURATION: u32 = 60;\npub const CPU_MS: u32 = 2_000;\n";
    let route = format!("{constants}{}", text_route("never"));
    let app = turn.app(&[
        ("app/slow/route.rs", &route),
        ("app/fine/route.rs", &text_route("fine")),
    ]);
    let exit = program().command("check", app.root()).run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let hint = "ask for less or raise the limit in waystation.toml";
    let said = format!(
        "error: `MAX_DURATION` asks for 60 s and the operator allows 30; {hint}\n  --> app/slow/route.rs:1:11\n\n\
         error: `CPU_MS` asks for 2000 ms and the operator allows 1000; {hint}\n  --> app/slow/route.rs:2:11"
    );
    assert!(exit.stderr.contains(&said), "{}", exit.stderr);

    // In development it is that route's fault and nobody else's.
    let host = program().dev(app.root());
    let client = waystation_tests::Client::new(host.address());
    assert_eq!(client.get("/fine").await.line(), "200 fine");
    let slow = client.get("/slow").await;
    assert_eq!(slow.status, 500);
    assert!(slow.text().contains(&said), "{}", slow.text());

    app.write(
        "waystation.toml",
        "[limits]\nmax_duration = 60\ncpu_ms = 2000\n",
    );
    let exit = program().command("check", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
}

#[test]
fn production_reads_the_constants_from_the_build() {
    let manifest = output::manifest(production().root());
    let routes = manifest["routes"].as_array().unwrap();
    let config = |pattern: &str| {
        let route = routes.iter().find(|route| route["pattern"] == pattern);
        &route.unwrap()["config"]
    };
    assert_eq!(config("/limits/wall")["maxDuration"], 1);
    let segment = config("/segment");
    assert_eq!(segment["maxDuration"], 7);
    assert_eq!(segment["runtime"], "edge"); // G5
    assert_eq!(segment["preferredRegion"], json!(["fra1", "iad1"])); // G6
}
