//! Metadata files of `app/`: icons, `robots.txt`, sitemaps, manifests and images for links, as files and as code.

use waystation_tests::{App, Client};

use crate::support::{Deployed, fixture, program};

const KEPT: &str = "public, max-age=0, must-revalidate";

#[tokio::test]
async fn a_file_is_sent_as_it_is_and_asked_for_again_each_time() {
    let icon = fixture().get("/favicon.ico").await;
    assert_eq!(icon.line(), "200 an icon");
    assert_eq!(icon.header("content-type"), "image/x-icon"); // MD1
    assert_eq!(icon.header("cache-control"), "no-cache, no-store");
    let icon = fixture().get("/meta/icon.svg").await;
    assert_eq!(icon.header("content-type"), "image/svg+xml"); // MD5

    let deployed = Deployed::new();
    let host = deployed.start();
    let icon = Client::new(host.address()).get("/favicon.ico").await;
    assert_eq!(icon.line(), "200 an icon");
    assert_eq!(icon.header("cache-control"), KEPT);
}

#[tokio::test]
async fn robots_and_manifest_are_made_by_code() {
    let robots = fixture().get("/robots.txt").await;
    assert_eq!(
        robots.text(),
        "User-Agent: *\nAllow: /\nDisallow: /private/\n\nSitemap: https://example.com/meta/sitemap/0.xml\n"
    ); // MD12
    assert_eq!(robots.header("content-type"), "text/plain"); // MD2
    assert_eq!(robots.header("cache-control"), KEPT); // MD14
    let manifest = fixture().get("/manifest.webmanifest").await;
    assert_eq!(
        manifest.text(),
        r#"{"icons":[{"sizes":"any","src":"/meta/icon.svg"}],"name":"Fixture"}"#
    );
    assert_eq!(manifest.header("content-type"), "application/manifest+json"); // MD4

    let host = Deployed::new().start();
    let built = Client::new(host.address()).get("/robots.txt").await;
    assert_eq!(built.text(), robots.text());
}

#[tokio::test]
async fn a_metadata_module_answers_as_a_route_with_get_does() {
    let client = fixture();
    let head = client.ask("HEAD", "/robots.txt", &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    let options = client.ask("OPTIONS", "/robots.txt", &[], "").await;
    assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(client.post("/robots.txt", &[], "").await.status, 405);
    let tag = client.get("/robots.txt").await.header("etag").to_owned();
    let again = [("if-none-match", tag.as_str())];
    assert_eq!(
        client.ask("GET", "/robots.txt", &again, "").await.status,
        304
    );
}

#[tokio::test]
async fn each_listed_sitemap_has_a_path_of_its_own() {
    let client = fixture();
    let second = client.get("/meta/sitemap/1.xml").await;
    assert_eq!(second.header("content-type"), "application/xml"); // MD3
    let locations: Vec<_> = second
        .text()
        .lines()
        .filter(|line| line.contains("loc"))
        .collect();
    assert_eq!(
        locations,
        [
            "<loc>https://example.com/?page=2&amp;lang=de</loc>", // MD13
            "<loc>https://example.com/?page=3&amp;lang=de</loc>",
        ]
    );
    for path in [
        "/meta/sitemap/1",
        "/meta/sitemap/2.xml",
        "/meta/sitemap/x.xml",
    ] {
        assert_eq!(client.get(path).await.line(), "404 Not Found", "{path}"); // MD9
    }
    assert_eq!(client.get("/meta/sitemap.xml").await.status, 404);
}

#[tokio::test]
async fn each_listed_image_has_a_path_of_its_own() {
    let client = fixture();
    let large = client.get("/meta/icon/large").await;
    assert_eq!(large.line(), "200 <svg><text>large</text></svg>"); // MD10
    assert_eq!(large.header("content-type"), "image/svg+xml");
    let other = client.get("/meta/icon/huge").await;
    assert_eq!(other.line(), "404 Not Found");
    assert_eq!(client.get("/meta/icon").await.status, 404);
}

#[tokio::test]
async fn an_image_knows_the_params_of_its_folder() {
    let image = fixture().get("/meta/a%20b/opengraph-image").await;
    assert_eq!(image.line(), "200 <svg><text>a b</text></svg>");
    assert_eq!(image.header("content-type"), "image/svg+xml"); // MD6
    assert_eq!(image.header("cache-control"), KEPT);
}

#[test]
fn they_are_listed_as_routes() {
    let app = App::new(&[
        ("app/robots.txt", ""),
        ("app/(a)/icon.png", ""),
        ("app/blog/sitemap.rs", ""),
        ("public/a.txt", ""),
    ]);
    let list = program().command("routes", app.root()).run();
    assert_eq!(
        list.stdout,
        "/blog/sitemap.xml  app/blog/sitemap.rs\n\
         /icon-yj9kpy.png   app/(a)/icon.png\n\
         /robots.txt        app/robots.txt"
    ); // MD8
    let json = program().command("routes", app.root()).arg("--json").run();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[0]["kind"], "rust");
    assert_eq!(json[2]["kind"], "file");
}

#[test]
fn what_gets_in_each_other_s_way_is_told() {
    let app = App::new(&[
        ("app/robots.txt/route.rs", ""),
        ("app/robots.rs", ""),
        ("public/robots.txt", ""),
    ]);
    let exit = program().command("routes", app.root()).run();
    assert_eq!(exit.code, Some(1));
    for part in [
        "two files answer `/robots.txt`",
        "app/robots.rs",
        "app/robots.txt/route.rs",
        "public/robots.txt",
    ] {
        assert!(exit.stderr.contains(part), "{part}: {}", exit.stderr); // X3
    }
}
