//! Finds the files that are sent as they are: all of `public/`, and the metadata files of `app/`, which the walk for routes meets.
//!
//! In: the folder on disk. Out: a [`FileSource`] each, in the order of their names, or every fault at once.
//!
//! A request is answered from this list alone: no path that a client sends ever becomes a path on disk. What is hidden, no file, or behind a
//! link that leads out of the folder is not in it.

use super::{ProjectError, below};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use waystation_rules::file::{self, Encoding};
use waystation_rules::pattern::RoutePattern;

/// The folder's name, in an app's root.
pub const FOLDER: &str = "public";

/// A file that is sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSource {
    /// What it answers.
    pub pattern: RoutePattern,
    /// The file from the app's root with forward slashes: `public/logo.svg`.
    pub file: String,
    /// The file itself, absolute and without links.
    pub path: PathBuf,
    /// Where it was found.
    pub kind: FileKind,
    /// The files beside it that hold the same content encoded, likewise.
    pub encoded: Vec<(Encoding, PathBuf)>,
}

/// Where a file was found, which says how long it may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// In `public/`.
    Public,
    /// In `app/`, by a name that means something: `favicon.ico`.
    Metadata,
}

/// Finds every file of `public/`; none if there is no such folder.
///
/// # Errors
///
/// Every [`ProjectError::LinkOut`], [`ProjectError::NotUtf8`] and [`ProjectError::Read`].
pub fn public(root: &Path) -> Result<Vec<FileSource>, Vec<ProjectError>> {
    let Ok(home) = root.join(FOLDER).canonicalize() else {
        return Ok(Vec::new());
    };
    let mut walk = Walk {
        inside: vec![home.clone()],
        home: &home,
        root,
        found: BTreeMap::new(),
        faults: Vec::new(),
    };
    walk.folder(&root.join(FOLDER), "");
    let Walk { found, faults, .. } = walk;
    if !faults.is_empty() {
        return Err(faults);
    }
    let encoded = |name: &str| {
        let beside = Encoding::ALL.into_iter().filter_map(|encoding| {
            let path = found.get(&format!("{name}.{}", encoding.extension()))?;
            Some((encoding, path.clone()))
        });
        beside.collect()
    };
    let sources = found.iter().map(|(name, path)| FileSource {
        pattern: RoutePattern::of_file(name),
        file: format!("{FOLDER}/{name}"),
        path: path.clone(),
        kind: FileKind::Public,
        encoded: encoded(name),
    });
    Ok(sources.collect())
}

struct Walk<'a> {
    home: &'a Path,
    root: &'a Path,
    /// The folders that the walk is in, without links, to notice one that leads back.
    inside: Vec<PathBuf>,
    /// By name from the folder, with forward slashes.
    found: BTreeMap<String, PathBuf>,
    faults: Vec<ProjectError>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path, name: &str) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let path = path.to_owned();
                return self.faults.push(ProjectError::Read { path, error });
            }
        };
        for entry in entries.flatten() {
            match entry.file_name().into_string() {
                Ok(own) if file::is_hidden(&own) => {}
                Ok(own) if name.is_empty() => self.entry(&entry.path(), own),
                Ok(own) => self.entry(&entry.path(), format!("{name}/{own}")),
                Err(_) => self
                    .faults
                    .push(ProjectError::NotUtf8 { path: entry.path() }),
            }
        }
    }

    fn entry(&mut self, path: &Path, name: String) {
        // A link that leads nowhere, and what vanished meanwhile, is no file.
        let Ok(real) = path.canonicalize() else {
            return;
        };
        if !real.starts_with(self.home) {
            let file = below(self.root, path);
            self.faults.push(ProjectError::LinkOut { file });
        } else if real.is_file() {
            self.found.insert(name, real);
        } else if real.is_dir() {
            if self.inside.contains(&real) {
                let folder = below(self.root, path);
                return self.faults.push(ProjectError::Loop { folder });
            }
            self.inside.push(real);
            self.folder(path, &name);
            self.inside.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_answers_its_own_path() {
        check(&["a.txt", "icons/[1].png"], "/a.txt /icons/[1].png");
        check(&["(a)/_b/@c"], "/(a)/_b/@c");
        check(&[".well-known/security.txt"], "/.well-known/security.txt");
        check(
            &["a.js", "a.js.br", "a.js.gz"],
            "/a.js+br+gzip /a.js.br /a.js.gz",
        );
    }

    #[test]
    fn what_is_hidden_is_not_there() {
        check(&[".env", ".git/config", "x/.htaccess", "x/a"], "/x/a");
    }

    #[test]
    fn a_link_stays_in_the_folder_or_is_a_fault() {
        let folder = app(&["a.txt", "x/b.txt"]);
        let public = folder.path().join(FOLDER);
        symlink("a.txt", public.join("link.txt")).unwrap();
        symlink("nowhere", public.join("broken")).unwrap();
        assert_eq!(listed(folder.path()), "/a.txt /link.txt /x/b.txt");

        symlink("../Cargo.toml", public.join("out.toml")).unwrap();
        symlink("..", public.join("x/up")).unwrap();
        let faults = super::public(folder.path()).unwrap_err();
        let mut faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        faults.sort();
        assert_eq!(
            faults,
            [
                "this link leads back to a folder it is in\n  --> public/x/up\n\nhint: remove the link",
                "this link leads out of `public/`\n  --> public/out.toml\n\nhint: put the file itself there"
            ]
        );
    }

    #[test]
    fn without_the_folder_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(listed(folder.path()), "");
    }

    #[track_caller]
    fn check(files: &[&str], expected: &str) {
        assert_eq!(listed(app(files).path()), expected);
    }

    fn listed(root: &Path) -> String {
        let rows = super::public(root).unwrap().into_iter().map(|source| {
            let encoded = source.encoded.iter();
            let encoded: String = encoded
                .map(|(encoding, _)| format!("+{}", encoding.token()))
                .collect();
            format!("{}{encoded}", source.pattern)
        });
        rows.collect::<Vec<_>>().join(" ")
    }

    fn app(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        for file in files {
            let path = folder.path().join(FOLDER).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }
}
