//! `waystation pack`: puts what `build` made into one file.

use std::path::PathBuf;
use std::process::ExitCode;

use super::progress::Bytes;
use super::{args, report};
use crate::deploy::bundle;
use crate::project::layout::Blobs;
use crate::project::{output, release};

pub(super) fn run(args: &args::Pack) -> anyhow::Result<ExitCode> {
    let output = output::folder(&args.app.dir);
    let release = release::latest(&output)?;
    let own = || {
        let (name, digest) = (&release.manifest.name, release.digest.short());
        PathBuf::from(format!("{name}-{digest}.tar"))
    };
    let file = args.output.clone().unwrap_or_else(own);
    let bar = Bytes::new("Packing", 2 * release.bytes());
    bundle::pack(&release, &Blobs::at(&output), &file, &|more| bar.add(more))?;
    drop(bar);
    report::packed(&release, &file);
    Ok(ExitCode::SUCCESS)
}
