//! Finds the app and the release that a request is for, by its host alone.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request};
use tokio_util::task::TaskTracker;
use waystation_rules::rollout::{HostName, Preview, host_of};
use waystation_rules::segment::Limits;

use super::Node;
use super::running::Running;
use super::tenant::Tenant;
use crate::http::{Response, Upload};
use crate::pipeline::{self, Misdirected};
use crate::sandbox::Asker;
use crate::server::Answers;

/// Shows a release that is ready, under the app's own hosts.
const PREVIEW: HeaderName = HeaderName::from_static("x-waystation-preview");
/// Where the node is.
const REGION: HeaderName = HeaderName::from_static("x-waystation-region");
/// A client with this cookie is told from others by it, instead of by its address.
const STICKY: &str = "waystation-canary";

/// Which app answers which host. It is replaced, never changed.
#[derive(Default)]
pub(super) struct Hosts {
    named: HashMap<HostName, Arc<Tenant>>,
    apps: HashMap<String, Arc<Tenant>>,
    /// What no other app answers.
    any: Option<Arc<Tenant>>,
}

impl Hosts {
    /// The hosts of all apps.
    pub(super) fn of(tenants: &[Arc<Tenant>]) -> Self {
        let mut hosts = Self::default();
        for tenant in tenants {
            hosts
                .apps
                .insert(tenant.name.to_string(), Arc::clone(tenant));
            for host in tenant.known().record.hosts.clone() {
                match host.is_any() {
                    true => hosts.any = Some(Arc::clone(tenant)),
                    false => drop(hosts.named.insert(host, Arc::clone(tenant))),
                }
            }
        }
        hosts
    }
}

impl Answers for Node {
    fn header_bytes(&self) -> usize {
        Limits::default().header_bytes
    }

    fn respond(
        &self,
        asker: Asker,
        mut request: Request<Upload>,
        background: TaskTracker,
    ) -> impl Future<Output = Response> + Send + use<> {
        let found = self.find(&asker, &mut request);
        let region = self.policy.region.as_ref();
        let region = region.and_then(|region| HeaderValue::try_from(region.as_str()).ok());
        // In a box, as hyper moves this several times for each request.
        Box::pin(async move {
            let mut response = match found {
                Ok(running) => {
                    let app = Arc::clone(&running.app);
                    let response = pipeline::respond(app, asker, request, background).await;
                    running.count(response.status());
                    response
                }
                Err(misdirected) => pipeline::misdirected(misdirected),
            };
            if let Some(region) = region {
                response.headers_mut().insert(REGION, region);
            }
            response
        })
    }
}

impl Node {
    /// The release that a request is for.
    fn find(
        &self,
        asker: &Asker,
        request: &mut Request<Upload>,
    ) -> Result<Arc<Running>, Misdirected> {
        let host = pipeline::host(request);
        let host = host_of(host);
        let hosts = self.hosts.load();
        if let Some(Preview { prefix, app }) = Preview::of_host(&host, &self.policy.preview_suffix)
        {
            let running = hosts
                .apps
                .get(app)
                .and_then(|tenant| tenant.preview(prefix));
            return running.ok_or(Misdirected::Preview);
        }
        let tenant = hosts.named.get(&*host).or(hosts.any.as_ref());
        let tenant = tenant.ok_or(Misdirected::Host)?;
        if let Some(header) = request.headers_mut().remove(PREVIEW) {
            return tenant
                .shown_by(header.as_bytes())
                .ok_or(Misdirected::Preview);
        }
        let key = |active: &Running| key(asker, request, active);
        tenant.release_for(key).ok_or(Misdirected::Release)
    }
}

/// What a client is known by, as long as a part of them tries a release.
fn key(asker: &Asker, request: &Request<Upload>, active: &Running) -> Vec<u8> {
    match pipeline::cookie(request, STICKY) {
        Some(cookie) => cookie.into_bytes(),
        None => pipeline::client(request, asker, &active.app.policy)
            .to_string()
            .into_bytes(),
    }
}
