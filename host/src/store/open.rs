//! Where entries are kept behind memory.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Behind, Disk, DiskError, Redis, RedisError};

/// A place behind memory.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// There is none: nothing outlives the process.
    Memory,
    /// A folder of this process alone.
    Disk {
        /// Made if there is none.
        folder: PathBuf,
        /// How much it may take, in bytes.
        bytes: u64,
    },
    /// A Redis that the nodes of an app share.
    Redis {
        /// Such as `redis://127.0.0.1:6379/0`; may hold a password.
        url: String,
    },
}

/// Why a place cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Of a folder.
    #[error("answers cannot be kept in `{}`: {reason}", folder.display())]
    Disk {
        /// Which.
        folder: PathBuf,
        /// Why not.
        #[source]
        reason: DiskError,
    },

    /// Of a URL, which is not told as it may hold a password.
    #[error("answers cannot be shared by the Redis that is configured: {0}")]
    Redis(#[from] RedisError),
}

/// Opens a place for an app; a folder is read for that. Nothing for memory alone.
///
/// # Errors
///
/// [`OpenError`] if the folder cannot be used or the URL is none. A Redis that does not answer is no error: it is used once it does.
pub fn open(place: &Place, app: &str) -> Result<Option<Arc<dyn Behind>>, OpenError> {
    Ok(match place {
        Place::Memory => None,
        Place::Disk { folder, bytes } => {
            let disk = Disk::open(folder, *bytes).map_err(|reason| OpenError::Disk {
                folder: folder.clone(),
                reason,
            })?;
            Some(Arc::new(disk))
        }
        Place::Redis { url } => Some(Arc::new(Redis::open(url, app)?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_opened_says_why_and_no_password() {
        let redis = |url: &str| Place::Redis {
            url: url.to_owned(),
        };
        let disk = |folder: &str, bytes| Place::Disk {
            folder: folder.into(),
            bytes,
        };
        check(Place::Memory, "none");
        check(redis("redis://:secret@127.0.0.1:1/0"), "some");
        check(
            redis("http://:secret@127.0.0.1"),
            "answers cannot be shared by the Redis that is configured: it is not like `redis://user:password@host:6379/0`",
        );
        check(
            redis("rediss://:secret@127.0.0.1"),
            "answers cannot be shared by the Redis that is configured: `rediss` is not supported: Redis has to be reached over a network that is private",
        );
        check(
            disk("/dev/null", 1 << 20),
            "answers cannot be kept in `/dev/null`: Not a directory (os error 20)",
        );
        check(
            disk("/tmp", 1000),
            "answers cannot be kept in `/tmp`: 1000 bytes are too few; it takes 1048576",
        );
    }

    #[track_caller]
    fn check(place: Place, expected: &str) {
        let actual = match open(&place, "app") {
            Ok(None) => "none".to_owned(),
            Ok(Some(_)) => "some".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }
}
