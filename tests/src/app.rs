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

    /// An app in a folder that stays, so that the next run finds what cargo has compiled. What does not belong to it is removed.
    #[must_use]
    pub fn lasting(root: &Path, files: &[(&str, &str)]) -> Self {
        fs::create_dir_all(root).expect("a folder");
        let root = root.canonicalize().expect("it is there");
        let app = Self {
            root,
            _temporary: None,
        };
        for folder in ["app", "src"] {
            let folder = app.path(folder);
            for file in tree::files(&folder).unwrap_or_default() {
                let path = folder.join(file);
                let name = path
                    .strip_prefix(&app.root)
                    .unwrap_or(&path)
                    .to_string_lossy();
                if !files.iter().any(|(known, _)| *known == name) && name != "src/lib.rs" {
                    fs::remove_file(&path).expect("a file of an earlier run");
                }
            }
        }
        app.fill(files);
        app
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
        let lock = fs::read(repository().join("Cargo.lock")).expect("the repository's lock file");
        if !self.path("Cargo.lock").is_file() {
            self.put("Cargo.lock", &lock);
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

    /// Takes over what cargo has compiled for another app, less its routes. Copied, not linked: cargo writes files in place.
    pub fn warm(&self, other: &App) {
        let own = [
            "route-",
            "route_",
            "libroute",
            "shop",
            "libshop",
            "incremental",
        ];
        let keep = |name: &str| !own.iter().any(|prefix| name.starts_with(prefix));
        let target = ".waystation/target";
        tree::copy(&other.path(target), &self.path(target), &keep)
            .expect("a copy of the target folder");
        fs::copy(other.path("Cargo.lock"), self.path("Cargo.lock")).expect("its lock file");
    }

    fn put(&self, below: &str, content: &[u8]) {
        tree::write_if_changed(&self.path(below), content).expect("a file of the app");
    }
}
