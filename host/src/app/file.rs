//! A file that is served as it is, with all that is known of it before anybody asks.

use std::path::PathBuf;

use headers::ETag;
use http::HeaderValue;
use waystation_rules::file::Encoding;
use waystation_rules::{content_type, file, metadata};

use crate::project::digest::Digest;
use crate::project::files::{FileKind, FileSource};
use crate::project::layout::Blobs;
use crate::project::manifest;
use crate::project::output::OutputError;

/// A file that is served as it is.
pub struct File {
    /// What it is.
    pub content_type: HeaderValue,
    /// How long it may be kept.
    pub cache_control: HeaderValue,
    /// The file itself.
    pub plain: Content,
    /// The same encoded.
    pub encoded: Vec<(Encoding, Content)>,
}

/// Where the bytes are.
pub struct Content {
    /// Absolute and without links.
    pub path: PathBuf,
    /// What the content is called and its length in bytes, if it never changes: a file of a build. Else the file is looked at each time.
    pub fixed: Option<(ETag, u64)>,
}

impl File {
    /// A file of the project, which may change at any time.
    #[must_use]
    pub fn live(source: &FileSource) -> Self {
        let content = |path: &PathBuf| Content {
            path: path.clone(),
            fixed: None,
        };
        let cache_control = match source.kind {
            FileKind::Public => file::CACHE_CONTROL,
            FileKind::Metadata => metadata::CACHE_CONTROL_IN_DEV,
        };
        let encoded = source.encoded.iter();
        Self {
            content_type: content_type_of(&source.file),
            cache_control: HeaderValue::from_static(cache_control),
            plain: content(&source.path),
            encoded: encoded
                .map(|(encoding, path)| (*encoding, content(path)))
                .collect(),
        }
    }

    /// A file of a release.
    ///
    /// # Errors
    ///
    /// As [`Blobs::find`].
    pub fn released(blobs: &Blobs, file: &manifest::File) -> Result<Self, OutputError> {
        let content = |blob: &manifest::Blob| -> Result<Content, OutputError> {
            let path = blobs.find(blob)?;
            Ok(Content {
                path,
                fixed: Some((tag(&blob.digest), blob.bytes)),
            })
        };
        let cache_control = match file.kind {
            FileKind::Public => file::CACHE_CONTROL,
            FileKind::Metadata => metadata::CACHE_CONTROL,
        };
        let encoded = file.encoded.iter();
        Ok(Self {
            content_type: content_type_of(&file.file),
            cache_control: HeaderValue::from_static(cache_control),
            plain: content(&file.blob)?,
            encoded: encoded
                .map(|(encoding, blob)| Ok((*encoding, content(blob)?)))
                .collect::<Result<_, OutputError>>()?,
        })
    }
}

fn content_type_of(name: &str) -> HeaderValue {
    let text = content_type::of(name);
    HeaderValue::try_from(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// The same for the same bytes, whoever built them: a strong name, in half of the digest's digits.
fn tag(digest: &Digest) -> ETag {
    let quoted = format!("\"{}\"", &digest.as_str()[..32]);
    quoted.parse().expect("hexadecimal digits between quotes")
}
