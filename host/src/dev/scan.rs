//! Reads every file that routes are built from, by content.
//!
//! A file whose size, times and number are as they were is not read again; a change that leaves all of them is not one that a program makes.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use waystation_rules::environment::Mode;
use waystation_rules::reload::{Digest, Snapshot};

use crate::project::{Project, files};

/// Reads the same project again and again.
pub(super) struct Scanner {
    root: PathBuf,
    roots: Vec<PathBuf>,
    /// Every file as it was last seen, those that are gone too: they may come back.
    known: HashMap<PathBuf, (Stamp, Digest)>,
}

/// What tells without reading that a file is as it was.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    number: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Scanner {
    pub(super) fn new(project: &Project) -> Self {
        Self {
            root: project.root.clone(),
            roots: roots(project),
            known: HashMap::new(),
        }
    }

    /// The folders and files that are looked at, for a watcher.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        let public = self.root.join(files::FOLDER);
        self.roots.iter().cloned().chain([public]).collect()
    }

    /// Reads what there is now.
    ///
    /// A file that changed but bears a time from before `built`, such as one that was moved back into place, is given the time of now:
    /// cargo tells by time what it has built. One that was out of sight for a while, as when `Cargo.toml` is broken, is not changed by that.
    pub(super) fn scan(&mut self, project: &Project, built: Option<SystemTime>) -> Snapshot {
        self.roots = roots(project);
        let mut files = BTreeMap::new();
        let mut folders = self.roots.clone();
        while let Some(path) = folders.pop() {
            // What vanishes between two looks is gone, and the next look says so.
            let Ok(metadata) = fs::metadata(&path) else {
                continue;
            };
            if metadata.is_dir() {
                folders.extend(children(&path));
            } else if let Some((stamp, digest)) = self.read(&path, &metadata, built) {
                files.insert(self.name(&path), digest);
                self.known.insert(path, (stamp, digest));
            }
        }
        // Of `public/`, which is sent as it is at each moment, only the names count. What is wrong with it is told when it is discovered.
        if let Ok(public) = files::public(&project.root) {
            files.extend(public.into_iter().map(|source| (source.file, [0; 32])));
        }
        Snapshot(files)
    }

    fn read(
        &self,
        path: &Path,
        metadata: &Metadata,
        built: Option<SystemTime>,
    ) -> Option<(Stamp, Digest)> {
        let stamp = Stamp::of(metadata);
        let before = self.known.get(path);
        if let Some((_, digest)) = before.filter(|(known, _)| *known == stamp) {
            return Some((stamp, *digest));
        }
        let digest = *blake3::hash(&fs::read(path).ok()?).as_bytes();
        let is_changed = before.is_none_or(|(_, known)| *known != digest);
        if let (true, Some(built), Ok(modified)) = (is_changed, built, metadata.modified())
            && modified <= built
            && let Err(error) = touch(path)
        {
            tracing::warn!(
                "{}: it changed but its time is old, and cannot be set: {error}",
                path.display()
            );
        }
        Some((stamp, digest))
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .to_string_lossy()
            .replace('\\', "/")
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            number: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

fn touch(path: &Path) -> std::io::Result<()> {
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(SystemTime::now())
}

/// What is in a folder, less what an editor leaves there while it saves.
fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.is_dir() || !is_scratch(path))
        .collect()
}

fn is_scratch(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~')
}

/// The app, the proxy beside it, its shared code, its settings and variables, and the packages it depends on by path.
fn roots(project: &Project) -> Vec<PathBuf> {
    let beside = project.app_dir.parent().unwrap_or(&project.root);
    let mut roots = vec![
        project.app_dir.clone(),
        beside.join("proxy.rs"),
        project.root.join("waystation.toml"),
    ];
    let variables = Mode::Development.files().into_iter();
    roots.extend(variables.map(|file| project.root.join(file)));
    let mut packages = vec![project.root.clone()];
    let mut seen = Vec::new();
    while let Some(package) = packages.pop() {
        if seen.contains(&package) {
            continue;
        }
        roots.push(package.join("Cargo.toml"));
        roots.push(package.join("src"));
        roots.push(package.join("build.rs"));
        packages.extend(path_dependencies(&package));
        seen.push(package);
    }
    roots
}

/// The packages that a manifest names by path. One that cannot be read has none: cargo says what is wrong with it.
fn path_dependencies(package: &Path) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    let Ok(manifest) = manifest.parse::<toml::Table>() else {
        return Vec::new();
    };
    let tables = ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|name| manifest.get(name));
    let entries = tables
        .filter_map(toml::Value::as_table)
        .flat_map(|table| table.values());
    let paths = entries.filter_map(|dependency| dependency.get("path")?.as_str());
    paths
        .filter_map(|path| package.join(path).canonicalize().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "[package]\nname = 'shop'\n[dependencies]\nwords = { path = 'words' }\n";

    /// An app that depends on a package by path, and that package's one file, written long ago.
    fn app() -> (tempfile::TempDir, Project, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let words = folder.path().join("words/src/lib.rs");
        for name in ["app", "words/src"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("Cargo.toml"), APP).unwrap();
        write(&words, "one");
        let project = Project::open(folder.path()).unwrap();
        (folder, project, words)
    }

    fn write(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }

    fn is_touched(file: &Path) -> bool {
        fs::metadata(file).unwrap().modified().unwrap() != SystemTime::UNIX_EPOCH
    }

    #[test]
    fn files_that_were_out_of_sight_keep_their_time() {
        let (folder, project, words) = app();
        let built = Some(SystemTime::now());
        let mut scanner = Scanner::new(&project);
        let before = scanner.scan(&project, None);
        let manifest = folder.path().join("Cargo.toml");
        fs::write(&manifest, "[package").unwrap();
        assert!(
            !scanner
                .scan(&project, built)
                .0
                .contains_key("words/src/lib.rs")
        );
        fs::write(&manifest, APP).unwrap();
        assert_eq!(scanner.scan(&project, built), before);
        assert!(!is_touched(&words));
    }

    #[test]
    fn another_file_of_an_old_time_is_given_the_time_of_now() {
        let (_folder, project, words) = app();
        let built = Some(SystemTime::now());
        let mut scanner = Scanner::new(&project);
        scanner.scan(&project, None);
        fs::remove_file(&words).unwrap();
        scanner.scan(&project, built);
        write(&words, "another");
        scanner.scan(&project, built);
        assert!(is_touched(&words));
    }
}
