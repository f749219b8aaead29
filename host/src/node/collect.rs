//! Removes what no release that is kept consists of or was made of, and what a process that was killed has left behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Node;
use super::data::Data;
use crate::project::digest::Digest;
use crate::project::release;

/// What came so lately may belong to a release that is on its way.
const LATELY: Duration = Duration::from_secs(60 * 60);
/// What broke off may go on the next day.
const BROKEN_OFF: Duration = Duration::from_secs(24 * 60 * 60);

/// No file takes longer to be written.
const A_WRITE: Duration = Duration::from_secs(60);

impl Node {
    /// Removes the blobs of releases that are gone, and their code. What cannot be removed costs space and nothing else, and goes the next time.
    pub(super) fn collect(&self) {
        let Some(kept) = self.kept() else { return };
        remove(self.blobs().folder(), LATELY, |name| {
            let digest = Digest::try_from(name.to_owned());
            digest.is_ok_and(|digest| kept.blobs.contains(&digest))
        });
        remove(&self.data.code(), LATELY, |name| kept.code.contains(name));
        remove(&self.data.arriving(), BROKEN_OFF, |_| false);
    }

    /// Every blob of every release, and every file of code. None if it cannot be told what a release consists of: then nothing may go.
    fn kept(&self) -> Option<Kept> {
        if let Some(app) = self.unread.first() {
            tracing::warn!("nothing is removed, for it is not known what {app} needs");
            return None;
        }
        let blobs = self.blobs();
        let mut kept = Kept::default();
        let tenants: Vec<_> = self.tenants().values().cloned().collect();
        for tenant in tenants {
            let releases: Vec<_> = tenant.known().record.releases.all().cloned().collect();
            for digest in releases {
                let release = release::open(&blobs, &digest);
                let release = release.inspect_err(|error| {
                    tracing::warn!(
                        "nothing is removed, for {} cannot be read: {error}",
                        digest.short()
                    );
                });
                let release = release.ok()?;
                let code = release.components();
                kept.code
                    .extend(code.map(|blob| self.maker.code_file(&blob.digest)));
                let blobs = release.blobs().map(|blob| blob.digest.clone());
                kept.blobs.extend(blobs);
                kept.blobs.insert(digest);
            }
        }
        Some(kept)
    }
}

/// What may not go.
#[derive(Default)]
struct Kept {
    blobs: BTreeSet<Digest>,
    code: BTreeSet<String>,
}

/// Removes what was being written when the process before this one was killed. Nothing has the folder but this process, its first level
/// aside, where tokens are written too.
pub(super) fn tidy(data: &Data) -> anyhow::Result<()> {
    let apps = data.apps()?;
    let apps = apps.iter().map(|app| data.app(app));
    let own = apps.chain([data.code(), data.blobs().folder().to_owned()]);
    for folder in own {
        remove(&folder, Duration::ZERO, |name| !is_aside(name));
    }
    remove(data.root(), A_WRITE, |name| !is_aside(name));
    Ok(())
}

/// Whether a file is one that is renamed once it is whole.
fn is_aside(name: &str) -> bool {
    name.starts_with(".aside-") || name.starts_with(".tmp")
}

/// Removes the files of a folder that were not touched for a while and are not kept.
fn remove(folder: &Path, untouched: Duration, is_kept: impl Fn(&str) -> bool) {
    let Some(before) = SystemTime::now().checked_sub(untouched) else {
        return;
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|modified| modified < before);
        if is_old
            && !is_kept(&entry.file_name().to_string_lossy())
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::warn!("{} is not removed: {error}", entry.path().display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Policy;

    #[test]
    fn only_what_is_old_and_not_kept_goes() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        for (name, age) in [("old", 7200), ("kept", 7200), ("young", 60)] {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(now - Duration::from_secs(age)).unwrap();
        }
        remove(folder.path(), LATELY, |name| name == "kept");
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["kept", "young"]);
    }

    #[tokio::test]
    async fn nothing_goes_while_it_is_not_known_what_an_app_needs() {
        let folder = tempfile::tempdir().unwrap();
        let blob = folder.path().join("blobs/sha256").join("0".repeat(64));
        let record = folder.path().join("apps/shop/app.json");
        for file in [&blob, &record] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "something else").unwrap();
        }
        let past = SystemTime::now() - 2 * LATELY;
        let old = fs::File::options().append(true).open(&blob);
        old.unwrap().set_modified(past).unwrap();
        let open = || {
            let root = folder.path().to_owned();
            let opened =
                tokio::task::spawn_blocking(move || Node::open(&root, 80, Policy::default()));
            async { opened.await.unwrap().unwrap() }
        };
        let node = open().await;
        assert!(blob.exists());
        assert_eq!(node.broken(), 1);
        let shop = "shop".to_owned().try_into().unwrap();
        let error = node.tenant_or_new(&shop).err().unwrap().to_string();
        assert!(error.contains("app.json cannot be read"), "{error}");
        drop(node);
        fs::remove_file(&record).unwrap();
        assert_eq!(open().await.broken(), 0);
        assert!(!blob.exists());
    }

    #[test]
    fn what_was_not_finished_goes_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::open(folder.path()).unwrap();
        let (app, code) = (folder.path().join("apps/shop"), data.code());
        let past = SystemTime::now() - Duration::from_secs(10);
        for folder in [&app, &code, &folder.path().to_owned()] {
            fs::create_dir_all(folder).unwrap();
            for name in [".aside-a1", ".tmpb2", "app.json"] {
                let file = fs::File::create(folder.join(name)).unwrap();
                file.set_modified(past).unwrap();
            }
        }
        tidy(&data).unwrap();
        let left = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap().flatten();
            entries.filter(|entry| entry.path().is_file()).count()
        };
        assert_eq!((left(&app), left(&code)), (1, 1));
        assert_eq!(left(folder.path()), 4); // beside the lock: another process may be making a token
    }
}
