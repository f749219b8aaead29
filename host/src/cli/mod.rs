//! The command line: what was asked for, and every line that a person reads.
//!
//! Data goes to standard output, words to standard error. Exit codes: 0 done, 1 failed, 2 not understood.

mod args;
mod build;
mod built;
mod check;
mod compile;
mod deploy;
mod dev;
mod diff;
mod env;
mod inspect;
mod listen;
mod new;
mod node;
mod nodes;
mod operate;
mod pack;
mod prerender;
mod progress;
mod pull;
mod push;
mod releases;
mod report;
mod route_table;
mod routes;
mod service;
mod signal;
mod start;
mod test;

use std::process::ExitCode;

use clap::Parser as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::project::schema;
use crate::telemetry::{self, Format, Writing};
use args::{Args, Command};

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let args = Args::parse();
    match &args.command {
        Command::Start(_) | Command::Node(_) => {} // once it is known who reads it
        command => {
            let shows_requests = matches!(command, Command::Dev(_));
            telemetry::start_log(Format::Text, shows_requests, Writing::AtOnce);
        }
    }
    let done = match args.command {
        Command::New(args) => new::run(&args),
        Command::Dev(args) => dev::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Start(args) => start::run(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Push(args) => push::run(&args),
        Command::Pull(args) => pull::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Routes(args) => routes::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Revalidate(args) => operate::revalidate(args),
        Command::Cache(args) => operate::cache(&args),
        Command::Node(args) => node::run(*args),
        Command::Deploy(args) => deploy::run(&args),
        Command::Rollback(args) => releases::roll_back(&args),
        Command::Promote(args) => releases::promote(&args),
        Command::Releases(args) => releases::list(&args),
        Command::Env(args) => env::run(args.command),
        Command::Compile(args) => Ok(compile::run(&args)),
        Command::Schema => Ok(report::data(&schema::text())),
    };
    telemetry::finish_log(); // the last word is lost nowhere
    done.unwrap_or_else(|error| {
        report::error(&error);
        ExitCode::FAILURE
    })
}

/// tokio looks for I/O after so many polls, of which each may be a turn of a spinning guest: 4 turns of 3 ms, where its default is 61.
const POLLS_WITHOUT_IO: u32 = 4;

/// The threads that serve.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    take_descriptors();
    tokio::runtime::Builder::new_multi_thread()
        .event_interval(POLLS_WITHOUT_IO)
        .enable_all()
        .build()
}

/// As many as this process may have, for connections and code: a shell's limit is often 1,024, for programs that can name no more.
fn take_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        tracing::debug!(
            "there are no more descriptors than {:?}: {error}",
            limit.current
        );
    }
}
