//! Builds a real app with cargo: the slowest test of the host, so there is one app, and what is compiled is kept between runs.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use waystation_host::build::{self, Build, Cancel, Options, Profile, RouteFault};
use waystation_host::project::layout::Blobs;
use waystation_host::project::{Project, manifest::Interface, output, release};

const HELLO: &str = "\
use waystation::Request;
pub async fn get(_request: Request) -> &'static str { \"hello\" }
";

const ITEM: &str = "\
use crate::Params;
use waystation::{Context, Json};
pub const MAX_DURATION: u32 = 5;
pub async fn get(_request: waystation::Request, context: Context<Params>) -> Json<String> {
    Json(shop::greet(&context.params.slug))
}
pub fn post() -> &'static str { \"posted\" }
";

#[test]
fn an_app_is_built_and_a_route_that_fails_hides_no_other() {
    let app = App::new();
    app.write(
        "src/lib.rs",
        "pub fn greet(name: &str) -> String { format!(\"hello {name}\") }",
    );
    app.write("app/hello/route.rs", HELLO);
    app.write("app/items/[slug]/route.rs", ITEM);

    let build = app.build(&Cancel::default());
    assert_eq!(
        show(&build),
        "/hello route GET\n/items/[slug] route GET POST\n"
    );
    let section = build.built[1].inspected.section.as_ref().unwrap();
    assert_eq!(section.pattern, "/items/[slug]");
    assert_eq!(section.config.max_duration, Some(5));
    written_output_is_read_back(&app.project(), &build);

    app.write(
        "app/hello/route.rs",
        "pub fn get() -> &'static str { missing }",
    );
    let build = app.build(&Cancel::default());
    assert_eq!(
        show(&build),
        "/items/[slug] route GET POST\n/hello: app/hello/route.rs:1:32\n"
    );
    assert!(build.built[0].fresh);

    app.write("app/hello/route.rs", "pub fn GET() {}");
    let build = app.build(&Cancel::default());
    assert_eq!(
        show(&build),
        "/items/[slug] route GET POST\n/hello: app/hello/route.rs:1:8\n"
    );

    app.write("src/lib.rs", "pub fn greet(name: &str) -> String { name }}");
    app.write("app/hello/route.rs", HELLO);
    let build = app.build(&Cancel::default());
    assert_eq!(
        show(&build),
        "/hello route GET\n/items/[slug]: src/lib.rs:1:44\n"
    );

    let before = build.built[0].digest.clone();
    app.write("app/hello/route.rs", &HELLO.replace("hello", "older"));
    let file = fs::File::options()
        .append(true)
        .open(app.folder.path().join("app/hello/route.rs"))
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let build = app.build(&Cancel::default());
    assert_ne!(
        build.built[0].digest, before,
        "a change is a change of content, whatever the file's time"
    );

    let cancelled = Cancel::default();
    cancelled.cancel();
    let failure = build::build(&app.project(), &app.options(), &cancelled, &|_| ()).unwrap_err();
    assert_eq!(failure.to_string(), "the build was cancelled");
}

#[test]
fn a_dependency_that_is_nowhere_is_told_in_cargo_s_words() {
    let app = App::new();
    app.write("src/lib.rs", "");
    app.write("app/hello/route.rs", HELLO);
    app.write(
        "Cargo.toml",
        &app.cargo_toml().replace(
            "[dependencies]",
            "[dependencies]\nnowhere = { path = \"nowhere\" }",
        ),
    );
    let failure =
        build::build(&app.project(), &app.options(), &Cancel::default(), &|_| ()).unwrap_err();
    let text = failure.to_string();
    assert!(
        text.starts_with("cargo could not build the app\n\nerror: failed to"),
        "{text}"
    );
    assert!(text.contains("nowhere/Cargo.toml"), "{text}");
}

fn written_output_is_read_back(project: &Project, build: &Build) {
    let folder = output::folder(&project.root);
    let blobs = Blobs::at(&folder);
    for route in &build.built {
        output::store(&blobs, &route.component).unwrap();
    }
    let written = output::write(&folder, build.manifest(project), 0).unwrap();
    let read = release::latest(&folder).unwrap();
    assert_eq!(read, written);
    let route = &read.manifest.routes[0];
    let http = |import: &String| import.starts_with("wasi:http/types@0.3");
    assert!(route.imports.iter().any(http), "{:?}", route.imports);
    assert!(route.imports.is_sorted());
    assert_eq!(
        blobs.read(&route.component.digest).unwrap(),
        build.built[0].component
    );
}

/// A line for each route: what it is, or where its first error is.
fn show(build: &Build) -> String {
    let mut text = String::new();
    for route in &build.built {
        assert_eq!(route.inspected.interface, Interface::Route);
        let methods: Vec<_> = route
            .inspected
            .methods
            .iter()
            .map(|method| method.as_str())
            .collect();
        text += &format!("{} route {}\n", route.source.pattern, methods.join(" "));
    }
    for route in &build.failed {
        let RouteFault::Compile(diagnostics) = &route.fault else {
            panic!("{route}")
        };
        let first = diagnostics.first().unwrap();
        let (file, place) = (first.file.as_deref().unwrap_or("-"), first.place.unwrap());
        assert!(
            first.rendered.contains(&format!("--> {file}:{place}")),
            "{route}"
        );
        text += &format!("{}: {file}:{place}\n", route.source.pattern);
    }
    text
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// One build at a time in the shared target folder, as each app has the same package names.
static ONE: Mutex<()> = Mutex::new(());

struct App {
    folder: tempfile::TempDir,
}

impl App {
    fn new() -> App {
        let app = App {
            folder: tempfile::tempdir().unwrap(),
        };
        app.write("Cargo.toml", &app.cargo_toml());
        // The versions that this repository is tested with, and no look at the registry.
        fs::copy(
            repository().join("Cargo.lock"),
            app.folder.path().join("Cargo.lock"),
        )
        .unwrap();
        app
    }

    fn cargo_toml(&self) -> String {
        let sdk = repository().join("guest-sdk");
        format!(
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [workspace]\nmembers = [\".waystation/routes/*\"]\n\n\
             [dependencies]\nwaystation = {{ path = {sdk:?} }}\n"
        )
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn project(&self) -> Project {
        Project::open(self.folder.path()).unwrap()
    }

    fn options(&self) -> Options {
        let target_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("routes");
        Options {
            profile: Profile::Dev,
            target_dir: Some(target_dir),
        }
    }

    fn build(&self, cancel: &Cancel) -> Build {
        let _one = ONE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        build::build(&self.project(), &self.options(), cancel, &|_| ()).unwrap()
    }
}
