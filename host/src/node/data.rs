//! A node's folder: what is where, and that only one process has it.
//!
//! Whatever has to outlive a crash is written aside, flushed, renamed in, and its folder flushed.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use waystation_rules::rollout::AppName;

use crate::project::layout::Blobs;

/// A node's folder. Nobody else has it as long as this lives.
pub(super) struct Data {
    root: PathBuf,
    /// The system lets go of it however the process ends.
    _lock: File,
}

impl Data {
    /// Opens the folder, which is made if there is none.
    ///
    /// # Errors
    ///
    /// If another node has it, or it cannot be used.
    pub(super) fn open(root: &Path) -> anyhow::Result<Self> {
        make_private(root)?;
        let root = root.canonicalize()?;
        let path = root.join("lock");
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.with_context(|| format!("cannot write {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another node runs on this folder\n  --> {}\n\nhint: stop it, or give this one a folder of its own with `--data`",
                root.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        Ok(Self { root, _lock: lock })
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Of all releases of all apps.
    pub(super) fn blobs(&self) -> Blobs {
        Blobs::at(&self.root)
    }

    /// Where blobs are while they arrive.
    pub(super) fn arriving(&self) -> PathBuf {
        self.root.join("blobs/arriving")
    }

    /// Where compiled code is kept.
    pub(super) fn code(&self) -> PathBuf {
        self.root.join("code")
    }

    /// The folder of an app.
    pub(super) fn app(&self, app: &AppName) -> PathBuf {
        self.apps_folder().join(app.as_str())
    }

    /// The apps that have a folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) fn apps(&self) -> anyhow::Result<Vec<AppName>> {
        let folder = self.apps_folder();
        make_private(&folder)?;
        let entries = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
        let names = entries.iter().map(|entry| entry.file_name().into_string());
        Ok(names
            .flatten()
            .filter_map(|name| AppName::try_from(name).ok())
            .collect())
    }

    fn apps_folder(&self) -> PathBuf {
        self.root.join("apps")
    }
}

/// Where a node listens for its operator unless it is said.
#[must_use]
pub fn socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Makes a folder that others cannot look into.
pub(super) fn make_private(folder: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.and_then(|()| match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    })
    .with_context(|| format!("cannot make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nodes_never_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Data::open(folder.path()).unwrap();
        let error = Data::open(folder.path()).err().unwrap().to_string();
        assert!(
            error.starts_with("another node runs on this folder"),
            "{error}"
        );
        drop(first);
        assert!(Data::open(folder.path()).is_ok());
    }
}
