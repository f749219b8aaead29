//! What `build` makes is a release: the same for the same sources, carried as one file, and told apart from another.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use waystation_tests::{App, Exit, Program, output, sdk_folder, tree};

use crate::support::{Deployed, production, program, text_route, turn};

/// A route that can panic, in the app's own code, in a dependency's and in the standard library's: each puts the path of its source into the
/// component.
const PANICS: &str = "\
use waystation::Request;

pub async fn get(request: Request) -> String {
    let url = request.url().to_string();
    let words: Vec<&str> = url.split('/').collect();
    let value: serde_json::Value = serde_json::from_str(words[1]).expect(\"JSON\");
    shop::shown(&value)
}
";

/// Flags that the user has told cargo reach the compiler.
const SHARED: &str = "\
#[cfg(not(told))]
compile_error!(\"the flags of .cargo/config.toml are lost\");

pub fn shown(value: &serde_json::Value) -> String {
    value.as_str().expect(\"a text\").to_uppercase()
}
";

const KEPT: &str = "\
use waystation::Revalidate;

pub const REVALIDATE: Revalidate = Revalidate::seconds(60);

pub fn get() -> &'static str {
    \"kept\"
}
";

#[tokio::test]
async fn the_same_sources_make_the_same_release() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().unwrap();
    let home = cargo_home(folder.path());
    let [first, second] = ["one", "another/place"].map(|place| {
        let root = folder.path().join(place);
        App::lasting(
            &root,
            &[
                ("src/lib.rs", SHARED),
                ("app/panics/route.rs", PANICS),
                ("app/kept/route.rs", KEPT),
                (
                    ".cargo/config.toml",
                    "[build]\nrustflags = [\"--cfg\", \"told\"]\n",
                ),
                ("public/hello.txt", "hello"),
                ("waystation.toml", "trailing_slash = true\n"),
            ],
        )
    });
    let made = built(&first);
    assert_eq!(built(&first), made, "nothing was compiled anew");
    let elsewhere = program().with("CARGO_HOME", home);
    let again = built_by(&elsewhere, &second);
    assert_eq!(again, made, "everything was, in another folder");

    for layer in output::image(first.root())["layers"].as_array().unwrap() {
        let digest = layer["digest"].as_str().unwrap();
        let content = std::fs::read(output::blob(first.root(), &digest[7..])).unwrap();
        let content = String::from_utf8_lossy(&content);
        for folder in [folder.path(), &sdk_folder(), &of_cargo()] {
            let folder = folder.to_string_lossy();
            assert!(!content.contains(&*folder), "{layer} knows {folder}");
        }
    }
    assert!(output::manifest(first.root())["routes"][0]["kept"][0].is_object());
}

/// Where cargo keeps what it has loaded.
fn of_cargo() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"))
}

/// Another such folder, with the same in it.
fn cargo_home(folder: &Path) -> PathBuf {
    let home = folder.join("cargo");
    std::fs::create_dir(&home).unwrap();
    for entry in std::fs::read_dir(of_cargo()).unwrap().flatten() {
        symlink(entry.path(), home.join(entry.file_name())).unwrap();
    }
    home
}

/// Builds it, and says what came of it.
fn built(app: &App) -> String {
    built_by(&program(), app)
}

fn built_by(program: &Program, app: &App) -> String {
    let exit = program.command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let digest = output::digest(app.root());
    assert!(exit.stderr.contains(&digest), "{}", exit.stderr);
    digest
}

#[test]
fn a_release_is_packed_into_one_file_and_read_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let deployed = Deployed::new(); // which nobody builds again meanwhile
    let digest = output::digest(deployed.root());
    let pack = |file: &str| {
        let command = program().command("pack", deployed.root());
        let exit = command.arg("-o").arg(file).in_folder(folder.path()).run();
        assert_eq!((exit.code, &*exit.stdout), (Some(0), ""), "{}", exit.stderr);
        assert!(exit.stderr.contains(&digest), "{}", exit.stderr);
        std::fs::read(folder.path().join(file)).unwrap()
    };
    assert!(pack("a.tar") == pack("b.tar"), "two files of one release");
    let exit = program().command("pack", deployed.root());
    let exit = exit.in_folder(folder.path()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let own = folder.path().join(format!("shop-{}.tar", &digest[..12]));
    assert!(own.is_file(), "{}", exit.stderr);

    let of_folder = inspected(deployed.root());
    assert_eq!(inspected(&own), of_folder);
    assert_eq!(of_folder["digest"], format!("sha256:{digest}"));
    let mut routes = of_folder["routes"].as_array().unwrap().iter();
    let wall = routes.find(|route| route["pattern"] == "/limits/wall");
    let wall = wall.unwrap();
    assert_eq!(wall["config"]["maxDuration"], 1);
    assert_eq!(wall["methods"], serde_json::json!(["GET"]));
    let imports = wall["imports"].as_array().unwrap().iter();
    let mut imports = imports.filter_map(Value::as_str);
    assert!(imports.any(|import| import.starts_with("wasi:http/types@0.3")));
}

fn inspected(what: &Path) -> Value {
    let exit = program().command("inspect", what).arg("--json").run();
    assert_eq!((exit.code, &*exit.stderr), (Some(0), ""), "{}", exit.stderr);
    serde_json::from_str(&exit.stdout).unwrap()
}

#[test]
fn a_release_is_shown_to_people() {
    let exit = program().command("inspect", production().root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let rows: Vec<_> = exit.stdout.lines().map(words).collect();
    let has = |start: &str, end: &str| {
        let found = rows
            .iter()
            .any(|row| row.starts_with(start) && row.ends_with(end));
        assert!(found, "{start} .. {end}: {}", exit.stdout);
    };
    has("shop sha256:", &output::digest(production().root()));
    has("Made 20", "blobs");
    has("/limits/wall ", "kB GET maxDuration=1");
    has("wasi:http/types@0.3", "");
    has("/hello.txt ", "kB");
}

/// A line with one space between its words.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn two_builds_are_told_apart() {
    let turn = turn().await;
    let app = turn.app(&[
        ("app/stays/route.rs", &text_route("first")),
        ("app/gone/route.rs", &text_route("gone")),
        (
            "waystation.toml",
            "[outbound]\nhosts = [\"https://a.test\"]\n",
        ),
    ]);
    let first = built(&app);
    app.remove("app/gone");
    let post = "\npub const MAX_DURATION: u32 = 5;\npub fn post() {}\n";
    app.write("app/stays/route.rs", &(text_route("second") + post));
    app.write("app/new/route.rs", &text_route("new"));
    app.write(
        "waystation.toml",
        "[outbound]\nhosts = [\"https://b.test\"]\n",
    );
    let second = built(&app);

    let diff = |from: &str, to: &str, json: &str| {
        let exit = program().line(&format!("diff {from} {to}{json}"));
        let exit = exit.in_folder(app.root()).run();
        assert_eq!((exit.code, &*exit.stderr), (Some(0), ""), "{}", exit.stderr);
        exit.stdout
    };
    // The build before is still there, by its name.
    let shown = diff(&first[..16], ".", "");
    let rows: Vec<_> = shown.lines().map(words).collect();
    let has = |row: &str| {
        assert!(
            rows.iter().any(|told| told.starts_with(row)),
            "{row}: {shown}"
        )
    };
    has(&format!("- shop sha256:{first}"));
    has(&format!("+ shop sha256:{second}"));
    has("- /gone");
    has("+ /new");
    has("~ /stays");
    for change in [
        "config.maxDuration unset -> 5",
        "methods +POST",
        "other code",
    ] {
        assert!(shown.contains(change), "{change}: {shown}");
    }
    has("- https://a.test");
    has("+ https://b.test");
    has("waystation.toml");

    let json: Value = serde_json::from_str(&diff(&first, &second, " --json")).unwrap();
    assert_eq!(json["routes"]["added"][0]["name"], "/new");
    assert_eq!(json["outbound"]["removed"][0], "https://a.test");
    assert_eq!(diff(".", &second, ""), format!("Both are sha256:{second}"));
    let none = program().line("inspect 0123456789").in_folder(app.root());
    failed(&none.run(), "no release here is `sha256:0123456789`");
}

#[test]
fn what_is_no_release_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str| program().line(line).in_folder(folder.path()).run();
    failed(&run("pack"), "hint: run `waystation build` first");
    failed(&run("inspect"), "hint: run `waystation build` first");
    failed(&run("inspect nowhere"), "there is no folder and no archive");
    std::fs::write(folder.path().join("x.tar"), [b'x'; 2048]).unwrap();
    failed(&run("inspect x.tar"), "cannot be read as an archive");
    failed(&run("diff x.tar ."), "hint: make it with `waystation pack`");
}

fn failed(exit: &Exit, said: &str) {
    assert_eq!((exit.code, &*exit.stdout), (Some(1), ""), "{}", exit.stderr);
    assert!(exit.stderr.contains(said), "{said}: {}", exit.stderr);
}

/// Set where there has to be a `skopeo`.
const DEMANDED: &str = "WAYSTATION_TEST_SKOPEO";

/// Whether what `skopeo` does can be tested: it is there, or has to be.
pub(crate) fn has_skopeo() -> bool {
    let found = Command::new("skopeo").arg("--version").output();
    let has = found.is_ok() || std::env::var_os(DEMANDED).is_some();
    if !has {
        eprintln!("not tested: there is no `skopeo` (apt-get install skopeo)");
    }
    has
}

/// The release goes through another program's hands and is the same.
#[test]
fn skopeo_takes_a_release_as_it_is() {
    if !has_skopeo() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let skopeo = |arguments: &[&str]| {
        let mut command = Command::new("skopeo");
        let ran = command.args(arguments).current_dir(folder.path()).output();
        let ran = ran.unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "skopeo {arguments:?}: {said}");
        ran.stdout
    };
    let ours = output::folder(production().root());
    tree::copy(&ours, &folder.path().join("ours"), &|_| true).unwrap();
    let image = skopeo(&["inspect", "--raw", "oci:ours"]);
    let digest = output::digest(production().root());
    assert!(image == std::fs::read(output::blob(production().root(), &digest)).unwrap());

    let pack = program().command("pack", production().root());
    let packed = pack.arg("-o").arg("ours.tar").in_folder(folder.path());
    assert_eq!(packed.run().code, Some(0));
    skopeo(&["copy", "oci-archive:ours.tar", "oci:theirs:latest"]);
    skopeo(&["copy", "oci:theirs:latest", "oci-archive:theirs.tar"]);
    for copied in ["theirs", "theirs.tar"] {
        let release = inspected(&folder.path().join(copied));
        assert_eq!(release["digest"], format!("sha256:{digest}"), "{copied}");
    }
}
