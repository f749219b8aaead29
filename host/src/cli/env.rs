//! `waystation env`: the variables of an app on nodes. Values go there and are never shown.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use http::Method;

use super::args::{EnvCommand, OnNodes};
use super::nodes::Nodes;
use super::{args, report};
use crate::deploy::Client;
use crate::deploy::api;

pub(super) fn run(command: EnvCommand) -> anyhow::Result<ExitCode> {
    match command {
        EnvCommand::Set(args) => {
            let pairs = args.variables.iter().map(|text| value(text));
            let changes = pairs.collect::<anyhow::Result<BTreeMap<_, _>>>()?;
            change(&args, changes)
        }
        EnvCommand::Unset(args) => {
            let changes = args
                .variables
                .iter()
                .map(|name| (name.clone(), None))
                .collect();
            change(&args, changes)
        }
        EnvCommand::List(args) => list(&args),
    }
}

/// `NAME=value`, or a name whose value comes from standard input, where no other user sees it.
fn value(text: &str) -> anyhow::Result<(String, Option<String>)> {
    if let Some((name, value)) = text.split_once('=') {
        return Ok((name.to_owned(), Some(value.to_owned())));
    }
    let mut value = String::new();
    let read = std::io::stdin().read_to_string(&mut value);
    read.with_context(|| format!("the value of `{text}` cannot be read"))?;
    Ok((
        text.to_owned(),
        Some(value.trim_end_matches('\n').to_owned()),
    ))
}

fn change(
    args: &args::Variables,
    changes: BTreeMap<String, Option<String>>,
) -> anyhow::Result<ExitCode> {
    let names: Vec<_> = changes.keys().cloned().collect();
    let nodes = Nodes::of_app(&args.dir, &args.destination)?;
    let changes = api::Variables(changes);
    let path = path(&nodes);
    let change = async |node: &Client| Ok(node.send(Method::PATCH, &path, &changes).await?);
    let done: Vec<()> = super::runtime()?.block_on(nodes.ask(change))?;
    report::step(&format!(
        "{} of {} changed on {} nodes",
        names.join(" "),
        nodes.app,
        done.len()
    ));
    Ok(ExitCode::SUCCESS)
}

fn list(args: &OnNodes) -> anyhow::Result<ExitCode> {
    let nodes = Nodes::of(args)?;
    let path = path(&nodes);
    let list = async |node: &Client| Ok(node.get::<Vec<String>>(&path).await?);
    let names = super::runtime()?.block_on(nodes.ask(list))?;
    for (node, names) in nodes.clients.iter().zip(&names) {
        report::data(&format!("{}: {}\n", node.address(), names.join(" ")));
    }
    Ok(ExitCode::SUCCESS)
}

fn path(nodes: &Nodes) -> String {
    format!("/v1/apps/{}/env", nodes.app)
}
