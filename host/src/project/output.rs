//! `.waystation/output`: the latest build, as `waystation start` reads it.
//!
//! Components and files are named by their content and written first, then `manifest.json` is renamed in: the manifest is the build, so a crash or
//! a full disk leaves the old build or the new one. What no manifest names any more is removed last.

use super::digest::Digest;
use super::files::FileSource;
use super::manifest::{self, Blob, Manifest, VERSION};
use super::{OWN_DIR, atomic};
use crate::store::Entry;
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
        /// The manifest that is not there.
        path: PathBuf,
    },

    /// A manifest of another version of the program, or one that was edited.
    #[error("{message}\n  --> {}\n\nhint: run `waystation build` again", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },

    /// A component or a file that is not what the manifest says.
    #[error("this is not the file that was built\n  --> {}\n\nhint: run `waystation build` again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },

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

/// Where the build of the app at `root` is kept.
#[must_use]
pub fn folder(root: &Path) -> PathBuf {
    root.join(OWN_DIR).join("output")
}

/// Where a component goes, from the manifest's folder.
#[must_use]
pub fn component_path(digest: &Digest) -> String {
    format!("components/{digest}.wasm")
}

/// Where files go, by their digests, from the manifest's folder.
const FILES: &str = "files";

fn file_path(digest: &Digest) -> String {
    format!("{FILES}/{digest}")
}

/// Takes files into the build: what is written is whole and has its content's name, whatever happens to the sources meanwhile.
///
/// # Errors
///
/// [`OutputError::Copy`].
pub fn store_files(
    folder: &Path,
    sources: &[FileSource],
) -> Result<Vec<manifest::File>, OutputError> {
    let store = |source: &FileSource| {
        let encoded = source.encoded.iter();
        let encoded = encoded.map(|(encoding, path)| Ok((*encoding, store_file(folder, path)?)));
        Ok(manifest::File {
            pattern: source.pattern.to_string(),
            file: source.file.clone(),
            kind: source.kind,
            blob: store_file(folder, &source.path)?,
            encoded: encoded.collect::<Result<Vec<(Encoding, Blob)>, OutputError>>()?,
        })
    };
    sources.iter().map(store).collect()
}

fn store_file(folder: &Path, source: &Path) -> Result<Blob, OutputError> {
    let stored = || {
        let digest = Digest::of_file(source)?;
        let bytes = fs::metadata(source)?.len();
        let there = fs::metadata(folder.join(file_path(&digest)));
        match there.is_ok_and(|there| there.len() == bytes) {
            true => Ok((digest, bytes)),
            false => atomic::copy(source, &folder.join(FILES)),
        }
    };
    match stored() {
        Ok((digest, bytes)) => Ok(Blob { digest, bytes }),
        Err(error) => Err(OutputError::Copy {
            path: source.to_owned(),
            error,
        }),
    }
}

/// Finds a file of the build, without reading it: its name is that of its content, and it was written whole.
///
/// # Errors
///
/// [`OutputError::Changed`] if its length is another one, [`OutputError::Read`].
pub fn find_file(folder: &Path, blob: &Blob) -> Result<PathBuf, OutputError> {
    let path = folder.join(file_path(&blob.digest));
    match path
        .canonicalize()
        .and_then(|path| Ok((fs::metadata(&path)?.len(), path)))
    {
        Ok((bytes, path)) if bytes == blob.bytes => Ok(path),
        Ok(_) => Err(OutputError::Changed { path }),
        Err(error) => Err(OutputError::Read { path, error }),
    }
}

/// Where answers go, by their digests, from the manifest's folder.
const ANSWERS: &str = "answers";

/// Takes an answer into the build.
///
/// # Errors
///
/// [`OutputError::Write`].
pub fn store_answer(
    folder: &Path,
    params: &[Param],
    entry: &Entry,
) -> Result<manifest::Answer, OutputError> {
    let bytes = entry.to_bytes();
    let digest = Digest::of(&bytes);
    let path = folder.join(ANSWERS).join(digest.as_str());
    atomic::write(&path, &bytes).map_err(|error| OutputError::Write { path, error })?;
    Ok(manifest::Answer {
        path: entry.label.clone(),
        params: params.to_vec(),
        blob: Blob {
            digest,
            bytes: bytes.len() as u64,
        },
        life: entry.life,
    })
}

/// Reads an answer of the build.
///
/// # Errors
///
/// [`OutputError::Changed`] if it is not what was written, [`OutputError::Read`].
pub fn read_answer(folder: &Path, answer: &manifest::Answer) -> Result<Entry, OutputError> {
    let path = folder.join(ANSWERS).join(answer.blob.digest.as_str());
    let bytes = fs::read(&path).map_err(|error| OutputError::Read {
        path: path.clone(),
        error,
    })?;
    Entry::from_bytes(&bytes.into()).map_err(|_| OutputError::Changed { path })
}

/// Makes a build the latest one. The components are those that the manifest names, in any order; its files are [stored](store_files) already.
///
/// # Errors
///
/// [`OutputError::Write`]; the build that was there before is then still whole.
pub fn write<'a>(
    folder: &Path,
    manifest: &Manifest,
    components: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), OutputError> {
    for component in components {
        let path = folder.join(component_path(&Digest::of(component)));
        if !fs::read(&path).is_ok_and(|old| old == component) {
            atomic::write(&path, component).map_err(|error| OutputError::Write { path, error })?;
        }
    }
    let before = read(folder).ok();
    let path = folder.join("manifest.json");
    let json = serde_json::to_vec_pretty(manifest).map_err(io::Error::from);
    json.and_then(|json| atomic::write(&path, &json))
        .map_err(|error| OutputError::Write { path, error })?;
    remove_others(folder, manifest, before.as_ref());
    Ok(())
}

/// Reads the manifest of the latest build.
///
/// # Errors
///
/// [`OutputError::Missing`], [`OutputError::Manifest`], [`OutputError::Read`].
pub fn read(folder: &Path) -> Result<Manifest, OutputError> {
    let path = folder.join("manifest.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OutputError::Missing { path });
        }
        Err(error) => return Err(OutputError::Read { path, error }),
    };
    match parse(&text) {
        Ok(manifest) => Ok(manifest),
        Err(message) => Err(OutputError::Manifest { path, message }),
    }
}

/// Reads the component of a route and checks that it is the one that was built.
///
/// # Errors
///
/// [`OutputError::Changed`] if its digest is another one, [`OutputError::Read`].
pub fn read_component(folder: &Path, digest: &Digest) -> Result<Vec<u8>, OutputError> {
    let path = folder.join(component_path(digest));
    match fs::read(&path) {
        Ok(component) if Digest::of(&component) == *digest => Ok(component),
        Ok(_) => Err(OutputError::Changed { path }),
        Err(error) => Err(OutputError::Read { path, error }),
    }
}

/// The version is looked at before the rest, which may be shaped otherwise in another version.
fn parse(text: &[u8]) -> Result<Manifest, String> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    let Versioned { version } = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!(
            "this build has format {version}, and this host reads format {VERSION}"
        ));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Left-overs cost space and nothing else, so a failure to remove one is nobody's concern. The files of the build before stay: a host that
/// still serves it reads them.
fn remove_others(folder: &Path, manifest: &Manifest, before: Option<&Manifest>) {
    let routes = manifest.routes.iter().map(|route| &route.component);
    let proxies = manifest.proxies.iter().map(|proxy| &proxy.component);
    let components = routes.chain(proxies);
    let components = components.map(|component| folder.join(component));
    let builds = before.into_iter().chain([manifest]);
    let blobs = builds.flat_map(|build| &build.files).flat_map(|file| {
        let encoded = file.encoded.iter().map(|(_, blob)| blob);
        encoded.chain([&file.blob])
    });
    let blobs = blobs.map(|blob| folder.join(file_path(&blob.digest)));
    let answers = manifest
        .routes
        .iter()
        .flat_map(|route| route.kept.iter().flatten());
    let answers = answers.map(|answer| folder.join(ANSWERS).join(answer.blob.digest.as_str()));
    let keep: BTreeSet<_> = components.chain(blobs).chain(answers).collect();
    let folders = ["components", FILES, ANSWERS].map(|name| fs::read_dir(folder.join(name)));
    let entries = folders.into_iter().flatten().flatten().flatten();
    for path in entries
        .map(|entry| entry.path())
        .filter(|path| !keep.contains(path))
    {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests;
