//! Makes the answers that are kept before anybody asks, as `build` does: through the same sandbox, from the same request without anything of
//! a client's, into entries of the same kind.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio_util::task::TaskTracker;
use waystation_rules::caching::params::{self, ParamsFault};
use waystation_rules::caching::{Keeping, NotKept};
use waystation_rules::table::{Entry, Param};

use super::failure::Refusal;
use super::reuse::{self, Made, Wanted};
use crate::app::{App, Handler, Route};
use crate::sandbox::{self, Asker, Asks, Fault, Guest};
use crate::store;
use crate::telemetry::RequestId;

/// What there is of a route's answers.
pub enum Prerendered {
    /// Each request runs the handler.
    Dynamic {
        /// Why, of a route that asked for its answers to be kept.
        reason: Option<NotKept>,
    },
    /// These are kept. None of a route with params that lists none: they are made on demand.
    Kept(Vec<Arc<store::Entry>>),
}

/// Why a build cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PrerenderError {
    /// The list of params cannot be had.
    #[error("{file}: `generate_static_params` failed: {fault}")]
    List {
        /// The route's source.
        file: String,
        /// Why.
        fault: Fault,
    },

    /// The list of params does not fit the route.
    #[error("{file}: {fault}")]
    Params {
        /// The route's source.
        file: String,
        /// Why.
        fault: ParamsFault,
    },

    /// An answer cannot be made.
    #[error("{file}: the answer of {path} cannot be made: {reason}")]
    Answer {
        /// The route's source.
        file: String,
        /// With its params.
        path: String,
        /// Why.
        reason: String,
    },
}

/// Makes all answers of a route that are kept. What guests do after them goes to `background`.
///
/// # Errors
///
/// A [`PrerenderError`]: row Y5, and a handler that fails.
pub async fn prerender(
    app: &Arc<App>,
    route: &Entry<Route>,
    background: &TaskTracker,
) -> Result<Prerendered, PrerenderError> {
    let Handler::Guest(guest) = &route.route.handler else {
        return Ok(Prerendered::Kept(Vec::new())); // a file
    };
    let keeping = reuse::keeping(app, &route.route, guest);
    if keeping == Keeping::Never {
        return Ok(Prerendered::Dynamic { reason: None });
    }
    let asks = Asks {
        own: Arc::clone(app) as _,
        asker: Asker {
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            depth: 0,
        },
        background: background.clone(),
        draft_mode: false,
        making: None,
    };
    let mut entries = Vec::new();
    for params in all_params(route, guest, &asks).await? {
        let wanted = Wanted {
            app,
            guest,
            keeping,
            pattern: &route.pattern,
            params: &params,
            asks: &asks,
        };
        match made(&wanted).await {
            Ok(Made::Kept(entry)) => entries.push(entry),
            Ok(Made::Once(_, reason) | Made::Dynamic(reason)) => {
                guest.set_all_dynamic(); // SP7
                let reason = Some(reason);
                return Ok(Prerendered::Dynamic { reason });
            }
            Err(refusal) => {
                return Err(PrerenderError::Answer {
                    file: route.file.clone(),
                    path: params::path(&route.pattern, &params),
                    reason: refusal.to_string(),
                });
            }
        }
    }
    Ok(Prerendered::Kept(entries))
}

async fn made(wanted: &Wanted<'_>) -> Result<Made, Refusal> {
    wanted.owned().make(RequestId::new()).await
}

/// The params to make answers for: one answer for a route without any, and those that it lists.
async fn all_params(
    route: &Entry<Route>,
    guest: &Arc<Guest>,
    asks: &Asks,
) -> Result<Vec<Vec<Param>>, PrerenderError> {
    if !route.pattern.is_dynamic() {
        return Ok(vec![Vec::new()]);
    }
    let file = || route.file.clone();
    let listed = sandbox::static_params(guest, asks.clone()).await;
    let listed = listed.map_err(|fault| PrerenderError::List {
        file: file(),
        fault,
    })?;
    let listed = params::listed(&route.pattern, listed.unwrap_or_default());
    listed.map_err(|fault| PrerenderError::Params {
        file: file(),
        fault,
    })
}
