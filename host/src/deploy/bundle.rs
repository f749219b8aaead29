//! One file that holds a release: an `oci-archive`, which is the layout in a tar.
//!
//! In: a release and its blobs, or an archive that anybody may have made. Out: an archive, the same bytes for the same release and time; or
//! a layout in a folder, in which every blob is what its name says.
//!
//! Nothing that an archive says is a path: an entry is one of the few names that a layout has, or the archive is refused.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, Entry, EntryType, Header};

use crate::project::atomic;
use crate::project::digest::Digest;
use crate::project::layout::{BLOBS, Blobs, INDEX_FILE, MARK, MARK_FILE};
use crate::project::output::OutputError;
use crate::project::release::{self, Release};

/// How much is taken from outside.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Bytes of one blob.
    pub blob: u64,
    /// Bytes of all of them.
    pub all: u64,
    /// How many there are.
    pub blobs: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            blob: 1 << 30,
            all: 8 << 30,
            blobs: 100_000,
        }
    }
}

/// Bytes of a file that is no blob.
const MOST_JSON: u64 = 1 << 20;

/// Why there is no archive, or what an archive is instead of one.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The release itself.
    #[error(transparent)]
    Release(#[from] OutputError),

    /// The archive cannot be written.
    #[error("cannot be written: {error}\n  --> {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// The archive cannot be read.
    #[error("cannot be read as an archive: {error}\n  --> {}{}", path.display(), AGAIN)]
    Read {
        /// The archive.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },

    /// It holds what no release has.
    #[error("{}\n  --> {}{}", reason, path.display(), AGAIN)]
    Refused {
        /// The archive.
        path: PathBuf,
        /// What it holds.
        reason: Reason,
    },
}

const AGAIN: &str = "\n\nhint: make it with `waystation pack`";

/// Why an archive is refused.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// An entry with another name than those of a layout, such as one that leads out of the folder.
    #[error("`{}` is no part of a release", name.escape_debug())]
    Foreign {
        /// As it stands there.
        name: String,
    },

    /// A link, a device or something else that is no file.
    #[error("`{}` is no file", name.escape_debug())]
    NoFile {
        /// As it stands there.
        name: String,
    },

    /// The same name twice.
    #[error("`{name}` is in it twice")]
    Twice {
        /// Which.
        name: &'static str,
    },

    /// More than is taken.
    #[error("{what} has more than {most}")]
    TooLarge {
        /// What.
        what: String,
        /// What it may have, with its unit.
        most: String,
    },

    /// A blob that is not what its name says, or cut short.
    #[error("`{digest}` is not the content of that name")]
    Changed {
        /// Its name.
        digest: Digest,
    },

    /// A layout, but not that of a release.
    #[error("{0}")]
    NoRelease(String),
}

/// Writes a release to a file, which is replaced whole. `on_bytes` hears how many bytes more are done, of twice [`Release::bytes`]: what is
/// packed was read before.
///
/// # Errors
///
/// [`BundleError::Release`] if a blob is not as it was built, [`BundleError::Write`].
pub fn pack(
    release: &Release,
    blobs: &Blobs,
    file: &Path,
    on_bytes: &dyn Fn(u64),
) -> Result<(), BundleError> {
    release.verify(blobs, on_bytes)?;
    let index = serde_json::to_vec(&release.index(blobs)?).map_err(io::Error::from);
    let written = index.and_then(|index| {
        atomic::write_by(file, |out| {
            let mut archive = Builder::new(io::BufWriter::new(out));
            let mut all: Vec<_> = release.blobs().map(|blob| &blob.digest).collect();
            all.push(&release.digest);
            all.sort();
            for digest in all {
                let content = File::open(blobs.path(digest))?;
                let length = content.metadata()?.len();
                append(&mut archive, &format!("{BLOBS}/{digest}"), length, content)?;
                on_bytes(length);
            }
            append(&mut archive, INDEX_FILE, index.len() as u64, &index[..])?;
            append(&mut archive, MARK_FILE, MARK.len() as u64, MARK)?;
            archive.into_inner()?.flush()
        })
    });
    written.map_err(|error| BundleError::Write {
        path: file.to_owned(),
        error,
    })
}

/// Adds a file of nobody and no time.
fn append(
    archive: &mut Builder<impl Write>,
    name: &str,
    length: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(length);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    archive.append_data(&mut header, name, content.take(length))
}

/// Takes an archive apart into a layout in a folder, and reads which release it is. `on_bytes` hears how many bytes more are done, of the
/// archive's length.
///
/// # Errors
///
/// [`BundleError::Refused`] with the first thing that is wrong; what was written is then of no use. [`BundleError::Read`],
/// [`BundleError::Write`].
pub fn unpack(
    archive: &Path,
    into: &Path,
    caps: &Caps,
    on_bytes: &dyn Fn(u64),
) -> Result<Release, BundleError> {
    let path = || archive.to_owned();
    let read = |error| BundleError::Read {
        path: path(),
        error,
    };
    let refuse = |reason| BundleError::Refused {
        path: path(),
        reason,
    };
    let file = BufReader::new(File::open(archive).map_err(read)?);
    let mut entries = Archive::new(file);
    let mut taken = Taken {
        blobs: Blobs::at(into),
        index: None,
        bytes: 0,
        count: 0,
    };
    // Raw, for a header that says the next one's name anew is as long as it likes, and no name here needs it.
    for entry in entries.entries().map_err(read)?.raw(true) {
        let mut entry = entry.map_err(read)?;
        let length = entry.size();
        match taken.take(&mut entry, caps).map_err(read)? {
            Ok(()) => on_bytes(length),
            Err(reason) => return Err(refuse(reason)),
        }
    }
    let index = taken.index.ok_or_else(|| {
        let reason = format!("it has no `{INDEX_FILE}`");
        refuse(Reason::NoRelease(reason))
    })?;
    for (file, content) in [(MARK_FILE, MARK), (INDEX_FILE, &index)] {
        let path = into.join(file);
        atomic::write(&path, content).map_err(|error| BundleError::Write { path, error })?;
    }
    let whole = || {
        let release = release::latest(into)?;
        release.find(&taken.blobs)?;
        Ok(release)
    };
    // Where it was taken apart is nobody's concern.
    let what = |error: OutputError| error.to_string().lines().next().map(str::to_owned);
    whole().map_err(|error| refuse(Reason::NoRelease(what(error).unwrap_or_default())))
}

/// What has been read of an archive.
struct Taken {
    blobs: Blobs,
    index: Option<Vec<u8>>,
    bytes: u64,
    count: usize,
}

impl Taken {
    /// Takes the next entry.
    fn take(
        &mut self,
        entry: &mut Entry<'_, impl Read>,
        caps: &Caps,
    ) -> io::Result<Result<(), Reason>> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let part = match part(&name, entry.header().entry_type()) {
            Ok(part) => part,
            Err(reason) => return Ok(Err(reason)),
        };
        let length = entry.size();
        let most = if let Part::Blob(_) = part {
            caps.blob
        } else {
            MOST_JSON
        };
        self.bytes = self.bytes.saturating_add(length);
        self.count += 1;
        let over = [
            (most < length).then(|| (name.clone(), format!("{most} bytes"))),
            (caps.all < self.bytes).then(|| ("it".to_owned(), format!("{} bytes", caps.all))),
            (caps.blobs < self.count).then(|| ("it".to_owned(), format!("{} files", caps.blobs))),
        ];
        if let Some((what, most)) = over.into_iter().flatten().next() {
            return Ok(Err(Reason::TooLarge { what, most }));
        }
        match part {
            Part::Nothing => {}
            Part::Index if self.index.is_some() => {
                return Ok(Err(Reason::Twice { name: INDEX_FILE }));
            }
            Part::Index => {
                let mut index = Vec::new();
                entry.read_to_end(&mut index)?;
                self.index = Some(index);
            }
            Part::Blob(digest) => {
                // Under the name of what it is, whatever it is called.
                let (real, _) = atomic::copy(entry, self.blobs.folder())?;
                if real != digest {
                    return Ok(Err(Reason::Changed { digest }));
                }
            }
        }
        Ok(Ok(()))
    }
}

/// What an entry is to a release.
#[derive(Debug, PartialEq)]
enum Part {
    /// What may be there and says nothing.
    Nothing,
    Index,
    Blob(Digest),
}

fn part(name: &str, kind: EntryType) -> Result<Part, Reason> {
    let plain = name.strip_prefix("./").unwrap_or(name);
    let blob = plain.strip_prefix(BLOBS).and_then(|rest| {
        let digest = rest.strip_prefix('/')?;
        Digest::try_from(digest.to_owned()).ok()
    });
    match kind {
        EntryType::Regular | EntryType::Continuous => match plain {
            MARK_FILE => Ok(Part::Nothing),
            INDEX_FILE => Ok(Part::Index),
            _ => blob.map(Part::Blob).ok_or_else(|| Reason::Foreign {
                name: name.to_owned(),
            }),
        },
        EntryType::Directory => match plain.trim_end_matches('/') {
            "" | "." | "blobs" | BLOBS => Ok(Part::Nothing),
            _ => Err(Reason::Foreign {
                name: name.to_owned(),
            }),
        },
        // Times and owners of the next entry, which nobody asks for.
        EntryType::XHeader | EntryType::XGlobalHeader => Ok(Part::Nothing),
        _ => Err(Reason::NoFile {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
