//! One step of an app from release to release: decided, written down, and then seen by requests, in this order.

use std::sync::Arc;

use waystation_rules::rollout::{AppName, HostName, Releases, StepError};

use super::error::NodeError;
use super::tenant::Tenant;
use super::tokens::Access;
use super::{Node, now};
use crate::deploy::api::{Activate, App};
use crate::project::digest::Digest;

impl Node {
    /// Takes a step that `step` decides, and names it `what` in the log.
    ///
    /// When this returns, no request sees what was before, and a crash brings none of it back.
    ///
    /// # Errors
    ///
    /// Those of the step, [`NodeError::HostTaken`], and the disk's; nothing has changed then.
    pub(super) fn step(
        self: &Arc<Self>,
        app: &AppName,
        by: &Access,
        what: &str,
        step: impl FnOnce(&Releases<Digest>) -> Result<Releases<Digest>, StepError>,
    ) -> Result<App, NodeError> {
        let tenant = self.tenant(app)?;
        let turn = tenant.turn();
        let before = tenant.known().record.clone();
        let mut record = before.clone();
        record.releases = step(&before.releases)?.collected(self.policy.keep);
        let releases = record.releases.clone();
        if let Some(active) = &releases.active
            && let Some(hosts) = record
                .known
                .get_mut(active)
                .and_then(|known| known.hosts.take())
        {
            record.hosts = hosts;
        }
        let canary = releases.canary.as_ref().map(|canary| &canary.release);
        for digest in releases.active.iter().chain(canary) {
            let is_ready = tenant.known().running.contains_key(digest);
            if !is_ready {
                let made = record
                    .known
                    .get(digest)
                    .map_or_else(now, |known| known.created);
                let (running, _) = self.load(&tenant, digest, &record.hosts, made)?;
                tenant.known().running.insert(digest.clone(), running);
            }
        }
        record.tidy();
        {
            let _giving = self.giving_hosts();
            if record.hosts != before.hosts {
                self.check_hosts(app, &record.hosts)?; // another app may have taken one since it was staged
            }
            record.write(&tenant.folder)?;
            {
                let mut known = tenant.known();
                known.record = record.clone();
                tenant.publish(&mut known);
            }
            if record.hosts != before.hosts {
                self.publish_hosts();
            }
        }
        let shown = self.shown(&tenant);
        drop(turn);
        let newest = canary.or(releases.active.as_ref());
        tenant.note(by, what, newest, String::new());
        let node = Arc::clone(self);
        tokio::task::spawn_blocking(move || node.collect());
        Ok(shown)
    }

    /// Has a release that is ready answer, to all clients or to a part of them, and watches how it does.
    ///
    /// # Errors
    ///
    /// As [`Self::step`].
    pub(super) fn activate(
        self: &Arc<Self>,
        app: &AppName,
        asked: &Activate,
        by: &Access,
    ) -> Result<App, NodeError> {
        let Activate { release, percent } = asked;
        let what = percent.map_or_else(
            || "active".to_owned(),
            |percent| format!("tried by {percent}"),
        );
        let old = self.tenant(app)?.active();
        let shown = self.step(app, by, &what, |releases| match percent {
            None => releases.activate(release),
            Some(percent) => releases.try_with(release, *percent),
        })?;
        self.watch(&shown, old);
        Ok(shown)
    }

    /// Has an app answer these hosts from now on.
    ///
    /// # Errors
    ///
    /// [`NodeError::HostTaken`], and the disk's.
    pub(super) fn set_hosts(
        &self,
        app: &AppName,
        hosts: Vec<HostName>,
        by: &Access,
    ) -> Result<App, NodeError> {
        let tenant = self.tenant(app)?;
        let _turn = tenant.turn();
        let mut record = tenant.known().record.clone();
        let is_named_otherwise = self.origin(&record.hosts) != self.origin(&hosts);
        record.hosts = hosts;
        let words: Vec<_> = record.hosts.iter().map(ToString::to_string).collect();
        {
            let _giving = self.giving_hosts();
            self.check_hosts(app, &record.hosts)?;
            record.write(&tenant.folder)?;
            tenant.known().record = record;
            self.publish_hosts();
        }
        if is_named_otherwise {
            self.load_all(&tenant); // handlers are told the first host
        }
        tenant.note(by, "hosts", None, words.join(" "));
        Ok(self.shown(&tenant))
    }

    /// What is told of an app.
    pub(super) fn shown(&self, tenant: &Tenant) -> App {
        let known = tenant.known();
        let facts = known.record.known.iter();
        let sources =
            facts.filter_map(|(release, facts)| Some((release.clone(), facts.from.clone()?)));
        App {
            app: tenant.name.clone(),
            hosts: known.record.hosts.clone(),
            releases: known.record.releases.clone(),
            region: self.policy.region.clone(),
            broken: known.broken.clone(),
            sources: sources.collect(),
        }
    }
}
