//! `waystation new`: makes an app in a folder.

use std::process::ExitCode;

use super::{args, report};
use crate::build::shim;
use crate::project::template::{self, Sdk};
use crate::project::{Project, routes};

pub(super) fn run(args: &args::New) -> anyhow::Result<ExitCode> {
    let sdk = match &args.sdk {
        Some(folder) => Sdk::named(folder)?,
        None => Sdk::of_this_program(),
    };
    let name = template::write(&args.dir, args.name.as_deref(), &sdk)?;
    // Cargo and editors find the routes from the start.
    let project = Project::open(&args.dir)?;
    shim::write(&project, &routes::discover(&project)?)?;
    report::made(&args.dir, &name, &sdk);
    Ok(ExitCode::SUCCESS)
}
