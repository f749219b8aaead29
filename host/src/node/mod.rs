//! Serves any number of apps by host name, each in the release that its operator has had activated.
//!
//! In: a folder, and what is asked of the admin API. Out: an app for each request, by its host alone.
//!
//! A release is sent, or fetched from a registry because its tag is followed (`follower`); then it is looked at (`inspect`), made ready and
//! checked away from those that serve (`stage`), and then one pointer is swapped, once that is written down (`step`). A request that is under
//! way ends on the release that it began with.

mod admin;
mod cap;
mod checks;
mod collect;
mod data;
mod error;
mod follow;
mod follower;
mod inspect;
mod policy;
mod ready;
mod record;
mod running;
mod serve;
mod signature;
mod stage;
mod step;
mod tenant;
mod tokens;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use http::uri::Authority;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use waystation_rules::rollout::{AppName, HostName};

use crate::app::Loader;
use crate::deploy::Arrivals;
use crate::project::layout::Blobs;
use crate::sandbox::Favour;
use data::Data;
use error::NodeError;
use record::Record;
use running::Maker;
use serve::Hosts;
use tenant::Tenant;

pub use admin::{Admin, Reach};
pub use cap::Cap;
pub use data::socket;
pub use follow::{Follow, FollowError, check_follows};
pub use follower::follow;
pub use policy::Policy;
pub use signature::Keys;
pub use tokens::{make as make_token, revoke as revoke_token};

/// Bytes of one blob.
const MOST_BLOB: u64 = 64 << 20;
/// Releases that are made ready at once. One that the compiler cannot finish does not keep all others out.
const COMPILING: usize = 2;

/// The apps of a folder, ready to be asked.
pub struct Node {
    policy: Policy,
    /// The port that clients are told in `request.url`, unless it is their schemes' own.
    port: u16,
    data: Data,
    maker: Maker,
    tenants: Mutex<BTreeMap<AppName, Arc<Tenant>>>,
    /// The apps of which it could not be read what they are. Nobody touches what is theirs.
    unread: BTreeSet<AppName>,
    /// Held while hosts are given out: apps agree on who has which. Nobody compiles meanwhile, and who has an app's own turn may wait for it.
    giving_hosts: Mutex<()>,
    hosts: ArcSwap<Hosts>,
    compiling: Arc<Semaphore>,
}

impl Node {
    /// Opens a folder and gets each app's releases ready. An app that cannot be served is told, and the others serve.
    ///
    /// It blocks, and needs a Tokio runtime. `port` is that of the listener.
    ///
    /// # Errors
    ///
    /// If another node has the folder, or it cannot be used.
    pub fn open(root: &Path, port: u16, policy: Policy) -> anyhow::Result<Self> {
        let data = Data::open(root)?;
        collect::tidy(&data)?;
        let loader = Loader::open(&data.code(), policy.cap.defaults().into(), Favour::Running)?;
        let loader = loader.compiling_apart(policy.compiler).lowering();
        let mut node = Self {
            port,
            maker: Maker::new(loader, policy.cap.clone()),
            tenants: Mutex::default(),
            unread: BTreeSet::new(),
            giving_hosts: Mutex::default(),
            hosts: ArcSwap::default(),
            compiling: Arc::new(Semaphore::new(COMPILING)),
            data,
            policy,
        };
        for app in node.data.apps()? {
            let folder = node.data.app(&app);
            match Record::read(&folder) {
                Ok(record) => {
                    let tenant = Arc::new(Tenant::new(app.clone(), folder, record));
                    node.tenants().insert(app, tenant);
                }
                Err(error) => {
                    tracing::error!("{app} is not served: {error:#}");
                    node.unread.insert(app);
                }
            }
        }
        // At once: each may wait for what other nodes say of its answers.
        let runtime = Handle::current();
        let tenants: Vec<_> = node.tenants().values().cloned().collect();
        std::thread::scope(|scope| {
            for tenant in &tenants {
                scope.spawn(|| {
                    let _entered = runtime.enter();
                    node.load_all(tenant);
                });
            }
        });
        node.publish_hosts();
        node.collect();
        Ok(node)
    }

    /// How many apps there are, and how many of them answer.
    #[must_use]
    pub fn apps(&self) -> (usize, usize) {
        let tenants = self.tenants();
        let active = tenants.values().filter(|tenant| tenant.active().is_some());
        (tenants.len(), active.count())
    }

    /// How many apps have an active release that does not serve, as far as that is known.
    fn broken(&self) -> usize {
        let tenants = self.tenants();
        let is_broken = |tenant: &&Arc<Tenant>| {
            tenant.active().is_none() && tenant.known().record.releases.active.is_some()
        };
        tenants.values().filter(is_broken).count() + self.unread.len()
    }

    fn blobs(&self) -> Blobs {
        self.data.blobs()
    }

    /// Where blobs arrive.
    fn arrivals(&self) -> Arrivals {
        Arrivals::new(self.blobs(), &self.data.arriving(), MOST_BLOB)
    }

    fn giving_hosts(&self) -> MutexGuard<'_, ()> {
        let held = self.giving_hosts.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<AppName, Arc<Tenant>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tenant(&self, app: &AppName) -> Result<Arc<Tenant>, NodeError> {
        let tenants = self.tenants();
        let tenant = tenants.get(app).cloned();
        tenant.ok_or_else(|| NodeError::NoApp(app.clone()))
    }

    /// The app with this name, or one that nobody knows until it is [adopted](Self::adopt).
    fn tenant_or_new(&self, app: &AppName) -> anyhow::Result<Arc<Tenant>> {
        if let Some(tenant) = self.tenants().get(app) {
            return Ok(Arc::clone(tenant));
        }
        let folder = self.data.app(app);
        anyhow::ensure!(
            !self.unread.contains(app),
            "{} cannot be read; mend it and start the node again",
            folder.join("app.json").display()
        );
        Ok(Arc::new(Tenant::new(
            app.clone(),
            folder,
            Record::default(),
        )))
    }

    /// Has an app of [`Self::tenant_or_new`] be known; another one with its name wins if it was faster.
    fn adopt(&self, tenant: Arc<Tenant>) -> anyhow::Result<Arc<Tenant>> {
        data::make_private(&tenant.folder)?;
        let tenant = {
            let mut tenants = self.tenants();
            let entry = tenants.entry(tenant.name.clone());
            Arc::clone(entry.or_insert(tenant))
        };
        self.publish_hosts(); // previews find it by its name
        Ok(tenant)
    }

    /// Has requests find the apps by the hosts that they have now.
    fn publish_hosts(&self) {
        let tenants: Vec<_> = self.tenants().values().cloned().collect();
        self.hosts.store(Arc::new(Hosts::of(&tenants)));
    }

    /// What `request.url` calls an app: its first host.
    fn origin(&self, hosts: &[HostName]) -> Authority {
        let named = hosts.iter().find(|host| !host.is_any());
        let origin = self.at_port(named.map_or("localhost", |host| host.as_str()));
        origin
            .parse()
            .unwrap_or_else(|_| Authority::from_static("localhost"))
    }

    /// A host of this node as a client writes it.
    fn at_port(&self, host: &str) -> String {
        match self.port {
            80 | 443 => host.to_owned(),
            port => format!("{host}:{port}"),
        }
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
