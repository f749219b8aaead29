//! A release wherever it is: in an app's folder, in a layout, in an archive, or by the beginning of its name.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::bundle::{self, BundleError, Caps};
use crate::project::digest::Prefix;
use crate::project::layout::{Blobs, MARK_FILE};
use crate::project::output::{self, OutputError};
use crate::project::release::{self, Release};

/// A release that can be read.
#[derive(Debug)]
pub struct Opened {
    /// The release.
    pub release: Release,
    /// Its blobs.
    pub blobs: Blobs,
    /// Where an archive was taken apart, which is removed in the end.
    _unpacked: Option<TempDir>,
}

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither a folder nor a file, and no digest begins so.
    #[error("there is no folder and no archive `{}`\n\nhint: name an app's folder, a file that `waystation pack` made, or the first digits of a digest", what.display())]
    Nothing {
        /// As it was given.
        what: PathBuf,
    },

    /// There is no space to take an archive apart.
    #[error("an archive cannot be taken apart: {error}")]
    Space {
        /// What the system said.
        error: std::io::Error,
    },

    /// A build that cannot be read.
    #[error(transparent)]
    Output(#[from] OutputError),

    /// An archive that cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Opens what a person named: an app's folder, a folder with a layout, an archive, or the beginning of the digest of a build that the app in
/// `here` has. `on_bytes` hears how many bytes more of an archive are read.
///
/// # Errors
///
/// An [`OpenError`] if it is none of them, or not whole.
pub fn open(what: &Path, here: &Path, on_bytes: &dyn Fn(u64)) -> Result<Opened, OpenError> {
    if what.is_dir() {
        return Ok(in_folder(what)?);
    }
    if what.is_file() {
        return unpacked(what, on_bytes);
    }
    let prefix = what.to_str().and_then(Prefix::parse);
    let prefix = prefix.ok_or_else(|| OpenError::Nothing {
        what: what.to_owned(),
    })?;
    let folder = output::folder(here);
    Ok(Opened {
        release: release::named(&folder, &prefix)?,
        blobs: Blobs::at(&folder),
        _unpacked: None,
    })
}

/// The latest build of the app in a folder, or what the layout in it is about.
fn in_folder(folder: &Path) -> Result<Opened, OutputError> {
    let layout = match folder.join(MARK_FILE).is_file() {
        true => folder.to_owned(),
        false => output::folder(folder),
    };
    let release = release::latest(&layout)?;
    let blobs = Blobs::at(&layout);
    release.find(&blobs)?;
    Ok(Opened {
        release,
        blobs,
        _unpacked: None,
    })
}

fn unpacked(archive: &Path, on_bytes: &dyn Fn(u64)) -> Result<Opened, OpenError> {
    let folder = tempfile::tempdir().map_err(|error| OpenError::Space { error })?;
    let release = bundle::unpack(archive, folder.path(), &Caps::default(), on_bytes)?;
    Ok(Opened {
        release,
        blobs: Blobs::at(folder.path()),
        _unpacked: Some(folder),
    })
}
