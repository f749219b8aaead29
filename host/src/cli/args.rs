//! What can be asked for.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};

use crate::server::admin::Kinded;

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
    /// Print the JSON schema of `waystation.toml`, for editors
    Schema,
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
pub(super) struct Listen {
    /// Port to listen on [default: 3000, or `port` of waystation.toml]
    #[arg(short, long, env = "PORT")]
    pub(super) port: Option<u16>,
    /// Name or address to listen on [default: 127.0.0.1 for `dev`, 0.0.0.0 for `start`, or `host` of waystation.toml]
    #[arg(short = 'H', long, value_name = "HOST")]
    pub(super) hostname: Option<String>,
}
