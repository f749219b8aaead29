//! The name of a content: equal exactly if the bytes are.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// What OCI and people put before the digits.
const ALGORITHM: &str = "sha256:";

/// The SHA-256 of some bytes, written as 64 hexadecimal digits.
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
        Digest::finished(Sha256::new_with_prefix(content))
    }

    /// Names what is read, however long it is.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_reader(content: impl Read) -> io::Result<Digest> {
        let mut content = BufReader::with_capacity(1 << 16, content);
        let mut hasher = Sha256::new();
        loop {
            let piece = content.fill_buf()?;
            if piece.is_empty() {
                return Ok(Digest::finished(hasher));
            }
            hasher.update(piece);
            let length = piece.len();
            content.consume(length);
        }
    }

    fn finished(hasher: Sha256) -> Digest {
        let bytes = hasher.finalize();
        Digest(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads `sha256:` and the digits, as OCI writes a digest.
    ///
    /// # Errors
    ///
    /// [`NotADigest`] if it is none, or one of another kind.
    pub fn of_oci(text: &str) -> Result<Digest, NotADigest> {
        let digits = text.strip_prefix(ALGORITHM);
        let digits = digits.ok_or_else(|| NotADigest(text.to_owned()))?;
        Digest::try_from(digits.to_owned())
    }

    /// `sha256:` and the digits, as OCI and people write it.
    #[must_use]
    pub fn to_oci(&self) -> String {
        format!("{ALGORITHM}{}", self.0)
    }

    /// The first 12 digits: enough for people, and for the name of a host.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
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
        if text.len() == 64 && is_hexadecimal(&text) {
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

/// The beginning of a digest, as a person types it: `sha256:0123ab` or `0123ab`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Reads it; none if no digest begins so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Prefix> {
        let digits = text.strip_prefix(ALGORITHM).unwrap_or(text);
        let fits = (1..=64).contains(&digits.len()) && is_hexadecimal(digits);
        fits.then(|| Prefix(digits.to_owned()))
    }

    /// Whether a digest begins so.
    #[must_use]
    pub fn fits(&self, digest: &Digest) -> bool {
        digest.0.starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{ALGORITHM}{}", self.0)
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_one_that_other_programs_know() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = Digest::of(b"abc");
        assert_eq!(digest.as_str(), known); // FIPS 180-4
        assert_eq!(Digest::of_reader(b"abc".as_slice()).unwrap(), digest);
        assert_eq!(digest.to_oci(), format!("sha256:{known}"));
        assert_eq!(Digest::of_oci(&digest.to_oci()), Ok(digest));
        assert!(Digest::of_oci(known).is_err());
    }

    #[test]
    fn a_person_types_as_much_as_tells_it_apart() {
        let digest = Digest::of(b"abc");
        for text in ["ba78", "sha256:ba7816bf8f01", digest.as_str()] {
            assert!(Prefix::parse(text).unwrap().fits(&digest), "{text}");
        }
        assert!(!Prefix::parse("ba79").unwrap().fits(&digest));
        for text in ["", "sha256:", "app", "BA78", "ba78/.."] {
            assert_eq!(Prefix::parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_digest_is_read_as_one() {
        let digest = Digest::of(b"content");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        assert!(Digest::try_from("../../etc/passwd".to_owned()).is_err());
        assert!(Digest::try_from("A".repeat(64)).is_err());
    }
}
