//! Decides what answers a path: a redirect of the operator's, a route, or another server.
//!
//! In: the rules of `waystation.toml`, the routes, and what was [`Asked`].
//! Out: a [`Resolved`].
//!
//! The order is Next's (fact 1): redirects, rewrites before files, routes without params, rewrites after files, routes with params,
//! fallback rewrites. A rewritten request is looked for again with its new path and query, and only below the base path.

use crate::config::{Asked, Redirect, Rewrite, Rules};
use crate::destination::{Climb, Target};
use crate::path::{Path, PathError};
use crate::table::{Found, Table};

/// What answers.
#[derive(Debug)]
pub enum Resolved<'t, T> {
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// A route of the app.
    Route {
        /// The route and its params.
        found: Found<'t, T>,
        /// What a rewrite made of the request; none if it is as it was asked.
        rewritten: Option<Rewritten>,
    },
    /// Another server, at this absolute URL.
    Other {
        /// On an origin that a rewrite names.
        url: String,
    },
    /// Nothing.
    Nothing,
}

/// What stands for the path and the query that were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Within the base path.
    pub path: Path<'static>,
    /// Still encoded.
    pub query: Option<String>,
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
pub fn resolve<'t, T>(
    rules: &Rules,
    table: &'t Table<T>,
    asked: &Asked<'_>,
) -> Result<Resolved<'t, T>, ResolveError> {
    if let Some(redirect) = rules.redirect(asked)? {
        return Ok(Resolved::Redirect(redirect));
    }
    let mut walk = Walk {
        asked,
        rewritten: None,
    };
    if let Some(done) = walk.follow(rules.before_files(), None)? {
        return Ok(done);
    }
    let found = walk.find(table)?;
    let is_static = |found: &Found<'_, T>| !found.pattern.is_dynamic();
    if found.as_ref().is_some_and(is_static) {
        return Ok(walk.route(found));
    }
    let before = walk.rewritten.clone();
    if let Some(done) = walk.follow(rules.after_files(), Some(table))? {
        return Ok(done);
    }
    if found.is_some() && walk.rewritten == before {
        return Ok(walk.route(found));
    }
    let done = walk.follow(rules.fallback(), Some(table))?;
    Ok(done.unwrap_or(Resolved::Nothing))
}

/// A request on its way through the rewrites.
struct Walk<'w, 'a> {
    asked: &'w Asked<'a>,
    rewritten: Option<Rewritten>,
}

impl Walk<'_, '_> {
    /// Applies rewrites in turn. With a table, the first that leads to a route ends it.
    fn follow<'t, T>(
        &mut self,
        rewrites: &[Rewrite],
        table: Option<&'t Table<T>>,
    ) -> Result<Option<Resolved<'t, T>>, ResolveError> {
        for rewrite in rewrites {
            match rewrite.target(&self.now())? {
                None => continue,
                Some(Target::Other { url }) => return Ok(Some(Resolved::Other { url })),
                Some(Target::Own { path, query }) => {
                    self.rewritten = Some(Rewritten { path, query });
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

    /// What is asked after the rewrites so far.
    fn now(&self) -> Asked<'_> {
        match &self.rewritten {
            None => *self.asked,
            Some(rewritten) => Asked {
                inside: Some(&rewritten.path),
                query: rewritten.query.as_deref(),
                ..*self.asked
            },
        }
    }

    fn find<'t, T>(&self, table: &'t Table<T>) -> Result<Option<Found<'t, T>>, PathError> {
        match self.now().inside {
            Some(path) => table.find(path),
            None => Ok(None),
        }
    }

    fn route<'t, T>(&mut self, found: Option<Found<'t, T>>) -> Resolved<'t, T> {
        let rewritten = self.rewritten.take();
        match found {
            Some(found) => Resolved::Route { found, rewritten },
            None => Resolved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
