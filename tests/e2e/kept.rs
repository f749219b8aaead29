//! Answers that are kept: which, for how long, and what is said of them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::StatusCode;
use waystation_tests::{App, Client, Host};

use crate::support::{keeping, program, state, turn, warm_app};

/// Answers that differ each time they are made.
const HEAD: &str = "use waystation::*;\n\n";

const ROUTES: [(&str, &str); 20] = [
    ("auto", "pub fn get() -> String { made() }"),
    (
        "minute",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> String { made() }\n\
         pub fn post() -> String { format!(\"posted {}\", made()) }",
    ),
    (
        "never",
        "pub const REVALIDATE: Revalidate = Revalidate::NEVER;\npub fn get() -> String { made() }",
    ),
    (
        "zero",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(0);\npub fn get() -> String { made() }",
    ),
    (
        "reads",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get(request: Request) -> String {\n\
             let name = request.cookies().get(\"name\").map(|name| name.to_string());\n\
             format!(\"{} {}\", name.unwrap_or_default(), made())\n\
         }",
    ),
    (
        "path-only",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get(request: Request) -> String { format!(\"{} {}\", request.url().pathname(), made()) }",
    ),
    (
        "forced",
        "pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;\n\
         pub async fn get(request: Request, context: Context) -> String {\n\
             connection().await;\n\
             let query = request.url().search().to_owned();\n\
             let cookies = cookies().get_all().len();\n\
             let agent = request.headers().contains_key(\"user-agent\");\n\
             let host = request.url().host().to_owned();\n\
             format!(\"[{query}] {cookies} {agent} {host} [{}] {}\", context.client_address(), made())\n\
         }",
    ),
    (
        "shown/[id]",
        "pub const DYNAMIC: Dynamic = Dynamic::ForceStatic;\n\
         pub fn get(request: Request, context: Context) -> String {\n\
             let cookies = cookies().get_all().len();\n\
             let (headers, client) = (request.headers(), context.client_address());\n\
             format!(\"{} {headers:?} {cookies} {client} {}\", request.url().href(), made())\n\
         }\n\
         pub fn post() -> &'static str { \"posted\" }",
    ),
    (
        "gone",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> Result<Response> { not_found() }",
    ),
    (
        "moved",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> Result<Response> { redirect(format!(\"/to/{}\", made())) }",
    ),
    (
        "strict/[does]",
        "use crate::Params;\n\
         pub const DYNAMIC: Dynamic = Dynamic::Error;\n\
         pub fn get(context: Context<Params>) -> Result<Response> {\n\
             match context.params.does.as_str() {\n\
                 \"reads\" => drop(headers().get(\"accept\").is_some()),\n\
                 \"sets\" => cookies().set((\"a\", \"1\")),\n\
                 \"refuses\" => return Response::builder().status(403).body(\"no\"),\n\
                 _ => return Err(Error::message(\"no\").with_status(StatusCode::FORBIDDEN)),\n\
             }\n\
             Ok(Response::text(made()))\n\
         }",
    ),
    (
        "items/[id]",
        "use crate::Params;\n\
         pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn generate_static_params() -> Vec<Params> { vec![Params { id: \"a\".into() }, Params { id: \"b/c\".into() }] }\n\
         pub async fn get(context: Context<Params>) -> String {\n\
             if context.params.id == \"stampede\" { sleep(std::time::Duration::from_millis(100)).await; }\n\
             format!(\"{} {}\", context.params.id, made())\n\
         }",
    ),
    (
        "only/[id]",
        "use crate::Params;\n\
         pub const DYNAMIC_PARAMS: bool = false;\n\
         pub fn generate_static_params() -> Vec<Params> { vec![Params { id: \"a\".into() }] }\n\
         pub fn get(context: Context<Params>) -> String { format!(\"{} {}\", context.params.id, made()) }",
    ),
    (
        "only/[...rest]",
        "use crate::Params;\n\
         pub const DYNAMIC_PARAMS: bool = false;\n\
         pub fn generate_static_params() -> Vec<Params> { vec![Params { rest: vec![\"b\".into()] }] }\n\
         pub fn get(context: Context<Params>) -> String { format!(\"the rest {:?}\", context.params.rest) }",
    ),
    (
        "status/[code]",
        "use crate::Params;\n\
         pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get(context: Context<Params>) -> Result<Response> {\n\
             let status: u16 = context.params.code.parse()?;\n\
             let response = Response::builder().status(status);\n\
             match status { 204 => Ok(response.body(\"\")?), _ => Ok(response.body(made())?) }\n\
         }",
    ),
    (
        "header/[name]",
        "use crate::Params;\n\
         pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get(context: Context<Params>) -> Result<Response> {\n\
             let (name, value) = match context.params.name.as_str() {\n\
                 \"cookie\" => (\"set-cookie\", \"a=1\"),\n\
                 \"private\" => (\"cache-control\", \"private\"),\n\
                 \"own\" => (\"cache-control\", \"max-age=5\"),\n\
                 _ => (\"vary\", \"*\"),\n\
             };\n\
             Ok(Response::builder().header(name, value).body(made())?)\n\
         }",
    ),
    (
        "jar",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> String { cookies().set((\"a\", \"1\")); made() }",
    ),
    (
        "fails",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> Result<String> { Err(Error::message(made())) }",
    ),
    (
        "deep",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         fn deep(depth: u64) -> u64 { if depth == 0 { 0 } else { std::hint::black_box(deep(depth - 1)) + 1 } }\n\
         pub fn get(request: Request) -> String {\n\
             let depth = if request.headers().contains_key(\"x-flat\") { 0 } else { u64::MAX };\n\
             format!(\"{} {}\", deep(depth), made())\n\
         }",
    ),
    (
        "streamed",
        "pub const REVALIDATE: Revalidate = Revalidate::seconds(60);\n\
         pub fn get() -> Response {\n\
             let parts = [made(), \" and \".to_owned(), made()];\n\
             Response::stream(futures_util::stream::iter(parts))\n\
         }",
    ),
];

static APP: LazyLock<App> = LazyLock::new(|| {
    let files: Vec<_> = ROUTES
        .iter()
        .map(|(folder, text)| {
            let made = "fn made() -> String { random_u64().to_string() }\n";
            (
                format!("app/{folder}/route.rs"),
                format!("{HEAD}{text}\n\n{made}"),
            )
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    warm_app("kept", &files)
});

pub(crate) static HOST: LazyLock<Host> = LazyLock::new(|| keeping(&APP, None));

pub(crate) fn client() -> Client {
    Client::new(HOST.address())
}

/// Whether the same answer is given again.
async fn is_kept(path: &str) -> bool {
    let client = client();
    client.get(path).await.body == client.get(path).await.body
}

#[tokio::test]
async fn what_fails_without_the_request_is_asked_with_it() {
    let flat = client().ask("GET", "/deep", &[("x-flat", "1")], "").await;
    assert!(flat.line().starts_with("200 0 "), "{}", flat.line());
    assert_eq!(client().get("/deep").await.status, 500);
}

#[tokio::test]
async fn a_route_that_does_not_ask_for_it_is_not_kept() {
    for path in ["/auto", "/zero"] {
        assert!(!is_kept(path).await, "{path}"); // Y1 and Y6
        let answer = client().get(path).await;
        assert_eq!(state(&answer), "", "{path}");
        assert_eq!(answer.header("cache-control"), "", "{path}");
    }
}

#[tokio::test]
async fn a_kept_answer_says_what_it_is() {
    let client = client();
    let first = client.get("/minute").await;
    let again = client.get("/minute?query=does-not-count").await; // I10
    assert_eq!(first.body, again.body);
    assert_eq!(state(&again), "HIT"); // I2
    assert_eq!(
        again.header("cache-control"),
        "s-maxage=60, stale-while-revalidate=31535940" // I1
    );
    assert!(
        again
            .header("cache-status")
            .starts_with("waystation; hit; ttl=")
    );
    assert!(again.header("age").parse::<u64>().is_ok());
    let name = again.header("etag").to_owned();
    let spared = client
        .ask("GET", "/minute", &[("if-none-match", &name)], "")
        .await;
    assert_eq!(
        (spared.status, spared.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    let never = client.get("/never").await;
    assert_eq!(never.header("cache-control"), "s-maxage=31536000");
    assert!(is_kept("/never").await); // Y2
}

#[tokio::test]
async fn head_is_answered_from_get_s_and_other_methods_never() {
    let client = client();
    let head = client.ask("HEAD", "/path-only", &[], "").await;
    assert_eq!(state(&head), "MISS"); // I11
    let get = client.get("/path-only").await;
    assert_eq!(state(&get), "HIT");
    assert_eq!(head.header("content-length"), get.body.len().to_string());

    let posted = client.post("/minute", &[], "").await; // I12, and Y7 by method
    assert!(posted.text().starts_with("posted "));
    assert_eq!(state(&posted), "");
    assert!(is_kept("/minute").await);
    assert_eq!(client.ask("DELETE", "/minute", &[], "").await.status, 405);
    assert_eq!(client.ask("OPTIONS", "/minute", &[], "").await.status, 204);
}

#[tokio::test]
async fn what_reads_the_request_is_not_kept() {
    let client = client();
    let named = async |name: &str| {
        let cookie = format!("name={name}");
        let answer = client
            .ask("GET", "/reads", &[("cookie", &cookie)], "")
            .await;
        assert_eq!(state(&answer), "");
        let text = answer.text().to_owned();
        text.split(' ').next().unwrap_or_default().to_owned()
    };
    assert_eq!(named("ann").await, "ann"); // Y2 and Q16: the first was made without the request, and thrown away
    assert_eq!(named("bob").await, "bob");
    let answer = client.get("/reads").await;
    assert!(
        answer
            .header("cache-control")
            .starts_with("private, no-cache, no-store")
    );
}

#[tokio::test]
async fn under_force_static_the_request_is_empty() {
    let headers = [("cookie", "a=1"), ("user-agent", "test")];
    let answer = client().ask("GET", "/forced?a=1", &headers, "").await;
    let shown = answer.text().rsplit_once(' ').unwrap().0;
    let port = HOST.address().port();
    assert_eq!(shown, format!("[] 0 false localhost:{port} []")); // Q17, H5, Y4 and K1
    assert!(is_kept("/forced").await);
}

#[tokio::test]
async fn under_error_what_cannot_be_kept_is_an_error() {
    for (path, why) in [
        ("/strict/reads", "it used `headers()`"),
        ("/strict/sets", "it sets a cookie"),
    ] {
        let answer = client().get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("set-cookie")),
            (500, "")
        );
        assert!(answer.text().contains(why), "{}", answer.text()); // Y5
    }
    for path in ["/strict/refuses", "/strict/forbids"] {
        assert_eq!(client().get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn each_set_of_params_is_kept_apart() {
    let client = client();
    let all = ["/items/a", "/items/b%2Fc", "/items/other", "/items/%7E"];
    let mut bodies = BTreeSet::new();
    for path in all {
        let answer = client.get(path).await;
        bodies.insert(answer.text().to_owned());
        assert_eq!(client.get(path).await.body, answer.body, "{path}"); // SP5
    }
    assert_eq!(bodies.len(), all.len());
    let tilde = client.get("/items/~").await; // I10
    assert_eq!(tilde.body, client.get("/items/%7E").await.body);
    assert_ne!(
        client.get("/items/A").await.body,
        client.get("/items/a").await.body
    );
}

#[tokio::test]
async fn params_that_are_not_listed_can_be_refused() {
    let client = client();
    assert!(client.get("/only/a").await.text().starts_with("a ")); // G8
    assert_eq!(client.get("/only/b").await.text(), "the rest [\"b\"]"); // R3
    assert_eq!(client.get("/only/c").await.status, 404); // G3 and SP6
}

#[tokio::test]
async fn only_answers_for_everybody_are_kept() {
    for (path, expected) in [
        ("/status/200", true),
        ("/status/404", true), // Y8
        ("/status/410", true),
        ("/status/204", false), // I12, section 19 (8)
        ("/status/400", false),
        ("/status/500", false),    // section 19 (3)
        ("/header/own", true),     // I8
        ("/header/cookie", false), // I16
        ("/header/private", false),
        ("/header/vary", false),
        ("/jar", false),
        ("/streamed", true),
    ] {
        let client = client();
        let first = client.get(path).await;
        let second = client.get(path).await;
        assert_eq!(state(&second) == "HIT", expected, "{path}");
        assert_eq!(
            first.body == second.body,
            expected || first.body.is_empty(),
            "{path}"
        );
    }
    let own = client().get("/header/own").await;
    assert_eq!(own.header("cache-control"), "max-age=5"); // I8
    assert_eq!(client().get("/fails").await.status, 500); // I7
    assert_eq!(client().get("/fails").await.status, 500);
}

#[tokio::test]
async fn many_at_once_have_it_made_once() {
    let asked = (0..1_000).map(|_| tokio::spawn(async { client().get("/items/stampede").await }));
    let mut bodies = BTreeSet::new();
    for answer in asked.collect::<Vec<_>>() {
        bodies.insert(answer.await.unwrap().body);
    }
    assert_eq!(bodies.len(), 1); // I9
}

#[tokio::test]
async fn a_navigation_is_kept_as_long_as_the_route_says() {
    let client = client();
    for (path, status) in [("/gone", 404), ("/moved", 307)] {
        let first = client.get(path).await;
        let second = client.get(path).await;
        assert_eq!(
            (second.status.as_u16(), state(&second)),
            (status, "HIT"),
            "{path}"
        ); // N7
        assert_eq!(first.header("location"), second.header("location"));
        assert!(
            second.header("cache-control").starts_with("s-maxage=60, "),
            "{path}"
        );
    }
}

#[tokio::test]
async fn without_cache_dev_runs_the_handler_each_time() {
    let turn = turn().await;
    let app = turn.app(&[(
        "app/never/route.rs",
        "use waystation::*;\npub const REVALIDATE: Revalidate = Revalidate::NEVER;\n\
         pub fn get() -> String { random_u64().to_string() }\n",
    )]);
    let host = program().dev(app.root());
    let client = Client::new(host.address());
    assert_ne!(
        client.get("/never").await.body,
        client.get("/never").await.body
    ); // Y11
    host.wait_for_line("why", |line| {
        line.contains("GET /never 200") && line.ends_with("(not kept: without --cache)")
    });
}
