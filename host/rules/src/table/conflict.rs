//! Finds the routes that cannot stand in one table.
//!
//! In: the routes of an app. Out: every pair that is in conflict, with both files and what to do.

use std::collections::HashMap;

use super::{Entry, piece, templates};
use crate::pattern::{RoutePattern, Segment};

/// Two routes that get in each other's way.
///
/// It reads as the lines of an error message after `error: `, with both files and a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// `(a)/x` and `(b)/x`.
    #[error("two files answer `{}`{}", .first.pattern, places(first, second, "keep one of them: groups and slots are not part of a path"))]
    SamePattern {
        /// One of them.
        first: Site,
        /// The other.
        second: Site,
    },

    /// `[item]` and `[product]`, `[...a]` and `[...b]`, or `[...a]` and `[[...a]]` in one place.
    #[error(
        "`{}` and `{}` match the same paths{}", .first.pattern, .second.pattern,
        places(first, second, "keep one of them, or move one under a folder of its own")
    )]
    SamePaths {
        /// The one that would be tried first.
        first: Site,
        /// The one that would never be reached.
        second: Site,
    },

    /// `x` and `x/[[...rest]]`.
    #[error(
        "`{}` matches `{}` too{}", .second.pattern, .first.pattern,
        places(first, second, "write `[...name]` with single brackets to leave the shorter path to its own file")
    )]
    OptionalCatchAll {
        /// The shorter route.
        first: Site,
        /// The route that ends in an optional catch-all.
        second: Site,
    },

    /// `[a]/x` and `[b]/y`: no path is matched twice, but one place would have two names.
    #[error(
        "`[{first_name}]` and `[{second_name}]` name the same segment{}",
        places(first, second, &format!("name both folders `[{first_name}]`"))
    )]
    TwoNames {
        /// The route that says `first_name`.
        first: Site,
        /// What the one calls the segment.
        first_name: String,
        /// The route that says `second_name`.
        second: Site,
        /// What the other calls it.
        second_name: String,
    },
}

/// A route and where it was defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// What it answers.
    pub pattern: RoutePattern,
    /// Its file, such as `app/shop/[item]/route.rs`.
    pub file: String,
}

/// Every conflict between `entries`, which are in order of precedence.
pub(super) fn all<T>(entries: &[Entry<T>]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    let mut owners: HashMap<String, &Entry<T>> = HashMap::new();
    let mut names: HashMap<String, (&str, &Entry<T>)> = HashMap::new();
    for entry in entries {
        let mut overlaps: Vec<_> = templates(&entry.pattern)
            .into_iter()
            .filter_map(|template| claim(&mut owners, template, entry))
            .map(|owner| overlap(owner, entry))
            .collect();
        overlaps.dedup();
        if overlaps.is_empty() {
            overlaps.extend(second_name(&mut names, entry));
        }
        conflicts.append(&mut overlaps);
    }
    conflicts
}

/// Makes `entry` the owner of a template, unless there is one already.
fn claim<'a, T>(
    owners: &mut HashMap<String, &'a Entry<T>>,
    template: String,
    entry: &'a Entry<T>,
) -> Option<&'a Entry<T>> {
    let owner = *owners.entry(template).or_insert(entry);
    (!std::ptr::eq(owner, entry)).then_some(owner)
}

fn overlap<T>(a: &Entry<T>, b: &Entry<T>) -> Conflict {
    let length = |entry: &Entry<T>| entry.pattern.segments().len();
    let (first, second) = if length(b) < length(a) {
        (b, a)
    } else {
        (a, b)
    };
    let is_longer = length(first) < length(second);
    let (first, second) = (Site::of(first), Site::of(second));
    if first.pattern == second.pattern {
        Conflict::SamePattern { first, second }
    } else if is_longer {
        Conflict::OptionalCatchAll { first, second }
    } else {
        Conflict::SamePaths { first, second }
    }
}

/// The first place where `entry` has another name than an earlier route.
fn second_name<'a, T>(
    names: &mut HashMap<String, (&'a str, &'a Entry<T>)>,
    entry: &'a Entry<T>,
) -> Option<Conflict> {
    let mut place = String::new();
    for (depth, segment) in entry.pattern.segments().iter().enumerate() {
        place += &piece(segment, depth);
        let Segment::One(name) = segment else {
            continue;
        };
        let (first_name, first) = *names.entry(place.clone()).or_insert((name, entry));
        if first_name != name {
            return Some(Conflict::TwoNames {
                first: Site::of(first),
                first_name: first_name.to_owned(),
                second: Site::of(entry),
                second_name: name.to_owned(),
            });
        }
    }
    None
}

impl Site {
    fn of<T>(entry: &Entry<T>) -> Self {
        Self {
            pattern: entry.pattern.clone(),
            file: entry.file.clone(),
        }
    }
}

fn places(first: &Site, second: &Site, hint: &str) -> String {
    format!(
        "\n  --> {}\n  --> {}\n\nhint: {hint}",
        first.file, second.file
    )
}
