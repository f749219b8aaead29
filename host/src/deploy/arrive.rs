//! Takes blobs in, piece by piece: what broke off goes on later, and what is whole is what its name says.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use crate::deploy::api::{Missing, Wanted};
use crate::project::digest::Digest;
use crate::project::layout::Blobs;

/// Bytes of one blob.
pub(super) const MOST: u64 = 64 << 20;

/// Why a piece is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArriveError {
    /// It is longer than anything that is served here.
    #[error("a blob has up to {MOST} bytes, and this one would have {0}")]
    TooLong(u64),

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

/// What of these blobs is not here. Those that are here are safe from being collected for a while.
pub(super) fn missing(blobs: &Blobs, arriving: &Path, wanted: &[Wanted]) -> Vec<Missing> {
    let is_missing = |wanted: &&Wanted| {
        let file = File::options()
            .append(true)
            .open(blobs.path(&wanted.digest));
        let is_here = file.and_then(|file| {
            file.set_modified(SystemTime::now())?;
            Ok(file.metadata()?.len() == wanted.size)
        });
        !is_here.unwrap_or(false)
    };
    let missing = wanted.iter().filter(is_missing).map(|wanted| {
        let arriving = fs::metadata(arriving.join(wanted.digest.as_str()));
        let held = arriving.map_or(0, |arriving| arriving.len());
        Missing {
            digest: wanted.digest.clone(),
            held: if wanted.size < held { 0 } else { held },
        }
    });
    missing.collect()
}

/// Adds a piece that begins `at` a byte to a blob of `size` bytes. Returns how many are here now.
///
/// # Errors
///
/// An [`ArriveError`].
pub(super) fn take(
    blobs: &Blobs,
    arriving: &Path,
    wanted: &Wanted,
    at: u64,
    piece: &[u8],
) -> Result<u64, ArriveError> {
    let Wanted { digest, size } = wanted;
    let end = at.saturating_add(piece.len() as u64);
    if MOST < *size || *size < end {
        return Err(ArriveError::TooLong(end.max(*size)));
    }
    fs::create_dir_all(arriving)?;
    let path = arriving.join(digest.as_str());
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
    fs::create_dir_all(blobs.folder())?;
    fs::rename(&path, blobs.path(digest))?;
    File::open(blobs.folder())?.sync_all()?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_arrives_in_pieces_and_goes_on_where_it_broke_off() {
        let data = tempfile::tempdir().unwrap();
        let (blobs, arriving) = (Blobs::at(data.path()), data.path().join("arriving"));
        let wanted = wanted(b"content");
        let missing = || missing(&blobs, &arriving, std::slice::from_ref(&wanted));
        assert_eq!(missing()[0].held, 0);
        let take = |at, piece: &[u8]| take(&blobs, &arriving, &wanted, at, piece);
        assert_eq!(take(0, b"con").unwrap(), 3);
        assert_eq!(missing()[0].held, 3);
        let elsewhere = take(5, b"nt").unwrap_err();
        assert!(matches!(elsewhere, ArriveError::Elsewhere { held: 3 }));
        assert_eq!(take(3, b"tent").unwrap(), 7);
        assert_eq!(missing(), []);
        assert_eq!(blobs.read(&wanted.digest).unwrap(), b"content");
    }

    #[test]
    fn what_is_not_what_its_name_says_is_thrown_away() {
        let data = tempfile::tempdir().unwrap();
        let (blobs, arriving) = (Blobs::at(data.path()), data.path().join("arriving"));
        let wanted = wanted(b"content");
        let error = take(&blobs, &arriving, &wanted, 0, b"cOntent").unwrap_err();
        assert!(matches!(error, ArriveError::Changed(_)));
        let left = missing(&blobs, &arriving, std::slice::from_ref(&wanted));
        assert_eq!(left[0].held, 0);
        let error = take(&blobs, &arriving, &wanted, 0, b"content and more").unwrap_err();
        assert!(matches!(error, ArriveError::TooLong(16)));
        let long = Wanted {
            size: MOST + 1,
            ..wanted.clone()
        };
        assert!(take(&blobs, &arriving, &long, 0, b"").is_err());
        let far = take(&blobs, &arriving, &wanted, u64::MAX, b"c").unwrap_err();
        assert!(matches!(far, ArriveError::TooLong(u64::MAX)));
    }

    fn wanted(content: &[u8]) -> Wanted {
        Wanted {
            digest: Digest::of(content),
            size: content.len() as u64,
        }
    }
}
