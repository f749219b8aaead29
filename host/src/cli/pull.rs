//! `waystation pull`: fetches a release from a registry, as the latest build of a folder or as one file.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::progress::{Bytes, Moving};
use super::{args, report};
use crate::deploy::registry::{Access, Reference, Registry};
use crate::deploy::{Arrivals, bundle};
use crate::project::layout::Blobs;
use crate::project::release::{self, Release};
use crate::project::{OWN_DIR, output};

pub(super) fn run(args: &args::Pull) -> anyhow::Result<ExitCode> {
    let to = &args.output;
    let is_file = !to.is_dir() && to.extension().is_some_and(|extension| extension == "tar");
    let release = match is_file {
        true => into_file(&args.reference, to)?,
        false => into_folder(&args.reference, to)?,
    };
    report::pulled(&release, to);
    Ok(ExitCode::SUCCESS)
}

/// What was built there before stays beside it until the next build, as with `build`.
fn into_folder(reference: &Reference, root: &Path) -> anyhow::Result<Release> {
    let output = output::folder(root);
    let arriving = root.join(OWN_DIR).join("arriving");
    let release = fetched(reference, &output, &arriving)?;
    output::publish(&output, &release)?;
    Ok(release)
}

fn into_file(reference: &Reference, file: &Path) -> anyhow::Result<Release> {
    let aside = tempfile::tempdir()?;
    let release = fetched(reference, aside.path(), &aside.path().join("arriving"))?;
    let bar = Bytes::new("Packing", 2 * release.bytes());
    let blobs = Blobs::at(aside.path());
    bundle::pack(&release, &blobs, file, &|more| bar.add(more))?;
    Ok(release)
}

/// Has all of a release in a layout's folder, each blob with the right digest, whether it came now or was there.
fn fetched(reference: &Reference, layout: &Path, arriving: &Path) -> anyhow::Result<Release> {
    let caps = bundle::Caps::default();
    let arrivals = Arc::new(Arrivals::new(Blobs::at(layout), arriving, caps.blob));
    let moving = Moving::new("Pulling");
    let digest = super::runtime()?.block_on(async {
        let registry = Registry::new(reference, Access::Pull);
        let digest = registry.digest().await?;
        let manifest = registry.manifest(&digest).await?;
        registry
            .fetch(&digest, manifest, &arrivals, caps.all, &moving.reader())
            .await?;
        anyhow::Ok(digest)
    })?;
    drop(moving);
    let release = release::open(arrivals.blobs(), &digest)?;
    release.verify(arrivals.blobs(), &|_| {})?;
    Ok(release)
}
