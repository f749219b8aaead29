//! Files of `public/`: under `dev` as they are on disk at each moment, after `build` as they were then.

use std::path::Path;

use waystation_tests::raw::Socket;
use waystation_tests::{Answer, Client, output};

use crate::support::{Deployed, Edited, fixture, fixture_http2, production, program, text_route};

/// Asks `dev` and `start` the same.
async fn both(ask: impl AsyncFn(&Client)) {
    ask(&fixture()).await;
    let deployed = Deployed::new();
    let host = deployed.start();
    ask(&Client::new(host.address())).await;
}

async fn with(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.ask("GET", path, headers, "").await
}

#[tokio::test]
async fn a_file_answers_its_path_with_what_it_is() {
    both(async |client| {
        let hello = client.get("/hello.txt").await;
        assert_eq!(hello.line(), "200 hello from public");
        let headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", "18"),
            ("cache-control", "public, max-age=0"),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "bytes"),
            ("vary", ""),
        ];
        for (name, value) in headers {
            assert_eq!(hello.header(name), value, "{name}");
        }
        let page = client.get("/sub/page.html?v=1").await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let spelt = client.get("/sub/%5Bx%5D%20%26%20y.txt").await;
        assert_eq!(spelt.line(), "200 brackets");
        let known = client.get("/.well-known/security.txt").await;
        assert_eq!(known.line(), "200 Contact: mailto:a@example.com");
        assert_eq!(
            client.get("/hello.txt/").await.header("location"),
            "/hello.txt"
        ); // U2
    })
    .await;
}

#[tokio::test]
async fn a_file_is_read_and_nothing_else() {
    both(async |client| {
        let head = client.ask("HEAD", "/hello.txt", &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), "18");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "QUERY"] {
            let refused = client.ask(method, "/hello.txt", &[], "").await;
            let (status, allow) = (refused.status.as_u16(), refused.header("allow"));
            assert_eq!((status, allow), (405, "GET, HEAD"), "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    both(async |client| {
        let tag = client.get("/hello.txt").await.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag} is no strong name");
        let again = with(client, "/hello.txt", &[("if-none-match", &tag)]).await;
        assert_eq!(again.line(), "304");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("cache-control"), "public, max-age=0");
        let other = with(client, "/hello.txt", &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.line(), "200 hello from public");
        let wanted = with(client, "/hello.txt", &[("if-match", "\"x\"")]).await;
        assert_eq!(wanted.status, 412);
    })
    .await;
}

#[tokio::test]
async fn a_part_is_sent_as_such() {
    both(async |client| {
        let part = with(client, "/hello.txt", &[("range", "bytes=6-9")]).await;
        assert_eq!(part.line(), "206 from");
        assert_eq!(part.header("content-range"), "bytes 6-9/18");
        assert_eq!(part.header("content-length"), "4");
        let end = with(client, "/hello.txt", &[("range", "bytes=-7")]).await;
        assert_eq!(end.line(), "206 public");
        let none = with(client, "/hello.txt", &[("range", "bytes=18-")]).await;
        assert_eq!(none.status, 416);
        assert_eq!(none.header("content-range"), "bytes */18");

        let tag = part.header("etag");
        let same = [("range", "bytes=0-4"), ("if-range", tag)];
        assert_eq!(with(client, "/hello.txt", &same).await.line(), "206 hello");
        let other = [("range", "bytes=0-4"), ("if-range", "\"x\"")];
        let whole = with(client, "/hello.txt", &other).await;
        assert_eq!(whole.line(), "200 hello from public");
    })
    .await;
}

#[tokio::test]
async fn a_file_beside_it_is_sent_to_those_who_can_read_it() {
    both(async |client| {
        let asked =
            async |accept: &str| with(client, "/app.js", &[("accept-encoding", accept)]).await;
        let plain = client.get("/app.js").await;
        let br = asked("gzip, deflate, br").await;
        let gzip = asked("gzip;q=1, br;q=0.5").await;
        assert_eq!(plain.line(), "200 // as it is");
        assert_eq!(br.line(), "200 for brotli");
        assert_eq!(gzip.line(), "200 for gzip");
        let encodings = [&plain, &br, &gzip].map(|answer| answer.header("content-encoding"));
        assert_eq!(encodings, ["", "br", "gzip"]);
        for answer in [&plain, &br, &gzip] {
            assert_eq!(answer.header("vary"), "accept-encoding");
            let kind = answer.header("content-type");
            assert_eq!(kind, "text/javascript; charset=utf-8");
        }
        assert_ne!(plain.header("etag"), br.header("etag"));
        let again = [
            ("accept-encoding", "br"),
            ("if-none-match", br.header("etag")),
        ];
        let again = with(client, "/app.js", &again).await;
        assert_eq!(
            (again.line().as_str(), again.header("vary")),
            ("304", "accept-encoding")
        );
        let part = [("accept-encoding", "br"), ("range", "bytes=4-")];
        assert_eq!(with(client, "/app.js", &part).await.line(), "206 brotli");
    })
    .await;
}

#[tokio::test]
async fn nothing_else_can_be_reached() {
    const PATHS: [&str; 14] = [
        "/.env",
        "/%2eenv",
        "/../Cargo.toml",
        "/sub/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/%2e%2e%2fCargo.toml",
        "/sub%2fpage.html",
        "/sub%5cpage.html",
        "/sub%252fpage.html",
        "/public/hello.txt",
        "/HELLO.TXT",
        "/sub",
        "/.well-known",
        "/hello.txt%00",
    ];
    both(async |client| {
        for path in PATHS {
            let mut socket = Socket::open(client.address()).await;
            let head =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            socket.send(head).await;
            let line = socket.read_until("\r\n").await;
            let is_refused = line.contains(" 404 ") || line.contains(" 400 ");
            assert!(is_refused, "{path}: {line}");
        }
    })
    .await;
}

#[tokio::test]
async fn files_go_over_http2_too() {
    let client = fixture_http2();
    assert_eq!(
        client.get("/hello.txt").await.line(),
        "200 hello from public"
    );
    let head = client.ask("HEAD", "/hello.txt", &[], "").await;
    assert_eq!((head.header("content-length"), head.body.len()), ("18", 0));
}

#[tokio::test]
async fn a_build_names_files_by_their_content_and_needs_no_sources() {
    let deployed = Deployed::new();
    assert!(!deployed.path("public").exists());
    let manifest = output::manifest(deployed.root()).to_string();
    assert!(manifest.contains("public/hello.txt") && !manifest.contains(".env"));
    let other = Deployed::new();
    let (one, two) = (deployed.start(), other.start());
    let tag = async |address| {
        Client::new(address)
            .get("/hello.txt")
            .await
            .header("etag")
            .to_owned()
    };
    assert_eq!(tag(one.address()).await, tag(two.address()).await);

    let exit = program().command("build", production().root()).run();
    assert!(exit.stderr.contains("○ /meta/icon.svg"), "{}", exit.stderr); // CL6
    assert!(!exit.stderr.contains("favicon"), "{}", exit.stderr);
}

#[tokio::test]
async fn a_file_of_a_build_that_was_cut_is_told_at_the_start() {
    let deployed = Deployed::new();
    let file = output::largest(deployed.root(), "application/octet-stream");
    std::fs::write(&file, "").unwrap();
    let exit = program()
        .command("start", deployed.root())
        .on_a_free_port()
        .run();
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("this is not the file that was built"),
        "{}",
        exit.stderr
    );
}

#[tokio::test]
async fn under_dev_a_file_is_what_it_is_on_disk() {
    let long: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let toml = "base_path = '/docs'\n\
                [[redirects]]\nsource = '/old.txt'\ndestination = '/a.txt'\npermanent = true\n\
                [[rewrites.before_files]]\nsource = '/b.txt'\ndestination = '/hello'\n\
                [[rewrites.fallback]]\nsource = '/c.txt'\ndestination = '/a.txt'\n\
                [[headers]]\nsource = '/a.txt'\nheaders = [{ key = 'cache-control', value = 'max-age=60' }]\n";
    let app = Edited::with(
        &[
            ("waystation.toml", toml),
            ("app/hello/route.rs", &text_route("hello")),
            ("public/a.txt", "first"),
            ("public/b.txt", "never"),
            ("public/d/e.txt", "nested"),
        ],
        |app| app.write_bytes("public/long.bin", &long),
    )
    .await;
    let client = &app.client;

    // The operator's rules come first, and the base path before all (fact 1).
    let first = client.get("/docs/a.txt").await;
    assert_eq!(first.line(), "200 first");
    assert_eq!(first.header("cache-control"), "max-age=60");
    assert_eq!(client.get("/a.txt").await.status, 404);
    assert_eq!(
        client.get("/docs/old.txt").await.header("location"),
        "/docs/a.txt"
    );
    assert_eq!(client.get("/docs/b.txt").await.line(), "200 hello");
    assert_eq!(client.get("/docs/c.txt").await.line(), "200 first");

    // A long file comes whole, with its length, and in parts.
    let whole = client.get("/docs/long.bin").await;
    assert_eq!(whole.header("content-length"), "300000");
    assert!(whole.body == long, "{} bytes", whole.body.len());
    let part = with(client, "/docs/long.bin", &[("range", "bytes=100-199999")]).await;
    assert!(part.body == long[100..200_000], "{} bytes", part.body.len());

    // What is saved is live at once, under another name.
    let tag = first.header("etag").to_owned();
    app.app.write("public/a.txt", "second");
    let second = with(client, "/docs/a.txt", &[("if-none-match", &tag)]).await;
    assert_eq!(second.line(), "200 second");

    // Files come and go.
    app.app.write("public/new.txt", "new");
    app.shows("/docs/new.txt", "200 new").await;
    app.app.remove("public/new.txt");
    assert_eq!(client.get("/docs/new.txt").await.status, 404);

    // A link out of the folder is not followed, neither when it takes the place of a file nor later.
    app.app.remove("public/d/e.txt");
    let seen = app.host.lines();
    link("../../Cargo.toml", &app.app.path("public/d/e.txt"));
    assert_eq!(client.get("/docs/d/e.txt").await.status, 404);
    app.app.write("public/f.txt", "hint");
    let told = |line: &str| line.contains("this link leads out of `public/`");
    app.host.wait_for_line_after(seen, "the link", told);
    assert_eq!(client.get("/docs/d/e.txt").await.status, 404);
    app.app.remove("public/d/e.txt");
    app.shows("/docs/f.txt", "200 hint").await;

    // A route in its way is told, with both names, and what was served stays.
    let seen = app.host.lines();
    app.app.write("public/hello", "in the way");
    app.host.wait_for_line_after(seen, "the conflict", |line| {
        line.contains("two files answer `/hello`")
    });
    let said = |name: &str| {
        app.host
            .wait_for_line_after(seen, name, |line| line.contains(name))
    };
    said("public/hello");
    said("app/hello/route.rs"); // R2
    assert_eq!(client.get("/docs/hello").await.line(), "200 hello");
}

fn link(to: &str, at: &Path) {
    std::os::unix::fs::symlink(to, at).unwrap();
}
