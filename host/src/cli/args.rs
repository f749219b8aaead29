//! What can be asked for.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};

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
    /// Serve an app and rebuild what changes while it serves
    Dev(Dev),
    /// Build an app for production into `.waystation/output`
    Build(Build),
    /// Serve what `build` made; needs no Rust toolchain
    Start(Start),
    /// List the routes of an app
    Routes(Routes),
    /// Build every route and report what is wrong, without serving or writing output
    Check(Check),
}

#[derive(Debug, Arguments)]
pub(super) struct Dev {
    #[command(flatten)]
    pub(super) app: App,
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
