//! `waystation new`: makes an app in a folder.

use std::process::ExitCode;

use super::{args, report};
use crate::project::template::{self, Sdk};

pub(super) fn run(args: &args::New) -> anyhow::Result<ExitCode> {
    let sdk = match &args.sdk {
        Some(folder) => Sdk::named(folder)?,
        None => Sdk::of_this_program(),
    };
    let name = template::write(&args.dir, args.name.as_deref(), &sdk)?;
    report::made(&args.dir, &name, &sdk);
    Ok(ExitCode::SUCCESS)
}
