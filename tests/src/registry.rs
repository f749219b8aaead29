//! A registry for tests of releases that go by way of one.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::wait::wait;

/// Where nothing may go untested, as in `.ci/run`.
const DEMANDED: &str = "WAYSTATION_TEST_REGISTRY";

/// Who may ask a registry that is [guarded](Registry::guarded).
pub const LOGIN: (&str, &str) = ("me", "s3cret-word");
/// The same as bcrypt has it, which is all that the registry takes.
const HASHED: &str = "me:$2y$05$abcdefghijklmnopqrstuuEpHRRKIlpAGo.iP7Bpa.htQEJMAAnRe\n";

/// Debian's `docker-registry` on a free port, with nothing in it. It is killed on drop.
#[derive(Debug)]
pub struct Registry {
    port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl Registry {
    /// None where there is no `docker-registry`, unless `WAYSTATION_TEST_REGISTRY` is set: then there has to be one.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::with("")
    }

    /// The same for those who have logged in.
    ///
    /// # Panics
    ///
    /// If it does not come up.
    #[must_use]
    pub fn guarded() -> Option<Self> {
        Self::with("auth: { htpasswd: { realm: test, path: FOLDER/htpasswd } }\n")
    }

    fn with(more: &str) -> Option<Self> {
        let version = Command::new("docker-registry").arg("--version").output();
        if version.is_err() && std::env::var_os(DEMANDED).is_none() {
            eprintln!(
                "not tested: there is no `docker-registry` (apt-get install docker-registry)"
            );
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = free.expect("a free port").port();
        let child = listening(folder.path(), port, more);
        Some(Self {
            port,
            folder,
            child,
        })
    }

    /// Its name, as Docker's config has it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Something in it, such as `shop:live`.
    #[must_use]
    pub fn reference(&self, what: &str) -> String {
        format!("{}/{what}", self.name())
    }

    /// Where it keeps a blob.
    #[must_use]
    pub fn blob(&self, digest: &str) -> PathBuf {
        let blobs = self.folder.path().join("docker/registry/v2/blobs/sha256");
        blobs.join(&digest[..2]).join(digest).join("data")
    }

    /// The requests of this method so far, a line each.
    ///
    /// # Panics
    ///
    /// If there is no log.
    #[must_use]
    pub fn asked(&self, method: &str) -> Vec<String> {
        let log = fs::read(self.folder.path().join("log")).expect("a log");
        let log = String::from_utf8_lossy(&log);
        let method = format!("\"{method} ");
        let lines = log.lines().filter(|line| line.contains(&method));
        lines.map(ToOwned::to_owned).collect()
    }

    /// Waits until it was asked so many times more for what a tag is.
    ///
    /// # Panics
    ///
    /// If it is not asked in time.
    pub fn wait_for_looks(&self, more: usize) {
        let before = self.asked("HEAD").len();
        let is_asked = || (before + more <= self.asked("HEAD").len()).then_some(());
        wait("the tag is looked at", is_asked);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().expect("it has not been waited for");
        self.child.wait().expect("it was killed");
    }
}

fn listening(folder: &Path, port: u16, more: &str) -> Child {
    let shown = folder.to_str().expect("a name that is text");
    let config = format!(
        "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {shown} }} }}\nhttp: {{ addr: \"127.0.0.1:{port}\" }}\n{}",
        more.replace("FOLDER", shown)
    );
    fs::write(folder.join("config.yml"), config).expect("a config");
    fs::write(folder.join("htpasswd"), HASHED).expect("a file of passwords");
    let log = File::create(folder.join("log")).expect("a log");
    let child = Command::new("docker-registry")
        .arg("serve")
        .arg(folder.join("config.yml"))
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("the same log"))
        .stdout(log)
        .spawn()
        .expect("this test takes a `docker-registry`: apt-get install docker-registry");
    let is_up = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
    drop(wait("docker-registry listens", is_up));
    child
}
