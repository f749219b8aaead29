//! Decides what answers a path: a redirect of the operator's, a route, or another server.
//!
//! In: the rules of `waystation.toml`, the routes, and what was [`Asked`].
//! Out: a [`Resolved`].
//!
//! The order is Next's (fact 1): redirects, rewrites before files, routes without params, rewrites after files, routes with params,
//! fallback rewrites. A rewritten request is looked for again with its new path and query, and only below the base path.

use std::borrow::Cow;

use crate::config::{Asked, Redirect, Rewrite, Rules};
use crate::destination::{Climb, Target};
use crate::path::{Path, PathError};
use crate::table::{Found, Table};

/// What answers.
#[derive(Debug)]
pub enum Resolved<'a, 't, T> {
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// A route of the app.
    Route {
        /// The route and its params.
        found: Found<'t, T>,
        /// The path that it was found by, within the base path.
        path: Path<'a>,
        /// The query that goes with the path, still encoded.
        query: Option<Cow<'a, str>>,
    },
    /// Another server, at this absolute URL.
    Other {
        /// On an origin that a rewrite names.
        url: String,
    },
    /// Nothing.
    Nothing,
}

/// Why a request is refused with 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A param would lead above a rule's destination.
    #[error(transparent)]
    Climb(#[from] Climb),

    /// A segment cannot be decoded; never for a [`Path`].
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Finds what answers.
///
/// # Errors
///
/// A [`ResolveError`].
pub fn resolve<'a, 't, T>(
    rules: &Rules,
    table: &'t Table<T>,
    asked: &Asked<'a>,
) -> Result<Resolved<'a, 't, T>, ResolveError> {
    if let Some(redirect) = rules.redirect(asked)? {
        return Ok(Resolved::Redirect(redirect));
    }
    let mut walk = Walk {
        asked,
        path: asked.inside.cloned(),
        query: asked.query.map(Cow::Borrowed),
        is_moved: false,
    };
    if let Some(done) = walk.follow(rules.before_files(), None)? {
        return Ok(done);
    }
    let first = walk.find(table)?;
    if let Some(found) = &first
        && !found.pattern.is_dynamic()
    {
        return Ok(walk.route(first));
    }
    walk.is_moved = false;
    if let Some(done) = walk.follow(rules.after_files(), Some(table))? {
        return Ok(done);
    }
    if first.is_some() && !walk.is_moved {
        return Ok(walk.route(first));
    }
    let done = walk.follow(rules.fallback(), Some(table))?;
    Ok(done.unwrap_or(Resolved::Nothing))
}

/// A request on its way through the rewrites.
struct Walk<'w, 'a> {
    asked: &'w Asked<'a>,
    path: Option<Path<'a>>,
    query: Option<Cow<'a, str>>,
    is_moved: bool,
}

impl<'a> Walk<'_, 'a> {
    /// Applies rewrites in turn. With a table, the first that leads to a route ends it.
    fn follow<'t, T>(
        &mut self,
        rewrites: &[Rewrite],
        table: Option<&'t Table<T>>,
    ) -> Result<Option<Resolved<'a, 't, T>>, ResolveError> {
        for rewrite in rewrites {
            let asked = Asked {
                inside: self.path.as_ref(),
                query: self.query.as_deref(),
                ..*self.asked
            };
            match rewrite.target(&asked)? {
                None => continue,
                Some(Target::Other { url }) => return Ok(Some(Resolved::Other { url })),
                Some(Target::Own { path, query }) => {
                    (self.path, self.query) = (Some(path), query.map(Cow::Owned));
                    self.is_moved = true;
                }
            }
            if let Some(table) = table
                && let found @ Some(_) = self.find(table)?
            {
                return Ok(Some(self.route(found)));
            }
        }
        Ok(None)
    }

    fn find<'t, T>(&self, table: &'t Table<T>) -> Result<Option<Found<'t, T>>, PathError> {
        match &self.path {
            Some(path) => table.find(path),
            None => Ok(None),
        }
    }

    fn route<'t, T>(&mut self, found: Option<Found<'t, T>>) -> Resolved<'a, 't, T> {
        match (found, self.path.take()) {
            (Some(found), Some(path)) => Resolved::Route {
                found,
                path,
                query: self.query.take(),
            },
            _ => Resolved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
