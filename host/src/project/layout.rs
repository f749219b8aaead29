//! An OCI image layout: how a release lies on disk and in an archive, so that registries and every other OCI tool take it as it is.
//!
//! In: bytes, or a digest. Out: [`Blobs`], and the JSON that names them: [`Index`], [`Image`], [`Descriptor`]. What is in which blob is
//! [`super::release`]'s to say.
//!
//! The types follow the OCI image specification, version 1.1. What others may add to that JSON is passed over.

use super::atomic;
use super::digest::Digest;
use super::manifest::Blob;
use super::output::OutputError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Says that a folder is a layout; [`MARK`] is in it.
pub const MARK_FILE: &str = "oci-layout";
/// What [`MARK_FILE`] holds.
pub const MARK: &[u8] = b"{\"imageLayoutVersion\":\"1.0.0\"}";
/// Names what the layout is about.
pub const INDEX_FILE: &str = "index.json";
/// Where the blobs are, by their digests.
pub const BLOBS: &str = "blobs/sha256";

/// The media type of an [`Image`].
pub const IMAGE_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an [`Index`].
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The annotation for what a blob is called.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation for when an image was made, as RFC 3339 has it.
pub const CREATED: &str = "org.opencontainers.image.created";

/// Points to a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// The name of its content, with `sha256:` before it in JSON.
    #[serde(with = "of_oci")]
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What OCI calls an image manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// 2.
    pub schema_version: u32,
    /// [`IMAGE_TYPE`].
    #[serde(default)]
    pub media_type: String,
    /// What kind of thing this is, as it is no container's image.
    #[serde(default)]
    pub artifact_type: String,
    /// The blob that says what the others are for.
    pub config: Descriptor,
    /// The others, each once.
    pub layers: Vec<Descriptor>,
}

/// What a layout is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// 2.
    pub schema_version: u32,
    /// [`INDEX_TYPE`].
    #[serde(default)]
    pub media_type: String,
    /// Each image.
    pub manifests: Vec<Descriptor>,
}

impl Descriptor {
    /// Points to a blob; a title is what it is called.
    #[must_use]
    pub fn new(media_type: &str, blob: &Blob, title: Option<String>) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: blob.digest.clone(),
            size: blob.bytes,
            annotations: title
                .map(|title| (TITLE.to_owned(), title))
                .into_iter()
                .collect(),
        }
    }
}

/// The blobs of a layout, or of several that share them: each in a file that is named by its content.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

impl Blobs {
    /// Those in `blobs/sha256/` of a folder. Nothing is made until something is put there.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self {
            folder: root.join(BLOBS),
        }
    }

    /// The folder of the blobs themselves.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the blob with this name is, or would be.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.as_str())
    }

    /// Puts a content there, unless it is there already.
    ///
    /// # Errors
    ///
    /// Any [`io::Error`]; there is then no blob, or a whole one.
    pub fn put(&self, content: &[u8]) -> io::Result<Blob> {
        let blob = Blob {
            digest: Digest::of(content),
            bytes: content.len() as u64,
        };
        let path = self.path(&blob.digest);
        if !fs::read(&path).is_ok_and(|there| there == content) {
            atomic::write(&path, content)?;
        }
        Ok(blob)
    }

    /// Puts there what a file holds, however long it is, unless it is there already.
    ///
    /// # Errors
    ///
    /// Any [`io::Error`], of the file or of the blob.
    pub fn put_file(&self, source: &Path) -> io::Result<Blob> {
        let digest = Digest::of_reader(File::open(source)?)?;
        let there = File::open(self.path(&digest));
        if let Ok(there) = there
            && Digest::of_reader(&there)? == digest
        {
            let bytes = there.metadata()?.len();
            return Ok(Blob { digest, bytes });
        }
        let (digest, bytes) = atomic::copy(File::open(source)?, &self.folder)?;
        Ok(Blob { digest, bytes })
    }

    /// Reads a blob, and sees that it is the one.
    ///
    /// # Errors
    ///
    /// [`OutputError::Gone`], [`OutputError::Changed`], [`OutputError::Read`].
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, OutputError> {
        let path = self.path(digest);
        match fs::read(&path) {
            Ok(content) if Digest::of(&content) == *digest => Ok(content),
            Ok(_) => Err(OutputError::Changed { path }),
            Err(error) => Err(OutputError::of_blob(path, error)),
        }
    }

    /// Reads a blob, however long it is, only to see that it is the one.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn verify(&self, digest: &Digest) -> Result<(), OutputError> {
        let path = self.path(digest);
        match File::open(&path).and_then(Digest::of_reader) {
            Ok(real) if real == *digest => Ok(()),
            Ok(_) => Err(OutputError::Changed { path }),
            Err(error) => Err(OutputError::of_blob(path, error)),
        }
    }

    /// Finds a blob without reading it: its name is that of its content, and it was written whole. The path is absolute and without links.
    ///
    /// # Errors
    ///
    /// [`OutputError::Changed`] if its length is another one, [`OutputError::Gone`], [`OutputError::Read`].
    pub fn find(&self, blob: &Blob) -> Result<PathBuf, OutputError> {
        let path = self.path(&blob.digest);
        let found = path
            .canonicalize()
            .and_then(|path| Ok((fs::metadata(&path)?.len(), path)));
        match found {
            Ok((bytes, path)) if bytes == blob.bytes => Ok(path),
            Ok((_, path)) => Err(OutputError::Changed { path }),
            Err(error) => Err(OutputError::of_blob(path, error)),
        }
    }
}

/// A digest as OCI's JSON has it.
mod of_oci {
    use super::Digest;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Digest, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&digest.to_oci())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(from)?;
        Digest::of_oci(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_put_once_and_mended_if_it_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (blobs, source) = (Blobs::at(folder.path()), folder.path().join("a.txt"));
        fs::write(&source, "content").unwrap();
        let blob = blobs.put(b"content").unwrap();
        let modified = || fs::metadata(blobs.path(&blob.digest)).unwrap().modified();
        let first = modified().unwrap();
        assert_eq!(blobs.put_file(&source).unwrap(), blob);
        assert_eq!(blobs.put(b"content").unwrap(), blob);
        assert_eq!(modified().unwrap(), first);

        for put in [&|| blobs.put(b"content") as io::Result<Blob>, &|| {
            blobs.put_file(&source)
        }] as [&dyn Fn() -> io::Result<Blob>; 2]
        {
            fs::write(blobs.path(&blob.digest), "cOntent").unwrap();
            assert_eq!(put().unwrap(), blob);
            assert_eq!(blobs.read(&blob.digest).unwrap(), b"content");
        }
        assert_eq!(fs::read_dir(blobs.folder()).unwrap().count(), 1);
    }

    #[test]
    fn a_blob_that_is_not_the_one_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::at(folder.path());
        let blob = blobs.put(b"content").unwrap();
        let path = blobs.path(&blob.digest);
        let told = |what: &str| {
            let all = [blobs.read(&blob.digest).err(), blobs.find(&blob).err()];
            for error in all.into_iter().flatten() {
                let error = error.to_string();
                assert!(error.starts_with(what), "{error}");
                assert!(error.contains(blob.digest.as_str()), "{error}");
                assert!(
                    error.ends_with("hint: run `waystation build` again"),
                    "{error}"
                );
            }
        };
        fs::write(&path, "cOntent").unwrap();
        assert!(blobs.find(&blob).is_ok(), "it is not read");
        told("this is not the file that was built");
        fs::write(&path, "cont").unwrap();
        assert!(blobs.find(&blob).is_err());
        told("this is not the file that was built");
        fs::remove_file(&path).unwrap();
        assert!(blobs.find(&blob).is_err());
        told("a file of the build is missing");
    }

    #[test]
    fn a_descriptor_is_read_with_what_others_add() {
        let digest = Digest::of(b"content").to_oci();
        let text = format!(
            "{{\"mediaType\":\"a/b\",\"digest\":\"{digest}\",\"size\":7,\"urls\":[],\"data\":\"\"}}"
        );
        let read: Descriptor = serde_json::from_str(&text).unwrap();
        assert_eq!((read.size, read.annotations.len()), (7, 0));
        let other = text.replace("sha256:", "sha512:");
        assert!(serde_json::from_str::<Descriptor>(&other).is_err());
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(
            written,
            format!("{{\"mediaType\":\"a/b\",\"digest\":\"{digest}\",\"size\":7}}")
        );
    }
}
