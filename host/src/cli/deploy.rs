//! `waystation deploy`: brings the latest build to nodes and has them serve it.

use std::process::ExitCode;

use anyhow::Context as _;
use waystation_rules::rollout::{HostName, Percent, unsuited};

use super::nodes::Nodes;
use super::progress::Sending;
use super::{args, releases, report};
use crate::deploy::api::Outcome;
use crate::deploy::{self, Deploying};
use crate::project::layout::Blobs;
use crate::project::release::Release;
use crate::project::{output, release};

pub(super) fn run(args: &args::Deploy) -> anyhow::Result<ExitCode> {
    let nodes = Nodes::of(&args.on)?;
    let output = output::folder(&nodes.root);
    let release = release::latest(&output)?;
    let blobs = Blobs::at(&output);
    let percent = args.percent.map(Percent::try_from).transpose()?;
    let signature = args.signature.as_ref().map(|file| {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
    });
    let what = Deploying {
        app: &nodes.app,
        release: &release,
        blobs: &blobs,
        hosts: hosts(args, &nodes)?,
        signature: signature.transpose()?,
        percent,
    };
    super::runtime()?.block_on(async {
        let sending = Sending::new();
        let staged = deploy::deploy(&nodes.clients, &what, &sending.reader()).await;
        drop(sending);
        for (node, staged) in nodes.clients.iter().zip(&staged?) {
            report::deployed(node.address(), &nodes.app, staged, percent);
        }
        let apps = nodes
            .ask(async |node| releases::app(node, &nodes).await)
            .await?;
        let regions: Vec<_> = apps.iter().map(|app| app.region.clone()).collect();
        for (file, preferred) in unsuited(preferences(&release), &regions) {
            report::unsuited(file, preferred);
        }
        if apps.iter().any(|app| app.hosts.is_empty()) {
            report::no_hosts();
        }
        if args.no_wait {
            return Ok(ExitCode::SUCCESS);
        }
        report::waiting();
        let verdicts = deploy::verdicts(&nodes.clients, &what).await?;
        for (node, watched) in nodes.clients.iter().zip(&verdicts) {
            report::verdict(node.address(), watched);
        }
        let stayed = verdicts
            .iter()
            .all(|watched| watched.outcome == Outcome::Kept);
        Ok(if stayed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// Where the routes would like to be.
fn preferences(release: &Release) -> impl Iterator<Item = (&str, &[String])> {
    release.manifest.routes.iter().filter_map(|route| {
        let preferred = route.config.as_ref()?.preferred_region.as_deref()?;
        Some((route.file.as_str(), preferred))
    })
}

/// Those of the command line, else those of `waystation.toml`, else none: as before.
fn hosts(args: &args::Deploy, nodes: &Nodes) -> anyhow::Result<Option<Vec<HostName>>> {
    let hosts = match args.hosts.is_empty() {
        true => &nodes.settings.hosts,
        false => &args.hosts,
    };
    let hosts = hosts.iter().cloned().map(HostName::try_from);
    let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    Ok(Some(hosts).filter(|hosts| !hosts.is_empty()))
}
