//! Nodes, and what is asked of them.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args as Arguments, Subcommand};
use waystation_rules::rollout::{Region, SUFFIX_DEFAULT};

use super::{App, Bounds, Identity, Operators, Tls};
use crate::node::Follow;
use crate::telemetry::Format;

#[derive(Debug, Arguments)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Node {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<NodeCommand>,
    /// The node's own folder: releases, variables, and what is known of its apps
    #[arg(long, value_name = "DIR", required = true)]
    pub(in crate::cli) data: Option<PathBuf>,
    /// Address to serve the apps on
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:3000")]
    pub(in crate::cli) listen: SocketAddr,
    #[command(flatten)]
    pub(in crate::cli) tls: Tls,
    /// Who reads the log: a person, or a program, which gets a line for each request
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(in crate::cli) log_format: Format,
    /// Where it is asked: `unix:PATH`, or an address for those who have a token; may be repeated [default: a socket in the data folder]
    #[arg(long, value_name = "WHERE")]
    pub(in crate::cli) admin: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) operators: Operators,
    /// Where the node is, such as `fra1`: told to clients, to deployers, and to apps whose `env` lists `REGION`
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) region: Option<Region>,
    /// What the hosts of previews end in
    #[arg(long, value_name = "HOST", default_value = SUFFIX_DEFAULT)]
    pub(in crate::cli) preview_suffix: String,
    /// How many releases of an app to keep that were active, and as many that are ready
    #[arg(long, value_name = "N", default_value = "3")]
    pub(in crate::cli) keep: NonZero<usize>,
    /// Seconds for which a new release is watched, and taken back if it fails
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(in crate::cli) watch: u64,
    /// How many of a hundred answers of a new release may fail beyond what the old one's do
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    pub(in crate::cli) may_fail: u8,
    /// An interface that no component gets, such as `wasi:sockets`; may be repeated
    #[arg(long, value_name = "INTERFACE")]
    pub(in crate::cli) deny_import: Vec<String>,
    /// Let apps say which private addresses their handlers reach
    #[arg(long)]
    pub(in crate::cli) allow_private_addresses: bool,
    #[command(flatten)]
    pub(in crate::cli) bounds: Bounds,
    /// The folder of minisign's public keys; if there is one in it, only signed releases are taken [default: `keys` in the data folder]
    #[arg(long = "keys", value_name = "DIR")]
    pub(in crate::cli) trusted: Option<PathBuf>,
    /// Serve as an app whatever release a tag in a registry names, such as `shop=ghcr.io/me/shop:live`, or `shop@shop.example.com=..` with the hosts that it answers, `,` between them; may be repeated
    #[arg(long = "follow", value_name = "APP[@HOST]=REF")]
    pub(in crate::cli) follows: Vec<Follow>,
    /// Seconds between two looks at a tag that is followed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(in crate::cli) follow_interval: u64,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum NodeCommand {
    /// Make a token for those who deploy over the network; it is printed once
    Token(Token),
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Token {
    /// The node's own folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data: PathBuf,
    /// What the deploy log calls its bearer
    #[arg(long, default_value = "deployer")]
    pub(in crate::cli) name: String,
    /// The one app that it is for [default: all]
    #[arg(long)]
    pub(in crate::cli) app: Option<String>,
    /// A host that its bearer may have the app answer; may be repeated
    #[arg(long = "host", value_name = "HOST", requires = "app")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Have the token with this name count no more, instead
    #[arg(long, conflicts_with_all = ["app", "hosts"])]
    pub(in crate::cli) revoke: bool,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct OnNodes {
    #[command(flatten)]
    pub(in crate::cli) app: App,
    #[command(flatten)]
    pub(in crate::cli) destination: Destination,
}

/// Which nodes, and which app there.
#[derive(Debug, Arguments)]
pub(in crate::cli) struct Destination {
    #[command(flatten)]
    pub(in crate::cli) identity: Identity,
    /// The nodes: names of `[nodes]` in waystation.toml, URLs, or paths of sockets [default: all of `[nodes]`]
    #[arg(long = "to", value_name = "NODE", value_delimiter = ',')]
    pub(in crate::cli) nodes: Vec<String>,
    /// What the app is called there [default: the name of its package]
    #[arg(long = "app", value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Deploy {
    #[command(flatten)]
    pub(in crate::cli) on: OnNodes,
    /// Have only so many of a hundred clients try it
    #[arg(long)]
    pub(in crate::cli) percent: Option<u8>,
    /// A host that the app answers, `*` for what no other app does; may be repeated [default: `hosts` of waystation.toml, else as before]
    #[arg(long = "host", value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// The file that `minisign -Sm` has made of the release
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) signature: Option<PathBuf>,
    /// Do not wait until the nodes know whether the release stays
    #[arg(long)]
    pub(in crate::cli) no_wait: bool,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Rollback {
    #[command(flatten)]
    pub(in crate::cli) on: OnNodes,
    /// The release to go back to: the beginning of its digest [default: the one before]
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) release: Option<String>,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Releases {
    #[command(flatten)]
    pub(in crate::cli) on: OnNodes,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Env {
    #[command(subcommand)]
    pub(in crate::cli) command: EnvCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EnvCommand {
    /// Set variables, `NAME=value`; of `NAME` alone, the value is read from standard input
    Set(Variables),
    /// Unset variables
    Unset(Variables),
    /// List the names of the variables that are set
    List(OnNodes),
}

#[derive(Debug, Arguments)]
pub(in crate::cli) struct Variables {
    /// Which
    #[arg(required = true, value_name = "NAME")]
    pub(in crate::cli) variables: Vec<String>,
    /// The app's folder
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(in crate::cli) dir: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) destination: Destination,
}
