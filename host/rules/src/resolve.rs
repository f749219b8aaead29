//! Decides what answers a path: a redirect of the operator's, a route, or another server; and which proxies are asked before.
//!
//! In: the rules of `waystation.toml`, the proxies, the routes, and what was [`Asked`].
//! Out: a [`Resolved`].
//!
//! The order is Next's (fact 1): redirects, proxies, rewrites before files, routes without params, rewrites after files, routes with
//! params, fallback rewrites. A rewritten request is looked for again with its new path and query, and only below the base path. Each
//! answer of a proxy may change what is asked, so after it everything is asked again but the redirects.

use crate::config::{Asked, Redirect, Rewrite, Rules};
use crate::destination::{Climb, Target};
use crate::path::{Path, PathError};
use crate::proxy::{Proxies, Turn};
use crate::table::{Found, Param, Table};

/// What an app routes requests by.
#[derive(Debug)]
pub struct Routing<'t, T, P> {
    /// The operator's rules.
    pub rules: &'t Rules,
    /// The proxies.
    pub proxies: &'t Proxies<P>,
    /// The routes.
    pub table: &'t Table<T>,
}

/// What answers.
#[derive(Debug)]
pub enum Resolved<'t, T, P> {
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// A proxy is asked first.
    Proxy {
        /// Which one.
        turn: Turn<'t, P>,
        /// What a rewrite made of the request; none if it is as it was asked.
        rewritten: Option<Rewritten>,
    },
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

/// What was found for a request and tried before.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// The proxies that were asked.
    pub proxies: Vec<usize>,
    /// The places of routes in the table, with the params that they do not answer (row R3).
    pub routes: Vec<(usize, Vec<Param>)>,
}

/// Finds what answers, or the next proxy to ask.
///
/// # Errors
///
/// A [`ResolveError`].
pub fn resolve<'t, T, P>(
    routing: &Routing<'t, T, P>,
    asked: &Asked<'_>,
    tried: &Tried,
) -> Result<Resolved<'t, T, P>, ResolveError> {
    let done = &*tried.proxies;
    if done.is_empty()
        && let Some(redirect) = routing.rules.redirect(asked)?
    {
        return Ok(Resolved::Redirect(redirect));
    }
    if let Some(turn) = routing.proxies.for_path(asked, done) {
        let rewritten = None;
        return Ok(Resolved::Proxy { turn, rewritten });
    }
    let mut walk = Walk {
        asked,
        refused: &tried.routes,
        rewritten: None,
    };
    let resolved = walk.routed(routing)?;
    if let Resolved::Route { found, rewritten } = &resolved {
        walk.rewritten.clone_from(rewritten);
        if let Some(turn) = routing.proxies.for_route(&walk.now(), done, found) {
            let rewritten = walk.rewritten;
            return Ok(Resolved::Proxy { turn, rewritten });
        }
    }
    Ok(resolved)
}

/// A request on its way through the rewrites.
struct Walk<'w, 'a> {
    asked: &'w Asked<'a>,
    refused: &'w [(usize, Vec<Param>)],
    rewritten: Option<Rewritten>,
}

impl Walk<'_, '_> {
    /// Asks the rewrites and the routes.
    fn routed<'t, T, P>(
        &mut self,
        routing: &Routing<'t, T, P>,
    ) -> Result<Resolved<'t, T, P>, ResolveError> {
        let Routing { rules, table, .. } = *routing;
        if let Some(done) = self.follow(rules.before_files(), None)? {
            return Ok(done);
        }
        let found = self.find(table)?;
        let is_static = |found: &Found<'_, T>| !found.pattern.is_dynamic();
        if found.as_ref().is_some_and(is_static) {
            return Ok(self.route(found));
        }
        let before = self.rewritten.clone();
        if let Some(done) = self.follow(rules.after_files(), Some(table))? {
            return Ok(done);
        }
        if found.is_some() && self.rewritten == before {
            return Ok(self.route(found));
        }
        let done = self.follow(rules.fallback(), Some(table))?;
        Ok(done.unwrap_or(Resolved::Nothing))
    }

    /// Applies rewrites in turn. With a table, the first that leads to a route ends it.
    fn follow<'t, T, P>(
        &mut self,
        rewrites: &[Rewrite],
        table: Option<&'t Table<T>>,
    ) -> Result<Option<Resolved<'t, T, P>>, ResolveError> {
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
            Some(path) => table.find_but(path, self.refused),
            None => Ok(None),
        }
    }

    fn route<'t, T, P>(&mut self, found: Option<Found<'t, T>>) -> Resolved<'t, T, P> {
        let rewritten = self.rewritten.take();
        match found {
            Some(found) => Resolved::Route { found, rewritten },
            None => Resolved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
