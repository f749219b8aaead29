//! `waystation build`: makes what `start` serves.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use waystation_rules::segment::Limits;

use super::args;
use super::progress::Bar;
use super::{report, signal};
use crate::app::{self, Loader, Source};
use crate::build::{self, Build, BuiltRoute, Cancel, Options, Profile};
use crate::project::{self, Project, output, routes::discover_all, settings::Settings};
use crate::sandbox::{Favour, Guest};

pub(super) fn run(args: &args::Build) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let project = Project::open(&args.app.dir)?;
    let settings = Settings::read(&project.root)?;
    report::banner("build", &project.root);
    let Some(build) = routes(&project, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };

    // Compiling ahead of time shows what the host would refuse, and leaves the code for the first start on this machine.
    let limits = settings.limits.over(Limits::default());
    let loader = Loader::open(&project::code_cache(&project.root), limits, Favour::Running)?;
    let loaded = app::in_parallel(&build.built, |route| guest(&project, &loader, route));
    loaded.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let output = output::folder(&project.root);
    let files = output::store_files(&output, &discover_all(&project)?.files)?;
    let manifest = build.manifest(&project, files);
    let components = build.built.iter().map(|route| route.component.as_ref());
    output::write(&output, &manifest, components)?;
    report::route_table(&manifest);
    report::built(&project.root, began.elapsed());
    Ok(ExitCode::SUCCESS)
}

/// Gets a built route ready to answer.
pub(super) fn guest(
    project: &Project,
    loader: &Loader,
    route: &BuiltRoute,
) -> anyhow::Result<Arc<Guest>> {
    let source = Source {
        pattern: &route.source.name(),
        wasm: &route.component,
        declared: route.declared(),
    };
    app::guest(loader, &source).map_err(|error| {
        let place = build::place(&project.root, &route.source.file, &error);
        error.context(format!("{place} cannot be served"))
    })
}

/// Builds every route with a bar. None if one of them failed or a signal came, which was said.
pub(super) fn routes(project: &Project, profile: Profile) -> anyhow::Result<Option<Build>> {
    let Some(build) = super::runtime()?.block_on(until_stopped(project, profile))? else {
        return Ok(None);
    };
    for warning in &build.warnings {
        report::words(&warning.rendered_ansi);
    }
    if build.failed.is_empty() {
        return Ok(Some(build));
    }
    report::failures(&build.failed);
    Ok(None)
}

/// Builds on a thread of its own. A signal ends cargo too, which is in a process group of its own and would not hear it.
async fn until_stopped(project: &Project, profile: Profile) -> anyhow::Result<Option<Build>> {
    let stop = signal::stop()?;
    let (bar, cancel) = (Bar::new(), Cancel::default());
    let _stop = cancel.on_drop();
    let build = tokio::task::spawn_blocking({
        let (project, cancel, reader) = (project.clone(), cancel.clone(), bar.reader());
        let options = Options {
            profile,
            target_dir: None,
        };
        move || build::build(&project, &options, &cancel, &reader)
    });
    tokio::select! {
        build = build => Ok(Some(build??)),
        () = stop => Ok(None),
    }
}
