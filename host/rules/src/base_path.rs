//! Decides whether a path is below the base path of an app (row U6).
//!
//! In: `base_path` of the settings, once; then one [`Path`] per request. Out: the path that is routed, without the base path.
//!
//! With `/docs`, the app answers `/docs` as its `/`, and `/docs/a` as its `/a`; `/`, `/docsx` and `/Docs` are not its own. That `/docs/`
//! is redirected to `/docs` is decided where every trailing slash is, in [`normalise`]. What a handler gets to
//! see lacks the base path, and a redirect of a handler's is sent as it is (row U7).

use crate::path::{Normal, Path, normalise};

/// A path that every path of an app begins with; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath {
    text: String,
}

/// Why a text is no base path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasePathError {
    /// `/`.
    #[error("`base_path` is `/`, which every path is below; leave it out")]
    Root,

    /// `docs`, `/docs/`, `//docs` or `/a/../docs`.
    #[error("`base_path` is `{text}`; write it `{spelling}`")]
    Spelling {
        /// As it was written.
        text: String,
        /// As it can be.
        spelling: String,
    },

    /// `/docs?a=b` or `/100%`.
    #[error("`base_path` is `{text}`; write names and slashes only, such as `/docs`")]
    NoPath {
        /// As it was written.
        text: String,
    },
}

impl BasePath {
    /// Reads a base path, such as `/docs` or `/team/docs`; the empty text is none.
    ///
    /// # Errors
    ///
    /// A [`BasePathError`] that says how to write it.
    pub fn parse(text: &str) -> Result<Self, BasePathError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let rooted = format!("/{}", text.trim_matches('/'));
        let spelling = match normalise(&rooted, false) {
            _ if text.contains(['?', '#']) => None,
            Ok(Normal::Serve(path)) => Some(path.spelt().into_owned()),
            Ok(Normal::Redirect(path)) => Some(path),
            Err(_) => None,
        };
        let depth = |path: &str| path.matches('/').count();
        match spelling {
            None => Err(BasePathError::NoPath {
                text: text.to_owned(),
            }),
            Some(root) if root == "/" => Err(BasePathError::Root),
            Some(path) if rooted == text && depth(&path) == depth(text) => Ok(Self { text: path }),
            Some(spelling) => Err(BasePathError::Spelling {
                text: text.to_owned(),
                spelling,
            }),
        }
    }

    /// The base path as it goes before a path: `/docs`, or nothing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path that is routed; none if it is not below the base path, which is 404 unless a rule with `base_path = false` is about it.
    ///
    /// Letters count as they are, and an escape counts as its character.
    #[must_use]
    pub fn strip<'a>(&self, path: &'a Path<'_>) -> Option<Path<'a>> {
        path.below(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_it_is_routed_without_it() {
        check("/docs", "/docs/a/b", "/a/b"); // U6
        check("/docs", "/docs", "/");
        check("/docs", "/", "404");
        check("/docs", "/a", "404");
        check("/docs", "/docsx", "404");
        check("/docs", "/Docs/a", "404");
        check("/docs", "/a/docs", "404");
        check("/docs", "/docs/docs/a", "/docs/a");
        check("/team/docs", "/team/docs/a", "/a");
        check("/team/docs", "/team", "404");
        check("", "/a", "/a");
        check("", "/", "/");
    }

    #[test]
    fn its_trailing_slash_is_redirected_as_any_other() {
        check("/docs", "/docs/", "308 /docs"); // U6
        check("/docs", "/docs/a/", "308 /docs/a");
        check("/docs", "//docs", "308 /docs");
        let Ok(Normal::Serve(path)) = normalise("/docs/a/", true) else {
            panic!("it is served")
        };
        let base = BasePath::parse("/docs").unwrap();
        assert_eq!(base.strip(&path).unwrap().as_str(), "/a/"); // U4
    }

    #[test]
    fn an_escape_is_its_character_and_what_follows_stays_as_it_is() {
        check("/docs", "/%64ocs/%61", "/%61"); // threat model, R2
        check("/café", "/caf%c3%a9/x", "/x");
        check("/caf%C3%A9", "/café", "/");
        check("/docs", "/docs%2Fa", "404");
        check("/docs/a", "/docs%2Fa", "404");
    }

    #[test]
    fn a_text_that_is_no_base_path_is_told_what_to_be() {
        check(
            "/",
            "/",
            "`base_path` is `/`, which every path is below; leave it out",
        );
        check("docs", "/", "`base_path` is `docs`; write it `/docs`");
        check("/docs/", "/", "`base_path` is `/docs/`; write it `/docs`");
        check("/a//b", "/", "`base_path` is `/a//b`; write it `/a/b`");
        check("/a/../b", "/", "`base_path` is `/a/../b`; write it `/b`");
        let names = "write names and slashes only, such as `/docs`";
        check(
            "/docs?a",
            "/",
            &format!("`base_path` is `/docs?a`; {names}"),
        );
        check("/100%", "/", &format!("`base_path` is `/100%`; {names}"));
    }

    #[track_caller]
    fn check(base: &str, raw: &str, expected: &str) {
        let found = match (BasePath::parse(base), normalise(raw, false)) {
            (Err(error), _) => error.to_string(),
            (Ok(_), Ok(Normal::Redirect(path))) => format!("308 {path}"),
            (Ok(base), Ok(Normal::Serve(path))) => {
                let stripped = base.strip(&path);
                stripped.map_or_else(|| "404".to_owned(), |path| path.as_str().to_owned())
            }
            (Ok(_), Err(error)) => error.to_string(),
        };
        assert_eq!(found, expected);
    }
}
