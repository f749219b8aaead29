//! `waystation releases`, `rollback` and `promote`: what nodes serve, and what else they could.

use std::process::ExitCode;

use http::Method;

use super::nodes::Nodes;
use super::{args, report};
use crate::deploy::Client;
use crate::deploy::api::{App, RollBack};
use crate::project::digest::{Digest, Prefix};

pub(super) fn list(args: &args::Releases) -> anyhow::Result<ExitCode> {
    let nodes = Nodes::of(&args.on)?;
    let apps = super::runtime()?.block_on(nodes.ask(async |node| app(node, &nodes).await))?;
    if args.json {
        return Ok(report::data(&format!(
            "{}\n",
            serde_json::to_string_pretty(&apps)?
        )));
    }
    for (node, app) in nodes.clients.iter().zip(&apps) {
        report::data(&table(&node.address().to_string(), app));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn roll_back(args: &args::Rollback) -> anyhow::Result<ExitCode> {
    let nodes = Nodes::of(&args.on)?;
    let prefix = args.release.as_deref().map(|text| {
        let prefix = Prefix::parse(text);
        prefix.ok_or_else(|| anyhow::anyhow!("`{text}` is not the beginning of a digest"))
    });
    let prefix = prefix.transpose()?;
    let roll_back = async |node: &Client| {
        let to = match &prefix {
            Some(prefix) => Some(named(&app(node, &nodes).await?, prefix, node)?),
            None => None,
        };
        let path = format!("/v1/apps/{}/rollback", nodes.app);
        anyhow::Ok(node.send(Method::POST, &path, &RollBack { to }).await?)
    };
    show(&nodes, super::runtime()?.block_on(nodes.ask(roll_back))?)
}

pub(super) fn promote(args: &args::OnNodes) -> anyhow::Result<ExitCode> {
    let nodes = Nodes::of(args)?;
    let path = format!("/v1/apps/{}/promote", nodes.app);
    let promote = async |node: &Client| Ok(node.send(Method::POST, &path, &()).await?);
    show(&nodes, super::runtime()?.block_on(nodes.ask(promote))?)
}

fn show(nodes: &Nodes, apps: Vec<App>) -> anyhow::Result<ExitCode> {
    for (node, app) in nodes.clients.iter().zip(&apps) {
        report::active(node.address(), app);
    }
    Ok(ExitCode::SUCCESS)
}

/// What a node knows of the app.
pub(super) async fn app(node: &Client, nodes: &Nodes) -> anyhow::Result<App> {
    Ok(node.get(&format!("/v1/apps/{}", nodes.app)).await?)
}

/// The one release of an app whose digest begins so.
fn named(app: &App, prefix: &Prefix, node: &Client) -> anyhow::Result<Digest> {
    let mut fitting = app.releases.all().filter(|digest| prefix.fits(digest));
    let found = (fitting.next(), fitting.next());
    let node = node.address();
    match found {
        (Some(digest), None) => Ok(digest.clone()),
        (None, _) => anyhow::bail!("{node}: no release of {} is `{prefix}`", app.app),
        (Some(_), Some(_)) => anyhow::bail!(
            "{node}: more than one release of {} begins with `{prefix}`",
            app.app
        ),
    }
}

/// A line for each release, the active one first.
fn table(node: &str, app: &App) -> String {
    let releases = &app.releases;
    let hosts: Vec<_> = app.hosts.iter().map(|host| host.as_str()).collect();
    let canary = releases.canary.iter();
    let active = releases
        .active
        .iter()
        .map(|digest| (digest, "active".to_owned()));
    let canary = canary.map(|canary| (&canary.release, format!("tried by {}", canary.percent)));
    let previous = releases
        .previous
        .iter()
        .map(|digest| (digest, "was active".to_owned()));
    let staged = releases
        .staged
        .iter()
        .map(|digest| (digest, "ready".to_owned()));
    let lines = active.chain(canary).chain(previous).chain(staged);
    let line = |(digest, place): (&Digest, String)| {
        let broken = app.broken.get(digest).and_then(|why| why.lines().next());
        let broken = broken
            .map(|why| format!("  does not serve: {why}"))
            .unwrap_or_default();
        let source = app.sources.get(digest);
        let source = source.map(|from| format!("  from {}", report::line(from)));
        let source = source.unwrap_or_default();
        format!("  {}  {place}{source}{broken}\n", digest.short())
    };
    let lines: String = lines.map(line).collect();
    let region = app.region.as_ref();
    let region = region.map_or_else(String::new, |region| format!(" in {region}"));
    format!(
        "{} on {node}{region}, {}\n{lines}",
        app.app,
        match hosts[..] {
            [] => "without a host".to_owned(),
            _ => hosts.join(" "),
        }
    )
}
