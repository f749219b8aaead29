//! Decides which proxies a request passes on its way to a route, and what a proxy may change (rows PX1 to PX9).
//!
//! In: the file of each `proxy.rs` with its `MATCHER`, once; then what was [`Asked`], and the route that is found for it.
//! Out: the next proxy to ask; where a rewrite of a proxy's leads; yes or no for a header.
//!
//! A proxy is asked once at most for a request, and an outer one before an inner one. It is about
//!
//! - every path, if it lies beside `app/` or in it;
//! - every path below its folder, routed or not, if the folder is of plain names only: `app/admin/proxy.rs`;
//! - every request that a route below its folder answers, whatever the path and however it was rewritten: `app/(shop)/proxy.rs`,
//!   `app/[team]/proxy.rs`, and the others too.
//!
//! So no spelling and no rewrite of `waystation.toml` leads to a route around the proxies above it. Path and route come from the one parser
//! and the one table that routing uses (threat model, R2); nothing that a client sends is asked here but through the `MATCHER`.

use crate::config::declared::Matcher;
use crate::config::{self, Asked, ConfigError, Rule};
use crate::destination::{self, DestinationError, Target, encode};
use crate::path::{Normal, Path, PathError, decode, normalise};
use crate::pattern::{RoutePattern, Segment};
use crate::table::{Found, Param};
use crate::{admit, finish, forwarded};

/// Which requests a proxy is about.
#[derive(Clone, Debug)]
pub struct Reach {
    file: String,
    /// How many folders below the project's root, `src/` not counted.
    depth: usize,
    /// The folder with a slash at its end, as the files of routes begin.
    folder: String,
    /// The folder's names where all are plain: every path that begins with them is below it.
    plain: Option<Vec<String>>,
    /// Without any, every request within reach.
    matcher: Option<Vec<Rule>>,
}

/// Why a `MATCHER` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// `MATCHER = &[]`.
    #[error(
        "`MATCHER` is empty, so the proxy would never be asked; leave it out to match everything"
    )]
    Empty,

    /// A path pattern or a condition; all that is wrong at once.
    #[error("{}", joined(.0))]
    Rules(Vec<ConfigError>),
}

/// Why a rewrite leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither a path nor an origin.
    #[error(transparent)]
    Destination(#[from] DestinationError),

    /// A path that cannot be decoded.
    #[error(transparent)]
    Path(#[from] PathError),

    /// `/a//b` or `/a\\b`.
    #[error("write it `{path}`")]
    Spelling {
        /// As it can be.
        path: String,
    },
}

/// The proxies of an app, outer first.
#[derive(Debug)]
pub struct Proxies<P> {
    entries: Vec<(Reach, P)>,
}

/// A proxy that is to be asked.
#[derive(Debug)]
pub struct Turn<'p, P> {
    /// Which of [`Proxies`] it is.
    pub index: usize,
    /// What the host hung on it.
    pub proxy: &'p P,
    /// The params of the route that is found; none where it is asked for the path alone.
    pub params: Vec<Param>,
}

impl Reach {
    /// Reads what a proxy is about from its place, such as `proxy.rs`, `app/admin/proxy.rs` or `src/app/(shop)/proxy.rs`.
    #[must_use]
    pub fn of(file: &str) -> Self {
        let folder = file.rfind('/').map_or("", |slash| &file[..=slash]);
        let below = folder.strip_prefix("src/").unwrap_or(folder);
        let names = below.strip_prefix("app/").unwrap_or_default();
        Self {
            file: file.to_owned(),
            depth: below.matches('/').count(),
            folder: folder.to_owned(),
            plain: plain_names(names),
            matcher: None,
        }
    }

    /// The same for what a `MATCHER` names only. Its sources count from the root of the app.
    ///
    /// # Errors
    ///
    /// A [`MatcherError`].
    pub fn matching(self, matcher: &[Matcher]) -> Result<Self, MatcherError> {
        if matcher.is_empty() {
            return Err(MatcherError::Empty);
        }
        let rules = config::matchers(matcher).map_err(MatcherError::Rules)?;
        Ok(Self {
            matcher: Some(rules),
            ..self
        })
    }

    /// The proxy's file from the project's root.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether a path lies below the folder, as far as a path alone can tell.
    fn has_path(&self, path: &Path<'_>) -> bool {
        let mut segments = path.segments();
        let is_next = |name: &String| {
            let segment = segments.next().map(decode);
            segment.is_some_and(|segment| segment.is_ok_and(|segment| segment == *name))
        };
        self.plain
            .as_ref()
            .is_some_and(|names| names.iter().all(is_next))
    }

    /// Whether a route lies below the folder.
    fn has_route(&self, file: &str) -> bool {
        file.starts_with(&self.folder)
    }

    fn matches(&self, asked: &Asked<'_>) -> bool {
        let is_about = |rule: &Rule| rule.find(asked).is_some();
        self.matcher
            .as_ref()
            .is_none_or(|rules| rules.iter().any(is_about))
    }
}

impl<P> Default for Proxies<P> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<P> Proxies<P> {
    /// Puts the proxies of an app in the order in which they are asked.
    #[must_use]
    pub fn new(mut entries: Vec<(Reach, P)>) -> Self {
        entries.sort_by(|(a, _), (b, _)| (a.depth, &a.file).cmp(&(b.depth, &b.file)));
        Self { entries }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The proxies, outer first.
    pub fn iter(&self) -> impl Iterator<Item = &(Reach, P)> {
        self.entries.iter()
    }

    /// The next proxy to ask about a path, before it is known what answers there. `done` are those that were asked.
    #[must_use]
    pub fn for_path(&self, asked: &Asked<'_>, done: &[usize]) -> Option<Turn<'_, P>> {
        let path = asked.inside?;
        let (index, proxy) = self.next(asked, done, |reach| reach.has_path(path))?;
        Some(Turn {
            index,
            proxy,
            params: Vec::new(),
        })
    }

    /// The next proxy to ask about a request that `found` would answer at the path that is asked now.
    pub fn for_route<T>(
        &self,
        asked: &Asked<'_>,
        done: &[usize],
        found: &Found<'_, T>,
    ) -> Option<Turn<'_, P>> {
        let path = asked.inside?;
        let is_within = |reach: &Reach| reach.has_path(path) || reach.has_route(found.file);
        let (index, proxy) = self.next(asked, done, is_within)?;
        Some(Turn {
            index,
            proxy,
            params: found.params.clone(),
        })
    }

    fn next(
        &self,
        asked: &Asked<'_>,
        done: &[usize],
        is_within: impl Fn(&Reach) -> bool,
    ) -> Option<(usize, &P)> {
        let mut entries = self.entries.iter().enumerate();
        let (index, (_, proxy)) = entries.find(|(index, (reach, _))| {
            !done.contains(index) && is_within(reach) && reach.matches(asked)
        })?;
        Some((index, proxy))
    }
}

/// Where a proxy's rewrite leads (row PX7). `origin` is what `request.url` calls this host, such as `http://localhost:3000`.
///
/// The query is the target's own; a path lies within the base path.
///
/// # Errors
///
/// A [`TargetError`] if it is neither a path nor an absolute URL.
pub fn target(text: &str, origin: &str) -> Result<Target, TargetError> {
    let text = relative(text, origin);
    let text = text.split('#').next().unwrap_or_default();
    let (text, query) = text
        .split_once('?')
        .map_or((text, None), |(text, query)| (text, Some(encode(query))));
    let (other, path) = destination::origin(text)?;
    let bare = path.strip_suffix('/').filter(|bare| !bare.is_empty());
    let path = match normalise(bare.unwrap_or(path), false)? {
        Normal::Serve(path) => path.into_owned(),
        Normal::Redirect(path) => return Err(TargetError::Spelling { path }),
    };
    let Some(other) = other else {
        return Ok(Target::Own { path, query });
    };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    let url = format!("{other}{}{query}", path.as_str());
    Ok(Target::Other { url })
}

/// A `Location` of a proxy's as it is sent: a path where it leads to this host (row PX8).
#[must_use]
pub fn relative(location: &str, origin: &str) -> String {
    match location.strip_prefix(origin) {
        Some("") => "/".to_owned(),
        Some(rest) if rest.starts_with('/') && !rest.starts_with("//") => rest.to_owned(),
        Some(rest) if rest.starts_with(['?', '#']) => format!("/{rest}"),
        _ => location.to_owned(),
    }
}

/// Whether a proxy may change a header of the request: not one that the host settles, frames the message with, or keeps for itself
/// (threat model, R1).
#[must_use]
pub fn may_change(header_name_lowercase: &str) -> bool {
    let name = header_name_lowercase;
    let is_settled = name == "host" || forwarded::HEADERS.contains(&name);
    !is_settled && !admit::is_internal(name) && !finish::is_forbidden(name)
}

/// The names of a folder below `app/`, if each of them stands for itself in a path: no group, no slot and no param.
fn plain_names(folder: &str) -> Option<Vec<String>> {
    let pattern = RoutePattern::parse(folder).ok()?;
    let names = pattern.segments().iter().map(|segment| match segment {
        Segment::Static(name) => Some(name.clone()),
        Segment::One(_) | Segment::Rest(_) | Segment::OptionalRest(_) => None,
    });
    let names = names.collect::<Option<Vec<_>>>()?;
    (names.len() == folder.matches('/').count()).then_some(names)
}

fn joined(errors: &[ConfigError]) -> String {
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    texts.join("\nerror: ")
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod tests;
