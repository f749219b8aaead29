//! `waystation build`: makes what `start` serves.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use waystation_rules::segment::Limits;

use super::prerender::Answers;
use super::progress::Bar;
use super::{args, built, prerender, report, route_table, signal};
use crate::app::{self, App, Loader, Policy};
use crate::build::{self, Build, Cancel, Options, Profile};
use crate::project::environment::{self, Mode};
use crate::project::layout::Blobs;
use crate::project::manifest::Manifest;
use crate::project::{self, Project, output, routes::discover_all, settings::Settings};
use crate::sandbox::Favour;

pub(super) fn run(args: &args::Build) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let project = Project::open(&args.app.dir)?;
    let text = Settings::text(&project.root)?;
    let settings = Settings::parse(text.as_deref().unwrap_or_default())?;
    let discovered = discover_all(&project)?;
    settings.limits.check_routes(&discovered.names())?;
    report::banner("build", &project.root);
    let Some(build) = routes(&project, Profile::Release)? else {
        return Ok(ExitCode::FAILURE);
    };

    let variables = environment::read(&project.root, &settings.env, Mode::Production)?;
    let files = discovered.files;
    // Compiling ahead of time shows what the host would refuse, and leaves the code for the first start on this machine.
    let limits = settings.limits.of_app(Limits::default());
    let loader = Loader::open(&project::code_cache(&project.root), limits, Favour::Running)?;
    let loader = loader.in_environment(variables.environment);
    let kept = app::keep_for_now(&settings.cache, &project.name);
    let policy = Policy::of(&settings, ORIGIN.parse()?, false, kept)?;
    let app = Arc::new(built::app(&project, &loader, &build.built, &files, policy)?);
    // Taken before the answers, for what they are made of may go out of date meanwhile.
    let created = app.policy.kept.store.now() / 1000;
    let Some(answers) = answers(&app)? else {
        return Ok(ExitCode::FAILURE);
    };

    let output = output::folder(&project.root);
    let blobs = Blobs::at(&output);
    for route in &build.built {
        output::store(&blobs, &route.component)?;
    }
    let text = text.map(|text| output::store(&blobs, text.as_bytes()));
    let mut manifest = Manifest {
        files: output::store_files(&blobs, &files)?,
        settings: text.transpose()?,
        outbound: settings.outbound.hosts.clone(),
        ..build.manifest(&project)
    };
    for route in &mut manifest.routes {
        if let Some(Answers::Kept(answers)) = answers.get(&route.file) {
            let kept = answers
                .iter()
                .map(|(params, entry)| output::store_answer(&blobs, params, entry));
            route.kept = Some(kept.collect::<Result<_, _>>()?);
        }
    }
    let release = output::write(&output, manifest, created)?;
    if settings.cache.says_a_password() {
        report::warning(PASSWORD);
    }
    route_table::show(&release.manifest);
    report::not_kept(&answers);
    report::built(&release, &project.root, began.elapsed());
    Ok(ExitCode::SUCCESS)
}

const PASSWORD: &str = "`cache.redis` of waystation.toml has a password, and that file is part of the release\n\nhint: write `redis = \"$REDIS_URL\"` and set the variable where it is served";

/// What `request.url` is while answers are made before anybody asks (row Q17).
const ORIGIN: &str = "localhost:3000";

/// The answers that are kept. None if a signal came.
fn answers(app: &Arc<App>) -> anyhow::Result<Option<prerender::All>> {
    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        tokio::select! {
            all = prerender::all(app) => Ok(Some(all?)),
            () = stop => Ok(None),
        }
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
