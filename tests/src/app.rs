//! Apps on disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tree;

/// An app: a folder with `Cargo.toml`, `src/lib.rs` and whatever a test writes into it.
#[derive(Debug)]
pub struct App {
    root: PathBuf,
    /// Removes the folder in the end; none where the folder outlives the run.
    _temporary: Option<tempfile::TempDir>,
}

/// What is written for an app that does not say it.
const OWN: [&str; 2] = ["Cargo.toml", "src/lib.rs"];

/// Where the SDK of this repository is.
#[must_use]
pub fn sdk_folder() -> PathBuf {
    repository().join("guest-sdk")
}

fn repository() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

impl App {
    /// An app in a folder of its own that is removed with it.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().canonicalize().expect("it is there");
        let app = Self {
            root,
            _temporary: Some(folder),
        };
        app.fill(files);
        app
    }

    /// An app in a folder that stays, so that the next run finds what cargo has compiled. What is no longer part of it is removed.
    #[must_use]
    pub fn lasting(root: &Path, files: &[(&str, &str)]) -> Self {
        let app = Self::at(root);
        for below in tree::files(&app.root).expect("a folder") {
            let name = below.to_string_lossy();
            let is_made = [".waystation", "target", "Cargo.lock"]
                .iter()
                .any(|made| below.starts_with(made));
            if !is_made && !files.iter().any(|(known, _)| *known == name) && !OWN.contains(&&*name)
            {
                fs::remove_file(app.path(&name)).expect("a file of an earlier run");
            }
        }
        app.fill(files);
        app
    }

    /// An app that takes the place of another in the same folder. Nothing of that one stays but what cargo has compiled of its
    /// dependencies, which comes from `warm` in the first place.
    #[must_use]
    pub fn in_place(root: &Path, warm: &App, files: &[(&str, &str)]) -> Self {
        let app = Self::at(root);
        for entry in fs::read_dir(&app.root).expect("a folder").flatten() {
            if entry.file_name() != ".waystation" {
                app.remove(&entry.file_name().to_string_lossy());
            }
        }
        for made in ["cache", "output", "routes", "state"] {
            let made = format!(".waystation/{made}");
            if app.path(&made).exists() {
                app.remove(&made);
            }
        }
        app.warm(warm);
        app.fill(files);
        app
    }

    fn at(root: &Path) -> Self {
        fs::create_dir_all(root).expect("a folder");
        Self {
            root: root.canonicalize().expect("it is there"),
            _temporary: None,
        }
    }

    fn fill(&self, files: &[(&str, &str)]) {
        let own = |name: &str| files.iter().any(|(path, _)| *path == name);
        if !own("Cargo.toml") {
            self.put("Cargo.toml", self.cargo_toml("").as_bytes());
        }
        if !own("src/lib.rs") {
            self.put("src/lib.rs", b"");
        }
        // The versions that this repository is tested with: nothing is looked up.
        let (lock, own_lock) = (repository().join("Cargo.lock"), self.path("Cargo.lock"));
        if !own("Cargo.lock") && !is_newer(&own_lock, &lock) {
            fs::copy(lock, own_lock).expect("the repository's lock file");
        }
        for (path, content) in files {
            self.put(path, content.as_bytes());
        }
    }

    /// The app's manifest, with more lines at its end: dependencies.
    #[must_use]
    pub fn cargo_toml(&self, dependencies: &str) -> String {
        format!(
            "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [workspace]\nmembers = [\".waystation/routes/*\"]\n\n\
             [dependencies]\n\
             futures-util = {{ version = \"0.3\", default-features = false, features = [\"std\"] }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             serde_json = \"1\"\n\
             waystation = {{ path = {:?} }}\n{dependencies}",
            sdk_folder()
        )
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file of it.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Writes a file in place, as `echo >` does.
    pub fn write(&self, below: &str, content: &str) {
        let path = self.path(below);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(&path, content).expect("a file");
    }

    /// Writes a file aside and renames it into place, as editors do.
    pub fn replace(&self, below: &str, content: &str) {
        let path = self.path(below);
        let aside = path.with_extension("rs~");
        fs::write(&aside, content).expect("a file");
        fs::rename(&aside, &path).expect("its place");
    }

    /// Writes bytes.
    pub fn write_bytes(&self, below: &str, content: &[u8]) {
        self.put(below, content);
    }

    /// What a file holds.
    #[must_use]
    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).expect("a file")
    }

    /// Removes a file, or a folder with all that is in it.
    pub fn remove(&self, below: &str) {
        let path = self.path(below);
        if path.is_dir() {
            fs::remove_dir_all(&path).expect("a folder");
        } else {
            fs::remove_file(&path).expect("a file");
        }
    }

    /// Moves a file or folder.
    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("a new name");
    }

    /// Takes over what cargo has compiled for another app, less its routes, unless it has done so before; nothing else stays.
    pub fn warm(&self, other: &App) {
        if !self.is_warm("warmed", other) {
            for made in ["target", "warmed-too"] {
                let made = format!(".waystation/{made}");
                if self.path(&made).exists() {
                    self.remove(&made);
                }
            }
            self.take("warmed", other);
        }
        fs::copy(other.path("Cargo.lock"), self.path("Cargo.lock")).expect("its lock file");
    }

    /// The same beside what is there: what another app's `build` has compiled to what `dev` has.
    pub fn warm_too(&self, other: &App) {
        if !self.is_warm("warmed-too", other) {
            self.take("warmed-too", other);
        }
    }

    fn is_warm(&self, marker: &str, other: &App) -> bool {
        let marker = self.path(&format!(".waystation/{marker}"));
        fs::read_to_string(marker).is_ok_and(|version| version == other.sdk_version())
    }

    /// Copied, not linked: cargo writes files in place.
    fn take(&self, marker: &str, other: &App) {
        const OTHERS: [&str; 6] = [
            "route-",
            "route_",
            "libroute",
            "shop",
            "libshop",
            "incremental",
        ];
        let keep = |name: &str| !OTHERS.iter().any(|prefix| name.starts_with(prefix));
        let target = ".waystation/target";
        tree::copy(&other.path(target), &self.path(target), &keep)
            .expect("a copy of the target folder");
        let marker = self.path(&format!(".waystation/{marker}"));
        fs::write(marker, other.sdk_version()).expect("a marker");
    }

    /// Tells when the SDK was last compiled for this app.
    fn sdk_version(&self) -> String {
        let files = tree::files(&self.path(".waystation/target")).expect("a target folder");
        let is_sdk = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libwaystation-") && name.ends_with(".rmeta")
        };
        let sdk = files.iter().filter(is_sdk).map(|file| {
            let path = self.path(".waystation/target").join(file);
            format!(
                "{} {:?}\n",
                file.display(),
                path.metadata().and_then(|sdk| sdk.modified()).ok()
            )
        });
        sdk.collect()
    }

    fn put(&self, below: &str, content: &[u8]) {
        tree::write_if_changed(&self.path(below), content).expect("a file of the app");
    }
}

/// Whether a file is there and was written after another.
fn is_newer(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    modified(than) < modified(file)
}
