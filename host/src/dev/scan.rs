//! Reads every file that routes are built from, by content.
//!
//! A file whose size, times and number are as they were is not read again; a change that leaves all of them is not one that a program makes.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use waystation_rules::environment::Mode;
use waystation_rules::reload::{Digest, Snapshot};

use crate::project::packages::{self, Package};
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
        let mut found = Vec::new();
        for root in &self.roots {
            find(root.clone(), &mut Vec::new(), &mut found);
        }
        let mut files = BTreeMap::new();
        for (path, metadata) in found {
            if let Some((stamp, digest)) = self.read(&path, &metadata, built) {
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

/// Finds the files at and below a path. `above` are the folders on the way there: a link that leads back to one of them is not followed, for
/// it would lead on for ever, and whoever discovers the routes says that it is there.
fn find(path: PathBuf, above: &mut Vec<(u64, u64)>, found: &mut Vec<(PathBuf, Metadata)>) {
    // What vanishes between two looks is gone, and the next look says so.
    let Ok(metadata) = fs::metadata(&path) else {
        return;
    };
    if !metadata.is_dir() {
        return found.push((path, metadata));
    }
    let folder = (metadata.dev(), metadata.ino());
    if !above.contains(&folder) {
        above.push(folder);
        for child in children(&path) {
            find(child, above, found);
        }
        above.pop();
    }
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
    let packages = packages::by_path(&project.root);
    for Package { folder, manifest } in &packages.packages {
        roots.push(folder.join("Cargo.toml"));
        roots.push(folder.join("src"));
        roots.push(folder.join("build.rs"));
        roots.extend(library(manifest).map(|path| folder.join(path)));
    }
    let workspaces = packages.workspaces.iter();
    roots.extend(workspaces.map(|root| root.join("Cargo.toml")));
    roots
}

/// Where a manifest says that the library is: its folder, unless that holds what is compiled too.
fn library(manifest: &toml::Table) -> Option<&Path> {
    let path = Path::new(manifest.get("lib")?.get("path")?.as_str()?);
    let folder = path.parent().unwrap_or(path);
    match folder.components().next_back() {
        Some(Component::Normal(_)) => Some(folder),
        _ => Some(path),
    }
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
    fn packages_are_found_however_a_manifest_names_them() {
        check("[dependencies]\nwords = { path = 'words' }");
        check("[build-dependencies]\nwords = { path = 'words' }");
        check("[target.'cfg(unix)'.dependencies]\nwords = { path = 'words' }");
        check(
            "[dependencies]\nwords.workspace = true\n[workspace.dependencies]\nwords = { path = 'words' }",
        );
        check("[lib]\npath = 'words/src/lib.rs'");
    }

    #[test]
    fn a_package_in_another_workspace_is_found() {
        let (folder, project, _) = app();
        let at = |name: &str| folder.path().join(name);
        for name in ["others/near/src", "others/far/src", "others/stranger/src"] {
            fs::create_dir_all(at(name)).unwrap();
            fs::write(at(name).join("lib.rs"), "").unwrap();
        }
        let app = "[package]\nname = 'shop'\n[workspace]\n[dependencies]\nnear = { path = 'others/near' }";
        fs::write(at("Cargo.toml"), app).unwrap();
        let near = "[package]\nname = 'near'\n[dependencies]\nfar.workspace = true";
        fs::write(at("others/near/Cargo.toml"), near).unwrap();
        let others =
            "[workspace]\nmembers = ['*']\n[workspace.dependencies]\nfar = { path = 'far' }";
        fs::write(at("others/Cargo.toml"), others).unwrap();
        let seen = Scanner::new(&project).scan(&project, None).0;
        assert!(seen.contains_key("others/far/src/lib.rs"), "{seen:?}");
        assert!(!seen.contains_key("others/stranger/src/lib.rs"), "{seen:?}");
    }

    #[test]
    fn what_is_compiled_beside_a_library_is_not_looked_at() {
        for path in ["./lib.rs", "lib.rs"] {
            let (folder, project, _) = app();
            let manifest = format!("[package]\nname = 'shop'\n[lib]\npath = '{path}'\n");
            fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
            fs::write(folder.path().join("lib.rs"), "").unwrap();
            fs::create_dir(folder.path().join("target")).unwrap();
            fs::write(folder.path().join("target/made"), "").unwrap();
            let seen = Scanner::new(&project).scan(&project, None).0;
            let names: Vec<_> = seen.keys().map(|name| name.replace("./", "")).collect();
            assert!(names.contains(&"lib.rs".to_owned()), "{names:?}");
            assert!(!names.contains(&"target/made".to_owned()), "{names:?}");
        }
    }

    #[track_caller]
    fn check(dependencies: &str) {
        let (folder, project, _) = app();
        let manifest = format!("[package]\nname = 'shop'\n{dependencies}\n");
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        let seen = Scanner::new(&project).scan(&project, None).0;
        assert!(seen.contains_key("words/src/lib.rs"), "{dependencies}");
    }

    #[test]
    fn links_that_lead_back_are_not_followed_for_ever() {
        let (folder, project, _) = app();
        for (from, to) in [("a", "b"), ("b", "a")] {
            let from = folder.path().join("app").join(from);
            fs::create_dir_all(&from).unwrap();
            fs::write(from.join("route.rs"), "").unwrap();
            std::os::unix::fs::symlink(format!("../{to}"), from.join("other")).unwrap();
            std::os::unix::fs::symlink("..", from.join("up")).unwrap();
        }
        let seen = Scanner::new(&project).scan(&project, None).0;
        assert!(seen.contains_key("app/a/route.rs") && seen.contains_key("app/b/route.rs"));
        assert!(seen.len() < 20, "{seen:?}");
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
