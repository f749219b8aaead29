//! What may be a tag, and the tags that every answer has of itself (section 11.4).

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::cookies::COMPONENT;
use crate::pattern::RoutePattern;

/// Tags of one entry (rows CC7 and FC11).
pub const MOST_TAGS: usize = 128;
/// Characters of a tag (rows CC7 and FC11).
const LONGEST_TAG: usize = 256;
/// Characters of a path (row V8).
const LONGEST_PATH: usize = 1024;
/// How the tags begin that answers have of themselves.
const OWN: &str = "_N_T_";

/// Why a tag is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagFault {
    /// It is empty.
    #[error("a tag is empty")]
    Empty,

    /// It is longer than 256 characters.
    #[error("the tag `{0}...` is longer than {LONGEST_TAG} characters")]
    Long(String),

    /// A path longer than 1024 characters.
    #[error("the path `{0}...` is longer than {LONGEST_PATH} characters")]
    LongPath(String),

    /// A path does not begin with a slash.
    #[error("the path `{0}` does not begin with `/`")]
    Relative(String),

    /// A pattern and no word on what of it is meant (row V6).
    #[error(
        "`{0}` is a pattern: say which with `PathKind::Page` or `PathKind::Layout`, or name one path of it"
    )]
    Pattern(String),
}

/// What of a path is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// The route at this pattern, with all its params.
    Page,
    /// Every route at or below.
    Layout,
}

/// A path as `revalidate_path` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathTag<'a> {
    /// Such as `/blog/hello`, or with a kind `/blog/[slug]`.
    pub path: &'a str,
    /// What of it.
    pub kind: Option<PathKind>,
}

/// Whether a text may be a tag.
///
/// # Errors
///
/// Why not.
pub fn check_tag(tag: &str) -> Result<(), TagFault> {
    if tag.is_empty() {
        return Err(TagFault::Empty);
    }
    match tag.chars().count() {
        0..=LONGEST_TAG => Ok(()),
        _ => Err(TagFault::Long(tag.chars().take(32).collect())),
    }
}

/// The tags that the answer of a route has of itself: each folder on the way, the route and the path.
#[must_use]
pub fn of_answer(pattern: &RoutePattern, path: &str) -> Vec<String> {
    let pattern = pattern.to_string();
    let mut tags = vec![format!("{OWN}/layout")];
    let mut folder = String::new();
    for segment in pattern.split('/').filter(|segment| !segment.is_empty()) {
        folder = format!("{folder}/{segment}");
        tags.push(format!("{OWN}{folder}/layout"));
    }
    tags.push(format!("{OWN}{folder}/route"));
    tags.push(format!("{OWN}{}", trimmed(path)));
    tags
}

/// The tags that a route's own answer has, for what its handler asks for: after `revalidate_path` the answer is made of nothing older (row V5).
/// `path` is the request's. None for what is no route's.
#[must_use]
pub fn of_call(pattern: &str, path: &str) -> Vec<String> {
    let pattern = RoutePattern::parse(pattern.trim_start_matches('/'));
    pattern.map_or_else(
        |_| Vec::new(),
        |pattern| of_answer(&pattern, &written(path)),
    )
}

/// The tag that `revalidate_path` is about (rows V5 to V8).
///
/// # Errors
///
/// Why there is none.
pub fn of_path(PathTag { path, kind }: PathTag<'_>) -> Result<String, TagFault> {
    if LONGEST_PATH < path.chars().count() {
        return Err(TagFault::LongPath(path.chars().take(32).collect()));
    }
    if !path.starts_with('/') {
        return Err(TagFault::Relative(path.to_owned()));
    }
    let path = trimmed(path);
    match kind {
        Some(PathKind::Layout) => Ok(format!("{OWN}{path}/layout").replace("//", "/")),
        Some(PathKind::Page) => Ok(format!("{OWN}{path}/route").replace("//", "/")),
        None if path.contains('[') => Err(TagFault::Pattern(path.to_owned())),
        None => Ok(format!("{OWN}{}", written(path))),
    }
}

/// As an answer's own tag has it, however it was written: `/users/@ann` is `/users/%40ann`.
fn written(path: &str) -> String {
    let segment = |text| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        utf8_percent_encode(&decoded, COMPONENT).to_string()
    };
    let segments: Vec<_> = path.split('/').map(segment).collect();
    segments.join("/")
}

/// Without a slash at its end; `/index` is the root.
fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" | "/index" => "/",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_the_tags_of_what_it_is_about() {
        let about = |path, kind| of_path(PathTag { path, kind }).unwrap();
        let tags = of_answer(&RoutePattern::parse("dyn/[id]").unwrap(), "/dyn/X");
        assert_eq!(
            tags.join(" "),
            "_N_T_/layout _N_T_/dyn/layout _N_T_/dyn/[id]/layout _N_T_/dyn/[id]/route _N_T_/dyn/X"
        );
        assert!(tags.contains(&about("/dyn/X/", None))); // V5
        assert!(tags.contains(&about("/dyn/[id]", Some(PathKind::Layout)))); // V6
        assert!(tags.contains(&about("/dyn/[id]", Some(PathKind::Page))));
        assert!(tags.contains(&about("/dyn", Some(PathKind::Layout))));
        assert!(tags.contains(&about("/", Some(PathKind::Layout)))); // V7
        assert!(!tags.contains(&about("/dyn", None)));
        for spelling in ["/dyn/a b@c", "/dyn/a%20b@c", "/dyn/a%20b%40c"] {
            let tags = of_answer(&RoutePattern::parse("dyn/[id]").unwrap(), "/dyn/a%20b%40c");
            assert!(tags.contains(&about(spelling, None)), "{spelling}");
        }
        let root = of_answer(&RoutePattern::parse("").unwrap(), "/");
        assert!(root.contains(&about("/index", None)));
        assert!(root.contains(&about("/", Some(PathKind::Page))));
    }

    #[test]
    fn what_cannot_be_a_tag_says_why() {
        assert_eq!(check_tag(&"a".repeat(256)), Ok(()));
        let long = check_tag(&"a".repeat(257)).unwrap_err().to_string(); // FC11
        assert!(long.ends_with("is longer than 256 characters"), "{long}");
        let path = |path| {
            of_path(PathTag { path, kind: None })
                .unwrap_err()
                .to_string()
        };
        assert!(path("/dyn/[id]").starts_with("`/dyn/[id]` is a pattern")); // V6
        assert_eq!(path("a"), "the path `a` does not begin with `/`");
        assert!(path(&format!("/{}", "a".repeat(1024))).ends_with("1024 characters")); // V8
    }
}
