//! Gets a release ready: looks at it, makes an app of it away from the threads that serve, and asks it what its author wants asked.

use std::sync::Arc;

use waystation_rules::rollout::{AppName, HostName, preview_host};

use super::error::NodeError;
use super::inspect::{self, Fault};
use super::record::Known;
use super::running::Running;
use super::tenant::Tenant;
use super::tokens::Access;
use super::{Node, checks, now};
use crate::deploy::api::{Stage, Staged};
use crate::project::digest::Digest;
use crate::project::release::Release;
use crate::project::settings::Settings;

impl Node {
    /// Gets a release ready, or says in the app's log why not. Nobody but those who ask for it by name can reach it then.
    ///
    /// # Errors
    ///
    /// As [`Self::get_ready`].
    pub(super) async fn stage(
        self: &Arc<Self>,
        app: AppName,
        asked: Stage,
        by: Access,
    ) -> Result<Staged, NodeError> {
        let digest = asked.release.clone();
        let staged = self.get_ready(app.clone(), asked, by.clone()).await;
        staged.inspect_err(|error| self.note_refusal(&app, &digest, &by, &error.words()))
    }

    /// Gets a release ready.
    ///
    /// # Errors
    ///
    /// [`NodeError::Release`] with every fault, and the others; nothing has changed then.
    pub(super) async fn get_ready(
        self: &Arc<Self>,
        app: AppName,
        asked: Stage,
        by: Access,
    ) -> Result<Staged, NodeError> {
        self.check_hosts(&app, asked.hosts.as_deref().unwrap_or_default())?;
        let place = Arc::clone(&self.compiling).acquire_owned().await;
        let node = Arc::clone(self);
        let digest = asked.release.clone();
        let making = tokio::task::spawn_blocking({
            let (app, asked) = (app.clone(), asked.clone());
            move || {
                let _place = place; // until the compiler is done, whoever still waits for it
                node.make(&app, &asked)
            }
        });
        let made = tokio::time::timeout(self.policy.compile_time, making).await;
        let made = match made {
            Ok(Ok(made)) => made,
            Ok(Err(panic)) => Err(NodeError::Own(panic.into())),
            Err(_) => {
                let seconds = self.policy.compile_time.as_secs();
                let words = format!("it cannot be compiled within {seconds} s");
                Err(NodeError::Release(vec![Fault::Load(words)]))
            }
        };
        let Made {
            tenant,
            release,
            settings,
            running,
        } = made?;
        let hosts = asked.hosts.clone();
        let hosts = hosts.unwrap_or_else(|| tenant.known().record.hosts.clone());
        let host = self.origin(&hosts).to_string();
        let (checked, faults) = checks::check(&running.app, &settings.checks, &host).await;
        if !faults.is_empty() {
            return Err(NodeError::Release(faults));
        }
        let preview = preview_host(digest.as_str(), &app, &self.policy.preview_suffix);
        let staged = Staged {
            preview: format!(
                "{}://{}",
                self.policy.scheme.as_str(),
                self.at_port(&preview)
            ),
            preview_header: running.preview.clone(),
            release: digest,
            checked,
        };
        let node = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || {
            node.keep(tenant, &release, asked, running, &settings, &by)
        });
        kept.await.map_err(|panic| NodeError::Own(panic.into()))??;
        Ok(staged)
    }

    /// Looks at a release and makes an app of it.
    fn make(&self, app: &AppName, asked: &Stage) -> Result<Made, NodeError> {
        let (digest, signature) = (&asked.release, asked.signature.as_deref());
        let opened = inspect::open(&self.blobs(), app, digest, signature, &self.policy);
        let (release, settings) = opened.map_err(NodeError::Release)?;
        let tenant = self.tenant_or_new(app)?;
        let there = tenant.known().running.get(digest).cloned();
        let running = match there {
            Some(running) => running,
            None => {
                let hosts = asked.hosts.clone();
                let hosts = hosts.unwrap_or_else(|| tenant.known().record.hosts.clone());
                let made = asked.created.unwrap_or_else(now);
                let running = self.run(&tenant, &release, &settings, &hosts, made);
                let fault = |error: anyhow::Error| {
                    NodeError::Release(vec![Fault::Load(format!("{error:#}"))])
                };
                running.map_err(fault)?
            }
        };
        Ok(Made {
            tenant,
            release,
            settings,
            running,
        })
    }

    /// Writes a release down that is ready, and has those find it who ask for it by name.
    fn keep(
        &self,
        tenant: Arc<Tenant>,
        release: &Release,
        asked: Stage,
        running: Arc<Running>,
        settings: &Settings,
        by: &Access,
    ) -> Result<(), NodeError> {
        let tenant = self.adopt(tenant)?;
        let _turn = tenant.turn(); // a step must not write over it
        let mut known = tenant.known();
        let digest = &release.digest;
        let mut record = known.record.clone();
        record.releases = record.releases.stage(digest).collected(self.policy.keep);
        let facts = Known {
            created: asked.created.unwrap_or_else(now),
            hosts: asked.hosts,
            from: None,
        };
        record.known.insert(digest.clone(), facts);
        record.tidy();
        record.write(&tenant.folder)?;
        known.record = record;
        let kept = Arc::clone(&running.app.policy.kept);
        known.kept = Some((self.maker.cache(&tenant.name, settings), kept));
        known.running.insert(digest.clone(), running);
        known.broken.remove(digest);
        tenant.publish(&mut known);
        tenant.note(by, "staged", Some(digest), String::new());
        Ok(())
    }

    /// Whether an app may answer these hosts.
    pub(super) fn check_hosts(&self, app: &AppName, hosts: &[HostName]) -> Result<(), NodeError> {
        let tenants: Vec<_> = self.tenants().values().cloned().collect();
        for other in tenants.iter().filter(|other| other.name != *app) {
            let taken = other.known().record.hosts.clone();
            if let Some(host) = hosts.iter().find(|host| taken.contains(host)) {
                return Err(NodeError::HostTaken {
                    host: host.clone(),
                    app: other.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Says in the app's log why a release is not taken.
    pub(super) fn note_refusal(&self, app: &AppName, digest: &Digest, by: &Access, words: &str) {
        if let Ok(tenant) = self.tenant(app) {
            tenant.note(by, "refused", Some(digest), words.to_owned());
        }
    }
}

/// A release that is ready, and what it was made of.
struct Made {
    tenant: Arc<Tenant>,
    release: Release,
    settings: Settings,
    running: Arc<Running>,
}
