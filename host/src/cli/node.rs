//! `waystation node`: serves apps by host name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use waystation_rules::rollout::{AppName, HostName, Judge};

use super::args::{self, NodeCommand};
use super::{report, signal};
use crate::node::{self, Keys, Node, Policy};
use crate::server;

pub(super) fn run(args: args::Node) -> anyhow::Result<ExitCode> {
    if let Some(NodeCommand::Token(args)) = args.command {
        return token(args);
    }
    let started = Instant::now();
    let data = args
        .data
        .clone()
        .context("`--data` says where the node keeps its releases")?;
    let policy = policy(&args, &data)?;

    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        let listener = server::bind(args.listen).await?;
        let address = listener.local_addr()?;
        let opened = tokio::task::spawn_blocking({
            let data = data.clone();
            move || Node::open(&data, address.port(), policy)
        });
        let node = Arc::new(opened.await??);
        let own = [format!("unix:{}", node::socket(&data).display())];
        let asked = if args.admin.is_empty() {
            &own[..]
        } else {
            &args.admin
        };
        let mut addresses = Vec::new();
        for text in asked {
            let admin = node::bind(text).await?;
            addresses.push(admin.address());
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                if let Err(error) = node::serve(admin, node).await {
                    tracing::error!("the admin API has ended: {error}");
                }
            });
        }
        let (apps, active) = node.apps();
        report::node(address, apps, active, &addresses, started.elapsed());
        let finished = server::serve(listener, node, stop).await;
        Ok(report::stopped(finished))
    })
}

fn policy(args: &args::Node, data: &Path) -> anyhow::Result<Policy> {
    let keys: PathBuf = args.keys.clone().unwrap_or_else(|| data.join("keys"));
    Ok(Policy {
        denied: args.deny_import.clone(),
        allows_private_addresses: args.allow_private_addresses,
        keys: Keys::read(&keys)?,
        preview_suffix: args.preview_suffix.clone(),
        keep: args.keep,
        judge: Judge {
            time: Duration::from_secs(args.watch),
            percent: args.may_fail,
        },
        ..Policy::default()
    })
}

/// The token is data: it goes to standard output, and nowhere else.
fn token(args: args::Token) -> anyhow::Result<ExitCode> {
    if args.revoke {
        let was_there = node::revoke_token(&args.data, &args.name)?;
        anyhow::ensure!(was_there, "there is no token called `{}`", args.name);
        report::step(&format!("`{}` counts no more", args.name));
        return Ok(ExitCode::SUCCESS);
    }
    let app = args.app.map(AppName::try_from).transpose()?;
    let hosts = args
        .hosts
        .into_iter()
        .map(HostName::try_from)
        .collect::<Result<_, _>>()?;
    let token = node::make_token(&args.data, &args.name, app, hosts)?;
    report::step("keep it: it is not shown again; `deploy` takes it from WAYSTATION_TOKEN");
    Ok(report::data(&format!("{token}\n")))
}
