//! Where the requests of an app are counted.

use std::sync::Arc;

use waystation_rules::proxy::Proxies;
use waystation_rules::table::Table;

use super::{Handler, Proxy, Route};
use crate::telemetry::{AppCounts, RouteCounts};

/// What files are counted as: there may be more of them than anybody wants to see apart.
const FILES: &str = "(files)";

/// Where each route and proxy of an app is counted.
pub struct Counters {
    routes: Box<[Arc<RouteCounts>]>,
    proxies: Box<[Arc<RouteCounts>]>,
    /// For what neither a route nor a proxy answers.
    pub others: Arc<RouteCounts>,
}

impl Counters {
    pub(super) fn of(counts: &AppCounts, table: &Table<Route>, proxies: &Proxies<Proxy>) -> Self {
        let routes = table.entries().map(|entry| match &entry.route.handler {
            Handler::File(_) => counts.route(FILES),
            Handler::Guest(_) | Handler::Broken(_) => counts.route(&entry.route.pattern),
        });
        let proxies = proxies.iter().map(|(_, proxy)| counts.route(&proxy.file));
        Self {
            routes: routes.collect(),
            proxies: proxies.collect(),
            others: counts.route(""),
        }
    }

    /// Of the route at this place of the table.
    #[must_use]
    pub fn route(&self, place: usize) -> Option<Arc<RouteCounts>> {
        self.routes.get(place).cloned()
    }

    /// Of a proxy.
    #[must_use]
    pub fn proxy(&self, index: usize) -> Option<Arc<RouteCounts>> {
        self.proxies.get(index).cloned()
    }
}
