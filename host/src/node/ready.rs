//! Makes apps of releases that are here: when one is staged, when the node starts, and when what all of them see changes.

use std::sync::Arc;

use tokio::runtime::Handle;
use waystation_rules::environment;
use waystation_rules::rollout::{AppName, HostName};

use super::error::NodeError;
use super::running::{Means, Running};
use super::tenant::Tenant;
use super::tokens::Access;
use super::{Node, now, record};
use crate::app;
use crate::deploy::api::Variables;
use crate::project::digest::Digest;
use crate::project::release::{self, Release};
use crate::project::settings::Settings;

impl Node {
    /// Makes an app of a release, with its answers that were kept at `made`, in seconds since the epoch.
    pub(super) fn run(
        &self,
        tenant: &Tenant,
        release: &Release,
        settings: &Settings,
        hosts: &[HostName],
        made: u64,
    ) -> anyhow::Result<Arc<Running>> {
        let (kept, answered) = {
            let known = tenant.known();
            let same = known.running.get(&release.digest);
            let answered = same.map(|running| running.answered());
            (known.kept.clone(), answered.unwrap_or_default())
        };
        let variables = record::variables(&tenant.folder)?;
        let means = Means {
            name: &tenant.name,
            origin: self.origin(hosts),
            scheme: self.policy.scheme,
            counts: Arc::clone(&tenant.counts),
            region: self.policy.region.as_ref(),
            variables: &variables,
            folder: &tenant.folder,
            kept: kept.as_ref(),
        };
        let blobs = self.blobs();
        let app = self.maker.make(&blobs, release, settings, means)?;
        let store = &app.policy.kept.store;
        let restored = app::release::restore(store, &blobs, release, made.saturating_mul(1000));
        Handle::current().block_on(restored)?;
        Ok(Arc::new(Running::new(
            &tenant.name,
            release.digest.clone(),
            app,
            answered,
        )?))
    }

    /// Gets each release of an app ready again, after a start or a change of what all of them see.
    pub(super) fn load_all(&self, tenant: &Tenant) {
        let (releases, hosts, facts) = {
            let known = tenant.known();
            let record = &known.record;
            let late = record.releases.previous.get(1..).unwrap_or_default();
            let releases = record.releases.all();
            let releases = releases.filter(|digest| !late.contains(digest)); // loaded if somebody goes back to them
            let releases: Vec<_> = releases.cloned().collect();
            (releases, record.hosts.clone(), record.known.clone())
        };
        for digest in releases {
            let made = facts.get(&digest).map_or_else(now, |known| known.created);
            let loaded = self.load(tenant, &digest, &hosts, made);
            let mut known = tenant.known();
            match loaded {
                Ok((running, settings)) => {
                    let kept = Arc::clone(&running.app.policy.kept);
                    known.kept = Some((self.maker.cache(&tenant.name, &settings), kept));
                    known.running.insert(digest, running);
                }
                Err(error) => {
                    let what = format!(
                        "{} {} cannot be served: {error:#}",
                        tenant.name,
                        digest.short()
                    );
                    tracing::error!("{what}");
                    known.broken.insert(digest, format!("{error:#}"));
                }
            }
        }
        tenant.publish(&mut tenant.known());
    }

    /// Makes an app of a release that was taken before.
    pub(super) fn load(
        &self,
        tenant: &Tenant,
        digest: &Digest,
        hosts: &[HostName],
        made: u64,
    ) -> anyhow::Result<(Arc<Running>, Settings)> {
        let blobs = self.blobs();
        let release = release::open(&blobs, digest)?;
        let settings = release.settings(&blobs)?;
        let running = self.run(tenant, &release, &settings, hosts, made)?;
        Ok((running, settings))
    }

    /// Sets variables of an app, and unsets those without a value; all of its releases see that from their next request on.
    ///
    /// # Errors
    ///
    /// [`NodeError::Variable`] for a name that no variable has, and the disk's.
    pub(super) fn set_variables(
        &self,
        app: &AppName,
        changes: Variables,
        by: &Access,
    ) -> Result<(), NodeError> {
        let names: Vec<String> = changes.0.keys().cloned().collect();
        environment::check_names(&names).map_err(|error| NodeError::Variable(error.to_string()))?;
        let tenant = self.adopt(self.tenant_or_new(app)?)?;
        let _turn = tenant.turn();
        let mut variables = record::variables(&tenant.folder)?;
        for (name, value) in changes.0 {
            match value {
                Some(value) => drop(variables.insert(name, value)),
                None => drop(variables.remove(&name)),
            }
        }
        record::set_variables(&tenant.folder, &variables)?;
        tenant.note(by, "variables", None, names.join(" "));
        self.load_all(&tenant);
        Ok(())
    }
}
