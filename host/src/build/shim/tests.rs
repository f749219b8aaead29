//! An app in, packages out.

use super::*;
use crate::project::routes::discover;

const CARGO_TOML: &str = "\
[package]
name = \"my-shop\"

[workspace]
members = [\".waystation/routes/*\"]

[dependencies]
waystation = { path = \"../sdk\" }
serde = { version = \"1\", features = [\"derive\"] }
log.workspace = true
absolute = { path = \"/opt/x\" }

[target.'cfg(unix)'.dependencies]
near = { path = \"near\" }

[features]
default = [\"fast\"]
fast = []

[dev-dependencies]
tempfile = \"3\"
helper = { path = \"helper\" }
";

#[test]
fn a_package_names_the_route_by_path() {
    let app = App::new(&[("app/items/[slug]/route.rs", "")]);
    app.write().unwrap();
    assert_eq!(
        app.read(".waystation/routes/route-items-slug/src/lib.rs"),
        "\
// Written by `waystation` for sources 2d3adedff11b61f1; changes here are lost.
#[path = \"../../../../app/items/[slug]/route.rs\"]
mod route;
waystation::route! { root = \"../../..\", file = \"app/items/[slug]/route.rs\", pattern = \"/items/[slug]\" }
"
    );
}

#[test]
fn a_proxy_is_a_package_of_its_own() {
    let app = App::new(&[
        ("proxy.rs", "use my_shop::user;"),
        ("app/x/route.rs", ""),
        ("app/x/proxy.rs", "use my_shop::user;"),
    ]);
    app.write().unwrap();
    let root = app.read(".waystation/routes/proxy-root/src/lib.rs");
    assert!(
        root.ends_with(
            "\
#[path = \"../../../../proxy.rs\"]
mod proxy;
waystation::proxy! { root = \"../../..\", file = \"proxy.rs\", pattern = \"/\" }
"
        ),
        "{root}"
    );
    let uses_library = |package: &str| {
        let manifest = app.read(&format!(".waystation/routes/{package}/Cargo.toml"));
        manifest.contains("dependencies.my-shop]")
    };
    assert!(uses_library("proxy-root"));
    assert!(uses_library("proxy-app-x"));
    assert!(!uses_library("route-x")); // what its neighbour says is nothing to it
}

#[test]
fn a_metadata_module_says_which_function_answers() {
    let sitemap = "pub fn generate_sitemaps() -> Vec<u32> { vec![] }";
    let app = App::new(&[("app/robots.rs", ""), ("app/x/sitemap.rs", sitemap)]);
    app.write().unwrap();
    let said = |package: &str, expected: &str| {
        let source = app.read(&format!(".waystation/routes/{package}/src/lib.rs"));
        assert!(source.contains(expected), "{source}");
    };
    said(
        "route-robots-txt",
        "pattern = \"/robots.txt\", function = \"robots\" }",
    );
    said(
        "route-x-sitemap-metadata-id",
        "pattern = \"/x/sitemap/[__metadata_id__]\", function = \"sitemap\", lists = \"generate_sitemaps\" }",
    );
}

#[test]
fn handlers_in_one_folder_are_no_part_of_each_other() {
    let app = App::new(&[("app/route.rs", ""), ("app/robots.rs", "1")]);
    app.write().unwrap();
    let before = app.read(".waystation/routes/route-root/src/lib.rs");
    app.file("app/robots.rs", "2");
    app.write().unwrap();
    assert_eq!(app.read(".waystation/routes/route-root/src/lib.rs"), before);
}

#[test]
fn its_manifest_has_the_app_s_dependencies() {
    let app = App::new(&[("app/route.rs", "")]);
    app.write().unwrap();
    assert_eq!(
        app.read(".waystation/routes/route-root/Cargo.toml"),
        "\
# Written by `waystation`; changes here are lost.
[package]
name = \"route-root\"
version = \"0.0.0\"
edition = \"2024\"
publish = false

[lib]
crate-type = [\"cdylib\"]
test = false
doctest = false

# Never built: it tells rust-analyzer that the route's folder is part of this package.
[[example]]
name = \"route-root-folder\"
path = \"../../../app/none.rs\"
required-features = [\"waystation-editor\"]

[dependencies.absolute]
path = \"/opt/x\"

[dependencies.log]
workspace = true

[dependencies.serde]
features = [\"derive\"]
version = \"1\"

[dependencies.waystation]
path = \"../../../../sdk\"

[features]
default = [\"fast\"]
fast = []
waystation-editor = []

[target.\"cfg(unix)\".dependencies.near]
path = \"../../../near\"
"
    );
}

#[test]
fn a_route_with_tests_has_them_run_with_what_tests_depend_on() {
    let app = App::new(&[
        ("app/a/route.rs", "#[cfg(test)]\nmod tests {}"),
        ("app/b/route.rs", ""),
    ]);
    app.write().unwrap();
    let manifest = app.read(".waystation/routes/route-a/Cargo.toml");
    assert!(manifest.contains("\ntest = true\n"), "{manifest}");
    let tests = "[dev-dependencies]\ntempfile = \"3\"\n\n[dev-dependencies.helper]\npath = \"../../../helper\"\n";
    assert!(manifest.contains(tests), "{manifest}");
    let manifest = app.read(".waystation/routes/route-b/Cargo.toml");
    assert!(manifest.contains("\ntest = false\n"), "{manifest}");
    assert!(!manifest.contains("dev-dependencies"), "{manifest}");
}

#[test]
fn an_editor_finds_the_route_s_folder_in_its_package() {
    let app = App::new(&[("app/items/[slug]/route.rs", "")]);
    app.file(
        "Cargo.toml",
        &CARGO_TOML.replace("[features]\ndefault = [\"fast\"]\nfast = []\n", ""),
    );
    app.write().unwrap();
    let manifest = app.read(".waystation/routes/route-items-slug/Cargo.toml");
    let example = "\
[[example]]
name = \"route-items-slug-folder\"
path = \"../../../app/items/[slug]/none.rs\"
required-features = [\"waystation-editor\"]
";
    assert!(manifest.contains(example), "{manifest}");
    assert!(
        manifest.contains("[features]\nwaystation-editor = []\n"),
        "{manifest}"
    );
}

#[test]
fn the_app_s_library_is_a_dependency_of_the_routes_that_say_its_name() {
    let uses = |files: &[(&str, &str)]| {
        let app = App::new(files);
        app.file("src/lib.rs", "");
        app.write().unwrap();
        app.read(".waystation/routes/route-a/Cargo.toml")
            .contains("[dependencies.my-shop]\npath = \"../../..\"\n")
    };
    assert!(uses(&[("app/a/route.rs", "use my_shop::stock;")]));
    assert!(!uses(&[(
        "app/a/route.rs",
        "use not_my_shop_either::stock;"
    )]));
    assert!(uses(&[
        ("app/a/route.rs", "mod db;"),
        ("app/a/db.rs", "my_shop::open()")
    ]));
    assert!(uses(&[(
        "app/a/route.rs",
        "#[path = \"../_lib/db.rs\"]\nmod db;"
    )]));
    assert!(!uses(&[
        ("app/a/route.rs", ""),
        ("app/a/b/route.rs", "use my_shop::stock;")
    ]));
}

#[test]
fn without_a_library_there_is_none_to_depend_on() {
    let app = App::new(&[("app/a/route.rs", "my_shop::open()")]);
    app.file("src/main.rs", "");
    fs::remove_file(app.folder.path().join("src/lib.rs")).unwrap();
    app.write().unwrap();
    assert!(
        !app.read(".waystation/routes/route-a/Cargo.toml")
            .contains("my-shop")
    );
}

#[test]
fn what_is_unchanged_is_not_touched() {
    let app = App::new(&[("app/route.rs", "")]);
    app.write().unwrap();
    let path = app
        .folder
        .path()
        .join(".waystation/routes/route-root/src/lib.rs");
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    app.write().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
}

#[test]
fn a_source_that_changed_is_noticed_whatever_its_time() {
    let app = App::new(&[("app/route.rs", "mod db;"), ("app/db.rs", "1")]);
    app.write().unwrap();
    let before = app.read(".waystation/routes/route-root/src/lib.rs");
    app.file("app/db.rs", "2");
    app.write().unwrap();
    assert_ne!(app.read(".waystation/routes/route-root/src/lib.rs"), before);
}

#[test]
fn packages_of_routes_that_are_gone_go_too() {
    let app = App::new(&[("app/a/route.rs", ""), ("app/b/route.rs", "")]);
    app.write().unwrap();
    fs::remove_file(app.folder.path().join("app/b/route.rs")).unwrap();
    app.file(".waystation/routes/half/src/lib.rs", "");
    app.write().unwrap();
    assert_eq!(app.packages(), ["route-a"]);
    assert_eq!(
        fs::read_dir(app.folder.path().join(".waystation"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn a_package_without_a_manifest_is_made_anew() {
    let app = App::new(&[("app/a/route.rs", "")]);
    app.file(".waystation/routes/route-a/src/lib.rs", "half");
    app.write().unwrap();
    assert!(
        app.read(".waystation/routes/route-a/src/lib.rs")
            .contains("mod route;")
    );
}

#[test]
fn what_the_app_s_manifest_lacks_is_said_with_the_lines_to_add() {
    let app = App::new(&[("app/a/route.rs", "")]);
    app.file("Cargo.toml", "[package]\nname = \"shop\"\n");
    fs::remove_file(app.folder.path().join("src/lib.rs")).unwrap();
    let lacks: Vec<_> = app
        .write()
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lacks.len(), 3, "{lacks:?}");
    assert!(
        lacks[0].ends_with("[dependencies]\nwaystation = { path = \"../waystation/guest-sdk\" }"),
        "{}",
        lacks[0]
    );
    assert!(
        lacks[1].starts_with("the app has no `src/lib.rs`"),
        "{}",
        lacks[1]
    );
    assert!(
        lacks[2].ends_with("[workspace]\nmembers = [\".waystation/routes/*\"]"),
        "{}",
        lacks[2]
    );
}

struct App {
    folder: tempfile::TempDir,
}

impl App {
    fn new(files: &[(&str, &str)]) -> App {
        let app = App {
            folder: tempfile::tempdir().unwrap(),
        };
        app.file("Cargo.toml", CARGO_TOML);
        app.file("src/lib.rs", "");
        for (file, content) in files {
            app.file(file, content);
        }
        app
    }

    fn file(&self, path: &str, content: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn write(&self) -> Result<(), ProjectErrors> {
        let project = Project::open(self.folder.path()).unwrap();
        write(&project, &discover(&project).unwrap())
    }

    fn packages(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(".waystation/routes")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
