//! Makes the answers that are kept before anybody asks, as `build` does: through the same sandbox, from the same request without anything of
//! a client's, into entries of the same kind.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;
use waystation_rules::caching::params::{self, ParamsFault};
use waystation_rules::caching::{Keeping, NotKept};
use waystation_rules::table::{Entry, Param};

use super::failure::Refusal;
use super::keeping;
use super::reuse::{Made, Reuse, Wanted};
use crate::app::{App, Handler, Route};
use crate::sandbox::{self, Asker, Asks, Fault, Guest};
use crate::store;
use crate::telemetry::RequestId;

/// An answer that is to be made.
pub struct Planned {
    file: String,
    answer: Reuse,
    /// Why each request has to run the route's handler, once one of its answers has told.
    dynamic: Arc<OnceLock<NotKept>>,
}

/// What came of it.
pub enum Prerendered {
    /// It is kept.
    Kept(Arc<store::Entry>),
    /// Each request has to run the route's handler, for this reason.
    Dynamic(NotKept),
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

/// The answers of a route that are to be made: one for a route without params, and one for each that it lists. Nothing for a route that each
/// request runs. What its guest does beside them goes to `background`.
///
/// # Errors
///
/// [`PrerenderError::List`] and [`PrerenderError::Params`].
pub async fn plan(
    app: &Arc<App>,
    route: &Entry<Route>,
    background: &TaskTracker,
) -> Result<Option<Vec<Planned>>, PrerenderError> {
    let Handler::Guest(guest) = &route.route.handler else {
        return Ok(None); // a file
    };
    let keeping = keeping::of(app, &route.route, guest);
    if keeping == Keeping::Never {
        return Ok(None);
    }
    let asks = Asks {
        own: Arc::clone(app) as _,
        asker: Asker::client(IpAddr::V4(Ipv4Addr::LOCALHOST), app.policy.scheme),
        background: background.clone(),
        draft_mode: false,
        making: None,
        stand_in: None,
    };
    let dynamic = Arc::default();
    let planned = |params: &Vec<Param>| {
        let wanted = Wanted {
            app,
            guest,
            keeping,
            pattern: &route.pattern,
            params,
            asks: &asks,
        };
        Planned {
            file: route.file.clone(),
            answer: wanted.owned(),
            dynamic: Arc::clone(&dynamic),
        }
    };
    let params = all_params(route, guest, &asks).await?;
    Ok(Some(params.iter().map(planned).collect()))
}

/// One without any for a route that has none, and those that it lists.
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

impl Planned {
    /// The route's source.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// With its params.
    pub fn path(&self) -> String {
        self.answer.path()
    }

    /// The dynamic segments.
    pub fn params(&self) -> &[Param] {
        &self.answer.params
    }

    /// Makes it, unless another of the route's has told that none is kept (row SP7).
    ///
    /// # Errors
    ///
    /// [`PrerenderError::Answer`]: row Y5, and a handler that fails.
    pub async fn make(&self) -> Result<Prerendered, PrerenderError> {
        if let Some(reason) = self.dynamic.get() {
            return Ok(Prerendered::Dynamic(reason.clone()));
        }
        let made = self.answer.make(RequestId::new()).await;
        match made {
            Ok(Made::Once(_, reason)) if self.answer.is_required() => {
                Err(self.fails(Refusal::NotStatic(reason).to_string()))
            }
            Ok(Made::Kept(entry)) => Ok(Prerendered::Kept(entry)),
            Ok(Made::Once(_, reason) | Made::Dynamic(reason)) => {
                let reason = self.dynamic.get_or_init(|| reason);
                Ok(Prerendered::Dynamic(reason.clone()))
            }
            Err(refusal) => {
                let mut reason = refusal.to_string();
                if matches!(&refusal, Refusal::Fault(fault) if fault.is_trap()) {
                    reason.push_str("\n\nhint: what is kept is made without a request; say `DYNAMIC = Dynamic::ForceDynamic` if the handler needs one");
                }
                Err(self.fails(reason))
            }
        }
    }

    fn fails(&self, reason: String) -> PrerenderError {
        PrerenderError::Answer {
            file: self.file.clone(),
            path: self.path(),
            reason,
        }
    }
}
