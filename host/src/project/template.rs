//! A new app: the files of `host/templates/app`, which the program carries along, so that it needs no network.
//!
//! In: an empty folder, a name, and where the SDK is. Out: an app that builds, with tests that pass.
//!
//! Whether the name can be a package's is decided in `waystation_rules::package`.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use waystation_rules::package::{NameError, check_name};

use super::schema;

/// Each file of a new app, and its text. In `Cargo.toml`, `{{name}}` and `{{sdk}}` are filled in.
const FILES: [(&str, &str); 8] = [
    (".gitignore", include_str!("../../templates/app/gitignore")),
    ("AGENTS.md", include_str!("../../templates/app/AGENTS.md")),
    (
        "Cargo.toml",
        include_str!("../../templates/app/Cargo.toml.in"),
    ),
    (
        "app/items/[slug]/route.rs",
        include_str!("../../templates/app/app/items/[slug]/route.rs"),
    ),
    (
        "app/items/route.rs",
        include_str!("../../templates/app/app/items/route.rs"),
    ),
    ("src/lib.rs", include_str!("../../templates/app/src/lib.rs")),
    (
        "tests/served.rs",
        include_str!("../../templates/app/tests/served.rs"),
    ),
    (
        "waystation.toml",
        include_str!("../../templates/app/waystation.toml"),
    ),
];

/// Where an app finds the SDK.
#[derive(Debug, PartialEq, Eq)]
pub enum Sdk {
    /// In this folder, absolute.
    Folder(PathBuf),
    /// At crates.io, in this program's version.
    Registry,
}

/// Why no app was made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// Something is there already.
    #[error("this folder is not empty\n  --> {}\n\nhint: name one that is not there yet, or empty this one", folder.display())]
    NotEmpty {
        /// As it was given.
        folder: PathBuf,
    },

    /// The folder's name, or the one given, is no package's.
    #[error("{0}\n\nhint: add `--name shop`")]
    Name(NameError),

    /// There is no SDK in the folder.
    #[error("this is not the SDK: it has no `Cargo.toml` of the package `waystation`\n  --> {}\n\nhint: name the folder `guest-sdk` of a clone of Waystation", folder.display())]
    NoSdk {
        /// As it was given.
        folder: PathBuf,
    },

    /// A file or folder that cannot be read or written.
    #[error("cannot be written: {error}\n  --> {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl Sdk {
    /// The SDK in a folder that was named.
    ///
    /// # Errors
    ///
    /// [`NewError::NoSdk`].
    pub fn named(folder: &Path) -> Result<Sdk, NewError> {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"));
        let manifest = manifest.unwrap_or_default().parse::<toml::Table>();
        let package = manifest.unwrap_or_default().remove("package");
        let is_sdk =
            package.is_some_and(|package| package.get("name") == Some(&"waystation".into()));
        match folder.canonicalize() {
            Ok(folder) if is_sdk => Ok(Sdk::Folder(folder)),
            _ => Err(NewError::NoSdk {
                folder: folder.to_owned(),
            }),
        }
    }

    /// The one in the clone that this program was built in, if that is still there. Else the registry's.
    #[must_use]
    pub fn of_this_program() -> Sdk {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk");
        Sdk::named(&beside).unwrap_or(Sdk::Registry)
    }

    /// As a dependency of the app at `root`, which is absolute, writes it.
    fn dependency(&self, root: &Path) -> String {
        match self {
            Sdk::Registry => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
            Sdk::Folder(folder) => format!("path = {:?}", relative(folder, root)),
        }
    }
}

/// Makes an app in a folder, which it makes too. Returns the app's name.
///
/// # Errors
///
/// A [`NewError`]; nothing is written if the folder is not empty or the name will not do.
pub fn write(folder: &Path, name: Option<&str>, sdk: &Sdk) -> Result<String, NewError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |error| NewError::Write { path, error }
    };
    let absolute = std::path::absolute(folder).map_err(fault(folder))?;
    let own = absolute.file_name().unwrap_or_default().to_string_lossy();
    let name = name.unwrap_or(&own).to_owned();
    check_name(&name).map_err(NewError::Name)?;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(NewError::NotEmpty {
            folder: folder.to_owned(),
        });
    }
    fs::create_dir_all(folder).map_err(fault(folder))?;
    let root = folder.canonicalize().map_err(fault(folder))?;
    for (file, text) in FILES {
        let text = text
            .replace("{{name}}", &name)
            .replace("{{sdk}}", &sdk.dependency(&root));
        let path = root.join(file);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text))
            .map_err(fault(&path))?;
    }
    schema::write(&root).map_err(fault(&root))?;
    Ok(name)
}

/// A path from one folder to another, both absolute; the path itself where they have no more than the root in common.
fn relative(to: &Path, from: &Path) -> PathBuf {
    let both = to.components().zip(from.components());
    let common = both.take_while(|(to, from)| to == from).count();
    if common < 2 {
        return to.to_owned();
    }
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_template_is_carried_along() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/app");
        let mut files = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push(path.strip_prefix(&folder).unwrap().to_owned()),
                }
            }
        }
        let renamed = |file: &str| match file {
            "gitignore" => ".gitignore".to_owned(),
            "Cargo.toml.in" => "Cargo.toml".to_owned(),
            file => file.to_owned(),
        };
        let mut found: Vec<_> = files
            .iter()
            .map(|file| renamed(&file.to_string_lossy()))
            .collect();
        found.sort();
        assert_eq!(found, FILES.map(|(file, _)| file));
    }

    #[test]
    fn an_app_is_called_as_its_folder_or_as_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("made/shop");
        assert_eq!(write(&root, None, &Sdk::Registry).unwrap(), "shop");
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"shop\""), "{manifest}");
        let version = env!("CARGO_PKG_VERSION");
        let line = format!("waystation = {{ version = \"{version}\" }}\n");
        assert!(manifest.contains(&line), "{manifest}");
        assert!(!manifest.contains("{{"), "{manifest}");
        let other = folder.path().join("2");
        assert_eq!(write(&other, Some("two"), &Sdk::Registry).unwrap(), "two");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let error = write(folder.path(), Some("shop"), &Sdk::Registry).unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("this folder is not empty"), "{told}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_will_not_do_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("my shop");
        let told = write(&root, None, &Sdk::Registry).unwrap_err().to_string();
        assert!(told.ends_with("hint: add `--name shop`"), "{told}");
        assert!(!root.exists());
    }

    #[test]
    fn the_sdk_is_named_from_the_app() {
        let check = |to: &str, from: &str, expected: &str| {
            assert_eq!(
                relative(Path::new(to), Path::new(from)),
                Path::new(expected)
            );
        };
        check(
            "/home/ada/way/guest-sdk",
            "/home/ada/shop",
            "../way/guest-sdk",
        );
        check("/home/ada/way/guest-sdk", "/home/ada/way/x", "../guest-sdk");
        check("/opt/way/guest-sdk", "/home/ada/shop", "/opt/way/guest-sdk");
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for other in [Path::new("/nowhere"), &repository] {
            assert!(Sdk::named(other).is_err(), "{}", other.display());
        }
        assert!(matches!(Sdk::of_this_program(), Sdk::Folder(_)));
    }
}
