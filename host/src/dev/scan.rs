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
    /// cargo tells by time what it has built.
    pub(super) fn scan(&mut self, project: &Project, built: Option<SystemTime>) -> Snapshot {
        self.roots = roots(project);
        let mut files = BTreeMap::new();
        let mut known = HashMap::with_capacity(self.known.len());
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
                known.insert(path, (stamp, digest));
            }
        }
        self.known = known;
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
