//! An app on disk: where it is, what it is called, which routes it has, what its operator set, and what a build left behind.
//!
//! In: a folder. Out: a [`Project`], and from it [`routes::discover`], [`files::public`], [`settings::Settings`], [`environment`] and
//! [`output`]: a [`release`] in a [`layout`].
//!
//! Nothing here compiles or runs a route; `build` does the first and `sandbox` the second.

use std::path::{Path, PathBuf};

pub mod atomic;
pub mod cargo_toml;
pub mod digest;
pub mod environment;
pub mod error;
pub mod files;
pub mod layout;
pub mod manifest;
pub mod names;
pub mod output;
pub mod packages;
pub mod place;
pub mod release;
pub mod routes;
pub mod schema;
pub mod settings;
mod suggest;
pub mod template;

pub use cargo_toml::CargoToml;
pub use error::{ProjectError, ProjectErrors};

/// Everything that is written for an app and can be thrown away, in its root.
pub const OWN_DIR: &str = ".waystation";

/// Where the code compiled for the app at `root` is kept.
#[must_use]
pub fn code_cache(root: &Path) -> PathBuf {
    root.join(OWN_DIR).join("cache")
}

/// Where what is kept on disk is.
#[must_use]
pub fn kept(root: &Path) -> PathBuf {
    root.join(OWN_DIR).join("kept")
}

/// An app: a Cargo package with an `app/` folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The folder of `Cargo.toml`, absolute and without links.
    pub root: PathBuf,
    /// `app` or `src/app` below the root, absolute.
    pub app_dir: PathBuf,
    /// The name of the app's package.
    pub name: String,
}

impl Project {
    /// Finds the app in a folder. Where `app/` and `src/app/` are both there, `app/` is it.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NoFolder`], [`ProjectError::NoApp`] or [`ProjectError::NoCargoToml`] if it is no app,
    /// [`ProjectError::CargoToml`] or [`ProjectError::NoPackage`] if its `Cargo.toml` cannot be used.
    pub fn open(folder: &Path) -> Result<Project, ProjectError> {
        let root = folder
            .canonicalize()
            .map_err(|error| ProjectError::NoFolder {
                folder: folder.to_path_buf(),
                error,
            })?;
        let Some(app_dir) = app_dir(&root) else {
            let project = root.ancestors().skip(1).find(|above| is_project(above));
            return Err(ProjectError::NoApp {
                hint: match project {
                    Some(above) => format!("the app is in {}; run this there", above.display()),
                    None if root.join("Cargo.toml").is_file() => {
                        "make `app/hello/route.rs`".to_owned()
                    }
                    None => "make an app with `waystation new`".to_owned(),
                },
                folder: root,
            });
        };
        let name = CargoToml::read(&root)?.name;
        Ok(Project {
            root,
            app_dir,
            name,
        })
    }

    /// `.waystation`: everything that is written for the app and can be thrown away.
    #[must_use]
    pub fn own_dir(&self) -> PathBuf {
        self.root.join(OWN_DIR)
    }
}

/// A path below the root as a person writes it: `app/items/[slug]`.
fn below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn app_dir(root: &Path) -> Option<PathBuf> {
    [root.join("app"), root.join("src").join("app")]
        .into_iter()
        .find(|folder| folder.is_dir())
}

fn is_project(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() && app_dir(folder).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const CARGO_TOML: &str = "[package]\nname = \"shop\"\n";

    #[test]
    fn app_wins_over_src_app() {
        check(&["app/x", "src/app/x"], "app of shop");
        check(&["src/app/x"], "src/app of shop");
    }

    #[test]
    fn what_is_missing_is_named_with_the_next_step() {
        check(
            &["lib/x"],
            "no `app/` or `src/app/` here\n  --> ROOT\n\nhint: make `app/hello/route.rs`",
        );
        let folder = tempfile::tempdir().unwrap();
        let error = Project::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.ends_with("hint: make an app with `waystation new`"),
            "{error}"
        );
        fs::create_dir(folder.path().join("app")).unwrap();
        let error = Project::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no `Cargo.toml` beside `app/`"),
            "{error}"
        );
    }

    #[test]
    fn below_an_app_the_hint_names_it() {
        let folder = project(&["app/x"]);
        let error = Project::open(&folder.path().join("app/x"))
            .unwrap_err()
            .to_string();
        let root = folder.path().canonicalize().unwrap();
        assert!(
            error.ends_with(&format!(
                "hint: the app is in {}; run this there",
                root.display()
            )),
            "{error}"
        );
    }

    #[track_caller]
    fn check(folders: &[&str], expected: &str) {
        let folder = project(folders);
        let root = folder.path().canonicalize().unwrap();
        let found = match Project::open(folder.path()) {
            Ok(found) => {
                let app_dir = found.app_dir.strip_prefix(&root).unwrap();
                format!("{} of {}", app_dir.display(), found.name)
            }
            Err(error) => error
                .to_string()
                .replace(&root.display().to_string(), "ROOT"),
        };
        assert_eq!(found, expected);
    }

    fn project(folders: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.toml"), CARGO_TOML).unwrap();
        for below in folders {
            fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        folder
    }
}
