//! Answers what a handler asks of its own app, as if a client had asked.

use std::pin::Pin;
use std::sync::Arc;

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Uri};
use http::{HeaderValue, Request};
use tokio_util::task::TaskTracker;
use waystation_rules::{forwarded, outbound};

use crate::app::App;
use crate::http::{Response, Upload};
use crate::outbound::Client;
use crate::sandbox::{Asker, OwnRoutes};
use crate::store::Kept;
use crate::telemetry::AppCounts;

impl OwnRoutes for App {
    fn is_own(&self, url: &Uri) -> bool {
        let policy = &self.policy;
        outbound::is_own(url, policy.scheme, &policy.origin, &policy.trust)
    }

    fn client(&self) -> &Arc<Client> {
        &self.policy.outbound
    }

    fn kept(&self) -> &Kept {
        &self.policy.kept
    }

    fn counts(&self) -> &Arc<AppCounts> {
        &self.policy.counts
    }

    fn ask(
        self: Arc<Self>,
        request: Request<Upload>,
        asker: Asker,
        background: TaskTracker,
    ) -> Pin<Box<dyn Future<Output = Response> + Send>> {
        let request = as_of_a_client(request, &self.policy.origin);
        Box::pin(super::respond(self, asker, request, background))
    }
}

/// In origin form, on the app's own host, and without what only a proxy of the operator's may say.
fn as_of_a_client(mut request: Request<Upload>, origin: &Authority) -> Request<Upload> {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let headers = request.headers_mut();
    for name in forwarded::HEADERS {
        headers.remove(name);
    }
    if let Ok(origin) = HeaderValue::try_from(origin.as_str()) {
        headers.insert(HOST, origin);
    }
    request
}
