//! A release: one build of an app that never changes, named by the digest of an OCI image manifest that names everything in it.
//!
//! In: a folder with a layout, or blobs and a digest. Out: a [`Release`], or an [`OutputError`] that names the file and the next step.
//!
//! The image's config is the [`Manifest`]; its layers are the components, the files, the kept answers and the text of `waystation.toml`,
//! each once, in the manifest's order. Components are plain `application/wasm`. When it was made stands in the index alone, which no digest
//! covers: the same sources make the same release.

use super::digest::{Digest, Prefix};
use super::layout::{Blobs, CREATED, Descriptor, IMAGE_TYPE, INDEX_FILE, INDEX_TYPE, Image, Index};
use super::manifest::{Blob, Manifest, VERSION};
use super::output::OutputError;
use super::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

/// What an image is that is a release.
pub const ARTIFACT_TYPE: &str = "application/vnd.waystation.release.v1";
/// The media type of a [`Manifest`].
pub const MANIFEST_TYPE: &str = "application/vnd.waystation.manifest.v4+json";
/// The media type of a component.
pub const COMPONENT_TYPE: &str = "application/wasm";
/// The media type of a file that is sent as it is; what it is sent as, its name says.
pub const FILE_TYPE: &str = "application/octet-stream";
/// The media type of a kept answer.
pub const ANSWER_TYPE: &str = "application/vnd.waystation.answer.v1";
/// The media type of `waystation.toml`.
pub const SETTINGS_TYPE: &str = "application/toml";

/// What an image is whose one layer is what minisign says of a release.
pub const SIGNATURE_TYPE: &str = "application/vnd.waystation.signature.v1";

/// Bytes of an image or a manifest, which may come from outside.
const MOST_JSON: u64 = 16 << 20;

/// One build of an app. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Its name: that of the image manifest's bytes.
    pub digest: Digest,
    /// What it consists of.
    pub image: Image,
    /// What is in it.
    pub manifest: Manifest,
    /// When it was made, in seconds since the epoch, if that is known. It is no part of the release.
    pub created: Option<u64>,
}

impl Release {
    /// Every blob of it but the image manifest itself: the manifest, then the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        [&self.image.config].into_iter().chain(&self.image.layers)
    }

    /// Bytes of all of it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let sizes = self.blobs().map(|blob| blob.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// Finds every blob without reading it.
    ///
    /// # Errors
    ///
    /// As [`Blobs::find`].
    pub fn find(&self, blobs: &Blobs) -> Result<(), OutputError> {
        self.blobs().try_for_each(|blob| {
            let (digest, bytes) = (blob.digest.clone(), blob.size);
            blobs.find(&Blob { digest, bytes }).map(drop)
        })
    }

    /// Reads every blob and sees that it is the one. `on_bytes` hears how many bytes more are done, of [`Self::bytes`].
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`].
    pub fn verify(&self, blobs: &Blobs, on_bytes: &dyn Fn(u64)) -> Result<(), OutputError> {
        blobs.verify(&self.digest)?;
        self.blobs().try_for_each(|blob| {
            blobs.verify(&blob.digest)?;
            on_bytes(blob.size);
            Ok(())
        })
    }

    /// When it was made, as RFC 3339 has it.
    #[must_use]
    pub fn created_text(&self) -> Option<String> {
        let at = UNIX_EPOCH + Duration::from_secs(self.created?);
        Some(humantime::format_rfc3339_seconds(at).to_string())
    }

    /// What `waystation.toml` said when it was built.
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`], and [`OutputError::Settings`] if this version of the program reads them otherwise.
    pub fn settings(&self, blobs: &Blobs) -> Result<Settings, OutputError> {
        let Some(blob) = &self.manifest.settings else {
            return Ok(Settings::default());
        };
        let text = blobs.read(&blob.digest)?;
        Ok(Settings::parse(&String::from_utf8_lossy(&text))?)
    }

    /// What runs: the components of its routes and proxies.
    pub fn components(&self) -> impl Iterator<Item = &Blob> {
        let routes = self.manifest.routes.iter().map(|route| &route.component);
        let proxies = self.manifest.proxies.iter().map(|proxy| &proxy.component);
        routes.chain(proxies)
    }

    /// The index of a layout that is about this release alone.
    ///
    /// # Errors
    ///
    /// [`OutputError::Read`] if the image manifest is not there.
    pub fn index(&self, blobs: &Blobs) -> Result<Index, OutputError> {
        let path = blobs.path(&self.digest);
        let bytes = match fs::metadata(&path) {
            Ok(there) => there.len(),
            Err(error) => return Err(OutputError::of_blob(path, error)),
        };
        let digest = self.digest.clone();
        let mut image = Descriptor::new(IMAGE_TYPE, &Blob { digest, bytes }, None);
        let created = self.created_text().map(|at| (CREATED.to_owned(), at));
        image.annotations.extend(created);
        Ok(Index {
            schema_version: 2,
            media_type: INDEX_TYPE.to_owned(),
            manifests: vec![image],
        })
    }
}

/// The image of a manifest, which is the blob `config`.
#[must_use]
pub fn image(manifest: &Manifest, config: &Blob) -> Image {
    let mut seen = BTreeSet::new();
    let layers = contents(manifest).filter(|layer| seen.insert(layer.digest.clone()));
    Image {
        schema_version: 2,
        media_type: IMAGE_TYPE.to_owned(),
        artifact_type: ARTIFACT_TYPE.to_owned(),
        layers: layers.collect(),
        config: Descriptor::new(MANIFEST_TYPE, config, None),
    }
}

/// Everything that a manifest names, in its order; some of it may be the same blob.
fn contents(manifest: &Manifest) -> impl Iterator<Item = Descriptor> {
    let component = |component: &Blob, file: &str| {
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
        Descriptor::new(COMPONENT_TYPE, component, Some(format!("{name}.wasm")))
    };
    let routes = manifest.routes.iter();
    let proxies = manifest.proxies.iter();
    let files = manifest.files.iter().flat_map(|file| {
        let name = |extension: &str| Some(format!("{}{extension}", file.file));
        let encoded = file.encoded.iter().map(move |(encoding, blob)| {
            let name = name(&format!(".{}", encoding.extension()));
            Descriptor::new(FILE_TYPE, blob, name)
        });
        [Descriptor::new(FILE_TYPE, &file.blob, name(""))]
            .into_iter()
            .chain(encoded)
    });
    let answers = routes.clone().flat_map(|route| route.kept.iter().flatten());
    let settings = manifest.settings.iter();
    routes
        .map(move |route| component(&route.component, &route.file))
        .chain(proxies.map(move |proxy| component(&proxy.component, &proxy.file)))
        .chain(files)
        .chain(answers.map(|answer| {
            let title = format!("answers{}", answer.path);
            Descriptor::new(ANSWER_TYPE, &answer.blob, Some(title))
        }))
        .chain(settings.map(|blob| {
            let title = super::settings::FILE.to_owned();
            Descriptor::new(SETTINGS_TYPE, blob, Some(title))
        }))
}

/// The release that the layout in a folder is about.
///
/// # Errors
///
/// [`OutputError::Missing`] if there is no layout, and those of [`open`].
pub fn latest(root: &Path) -> Result<Release, OutputError> {
    let path = root.join(INDEX_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OutputError::Missing { path });
        }
        Err(error) => return Err(OutputError::Read { path, error }),
    };
    let index = serde_json::from_slice::<Index>(&text).map_err(|error| error.to_string());
    let image = index.and_then(|index| match <[_; 1]>::try_from(index.manifests) {
        Ok([image]) => Ok(image),
        Err(others) => Err(format!(
            "it names {} images, and one belongs here",
            others.len()
        )),
    });
    let image = image.map_err(|message| OutputError::Manifest { path, message })?;
    let created = image.annotations.get(CREATED);
    let created = created.and_then(|text| humantime::parse_rfc3339(text).ok());
    let created = created.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(Release {
        created: created.map(|since| since.as_secs()),
        ..open(&Blobs::at(root), &image.digest)?
    })
}

/// The release with this name. Its image and its manifest are read and fit each other; the other blobs are not looked at.
///
/// # Errors
///
/// As [`Blobs::read`], and [`OutputError::Manifest`] if it is no release, one of another version, or not whole.
pub fn open(blobs: &Blobs, digest: &Digest) -> Result<Release, OutputError> {
    let at = |digest: &Digest| {
        let path = blobs.path(digest);
        move |message| OutputError::Manifest { path, message }
    };
    let image = read_image(&short(blobs, digest)?).map_err(at(digest))?;
    let config = &image.config.digest;
    let manifest = parse(&short(blobs, config)?).map_err(at(config))?;
    let sizes: BTreeMap<_, _> = image
        .layers
        .iter()
        .map(|layer| (&layer.digest, layer.size))
        .collect();
    for content in contents(&manifest) {
        if sizes.get(&content.digest) != Some(&content.size) {
            let title = content.annotations.into_values().next().unwrap_or_default();
            return Err(at(digest)(format!("`{title}` is not among its layers")));
        }
    }
    Ok(Release {
        digest: digest.clone(),
        image,
        manifest,
        created: None,
    })
}

/// The release whose name begins so, of those that the blobs in a folder hold.
///
/// # Errors
///
/// [`OutputError::Unknown`], [`OutputError::Ambiguous`], and those of [`open`].
pub fn named(root: &Path, prefix: &Prefix) -> Result<Release, OutputError> {
    let blobs = Blobs::at(root);
    let entries = fs::read_dir(blobs.folder()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let digests = names.filter_map(|name| Digest::try_from(name).ok());
    let fitting = digests.filter(|digest| prefix.fits(digest));
    let images = fitting.filter(|digest| {
        let image = short(&blobs, digest).ok();
        image.is_some_and(|image| read_image(&image).is_ok())
    });
    let images: Vec<_> = images.collect();
    let (path, prefix) = (root.to_owned(), prefix.clone());
    match &images[..] {
        [digest] => open(&blobs, digest),
        [] => Err(OutputError::Unknown { path, prefix }),
        _ => Err(OutputError::Ambiguous {
            path,
            prefix,
            releases: images.len(),
        }),
    }
}

/// Reads a blob that is JSON, unless it is too long to be.
fn short(blobs: &Blobs, digest: &Digest) -> Result<Vec<u8>, OutputError> {
    let path = blobs.path(digest);
    match fs::metadata(&path) {
        Ok(metadata) if MOST_JSON < metadata.len() => {
            let message = format!("this is no manifest: it has more than {MOST_JSON} bytes");
            Err(OutputError::Manifest { path, message })
        }
        _ => blobs.read(digest),
    }
}

/// Reads the image manifest of a release.
///
/// # Errors
///
/// What it is instead, in words.
pub fn read_image(text: &[u8]) -> Result<Image, String> {
    let image: Image = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    match image.artifact_type.as_str() {
        ARTIFACT_TYPE => Ok(image),
        "" => Err("this image is no release of Waystation".to_owned()),
        other => Err(format!(
            "this image is no release of Waystation but {other}"
        )),
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

#[cfg(test)]
mod tests;
