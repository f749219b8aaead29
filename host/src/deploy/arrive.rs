//! Takes blobs in, piece by piece: what broke off goes on later, and what is whole is what its name says.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::api::{Missing, Wanted};
use crate::project::digest::Digest;
use crate::project::layout::Blobs;

/// Where blobs arrive.
#[derive(Debug, Clone)]
pub struct Arrivals {
    blobs: Blobs,
    /// Where they are until they are whole.
    arriving: PathBuf,
    /// Bytes of one blob.
    most: u64,
}

/// Why a piece is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ArriveError {
    /// It is longer than anything that is served here.
    #[error("a blob has up to {most} bytes, and this one would have {bytes}")]
    TooLong {
        /// What it may have.
        most: u64,
        /// What it would have.
        bytes: u64,
    },

    /// It does not begin where the last one ended.
    #[error("{held} bytes of it are here, so the next piece begins there")]
    Elsewhere {
        /// How many bytes are here.
        held: u64,
    },

    /// It is being sent over another connection.
    #[error("another deployer is sending it")]
    Busy,

    /// It has another digest.
    #[error("what came is not {0}: its digest is another one")]
    Changed(Digest),

    /// It cannot be written.
    #[error("a blob cannot be kept: {0}")]
    Write(#[from] io::Error),
}

impl Arrivals {
    /// Blobs of up to `most` bytes that come to `blobs`, by way of the folder `arriving` on the same disk.
    #[must_use]
    pub fn new(blobs: Blobs, arriving: &Path, most: u64) -> Self {
        Self {
            blobs,
            arriving: arriving.to_owned(),
            most,
        }
    }

    /// Where they come to.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// What of these blobs is not here. Those that are here are safe from being collected for a while.
    #[must_use]
    pub fn missing(&self, wanted: &[Wanted]) -> Vec<Missing> {
        let is_missing = |wanted: &&Wanted| {
            let file = File::options()
                .append(true)
                .open(self.blobs.path(&wanted.digest));
            let is_here = file.and_then(|file| {
                file.set_modified(SystemTime::now())?;
                Ok(file.metadata()?.len() == wanted.size)
            });
            !is_here.unwrap_or(false)
        };
        let missing = wanted.iter().filter(is_missing).map(|wanted| {
            let arriving = fs::metadata(self.arriving.join(wanted.digest.as_str()));
            let held = arriving.map_or(0, |arriving| arriving.len());
            Missing {
                digest: wanted.digest.clone(),
                held: if wanted.size < held { 0 } else { held },
            }
        });
        missing.collect()
    }

    /// Adds a piece that begins `at` a byte to a blob. Returns how many of its bytes are here now.
    ///
    /// # Errors
    ///
    /// An [`ArriveError`].
    pub fn take(&self, wanted: &Wanted, at: u64, piece: &[u8]) -> Result<u64, ArriveError> {
        let Wanted { digest, size } = wanted;
        let end = at.saturating_add(piece.len() as u64);
        if self.most < *size || *size < end {
            return Err(ArriveError::TooLong {
                most: self.most.min(*size),
                bytes: end.max(*size),
            });
        }
        fs::create_dir_all(&self.arriving)?;
        let path = self.arriving.join(digest.as_str());
        let mut file = File::options()
            .create(true)
            .read(true)
            .append(true)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ArriveError::Busy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let here = file.metadata()?;
        let is_in_place = fs::metadata(&path).is_ok_and(|there| there.ino() == here.ino());
        if !is_in_place {
            return Err(ArriveError::Busy); // it was whole meanwhile and is served by now: it must not be written to
        }
        let held = here.len();
        if held != at {
            if at == 0 {
                file.set_len(0)?; // what is here is longer than what is sent now
            } else {
                return Err(ArriveError::Elsewhere { held });
            }
        }
        file.write_all(piece)?;
        if end < *size {
            return Ok(end);
        }
        file.sync_all()?;
        if Digest::of_reader(File::open(&path)?)? != *digest {
            fs::remove_file(&path)?;
            return Err(ArriveError::Changed(digest.clone()));
        }
        let folder = self.blobs.folder();
        fs::create_dir_all(folder)?;
        fs::rename(&path, self.blobs.path(digest))?;
        File::open(folder)?.sync_all()?;
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_arrives_in_pieces_and_goes_on_where_it_broke_off() {
        let data = tempfile::tempdir().unwrap();
        let arrivals = arrivals(data.path());
        let wanted = wanted(b"content");
        let missing = || arrivals.missing(std::slice::from_ref(&wanted));
        assert_eq!(missing()[0].held, 0);
        let take = |at, piece: &[u8]| arrivals.take(&wanted, at, piece);
        assert_eq!(take(0, b"con").unwrap(), 3);
        assert_eq!(missing()[0].held, 3);
        let elsewhere = take(5, b"nt").unwrap_err();
        assert!(matches!(elsewhere, ArriveError::Elsewhere { held: 3 }));
        assert_eq!(take(3, b"tent").unwrap(), 7);
        assert_eq!(missing(), []);
        assert_eq!(arrivals.blobs().read(&wanted.digest).unwrap(), b"content");
    }

    #[test]
    fn what_is_not_what_its_name_says_is_thrown_away() {
        let data = tempfile::tempdir().unwrap();
        let arrivals = arrivals(data.path());
        let wanted = wanted(b"content");
        let error = arrivals.take(&wanted, 0, b"cOntent").unwrap_err();
        assert!(matches!(error, ArriveError::Changed(_)));
        let left = arrivals.missing(std::slice::from_ref(&wanted));
        assert_eq!(left[0].held, 0);
        let error = arrivals.take(&wanted, 0, b"content and more").unwrap_err();
        assert!(matches!(error, ArriveError::TooLong { bytes: 16, .. }));
        let long = Wanted {
            size: 65,
            ..wanted.clone()
        };
        assert!(arrivals.take(&long, 0, b"").is_err());
        let far = arrivals.take(&wanted, u64::MAX, b"c").unwrap_err();
        assert!(matches!(
            far,
            ArriveError::TooLong {
                bytes: u64::MAX,
                ..
            }
        ));
    }

    fn arrivals(data: &Path) -> Arrivals {
        Arrivals::new(Blobs::at(data), &data.join("arriving"), 64)
    }

    fn wanted(content: &[u8]) -> Wanted {
        Wanted {
            digest: Digest::of(content),
            size: content.len() as u64,
        }
    }
}
