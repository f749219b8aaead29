//! The nodes and the releases that the tests of `node` and `deploy` share.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use waystation_host::project::digest::Digest;
use waystation_tests::{App, Client, Command, Exit, Host, output, tree};

use crate::support::{lasting, production, program};

/// Two releases of one app that answer with their names.
pub(crate) const GOOD: [&str; 2] = ["one", "two"];
/// One that passes its check and fails after it.
pub(crate) const FAILING: &str = "failing";
/// One that traps whatever is asked.
pub(crate) const TRAPPING: &str = "trapping";

/// Bytes of an answer that names its release throughout.
pub(crate) const LENGTH: usize = 6000;

/// What it answers, such as `one one one ..`.
pub(crate) fn answer(release: &str) -> String {
    format!("{release} ").repeat(LENGTH / (release.len() + 1))
}

const SETTINGS: &str =
    "env = [\"GREETING\", \"REGION\"]\n\n[checks]\npaths = [\"/version?check\"]\n";

const GREETING: &str = "pub fn get() -> String {\n    \
    let set = |name| std::env::var(name).ok();\n    \
    set(\"GREETING\").or(set(\"REGION\")).unwrap_or_else(|| \"none\".to_owned())\n}\n";

/// The folders with the builds, by their names, made once a run: the app is built once and edited for each.
static BUILDS: LazyLock<PathBuf> = LazyLock::new(|| {
    let builds = lasting("releases");
    let app = App::lasting(
        &lasting("released"),
        &[
            ("app/greeting/route.rs", GREETING),
            ("app/version/route.rs", &version(GOOD[0])),
            ("public/logo.txt", "the same in each release\n"),
            ("waystation.toml", SETTINGS),
        ],
    );
    app.warm(production());
    for release in [GOOD[0], GOOD[1], FAILING, TRAPPING] {
        app.write("app/version/route.rs", &version(release));
        let built = program().command("build", app.root()).run();
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        let kept = builds.join(release);
        if kept.exists() {
            fs::remove_dir_all(&kept).unwrap();
        }
        tree::copy(&output::folder(app.root()), &output::folder(&kept), &|_| {
            true
        })
        .unwrap();
    }
    builds
});

fn version(release: &str) -> String {
    match release {
        FAILING => "use waystation::{Error, Request, Result};\n\n\
            pub fn get(request: Request) -> Result<&'static str> {\n    \
                match request.url().search() {\n        \
                    \"?check\" => Ok(\"fine\"),\n        \
                    _ => Err(Error::message(\"it fails\")),\n    \
                }\n\
            }\n"
        .to_owned(),
        TRAPPING => "pub fn get() -> &'static str {\n    panic!(\"it traps\")\n}\n".to_owned(),
        name => format!(
            "use std::time::Duration;\nuse waystation::{{Request, sleep}};\n\n\
            pub async fn get(request: Request) -> String {{\n    \
                match request.url().search() {{\n        \
                    \"?slow\" => {{\n            \
                        println!(\"it is slow\");\n            \
                        sleep(Duration::from_secs(3600)).await;\n        \
                    }}\n        \
                    \"?spins\" => {{\n            \
                        println!(\"it spins\");\n            \
                        loop {{\n                \
                            std::hint::black_box(());\n            \
                        }}\n        \
                    }}\n        \
                    \"?works\" => (0..50_000_000).for_each(|step| {{\n            \
                        std::hint::black_box(step);\n        \
                    }}),\n        \
                    _ => {{}}\n    \
                }}\n    \
                \"{name} \".repeat({})\n\
            }}\n",
            LENGTH / (name.len() + 1)
        ),
    }
}

/// The folder of a build, which nobody changes.
pub(crate) fn build(release: &str) -> PathBuf {
    BUILDS.join(release)
}

/// The digest of a route's component in a build.
pub(crate) fn component(root: &Path, file: &str) -> String {
    let manifest = output::manifest(root);
    let mut routes = manifest["routes"].as_array().unwrap().iter();
    let route = routes.find(|route| route["file"] == file).unwrap();
    route["component"]["digest"].as_str().unwrap().to_owned()
}

/// A build of the test's own, to be changed.
pub(crate) struct Forged {
    folder: tempfile::TempDir,
}

impl Forged {
    /// A copy of a build.
    pub(crate) fn new(release: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = output::folder(&build(release));
        tree::copy(&from, &output::folder(folder.path()), &|_| true).unwrap();
        Self { folder }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Changes the manifest, and names everything above it anew.
    pub(crate) fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut manifest = output::manifest(self.root());
        edit(&mut manifest);
        let mut image = output::image(self.root());
        let config = self.put(&serde_json::to_vec(&manifest).unwrap());
        (image["config"]["digest"], image["config"]["size"]) = config;
        self.publish(&image);
    }

    /// Has the component of a route be something else, and names everything above it anew.
    pub(crate) fn replace_component(&self, file: &str, content: &[u8]) {
        let blob = self.replace(&component(self.root(), file), content);
        self.edit(|manifest| {
            let routes = manifest["routes"].as_array_mut().unwrap().iter_mut();
            for route in routes.filter(|route| route["file"] == file) {
                route["component"] = blob.clone();
            }
        });
    }

    /// Has its settings be others, and names everything above them anew.
    pub(crate) fn replace_settings(&self, text: &str) {
        let old = output::manifest(self.root())["settings"]["digest"].clone();
        let blob = self.replace(old.as_str().unwrap(), text.as_bytes());
        self.edit(|manifest| manifest["settings"] = blob);
    }

    /// Has its one file be another, and names everything above it anew.
    pub(crate) fn replace_file(&self, content: &[u8]) {
        let old = output::manifest(self.root())["files"][0]["blob"]["digest"].clone();
        let blob = self.replace(old.as_str().unwrap(), content);
        self.edit(|manifest| manifest["files"][0]["blob"] = blob);
    }

    /// Has a layer be another one. Returns what the manifest calls it.
    fn replace(&self, old: &str, content: &[u8]) -> Value {
        let old = format!("sha256:{old}");
        let (digest, size) = self.put(content);
        let mut image = output::image(self.root());
        let layers = image["layers"].as_array_mut().unwrap().iter_mut();
        for layer in layers.filter(|layer| layer["digest"] == old) {
            (layer["digest"], layer["size"]) = (digest.clone(), size.clone());
        }
        self.publish(&image);
        let bare = digest.as_str().unwrap().trim_start_matches("sha256:");
        json!({ "digest": bare, "bytes": size })
    }

    /// Has its components pass for files, and names everything above them anew.
    pub(crate) fn disguise(&self) {
        let mut image = output::image(self.root());
        let layers = image["layers"].as_array_mut().unwrap().iter_mut();
        for layer in layers.filter(|layer| layer["mediaType"] == "application/wasm") {
            layer["mediaType"] = "application/octet-stream".into();
        }
        self.publish(&image);
    }

    fn publish(&self, image: &Value) {
        let (digest, size) = self.put(&serde_json::to_vec(image).unwrap());
        let path = output::folder(self.root()).join("index.json");
        let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        (
            index["manifests"][0]["digest"],
            index["manifests"][0]["size"],
        ) = (digest, size);
        fs::write(path, serde_json::to_vec(&index).unwrap()).unwrap();
    }

    fn put(&self, content: &[u8]) -> (Value, Value) {
        let digest = Digest::of(content);
        fs::write(output::blob(self.root(), digest.as_str()), content).unwrap();
        (json!(digest.to_oci()), json!(content.len()))
    }
}

/// A node in a folder of its own.
pub(crate) struct Edge {
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    pub(crate) host: Host,
}

impl Edge {
    /// A node with its defaults.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let arguments: Vec<_> = arguments.collect();
        let host = start(folder.path(), &arguments).serve();
        Self {
            folder,
            arguments,
            host,
        }
    }

    /// The node's folder.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is deployed to.
    pub(crate) fn socket(&self) -> String {
        self.data().join("admin.sock").to_str().unwrap().to_owned()
    }

    /// Where it is asked over the network, and a token for that.
    pub(crate) fn network(&self) -> (String, String) {
        let line = self
            .host
            .wait_for_line("where it is asked", |line| line.contains("Deploy to: http"));
        let token = program().line("node token --data");
        let token = token.arg(self.data().to_str().unwrap()).run();
        let url = line.rsplit(' ').next().unwrap();
        (url.to_owned(), token.stdout.trim().to_owned())
    }

    /// A client of the apps.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.host.address())
    }

    /// Starts another process on the same folder, once the one before is gone.
    pub(crate) fn restart(&mut self) {
        self.host = start(self.folder.path(), &self.arguments).serve();
    }

    /// A command about an app on this node.
    pub(crate) fn command(&self, name: &str, root: &Path) -> Command {
        let command = program().line(name).arg(root.to_str().unwrap());
        command
            .arg("--to")
            .arg(&self.socket())
            .arg("--app")
            .arg("shop")
    }

    /// Deploys a build as `shop`, which answers any host.
    #[track_caller]
    pub(crate) fn deploy(&self, release: &str) -> Exit {
        let command = self.command("deploy", &build(release));
        let exit = command.arg("--host").arg("*").arg("--no-wait").run();
        assert_eq!(exit.code, Some(0), "{}", exit.stderr);
        exit
    }

    /// Which release answers.
    pub(crate) async fn serves(&self) -> String {
        self.asked(&[]).await
    }

    /// Which release answers this request.
    pub(crate) async fn asked(&self, headers: &[(&str, &str)]) -> String {
        let answer = self.client().ask("GET", "/version", headers, "").await;
        named(&answer.line())
    }
}

/// A node's answer to `GET /metrics` at the socket in its folder, head included.
pub(crate) async fn metrics(data: &Path) -> String {
    let asked = "GET /metrics HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n";
    let socket = data.join("admin.sock");
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    answer
}

/// The release that an answer is wholly of, or else the answer.
pub(crate) fn named(line: &str) -> String {
    let body = line.strip_prefix("200 ").unwrap_or(line);
    let is_wholly = |release: &&&str| answer(release).trim_end() == body;
    let release = GOOD.iter().find(is_wholly);
    release.map_or_else(|| line.to_owned(), |release| (*release).to_owned())
}

/// Clients that ask all the while, each answer wholly one good release.
pub(crate) struct Asking {
    is_over: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Asking {
    /// One client for each address.
    pub(crate) fn at(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let ask = |address| {
            let is_over = Arc::clone(&is_over);
            tokio::spawn(async move {
                let mut sender = Client::new(address).connect().await;
                let mut asked = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let answer = sender.ask("GET", "/version", &[], "").await.unwrap();
                    let release = named(&answer.line());
                    assert!(GOOD.contains(&release.as_str()), "{release}");
                    asked += 1;
                }
                asked
            })
        };
        let clients = addresses.into_iter().map(ask).collect();
        Self { is_over, clients }
    }

    /// How often they have asked.
    pub(crate) async fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        let mut all = 0;
        for client in self.clients {
            all += client.await.expect("no answer was amiss");
        }
        all
    }
}

/// A node's command line.
pub(crate) fn start(data: &Path, arguments: &[String]) -> Command {
    let line = program().line("node --listen 127.0.0.1:0 --data");
    let mut command = line.arg(data.to_str().unwrap());
    for argument in arguments {
        command = command.arg(argument);
    }
    let state = data.join("state");
    command.env("XDG_STATE_HOME", state.to_str().unwrap())
}
