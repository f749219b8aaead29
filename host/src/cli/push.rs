//! `waystation push`: brings a release to a registry.

use std::process::ExitCode;

use anyhow::Context as _;

use super::progress::Moving;
use super::{args, inspect, report};
use crate::deploy::registry;

/// The name with the digest is data: it goes to standard output.
pub(super) fn run(args: &args::Push) -> anyhow::Result<ExitCode> {
    let opened = inspect::open(&args.what)?;
    let signature = args.signature.as_ref().map(|file| {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
    });
    let signature = signature.transpose()?;
    let moving = Moving::new("Pushing");
    let pushed = super::runtime()?.block_on(registry::push(
        &args.reference,
        (&opened.release, &opened.blobs),
        signature.as_deref(),
        &moving.reader(),
    ));
    let bytes = moving.total();
    drop(moving);
    let pushed = pushed?;
    report::pushed(&opened.release, &args.reference, bytes);
    Ok(report::data(&format!("{pushed}\n")))
}
