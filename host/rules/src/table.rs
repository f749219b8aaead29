//! Finds the route that answers a path.
//!
//! In: the patterns of an app, once; then one [`Path`] per request.
//! Out: the [`Conflict`]s that keep the patterns from being a table, or for each path the route and its params.
//!
//! The matching itself is wayfind's, whose order of trial is Next's. It knows no percent-encoding, so patterns and paths are handed to it
//! in the same spelling: each segment decoded, then encoded again where wayfind or the slash between segments would be confused.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use wayfind::{Router, RouterBuilder};

use crate::path::{Path, PathError, decode};
use crate::pattern::{RoutePattern, Segment};

mod conflict;

pub use conflict::{Conflict, Site};

/// The routes of an app, ready to be matched.
pub struct Table<T> {
    entries: Vec<Entry<T>>,
    router: Router<usize>,
}

/// One route.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// What it answers.
    pub pattern: RoutePattern,
    /// Where it was defined, such as `app/items/[slug]/route.rs`: shown when two routes are in conflict.
    pub file: String,
    /// Whatever the host hangs on it.
    pub route: T,
}

/// The route that answers a path.
#[derive(Debug)]
pub struct Found<'a, T> {
    /// What matched.
    pub pattern: &'a RoutePattern,
    /// Where it was defined.
    pub file: &'a str,
    /// What the host hung on it.
    pub route: &'a T,
    /// Which of the [`entries`](Table::entries) it is.
    pub place: usize,
    /// The dynamic segments in folder order. An optional catch-all that matched nothing is absent.
    pub params: Vec<Param>,
}

/// One dynamic segment and what the path holds there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Param {
    /// The name as the folder spells it: `user-id` for `[user-id]`.
    pub name: String,
    /// What the path holds there.
    pub value: ParamValue,
}

/// The value of one dynamic segment, percent-decoded once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// `[id]`: one segment, never empty.
    One(String),
    /// `[...slug]` and `[[...slug]]`: one or more.
    Many(Vec<String>),
}

impl<T> Table<T> {
    /// Makes a table of routes, whatever their order.
    ///
    /// # Errors
    ///
    /// Every [`Conflict`] between two of them.
    ///
    /// # Panics
    ///
    /// Never: what wayfind could refuse was encoded or found in conflict before.
    pub fn build(routes: Vec<Entry<T>>) -> Result<Self, Vec<Conflict>> {
        let mut entries = routes;
        entries.sort_by(|a, b| (&a.pattern, &a.file).cmp(&(&b.pattern, &b.file)));
        let conflicts = conflict::all(&entries);
        if !conflicts.is_empty() {
            return Err(conflicts);
        }

        let mut router = RouterBuilder::new();
        for (index, entry) in entries.iter().enumerate() {
            for template in templates(&entry.pattern) {
                router
                    .insert(&template, index)
                    .expect("templates are well formed and no two are equal");
            }
        }
        Ok(Self {
            router: router.build(),
            entries,
        })
    }

    /// Finds the route that answers a path. The trailing slash of a path makes no difference.
    ///
    /// # Errors
    ///
    /// A [`PathError`] if a segment cannot be decoded, which [`normalise`](crate::path::normalise) has ruled out for every [`Path`].
    pub fn find(&self, path: &Path<'_>) -> Result<Option<Found<'_, T>>, PathError> {
        let path = respell(path)?;
        let Some(found) = self.router.search(&path) else {
            return Ok(None);
        };
        let place = *found.data();
        let values = found.parameters().iter().map(|(_, value)| *value);
        let dynamic = self.entries[place]
            .pattern
            .segments()
            .iter()
            .filter(|segment| segment.name().is_some());
        let params = dynamic
            .zip(values)
            .map(|(segment, value)| param(segment, value))
            .collect::<Result<_, _>>()?;
        Ok(Some(self.found(place, params)))
    }

    /// The same without the routes at these places where they would have these params, which they refuse (row R3).
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn find_but(
        &self,
        path: &Path<'_>,
        refused: &[(usize, Vec<Param>)],
    ) -> Result<Option<Found<'_, T>>, PathError> {
        if refused.is_empty() {
            return self.find(path);
        }
        let segments = path.segments().map(decode).collect::<Result<Vec<_>, _>>()?;
        let next = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| Some((place, capture(&entry.pattern, &segments)?)))
            .find(|found| !refused.contains(found));
        Ok(next.map(|(place, params)| self.found(place, params)))
    }

    fn found(&self, place: usize, params: Vec<Param>) -> Found<'_, T> {
        let Entry {
            pattern,
            file,
            route,
        } = &self.entries[place];
        Found {
            pattern,
            file,
            route,
            place,
            params,
        }
    }

    /// The routes in the order in which they are tried, for listing.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<T>> {
        self.entries.iter()
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.entries.iter().map(|entry| entry.pattern.to_string()))
            .finish()
    }
}

/// What a pattern captures of a path, segment by segment: slow beside wayfind, and rarely needed.
fn capture(pattern: &RoutePattern, path: &[Cow<'_, str>]) -> Option<Vec<Param>> {
    let mut rest = path;
    let mut params = Vec::new();
    for segment in pattern.segments() {
        let (taken, value) = match (segment, rest) {
            (Segment::OptionalRest(_), []) => break,
            (Segment::Rest(_) | Segment::OptionalRest(_), [_, ..]) => {
                let all = rest.iter().map(|text| text.clone().into_owned());
                (rest.len(), ParamValue::Many(all.collect()))
            }
            (Segment::One(_), [first, ..]) => (1, ParamValue::One(first.clone().into_owned())),
            (Segment::Static(text), [first, ..]) if text == first => {
                rest = &rest[1..];
                continue;
            }
            _ => return None,
        };
        rest = &rest[taken..];
        params.push(Param {
            name: segment.name().unwrap_or_default().to_owned(),
            value,
        });
    }
    rest.is_empty().then_some(params)
}

fn param(segment: &Segment, value: &str) -> Result<Param, PathError> {
    let text = |segment| decode(segment).map(Cow::into_owned);
    Ok(Param {
        name: segment.name().unwrap_or_default().to_owned(),
        value: match segment {
            Segment::Static(_) | Segment::One(_) => ParamValue::One(text(value)?),
            Segment::Rest(_) | Segment::OptionalRest(_) => {
                ParamValue::Many(value.split('/').map(text).collect::<Result<_, _>>()?)
            }
        },
    })
}

/// The pattern as wayfind spells it: `/items/<1>`. An optional catch-all is two templates, without it and with it.
///
/// Params are named by their place, so that wayfind need not know the folder's spelling and sees `[a]` and `[b]` as one.
fn templates(pattern: &RoutePattern) -> Vec<String> {
    let mut template = String::new();
    let mut without = None;
    for (place, segment) in pattern.segments().iter().enumerate() {
        if let Segment::OptionalRest(_) = segment {
            without = Some(rooted(template.clone()));
        }
        template += &piece(segment, place);
    }
    without.into_iter().chain([rooted(template)]).collect()
}

fn piece(segment: &Segment, place: usize) -> String {
    match segment {
        Segment::Static(text) => format!("/{}", utf8_percent_encode(text, CONFUSING)),
        Segment::One(_) => format!("/<{place}>"),
        Segment::Rest(_) | Segment::OptionalRest(_) => format!("/<*{place}>"),
    }
}

/// The path in the spelling of [`templates`]; borrowed if nothing in it is escaped.
fn respell<'a>(path: &'a Path<'_>) -> Result<Cow<'a, str>, PathError> {
    let text = path.as_str();
    if !text.contains('%') {
        let bare = text.strip_suffix('/').unwrap_or(text);
        return Ok(Cow::Borrowed(if bare.is_empty() { "/" } else { bare }));
    }
    let mut spelt = String::with_capacity(text.len());
    for segment in path.segments() {
        spelt.push('/');
        spelt.extend(utf8_percent_encode(&decode(segment)?, CONFUSING));
    }
    Ok(Cow::Owned(spelt))
}

fn rooted(template: String) -> String {
    if template.is_empty() {
        "/".to_owned()
    } else {
        template
    }
}

/// What is escaped in templates: wayfind's brackets, the slash inside a segment, the escape itself, and whatever a [`Path`] always escapes.
/// Nothing that a [`Path`] may hold raw is in it, so a path without `%` needs no respelling.
const CONFUSING: &AsciiSet = &CONTROLS.add(b'<').add(b'>').add(b'/').add(b'%');

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
