//! What can be asked for.

mod nodes;
mod operator;
mod registry;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};

use crate::server::admin::Kinded;
use crate::telemetry::Format;

pub(super) use nodes::{
    Deploy, Destination, Env, EnvCommand, Node, NodeCommand, OnNodes, Releases, Rollback, Token,
    Variables,
};
pub(super) use operator::{Bounds, Compile, Identity, Operators};
pub(super) use registry::{Pull, Push};

/// Next.js-style route handlers in Rust, each in a WebAssembly sandbox of its own.
#[derive(Debug, Parser)]
#[command(
    name = "waystation",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a new app in a folder: two routes, their tests, and a guide to the conventions
    New(New),
    /// Serve an app and rebuild what changes while it serves
    Dev(Dev),
    /// Build an app for production into `.waystation/output`
    Build(Build),
    /// Serve what `build` made; needs no Rust toolchain
    Start(Start),
    /// Put what `build` made into one file, an OCI archive
    Pack(Pack),
    /// Bring a release to a registry, under a tag
    Push(Push),
    /// Fetch a release from a registry
    Pull(Pull),
    /// Say what is in a release: routes, methods, config, imports, sizes
    Inspect(Inspect),
    /// Say what is different between two releases: routes, what they may ask, sizes
    Diff(Diff),
    /// List the routes of an app
    Routes(Routes),
    /// Build every route and report what is wrong, without serving or writing output
    Check(Check),
    /// Build and serve an app on a port of its own, and run the app's tests meanwhile
    Test(Test),
    /// Take what a running app keeps out of date, by tag or by path
    Revalidate(Revalidate),
    /// List what a running app keeps in memory
    Cache(Cache),
    /// Serve apps by host name, in the releases that `deploy` brings or a registry's tags name
    Node(Box<Node>),
    /// Bring the latest build to nodes and have them serve it
    Deploy(Deploy),
    /// Have nodes serve what they served before
    Rollback(Rollback),
    /// Have nodes serve to all what some clients try
    Promote(OnNodes),
    /// List the releases of an app on nodes
    Releases(Releases),
    /// Set, unset and list the variables of an app on nodes
    Env(Env),
    /// Print the JSON schema of `waystation.toml`, for editors
    Schema,
    /// Compile the component on standard input; a node runs this
    #[command(hide = true)]
    Compile(Compile),
}

#[derive(Debug, Arguments)]
pub(super) struct New {
    /// The folder to make it in; it may be there if it is empty
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
    /// Name of the app's package [default: the folder's]
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Folder of the SDK to depend on [default: the one this program was built beside, else the registry's]
    #[arg(long, value_name = "DIR")]
    pub(super) sdk: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
pub(super) struct Dev {
    #[command(flatten)]
    pub(super) app: App,
    /// Keep answers as `start` does, instead of running every handler each time
    #[arg(long)]
    pub(super) cache: bool,
    /// Ask a fresh instance too, for each GET of a route with `ISOLATION = Shared`, and warn if it answers differently. The handler then
    /// runs twice, and four times where the answers differ
    #[arg(long)]
    pub(super) find_leaks: bool,
    #[command(flatten)]
    pub(super) listen: Listen,
}

#[derive(Debug, Arguments)]
pub(super) struct Build {
    #[command(flatten)]
    pub(super) app: App,
}

#[derive(Debug, Arguments)]
pub(super) struct Start {
    #[command(flatten)]
    pub(super) app: App,
    #[command(flatten)]
    pub(super) listen: Listen,
    #[command(flatten)]
    pub(super) tls: Tls,
    /// Answer monitors on an address of their own: /healthz, /readyz and /metrics [default: `status` of `[server]` of waystation.toml]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) status: Option<SocketAddr>,
    /// Who reads the log: a person, or a program, which gets a line for each request [default: text, or `format` of `[log]` of waystation.toml]
    #[arg(long, value_name = "FORMAT")]
    pub(super) log_format: Option<Format>,
}

#[derive(Debug, Arguments)]
pub(super) struct Pack {
    #[command(flatten)]
    pub(super) app: App,
    /// The file to write [default: the app's name and the first digits of the digest, such as `shop-0123456789ab.tar`]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, Arguments)]
pub(super) struct Inspect {
    /// An app's folder, a file of `pack`, or the first digits of the digest of a build in this folder
    #[arg(default_value = ".", value_name = "DIR|FILE|DIGEST")]
    pub(super) what: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct Diff {
    /// The one: an app's folder, a file of `pack`, or the first digits of the digest of a build in this folder
    #[arg(value_name = "A")]
    pub(super) from: PathBuf,
    /// The other, likewise
    #[arg(value_name = "B")]
    pub(super) to: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct Routes {
    #[command(flatten)]
    pub(super) app: App,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) app: App,
}

#[derive(Debug, Arguments)]
pub(super) struct Test {
    #[command(flatten)]
    pub(super) app: App,
    /// What to pass on to `cargo test --workspace`, such as a part of a test's name
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<String>,
}

#[derive(Debug, Arguments)]
#[group(id = "what", required = true, multiple = true, args = ["tags", "paths"])]
pub(super) struct Revalidate {
    #[command(flatten)]
    pub(super) app: App,
    /// What carries this tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// The answers of this path; may be repeated
    #[arg(long = "path", value_name = "PATH")]
    pub(super) paths: Vec<String>,
    /// How the tags go out of date, such as `max` for stale alone [default: at once]
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// What of the paths is meant, where they are patterns such as `/posts/[slug]`
    #[arg(long)]
    pub(super) kind: Option<Kinded>,
}

#[derive(Debug, Arguments)]
pub(super) struct Cache {
    #[command(flatten)]
    pub(super) app: App,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Remove all of it instead
    #[arg(long, conflicts_with = "json")]
    pub(super) purge: bool,
}

#[derive(Debug, Arguments)]
pub(super) struct App {
    /// The app's folder: the one with `Cargo.toml` and `app/`
    #[arg(default_value = ".", value_name = "DIR")]
    pub(super) dir: PathBuf,
}

#[derive(Debug, Arguments)]
pub(super) struct Tls {
    /// Speak TLS with this certificate, in PEM with its chain; may be repeated, one for each host name [default for `start`: `[[server.tls]]` of waystation.toml]
    #[arg(long = "cert", value_name = "FILE", requires = "keys")]
    pub(super) certs: Vec<PathBuf>,
    /// Its key in PEM
    #[arg(long = "key", value_name = "FILE", requires = "certs")]
    pub(super) keys: Vec<PathBuf>,
}

#[derive(Debug, Arguments)]
pub(super) struct Listen {
    /// Port to listen on [default: 3000, or `port` of waystation.toml]
    #[arg(short, long, env = "PORT")]
    pub(super) port: Option<u16>,
    /// Name or address to listen on [default: 127.0.0.1 for `dev`, 0.0.0.0 for `start`, or `host` of waystation.toml]
    #[arg(short = 'H', long, value_name = "HOST")]
    pub(super) hostname: Option<String>,
}
