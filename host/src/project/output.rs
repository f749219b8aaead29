//! `.waystation/output`: the latest build, a [release] in an OCI image layout, as `waystation start` reads it.
//!
//! Blobs are named by their content and written first, then `index.json` is renamed in: the index is the build, so a crash or a full disk
//! leaves the old build or the new one. What neither this build nor the one before names is removed last: a host that still serves that one
//! reads its files.

use super::OWN_DIR;
use super::atomic;
use super::digest::{Digest, Prefix};
use super::files::FileSource;
use super::layout::{Blobs, INDEX_FILE, MARK, MARK_FILE};
use super::manifest::{self, Blob, Manifest};
use super::release::{self, Release};
use super::settings::SettingsError;
use crate::store::{Entry, Prepared};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};
use waystation_rules::file::Encoding;
use waystation_rules::table::Param;

/// Why there is no build to serve, or none could be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// No build was made.
    #[error("this app has not been built\n  --> {}\n\nhint: run `waystation build` first", path.display())]
    Missing {
        /// The index that is not there.
        path: PathBuf,
    },

    /// An index, an image or a manifest of another version of the program, or one that was edited.
    #[error("{message}\n  --> {}\n\nhint: run `waystation build` again", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// A blob that is not what its name says.
    #[error("this is not the file that was built\n  --> {}\n\nhint: run `waystation build` again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },

    /// A blob that is not there.
    #[error("a file of the build is missing\n  --> {}\n\nhint: run `waystation build` again", path.display())]
    Gone {
        /// Where it would be.
        path: PathBuf,
    },

    /// No release has a name that begins so.
    #[error("no release here is `{prefix}`\n  --> {}\n\nhint: the latest build and the one before are here", path.display())]
    Unknown {
        /// Where it was looked for.
        path: PathBuf,
        /// What was given.
        prefix: Prefix,
    },

    /// More than one release has a name that begins so.
    #[error("{releases} releases here begin with `{prefix}`\n  --> {}\n\nhint: type more of its digits", path.display())]
    Ambiguous {
        /// Where it was looked for.
        path: PathBuf,
        /// What was given.
        prefix: Prefix,
        /// How many begin so.
        releases: usize,
    },

    /// The settings of the build.
    #[error(transparent)]
    Settings(#[from] SettingsError),

    /// A file that cannot be read.
    #[error("cannot be read: {error}\n  --> {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// A file that cannot be taken into the build.
    #[error("cannot be copied into the build: {error}\n  --> {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// A file that cannot be written.
    #[error("cannot be written: {error}\n  --> {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl OutputError {
    /// A blob that the system does not give.
    pub(super) fn of_blob(path: PathBuf, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone { path },
            _ => Self::Read { path, error },
        }
    }
}

/// Where the latest build of the app at `root` is.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join(OWN_DIR).join("output")
}

/// Takes files into the build, and the same files encoded.
///
/// # Errors
///
/// [`OutputError::Copy`].
pub fn store_files(
    blobs: &Blobs,
    sources: &[FileSource],
) -> Result<Vec<manifest::File>, OutputError> {
    let put = |path: &Path| {
        blobs.put_file(path).map_err(|error| OutputError::Copy {
            path: path.to_owned(),
            error,
        })
    };
    let store = |source: &FileSource| {
        let encoded = source.encoded.iter();
        let encoded = encoded.map(|(encoding, path)| Ok((*encoding, put(path)?)));
        Ok(manifest::File {
            pattern: source.pattern.to_string(),
            file: source.file.clone(),
            kind: source.kind,
            blob: put(&source.path)?,
            encoded: encoded.collect::<Result<Vec<(Encoding, Blob)>, OutputError>>()?,
        })
    };
    sources.iter().map(store).collect()
}

/// Takes an answer into the build, as if it had been made at the epoch: when it was is no part of a release.
///
/// # Errors
///
/// [`OutputError::Write`].
pub fn store_answer(
    blobs: &Blobs,
    params: &[Param],
    entry: &Entry,
) -> Result<manifest::Answer, OutputError> {
    let entry = Entry {
        times: entry.life.times(0, 0),
        ..entry.clone()
    };
    Ok(manifest::Answer {
        path: entry.label.clone(),
        params: params.to_vec(),
        blob: store(blobs, &entry.to_bytes())?,
        life: entry.life,
    })
}

/// Reads an answer of a build as if it had been made at `made`, in milliseconds since the epoch.
///
/// # Errors
///
/// As [`Blobs::read`].
pub fn read_answer(
    blobs: &Blobs,
    answer: &manifest::Answer,
    made: u64,
) -> Result<Entry, OutputError> {
    let bytes = blobs.read(&answer.blob.digest)?;
    let entry = Entry::from_bytes(&bytes.into()).map_err(|_| OutputError::Changed {
        path: blobs.path(&answer.blob.digest),
    })?;
    Ok(Entry {
        times: entry.life.times(made, made),
        prepared: Prepared::default(),
        ..entry
    })
}

/// Takes bytes into the build.
///
/// # Errors
///
/// [`OutputError::Write`].
pub fn store(blobs: &Blobs, content: &[u8]) -> Result<Blob, OutputError> {
    blobs.put(content).map_err(|error| OutputError::Write {
        path: blobs.folder().to_owned(),
        error,
    })
}

/// Makes a build the latest one. What its manifest names is [stored](store) already; `created` is when making it began, in seconds since the
/// epoch.
///
/// # Errors
///
/// [`OutputError::Write`]; the build that was there before is then still whole.
pub fn write(folder: &Path, manifest: Manifest, created: u64) -> Result<Release, OutputError> {
    let blobs = Blobs::at(folder);
    let config = store(&blobs, &json(&manifest))?;
    let image = release::image(&manifest, &config);
    let release = Release {
        digest: store(&blobs, &json(&image))?.digest,
        image,
        manifest,
        created: Some(created),
    };
    publish(folder, &release)?;
    Ok(release)
}

/// Makes a release the latest one, whose blobs are all there.
///
/// # Errors
///
/// As [`write()`], and [`OutputError::Gone`] if its image manifest is not there.
pub fn publish(folder: &Path, release: &Release) -> Result<(), OutputError> {
    let blobs = Blobs::at(folder);
    let before = release::latest(folder).ok();
    let index = release.index(&blobs)?;
    for (file, content) in [(MARK_FILE, MARK), (INDEX_FILE, &json(&index))] {
        let path = folder.join(file);
        atomic::write(&path, content).map_err(|error| OutputError::Write { path, error })?;
    }
    remove_others(&blobs, before.iter().chain([release]));
    Ok(())
}

/// As JSON, the same bytes for the same value.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("text, numbers and lists are JSON")
}

/// Left-overs cost space and nothing else, so a failure to remove one is nobody's concern.
fn remove_others<'a>(blobs: &Blobs, releases: impl Iterator<Item = &'a Release>) {
    let named = releases.flat_map(|release| {
        let blobs = release.blobs().map(|blob| &blob.digest);
        blobs.chain([&release.digest])
    });
    let keep: BTreeSet<_> = named.map(Digest::as_str).collect();
    let entries = fs::read_dir(blobs.folder()).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| !keep.contains(&*entry.file_name().to_string_lossy())) {
        let _ = fs::remove_file(entry.path());
    }
}

#[cfg(test)]
pub(crate) mod tests;
