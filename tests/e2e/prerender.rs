//! Answers that `build` makes and `start` serves.

use std::sync::LazyLock;

use waystation_tests::{App, Client, Redis, output, tree};

use crate::support::{production, program, state, turn, warm_app};

const FILES: [(&str, &str); 7] = [
    (
        "app/once/route.rs",
        "use waystation::*;\npub const DYNAMIC: Dynamic = Dynamic::ForceStatic;\n\
         pub fn get() -> String { random_u64().to_string() }\n",
    ),
    (
        "app/posts/[slug]/route.rs",
        "use crate::Params;\nuse waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::seconds(3600);\n\
         pub fn generate_static_params() -> Vec<Params> {\n\
             [\"a/b\", \"c\"].map(|slug| Params { slug: slug.into() }).into()\n\
         }\n\
         pub fn get(context: Context<Params>) -> String { format!(\"{} {}\", context.params.slug, random_u64()) }\n",
    ),
    (
        "app/reads/[id]/route.rs",
        "use crate::Params;\nuse waystation::*;\n\
         pub fn generate_static_params() -> [Params; 1] { [Params { id: \"1\".into() }] }\n\
         pub fn get() -> String { headers().get(\"accept\").is_some().to_string() }\n",
    ),
    (
        "app/listed/[id]/route.rs",
        "use crate::Params;\nuse waystation::*;\npub const DYNAMIC_PARAMS: bool = false;\n\
         pub fn generate_static_params() -> [Params; 1] { [Params { id: random_u64().to_string() }] }\n\
         pub fn get(context: Context<Params>) -> String { context.params.id.clone() }\n",
    ),
    (
        "app/large/[id]/route.rs",
        "use crate::Params;\nuse waystation::*;\n\
         pub fn generate_static_params() -> Vec<Params> {\n\
             (0..5).map(|id| Params { id: id.to_string() }).collect()\n\
         }\n\
         pub fn get(context: Context<Params>) -> String { context.params.id.repeat(600_000) }\n",
    ),
    (
        "app/robots.rs",
        "use waystation::metadata::Robots;\npub fn robots() -> Robots { Robots::new() }\n",
    ),
    (
        "app/plain/route.rs",
        "pub fn get() -> &'static str { \"plain\" }\n",
    ),
];

struct Built {
    app: App,
    said: String,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    let app = warm_app("prerendered", &FILES);
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    Built {
        app,
        said: exit.stderr,
    }
});

/// A folder with the output alone, so that a test may keep things there.
pub(crate) fn deployed(toml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = ".waystation/output";
    tree::copy(
        &BUILT.app.path(output),
        &folder.path().join(output),
        &|_| true,
    )
    .unwrap();
    std::fs::write(folder.path().join("waystation.toml"), toml).unwrap();
    folder
}

#[tokio::test]
async fn what_build_has_made_is_served_from_the_first_request_on() {
    let deployed = deployed("");
    let host = program().start(deployed.path());
    let client = Client::new(host.address());
    for path in ["/once", "/posts/a%2Fb", "/posts/c", "/robots.txt"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(state(&answer), "HIT", "{path}"); // Y2, Y9 and MD11
    }
    assert!(client.get("/posts/a%2Fb").await.text().starts_with("a/b ")); // SP9
    let other = client.get("/posts/other").await;
    assert_eq!(state(&other), "MISS"); // SP5
    let reads = client.get("/reads/1").await;
    assert_eq!(state(&reads), ""); // SP7
    assert_eq!(client.get("/plain").await.line(), "200 plain");
}

/// What there is no room for is read from the release again, until there is a newer one.
#[tokio::test]
async fn what_build_has_made_is_served_whatever_memory_there_is() {
    let deployed = deployed("[cache]\nmemory_mb = 1\n");
    let host = program().start(deployed.path());
    let client = Client::new(host.address());
    for _ in 0..2 {
        for id in 0..5 {
            let answer = client.get(&format!("/large/{id}")).await;
            assert_eq!(state(&answer), "HIT", "{id}");
            assert_eq!(answer.body.len(), 600_000);
        }
    }
    let revalidate = program().command("revalidate", deployed.path());
    let exit = revalidate.arg("--path").arg("/large/3").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    assert_eq!(state(&client.get("/large/3").await), "MISS");
    assert_eq!(state(&client.get("/large/4").await), "HIT");
}

#[tokio::test]
async fn the_params_that_build_has_listed_are_the_only_ones() {
    let manifest = output::manifest(BUILT.app.root());
    let mut routes = manifest["routes"].as_array().unwrap().iter();
    let route = routes
        .find(|route| route["pattern"] == "/listed/[id]")
        .unwrap();
    let id = route["kept"][0]["params"][0]["value"].as_str().unwrap();
    let deployed = deployed("");
    let host = program().start(deployed.path());
    let client = Client::new(host.address());
    let answer = client.get(&format!("/listed/{id}")).await;
    assert_eq!(state(&answer), "HIT");
    assert_eq!(answer.text(), id); // it is not listed anew, which would give another one
    assert_eq!(client.get("/listed/1").await.status, 404); // SP6
}

#[test]
fn the_table_tells_what_is_kept_and_how_long() {
    let said = &BUILT.said;
    let row = |start: &str| {
        said.lines()
            .find(|line| line.contains(start))
            .unwrap_or_default()
    };
    assert!(row(" /once").contains("○ /once"), "{said}"); // CL7
    assert!(row("● /posts/[slug]").contains("1h"), "{said}"); // CL8
    assert!(row("● /posts/[slug]").contains("1y"), "{said}");
    assert!(said.contains("├ /posts/a%2Fb"), "{said}"); // CL6
    assert!(row("/reads/[id]").contains("ƒ"), "{said}");
    assert!(row("/plain").contains("ƒ"), "{said}");
    let why = "app/reads/[id]/route.rs is answered on demand: it used `headers()`";
    assert!(said.contains(why), "{said}");
}

#[tokio::test]
async fn with_redis_a_restart_knows_what_went_out_of_date_meanwhile() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let toml = format!("[cache]\nredis = {:?}\n", redis.url());
    let folders = [deployed(&toml), deployed(&toml)];
    let mut gone = program().start(folders[0].path());
    let stays = program().start(folders[1].path());
    let built = Client::new(gone.address()).get("/posts/c").await;
    assert_eq!(state(&built), "HIT");
    gone.terminate();
    gone.wait_for_exit();
    let revalidate = program().command("revalidate", folders[1].path());
    let exit = revalidate.arg("--path").arg("/posts/c").run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let back = program().start(folders[0].path());
    for host in [stays, back] {
        let anew = Client::new(host.address()).get("/posts/c").await;
        assert_ne!(anew.body, built.body);
    }
}

#[tokio::test]
async fn a_route_whose_answer_cannot_be_made_fails_the_build() {
    let turn = turn().await;
    let app = turn.app(&[(
        "app/items/[id]/route.rs",
        "use crate::Params;\nuse waystation::*;\npub const DYNAMIC: Dynamic = Dynamic::Error;\n\
         pub fn generate_static_params() -> [Params; 1] { [Params { id: \"1\".into() }] }\n\
         pub fn get() -> String { cookies().get(\"a\").is_some().to_string() }\n",
    )]);
    app.warm_too(production());
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(1));
    let why = "app/items/[id]/route.rs: the answer of /items/1 cannot be made";
    assert!(exit.stderr.contains(why), "{}", exit.stderr); // Y5
    assert!(
        exit.stderr.contains("it used `cookies()`"),
        "{}",
        exit.stderr
    );

    app.write(
        "app/items/[id]/route.rs",
        "use crate::Params;\nuse waystation::*;\n\
         pub fn generate_static_params() -> [Params; 1] { [Params { id: \"2\".into() }] }\n\
         pub fn get() -> String { panic!(\"no stock\") }\n",
    );
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(1));
    let said = &exit.stderr;
    for why in [
        "no stock",
        "the answer of /items/2 cannot be made: it panicked",
        "say `DYNAMIC = Dynamic::ForceDynamic` if the handler needs one",
    ] {
        assert!(said.contains(why), "{said}");
    }

    app.remove("app/items");
    app.write(
        "app/rates/route.rs",
        "use waystation::fetch::CacheMode;\nuse waystation::*;\npub const DYNAMIC: Dynamic = Dynamic::Error;\n\
         pub async fn get() -> Result<String> { fetch(\"/rate\").cache(CacheMode::NoStore).await?.text().await }\n",
    );
    app.write(
        "app/rate/route.rs",
        "pub fn get() -> &'static str { \"1.08\" }\n",
    );
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let why = "and this one cannot be: it made a `fetch` that is not to be kept";
    assert!(exit.stderr.contains(why), "{}", exit.stderr);
}

#[tokio::test]
async fn an_operator_sees_what_is_kept_and_takes_it_out_of_date() {
    let deployed = deployed("");
    let host = program().start(deployed.path());
    let client = Client::new(host.address());
    let run = |name: &str, arguments: &[&str]| {
        let command = program().command(name, deployed.path());
        let command = arguments
            .iter()
            .fold(command, |command, argument| command.arg(argument));
        command.run()
    };
    client.get("/posts/c").await;
    let listed = run("cache", &[]);
    let counted = "/posts/[slug]: 1 HIT, 0 STALE, 0 MISS\n";
    assert!(listed.stdout.starts_with(counted), "{}", listed.stdout);
    let line = listed.stdout.lines().find(|line| line.contains("/posts/c"));
    assert!(
        line.unwrap_or_default().contains("HIT"),
        "{}",
        listed.stdout
    );

    let done = run("revalidate", &["--path", "/posts/c"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let state = async |path: &str| {
        client
            .get(path)
            .await
            .header("x-waystation-cache")
            .to_owned()
    };
    assert_eq!(state("/posts/c").await, "MISS");
    assert_eq!(state("/posts/a%2Fb").await, "HIT");
    let done = run("revalidate", &["--path", "/posts/[slug]", "--kind", "page"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(state("/posts/a%2Fb").await, "MISS");
    let odd = run("revalidate", &["--tag", "a", "--profile", "nope"]);
    assert_eq!(odd.code, Some(1));
    assert!(
        odd.stderr.contains("there is no profile `nope`"),
        "{}",
        odd.stderr
    );
    assert_eq!(run("revalidate", &[]).code, Some(2));

    assert_eq!(run("cache", &["--purge"]).code, Some(0));
    let json = run("cache", &["--json"]).stdout;
    assert!(json.contains("\"entries\":[]"), "{json}");
    drop(host);
    let gone = run("cache", &[]);
    assert_eq!(gone.code, Some(1));
    assert!(
        gone.stderr.contains("no app is running in"),
        "{}",
        gone.stderr
    );
}
