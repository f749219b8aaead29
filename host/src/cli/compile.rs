//! `waystation compile`: what a node runs for each component that it compiles. It is not for people.

use std::process::ExitCode;
use std::time::Duration;

use super::{args, report};
use crate::app::{self, Bounds};

pub(super) fn run(args: &args::Compile) -> ExitCode {
    let bounds = Bounds {
        memory: args.memory,
        time: Duration::from_secs(args.time),
    };
    match app::be_compiler(bounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            report::words(&format!("{error:#}"));
            code.into()
        }
    }
}
