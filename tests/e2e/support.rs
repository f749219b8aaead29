//! The apps and hosts that the tests share.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use waystation_tests::clock::{self, Clock};
use waystation_tests::{Answer, App, Client, Host, Program, tree, wait_for};

/// The program under test.
pub(crate) fn program() -> Program {
    // Optimising across crates is most of the time of a build, and makes no difference to what these tests see.
    Program::new(env!("CARGO_BIN_EXE_waystation-under-test"))
        .with("CARGO_PROFILE_WAYSTATION_RELEASE_LTO", "off")
}

/// How often a test does what might fail once in many times; more by hand.
pub(crate) fn rounds(otherwise: usize) -> usize {
    let rounds = std::env::var("WAYSTATION_TEST_ROUNDS").ok();
    rounds.map_or(otherwise, |rounds| {
        rounds.parse().expect("a number of rounds")
    })
}

/// A client of the host that serves all of `fixture/` as `waystation dev`. The app is built once a run.
pub(crate) fn fixture() -> Client {
    Client::new(FIXTURE.host.address())
}

/// The same host over HTTP/2.
pub(crate) fn fixture_http2() -> Client {
    Client::http2(FIXTURE.host.address())
}

/// That host's process.
pub(crate) fn fixture_host() -> &'static Host {
    &FIXTURE.host
}

/// A part of `fixture/` after `waystation build`, once a run.
pub(crate) fn production() -> &'static App {
    &PRODUCTION
}

/// An app in a folder of this name that stays, which starts with what is compiled for the fixture.
pub(crate) fn warm_app(name: &str, files: &[(&str, &str)]) -> App {
    App::in_place(&lasting(name), &FIXTURE.app, files)
}

/// Serves an app under `waystation dev --cache`, by a clock if there is one.
pub(crate) fn keeping(app: &App, clock: Option<&Clock>) -> Host {
    let command = program().command("dev", app.root()).arg("--cache");
    let command = match clock {
        Some(clock) => command.env(clock::VARIABLE, clock.file().to_str().unwrap()),
        None => command,
    };
    command.on_a_free_port().leashed().serve()
}

/// What an answer has to do with what is kept.
pub(crate) fn state(answer: &Answer) -> &str {
    answer.header("x-waystation-cache")
}

struct Fixture {
    app: App,
    host: Host,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let files = fixture_files(|_| true);
    let app = App::lasting(&lasting("fixture"), &borrowed(&files));
    let host = program().command("dev", app.root());
    let host = host.on_a_free_port().leashed().serve();
    Fixture { app, host }
});

/// The routes that are built for production: an optimised build of one takes seconds.
const BUILT: [&str; 20] = [
    "app/after/",
    "app/count/shared/",
    "app/hello/",
    "app/items/[id]/route.rs",
    "app/methods/post/",
    "app/request/url/",
    "app/environment/",
    "app/error/",
    "app/limits/asks/",
    "app/limits/spin/",
    "app/limits/wall/",
    "app/request/route.rs",
    "app/segment/route.rs",
    "app/slow/",
    "app/stream/",
    "app/favicon.ico",
    "app/meta/icon.svg",
    "app/robots.rs",
    "public/",
    "src/",
];

static PRODUCTION: LazyLock<App> = LazyLock::new(|| {
    let files = fixture_files(|file| BUILT.iter().any(|part| file.starts_with(part)));
    let mut files = borrowed(&files);
    files.push((
        "waystation.toml",
        // Programs that are not optimised need more than a second for what some routes do.
        "trusted_proxies = [\"127.0.0.2\"]\n\n[limits]\ncpu_ms = 5000\n\n[limits.routes.\"/stream\"]\ncpu_ms = 1000\n\n\
         [[headers]]\nsource = \"/hello\"\nheaders = [{ key = \"x-of-the-build\", value = \"yes\" }]\n",
    ));
    let app = App::lasting(&lasting("production"), &files);
    let exit = program().command("build", app.root()).run();
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    app
});

/// A folder with nothing of the app but what `build` made.
pub(crate) struct Deployed {
    folder: tempfile::TempDir,
}

impl Deployed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output = ".waystation/output";
        tree::copy(
            &production().path(output),
            &folder.path().join(output),
            &|_| true,
        )
        .unwrap();
        Self { folder }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Starts with neither cargo nor rustc nor anything else to be found.
    pub(crate) fn start(&self) -> Host {
        let command = program().command("start", self.folder.path());
        command.on_a_free_port().bare().serve()
    }

    /// The one file in a folder whose name ends so, the largest if there are more.
    pub(crate) fn largest(&self, folder: &str) -> PathBuf {
        let files = tree::files(&self.path(folder))
            .unwrap()
            .into_iter()
            .map(|file| self.path(folder).join(file));
        files
            .max_by_key(|file| file.metadata().unwrap().len())
            .unwrap()
    }
}

/// A folder below cargo's target folder that the next run finds again.
pub(crate) fn lasting(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The files of `fixture/` with their text.
pub(crate) fn fixture_files(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixture");
    let files = tree::files(&folder).expect("the fixture");
    let named = files.into_iter().map(|file| {
        let text = fs::read_to_string(folder.join(&file)).expect("a text");
        (file.to_string_lossy().into_owned(), text)
    });
    named.filter(|(file, _)| is_wanted(file)).collect()
}

/// The same as the app's constructors take them.
pub(crate) fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = files.iter();
    pairs
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect()
}

/// An app of the test's own under `waystation dev`, to be edited while it serves.
pub(crate) struct Edited {
    pub(crate) app: App,
    pub(crate) host: Host,
    pub(crate) client: Client,
    /// Last, so that the host has ended before the next one starts.
    _turn: Turn,
}

/// A turn for a test that runs cargo, with a folder for its app. Dropping it gives both to the next test.
pub(crate) struct Turn {
    place: usize,
    _permit: SemaphorePermit<'static>,
}

/// The folders that are free. More tests at once than there are processors would only make each of them late.
static PLACES: LazyLock<(Semaphore, Mutex<Vec<usize>>)> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let places = (processors / 2).max(2);
    (Semaphore::new(places), Mutex::new((0..places).collect()))
});

/// Waits for a turn.
pub(crate) async fn turn() -> Turn {
    let (semaphore, places) = &*PLACES;
    let permit = semaphore.acquire().await.expect("it is never closed");
    let place = places.lock().unwrap_or_else(PoisonError::into_inner).pop();
    Turn {
        place: place.expect("a place for each permit"),
        _permit: permit,
    }
}

impl Turn {
    /// An app that starts with what is compiled already. There is one at a time in a turn.
    pub(crate) fn app(&self, files: &[(&str, &str)]) -> App {
        App::in_place(
            &lasting(&format!("place-{}", self.place)),
            &FIXTURE.app,
            files,
        )
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (_, places) = &*PLACES;
        places
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.place);
    }
}

impl Edited {
    /// Writes the app and serves it.
    pub(crate) async fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, |_| {}).await
    }

    /// Writes the app, with more than texts in it, and serves it.
    pub(crate) async fn with(files: &[(&str, &str)], more: impl FnOnce(&App)) -> Self {
        let turn = turn().await;
        let app = turn.app(files);
        more(&app);
        let host = program().dev(app.root());
        let client = Client::new(host.address());
        Self {
            app,
            host,
            client,
            _turn: turn,
        }
    }

    /// Asks until the answer is this one, such as `200 hello`.
    pub(crate) async fn shows(&self, path: &str, line: &str) {
        let is_it = |answer: &Answer| answer.line() == line;
        self.answers(path, line, is_it).await;
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn answers(&self, path: &str, what: &str, is_it: impl Fn(&Answer) -> bool) {
        let last = RefCell::new(String::new());
        let what = std::fmt::from_fn(|f| write!(f, "{path}: {what}, but {}", last.borrow()));
        let asked = wait_for(what, async || {
            let answer = self.client.get(path).await;
            last.replace(answer.line());
            is_it(&answer).then_some(())
        });
        asked.await;
    }
}

/// A route that answers this text to GET.
pub(crate) fn text_route(text: &str) -> String {
    format!("pub fn get() -> &'static str {{\n    {text:?}\n}}\n")
}
