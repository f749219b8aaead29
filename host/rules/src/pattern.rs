//! Reads a folder under `app/` as a route pattern.
//!
//! In: the folder's path, such as `(shop)/items/[slug]`.
//! Out: a [`RoutePattern`], here `/items/[slug]`, or the [`PatternError`] that says which folder to rename.
//!
//! Whether two patterns get in each other's way is `table`'s question; which folders hold a route is the host's.

use std::fmt;

mod error;

pub use error::PatternError;

/// The paths that one route answers, such as `/items/[slug]`.
///
/// Patterns are ordered as Next tries them: a route before its children, then plain names, `[one]`, `[...rest]` and `[[...rest]]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutePattern {
    segments: Vec<Segment>,
}

/// One part of a pattern between two slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// `items`: this text and no other, compared after percent-decoding.
    Static(String),
    /// `[slug]`: any one segment.
    One(String),
    /// `[...slug]`: one segment or more, to the end of the path.
    Rest(String),
    /// `[[...slug]]`: none, one or more, to the end of the path.
    OptionalRest(String),
}

impl RoutePattern {
    /// Reads a folder relative to `app/`, its names separated by `/`; the empty text is `app/` itself.
    ///
    /// Groups such as `(shop)` and slots such as `@team` leave no trace, and `%5Fname` is the public spelling of `_name`. A name that is
    /// only partly in brackets, such as `[name].json`, is plain text.
    ///
    /// # Errors
    ///
    /// A [`PatternError`] for the first folder that cannot be part of a route.
    pub fn parse(folder: &str) -> Result<Self, PatternError> {
        let mut segments: Vec<Segment> = Vec::new();
        for folder in folder.split('/').filter(|name| is_visible(name)) {
            if let Some(last @ (Segment::Rest(_) | Segment::OptionalRest(_))) = segments.last() {
                return Err(PatternError::FolderAfterCatchAll {
                    catch_all: last.to_string(),
                    folder: folder.to_owned(),
                });
            }
            let segment = Segment::parse(folder)?;
            if let Some(name) = segment.name() {
                let mut taken = segments.iter().filter_map(Segment::name);
                taken.try_for_each(|taken| distinct(taken, name))?;
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }

    /// The path of a file that is sent as it is, such as `icons/[1].png`: each of its names is text.
    #[must_use]
    pub fn of_file(file: &str) -> Self {
        let names = file.split('/').filter(|name| !name.is_empty());
        Self {
            segments: names.map(|name| Segment::Static(name.to_owned())).collect(),
        }
    }

    /// The segments from the root; none for `/`.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the route has params.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.segments.iter().any(|segment| segment.name().is_some())
    }
}

impl Segment {
    /// The param's name as the folder spells it, such as `user-id` for `[user-id]`; none for plain text.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Static(_) => None,
            Self::One(name) | Self::Rest(name) | Self::OptionalRest(name) => Some(name),
        }
    }

    fn parse(folder: &str) -> Result<Self, PatternError> {
        let Some(inner) = unbracket(folder) else {
            return Ok(Self::Static(match folder.strip_prefix("%5F") {
                Some(name) => format!("_{name}"),
                None => folder.to_owned(),
            }));
        };
        let (inner, optional) = unbracket(inner).map_or((inner, false), |inner| (inner, true));
        let (name, rest) = inner
            .strip_prefix("...")
            .map_or((inner, false), |name| (name, true));

        let (folder, name) = (folder.to_owned(), name.to_owned());
        match name.chars().next() {
            None => Err(PatternError::EmptyName { folder }),
            Some('…') => Err(PatternError::Ellipsis { folder }),
            Some('.') => Err(PatternError::LeadingPeriod { folder }),
            _ if name.contains(['[', ']']) => Err(PatternError::ExtraBrackets { folder }),
            _ => match (rest, optional) {
                (false, false) => Ok(Self::One(name)),
                (true, false) => Ok(Self::Rest(name)),
                (true, true) => Ok(Self::OptionalRest(name)),
                (false, true) => Err(PatternError::OptionalSegment { name }),
            },
        }
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return f.write_str("/");
        }
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(text) => f.write_str(text),
            Self::One(name) => write!(f, "[{name}]"),
            Self::Rest(name) => write!(f, "[...{name}]"),
            Self::OptionalRest(name) => write!(f, "[[...{name}]]"),
        }
    }
}

/// Whether a folder keeps itself and everything below it out of the routes: `_components`.
#[must_use]
pub fn is_private(folder_name: &str) -> bool {
    folder_name.starts_with('_')
}

fn is_visible(folder: &str) -> bool {
    let is_group = folder.starts_with('(') && folder.ends_with(')');
    let is_slot = folder.starts_with('@');
    !folder.is_empty() && !is_group && !is_slot
}

fn unbracket(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']')
}

/// `_` counts as punctuation, which it does not in Next: `[a-b]` and `[a_b]` would both be the field `a_b`.
fn distinct(first: &str, second: &str) -> Result<(), PatternError> {
    let letters = |name: &str| {
        name.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    if first == second {
        return Err(PatternError::RepeatedName {
            name: first.to_owned(),
        });
    }
    if letters(first) == letters(second) {
        return Err(PatternError::SimilarNames {
            first: first.to_owned(),
            second: second.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_path() {
        check("", "/");
        check("api/users", "/api/users");
        check("rss.xml", "/rss.xml"); // F8
        check("x/route", "/x/route"); // F7
        check("hello world/é", "/hello world/é");
    }

    #[test]
    fn brackets_make_a_segment_dynamic() {
        check("items/[id]", "/items/[id] with id");
        check("blog/[...slug]", "/blog/[...slug] with slug");
        check("[[...slug]]", "/[[...slug]] with slug");
        check(
            "[team]/[user-id]/[a b]",
            "/[team]/[user-id]/[a b] with team, user-id, a b",
        ); // P10
    }

    #[test]
    fn brackets_around_a_part_of_a_name_are_text() {
        check("x[a]", "/x[a]"); // P9
        check("[a]x", "/[a]x");
        check("[name].json", "/[name].json");
        check("[", "/[");
    }

    #[test]
    fn groups_and_slots_leave_no_trace() {
        check("(shop)/items", "/items"); // F5
        check("items/(a)(b)/x", "/items/x");
        check("(shop)", "/");
        check("@team/items", "/items"); // F6
        check("blog/[...slug]/(group)", "/blog/[...slug] with slug");
    }

    #[test]
    fn every_name_in_the_path_of_a_file_is_text() {
        let file = RoutePattern::of_file("(a)/[b]/@c/%5Fd.txt");
        assert_eq!(file.to_string(), "/(a)/[b]/@c/%5Fd.txt");
        assert!(!file.is_dynamic());
    }

    #[test]
    fn intercepting_markers_are_text() {
        check("(.)x", "/(.)x"); // F9
        check("(..)(..)x", "/(..)(..)x");
    }

    #[test]
    fn an_underscore_is_private_unless_escaped() {
        assert!(is_private("_components")); // F3
        assert!(!is_private("%5Fcomponents"));
        assert!(!is_private("components"));
        check("%5Fcomponents", "/_components"); // F4
    }

    #[test]
    fn a_catch_all_is_last() {
        // X7
        check(
            "[...a]/x",
            "`[...a]` takes the rest of the path, so `x` cannot follow it",
        );
        check(
            "[[...a]]/[b]",
            "`[[...a]]` takes the rest of the path, so `[b]` cannot follow it",
        );
    }

    #[test]
    fn each_name_is_used_once() {
        check(
            "[a]/x/[a]",
            "`a` names two segments of this path; rename one of them",
        ); // X8
        check(
            "[a]/[...a]",
            "`a` names two segments of this path; rename one of them",
        );
        check(
            "[a-b]/[ab]",
            "`a-b` and `ab` differ only in punctuation; rename one of them",
        ); // X9
        check(
            "[a-b]/[a_b]",
            "`a-b` and `a_b` differ only in punctuation; rename one of them",
        );
        check("[日]/[本]", "/[日]/[本] with 日, 本");
    }

    #[test]
    fn a_name_is_well_formed() {
        check(
            "[[a]]",
            "`[[a]]` would be an optional segment, which there is not; use `[a]` or `[[...a]]`",
        ); // X10
        check(
            "[…a]",
            "`[…a]` has the character `…` (U+2026) where three dots belong; type `...`",
        ); // X11
        check(
            "[[…a]]",
            "`[[…a]]` has the character `…` (U+2026) where three dots belong; type `...`",
        );
        for folder in ["[.a]", "[..a]", "[....a]"] {
            let words = "starts with a period; use `[name]`, or `[...name]` for a catch-all";
            check(folder, &format!("the name in `{folder}` {words}")); // X12
        }
        for folder in ["[]", "[...]", "[[...]]", "[[]]"] {
            let words =
                "has no name between its brackets; use `[name]`, or `[...name]` for a catch-all";
            check(folder, &format!("`{folder}` {words}")); // X13
        }
        check(
            "[a][b]",
            "`[a][b]` has brackets inside its brackets; a folder holds one `[name]`",
        );
    }

    #[test]
    fn patterns_are_ordered_as_next_tries_them() {
        let order = [
            "/",
            "/A",
            "/a/b",
            "/x",
            "/x/[z]",
            "/x/[z]/edit",
            "/x/[...y]",
            "/[a]",
            "/[a]/b",
            "/[a]/[b]",
            "/[...rest]",
        ];
        let mut sorted = order.map(|folder| RoutePattern::parse(folder).unwrap());
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted.map(|pattern| pattern.to_string()), order);
    }

    #[track_caller]
    fn check(folder: &str, expected: &str) {
        let found = RoutePattern::parse(folder).map_or_else(
            |error| error.to_string(),
            |pattern| {
                let names: Vec<_> = pattern
                    .segments()
                    .iter()
                    .filter_map(Segment::name)
                    .collect();
                assert_eq!(pattern.is_dynamic(), !names.is_empty());
                if names.is_empty() {
                    pattern.to_string()
                } else {
                    format!("{pattern} with {}", names.join(", "))
                }
            },
        );
        assert_eq!(found, expected);
    }
}
