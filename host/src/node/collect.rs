//! Removes what no release that is kept consists of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Node;
use crate::project::digest::Digest;
use crate::project::release;

/// What came so lately may belong to a release that is on its way.
const LATELY: Duration = Duration::from_secs(60 * 60);
/// What broke off may go on the next day.
const BROKEN_OFF: Duration = Duration::from_secs(24 * 60 * 60);

impl Node {
    /// Removes the blobs of releases that are gone. What cannot be removed costs space and nothing else, and goes the next time.
    pub(super) fn collect(&self) {
        let Some(kept) = self.kept() else { return };
        let is_kept = |name: &str| {
            let digest = Digest::try_from(name.to_owned());
            digest.is_ok_and(|digest| kept.contains(&digest))
        };
        remove(self.blobs().folder(), LATELY, is_kept);
        remove(&self.data.arriving(), BROKEN_OFF, |_| false);
    }

    /// Every blob of every release. None if it cannot be told what a release consists of: then nothing may go.
    fn kept(&self) -> Option<BTreeSet<Digest>> {
        let blobs = self.blobs();
        let mut kept = BTreeSet::new();
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
                kept.extend(release.blobs().map(|blob| blob.digest.clone()));
                kept.insert(digest);
            }
        }
        Some(kept)
    }
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
}
