//! What a release is called in a registry: `ghcr.io/me/shop:live`, `localhost:5000/shop@sha256:..`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::uri::Authority;

use crate::project::digest::Digest;

/// What is meant where neither a tag nor a digest is given.
const LATEST: &str = "latest";
/// Characters of a repository's name, and of a tag's.
const LONGEST: (usize, usize) = (255, 128);

/// What a release is called in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The host, and its port if it has one.
    registry: Authority,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names nothing in a registry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` {1}; a release is named as in `ghcr.io/me/shop:live`")]
pub struct ReferenceError(String, &'static str);

impl Reference {
    /// The registry as it was given: what people and Docker's config call it.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.registry.as_str()
    }

    /// What is in it, without a tag.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The release that it names for ever, if it does.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What the registry is asked for: a digest, or else a tag.
    pub(super) fn name(&self) -> String {
        match &self.digest {
            Some(digest) => digest.to_oci(),
            None => self.tag.clone().unwrap_or_else(|| LATEST.to_owned()),
        }
    }

    /// The same with the digest of the release that it names now.
    #[must_use]
    pub fn at(&self, digest: &Digest) -> Self {
        Self {
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// Where the registry is asked: over TLS, unless it is on this machine.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_here() { "http" } else { "https" };
        match self.registry() {
            "docker.io" => "https://registry-1.docker.io".to_owned(),
            registry => format!("{scheme}://{registry}"),
        }
    }

    /// What Docker's config calls the registry.
    pub(super) fn server(&self) -> &str {
        match self.registry() {
            "docker.io" => "https://index.docker.io/v1/",
            registry => registry,
        }
    }

    /// Whether the registry is on this machine.
    pub(super) fn is_here(&self) -> bool {
        is_here(self.registry.host())
    }
}

/// Whether a host is this machine.
pub(super) fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fault = |what| ReferenceError(text.to_owned(), what);
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let digest = digest.map(Digest::of_oci).transpose();
        let digest = digest.map_err(|_| fault("has no SHA-256 digest after its `@`"))?;
        let (registry, path) = name.split_once('/').unwrap_or(("", name));
        let is_registry = registry == "localhost" || registry.contains(['.', ':']);
        if !is_registry {
            return Err(fault("does not begin with a registry"));
        }
        let registry = registry.parse::<Authority>();
        let registry = registry.map_err(|_| fault("does not begin with a registry"))?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if LONGEST.0 < repository.len() || !repository.split('/').all(is_component) {
            return Err(fault(
                "has a name that no repository has: lower-case words, with `/` between them",
            ));
        }
        if !tag.is_none_or(is_tag) {
            return Err(fault(
                "has a tag that is none: letters, digits, `_`, `.` and `-`",
            ));
        }
        let is_official = registry == "docker.io" && !repository.contains('/');
        let folder = if is_official { "library/" } else { "" };
        Ok(Self {
            registry,
            repository: format!("{folder}{repository}"),
            tag: tag.map(ToOwned::to_owned),
            digest,
        })
    }
}

/// Words of small letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators = text.split(|c: char| c.is_ascii() && is_inside(c as u8));
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    let ends = [text.bytes().next(), text.bytes().next_back()];
    ends.iter().all(|end| end.is_some_and(is_inside)) && separators.all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=LONGEST.1).contains(&text.len())
        && text.bytes().next().is_some_and(is_word)
        && text
            .bytes()
            .all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(out, "@{}", digest.to_oci()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_by_its_registry_its_repository_and_a_tag_or_a_digest() {
        let digest = Digest::of(b"1").to_oci();
        check("ghcr.io/me/shop:live", "https://ghcr.io me/shop live");
        check("ghcr.io/me/shop", "https://ghcr.io me/shop latest");
        check("localhost/shop", "http://localhost shop latest");
        check("localhost:5000/shop:1", "http://localhost:5000 shop 1");
        check("127.0.0.1:5000/a/b:1", "http://127.0.0.1:5000 a/b 1");
        check("[::1]:5000/shop:1", "http://[::1]:5000 shop 1");
        check("10.0.0.1:5000/shop:1", "https://10.0.0.1:5000 shop 1");
        check(
            &format!("ghcr.io/me/shop:live@{digest}"),
            &format!("https://ghcr.io me/shop {digest}"),
        );
        check(
            "docker.io/shop:1",
            "https://registry-1.docker.io library/shop 1",
        );
        check(
            "a.example/a.b/c__d/e---f:V_1.0-x",
            "https://a.example a.b/c__d/e---f V_1.0-x",
        );
    }

    #[test]
    fn what_names_nothing_is_told_why() {
        for text in ["shop", "shop:1", "me/shop:1", "", "/shop", "a b.c/shop"] {
            check(text, "does not begin with a registry");
        }
        for text in [
            "a.b/Shop", "a.b/", "a.b/a//b", "a.b/../c", "a.b/a._b", "a.b/-a", "a.b/ä",
        ] {
            check(text, "has a name that no repository has");
        }
        for text in ["a.b/c:", "a.b/c:-a", "a.b/c:a/b", "a.b/c:a b"] {
            check(text, "has a tag that is none");
        }
        for text in ["a.b/c@", "a.b/c@sha256:12", "user@a.b/c", "a.b/c@md5:1"] {
            check(text, "has no SHA-256 digest");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_was_given() {
        let digest = Digest::of(b"1");
        let text = "ghcr.io/me/shop:live";
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
        let pinned = reference.at(&digest).to_string();
        assert_eq!(pinned, format!("{text}@{}", digest.to_oci()));
        assert_eq!(pinned.parse(), Ok(reference.at(&digest)));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        match text.parse::<Reference>() {
            Ok(found) => {
                let shown = [&found.origin(), found.repository(), &found.name()].join(" ");
                assert_eq!(shown, expected);
            }
            Err(error) => assert!(error.1.starts_with(expected), "{error}"),
        }
    }
}
