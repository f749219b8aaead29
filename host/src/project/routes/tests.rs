//! Folders in, routes or faults out.

use super::*;

#[test]
fn a_route_file_is_a_route() {
    check(&["app/route.rs"], "/ app/route.rs route-root");
    check(
        &["app/items/[slug]/route.rs"],
        "/items/[slug] app/items/[slug]/route.rs route-items-slug",
    );
    check(
        &["app/(shop)/cart/route.rs"],
        "/cart app/(shop)/cart/route.rs route-cart",
    );
    check(
        &["app/@side/cart/route.rs"],
        "/cart app/@side/cart/route.rs route-cart",
    );
    check(
        &["app/rss.xml/route.rs"],
        "/rss.xml app/rss.xml/route.rs route-rss-xml",
    );
    check(
        &["app/x/route/route.rs"],
        "/x/route app/x/route/route.rs route-x-route",
    );
    check(&["src/app/x/route.rs"], "/x src/app/x/route.rs route-x");
    check(
        &["app/.well-known/x/route.rs"],
        "/.well-known/x app/.well-known/x/route.rs route-well-known-x",
    );
    check(
        &["app/[user-id]/route.rs"],
        "/[user-id] app/[user-id]/route.rs route-user-id",
    );
    check(
        &["app/[name].json/route.rs"],
        "/[name].json app/[name].json/route.rs route-name-json",
    );
}

#[test]
fn a_proxy_file_is_found_beside_the_app_and_in_its_folders() {
    check(
        &[
            "proxy.rs",
            "app/(shop)/proxy.rs",
            "app/admin/proxy.rs",
            "app/admin/route.rs",
        ], // PX1
        "/ app/(shop)/proxy.rs proxy-app-shop\n/admin app/admin/proxy.rs proxy-app-admin\n\
         /admin app/admin/route.rs route-admin\n/ proxy.rs proxy-root",
    );
    check(
        &["src/proxy.rs", "src/app/x/route.rs"],
        "/x src/app/x/route.rs route-x\n/ src/proxy.rs proxy-src",
    );
    check(
        &["src/proxy.rs", "app/x/route.rs"],
        "/x app/x/route.rs route-x",
    ); // a module of the library
    check(
        &["proxy.rs", "src/app/x/route.rs"],
        "/x src/app/x/route.rs route-x",
    );
    check(&["app/_lib/proxy.rs", "app/proxies.rs"], "");
}

#[test]
fn other_files_are_not() {
    check(
        &[
            "app/items/helper.rs",
            "app/page.rs",
            "app/items/route.rs.bak",
            "app/Route.rs",
        ],
        "",
    );
}

#[test]
fn a_private_folder_is_skipped_with_all_below_it() {
    check(&["app/_lib/x/route.rs", "app/x/_y/route.rs"], "");
    check(
        &["app/%5Flib/route.rs"],
        "/_lib app/%5Flib/route.rs route-lib",
    );
}

#[test]
fn a_component_is_a_route_as_it_is() {
    check(
        &["app/py/route.wasm"],
        "/py app/py/route.wasm route-py (wasm)",
    );
}

#[test]
fn a_metadata_module_is_a_route_at_the_name_that_clients_ask_for() {
    check(
        &["app/robots.rs", "app/manifest.rs"],
        "/manifest.webmanifest app/manifest.rs route-manifest-webmanifest\n/robots.txt app/robots.rs route-robots-txt",
    ); // MD2, MD4
    check(
        &["app/(a)/[x]/opengraph-image.rs", "app/x/sitemap.rs"],
        "/[x]/opengraph-image-1jjbq3 app/(a)/[x]/opengraph-image.rs route-x-opengraph-image-1jjbq3\n\
         /x/sitemap.xml app/x/sitemap.rs route-x-sitemap-xml",
    ); // MD3, MD6, MD8
    check(&["app/x/robots.rs", "app/_x/sitemap.rs"], "");
}

#[test]
fn a_module_that_lists_several_answers_for_each() {
    let folder = app(&["app/x/sitemap.rs", "app/icon.rs", "app/y/icon.rs"]);
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
    write(
        "app/x/sitemap.rs",
        "pub fn generate_sitemaps() -> [u8; 1] { [1] }",
    );
    write("app/icon.rs", "// pub fn generate_image_metadata()");
    write(
        "app/y/icon.rs",
        "pub async fn generate_image_metadata() -> [u8; 1] { [1] }",
    );
    let routes = discover(&Project::open(folder.path()).unwrap()).unwrap();
    let patterns: Vec<_> = routes
        .iter()
        .map(|route| route.pattern.to_string())
        .collect();
    assert_eq!(
        patterns,
        [
            "/icon",
            "/x/sitemap/[__metadata_id__]", // MD9
            "/y/icon/[__metadata_id__]",    // MD10
        ]
    );
}

#[test]
fn files_are_found_beside_routes() {
    let folder = app(&[
        "app/favicon.ico",
        "app/[x]/opengraph-image.png",
        "app/@a/icon.svg",
        "app/x/favicon.ico",
        "app/_x/icon.png",
        "public/a/logo.svg",
    ]);
    let found = discover_all(&Project::open(folder.path()).unwrap()).unwrap();
    let rows = found
        .files
        .iter()
        .map(|file| format!("{} {}", file.pattern, file.file));
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            "/favicon.ico app/favicon.ico",     // MD1
            "/icon-375vud.svg app/@a/icon.svg", // MD8
            "/[x]/opengraph-image.png app/[x]/opengraph-image.png",
            "/a/logo.svg public/a/logo.svg",
        ]
    );
}

#[test]
fn two_files_for_one_path_are_both_named() {
    let both = |files: &[&str]| {
        let faults = faults(files);
        assert_eq!(faults.len(), 1, "{faults:#?}");
        for file in files {
            assert!(faults[0].contains(file), "{}", faults[0]);
        }
    };
    both(&["app/a/b/route.rs", "public/a/b"]); // R2
    both(&["app/robots.txt/route.rs", "app/robots.rs"]); // X3, F10
    both(&["app/icon.png", "public/icon.png"]);
    both(&["app/manifest.webmanifest", "app/manifest.rs"]);
}

#[test]
fn an_image_for_links_has_a_size() {
    // MD7
    let folder = app(&["app/twitter-image.png", "app/opengraph-image.png"]);
    for name in ["twitter-image", "opengraph-image"] {
        let file = fs::File::create(folder.path().join(format!("app/{name}.png"))).unwrap();
        file.set_len((5 << 20) + 1).unwrap();
    }
    let faults = discover(&Project::open(folder.path()).unwrap())
        .unwrap_err()
        .0;
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "this image has 5242881 bytes, and 5242880 is the most that is shown with a link\n  --> app/twitter-image.png\n\n\
             hint: make it smaller; 1200 by 630 pixels are enough"
        ]
    );
}

#[test]
fn the_order_is_that_of_the_files() {
    check(
        &["app/b/route.rs", "app/a/z/route.rs", "app/a/route.wasm"],
        "/a app/a/route.wasm route-a (wasm)\n/a/z app/a/z/route.rs route-a-z\n/b app/b/route.rs route-b",
    );
}

#[test]
fn every_fault_is_told_at_once() {
    let faults = faults(&[
        "app/a/route.rs",
        "app/a/route.wasm",
        "app/[]/route.rs",
        "app/[x]/route.rs",
        "app/[y]/route.rs",
    ]);
    assert_eq!(faults.len(), 3, "{faults:#?}");
    assert_eq!(
        faults[0],
        "`route.rs` and `route.wasm` both answer this path\n  --> app/a\n\nhint: keep one of them"
    );
    assert!(
        faults[1].ends_with("\n  --> app/[]/route.rs"),
        "{}",
        faults[1]
    );
    assert!(
        faults[2].contains("app/[x]/route.rs") && faults[2].contains("app/[y]/route.rs"),
        "{}",
        faults[2]
    );
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_is_a_fault() {
    let folder = app(&["app/a/route.rs"]);
    std::os::unix::fs::symlink(folder.path().join("app"), folder.path().join("app/a/again"))
        .unwrap();
    let faults = discover(&Project::open(folder.path()).unwrap())
        .unwrap_err()
        .0;
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].to_string().contains("--> app/a/again"),
        "{}",
        faults[0]
    );
}

#[track_caller]
fn check(files: &[&str], expected: &str) {
    let folder = app(files);
    let routes = discover(&Project::open(folder.path()).unwrap()).unwrap();
    let row = |route: &RouteSource| {
        let kind = if route.kind == RouteKind::Wasm {
            " (wasm)"
        } else {
            ""
        };
        format!("{} {} {}{kind}", route.pattern, route.file, route.package)
    };
    assert_eq!(
        routes.iter().map(row).collect::<Vec<_>>().join("\n"),
        expected
    );
}

fn faults(files: &[&str]) -> Vec<String> {
    let folder = app(files);
    let faults = discover(&Project::open(folder.path()).unwrap())
        .unwrap_err()
        .0;
    faults.iter().map(ToString::to_string).collect()
}

fn app(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("Cargo.toml"),
        "[package]\nname = 'shop'\n",
    )
    .unwrap();
    if !files.iter().any(|file| file.starts_with("src/app/")) {
        fs::create_dir(folder.path().join("app")).unwrap();
    }
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}
