//! The name of a content: equal exactly if the bytes are.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

/// The BLAKE3 hash of some bytes, written as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text that is no digest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: 64 hexadecimal digits in lower case")]
pub struct NotADigest(String);

impl Digest {
    /// Names a content.
    #[must_use]
    pub fn of(content: &[u8]) -> Digest {
        Digest(blake3::hash(content).to_hex().to_string())
    }

    /// Names what a file holds, however long it is.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Digest> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path)?)?;
        Ok(Digest(hasher.finalize().to_hex().to_string()))
    }

    /// The 64 digits: safe as a file name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Digest, NotADigest> {
        let hexadecimal = text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 64 && hexadecimal {
            Ok(Digest(text))
        } else {
            Err(NotADigest(text))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_is_read_as_one() {
        let digest = Digest::of(b"content");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        assert!(Digest::try_from("../../etc/passwd".to_owned()).is_err());
        assert!(Digest::try_from("A".repeat(64)).is_err());
    }
}
