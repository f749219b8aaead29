//! `waystation start`: serves what `build` made.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use waystation_rules::segment::Limits;

use super::args::Start;
use super::{listen, report, signal};
use crate::app::{self, Current, Loader, Policy};
use crate::project::environment::{self, Mode};
use crate::project::layout::Blobs;
use crate::project::{self, output, release, settings::Settings};
use crate::sandbox::Favour;
use crate::server;

pub(super) fn run(args: &Start) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let root = args
        .app
        .dir
        .canonicalize()
        .with_context(|| format!("there is no folder {}", args.app.dir.display()))?;
    let own = Settings::text(&root)?.map(|text| Settings::parse(&text));
    let own = own.transpose()?;
    let output = output::folder(&root);
    let release = release::latest(&output)?;
    let blobs = Blobs::at(&output);
    let settings = own.map_or_else(|| release.settings(&blobs), Ok)?;
    let address = listen::address(&args.listen, &settings.server, "0.0.0.0")?;
    let limits = settings.limits.over(Limits::default());
    let variables = environment::read(&root, &settings.env, Mode::Production)?;

    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        let listener = server::bind(address).await?;
        let address = listener.local_addr()?;
        report::environment(&variables, &settings.env);
        let loader = Loader::open(&project::code_cache(&root), limits, Favour::Running)?;
        let loader = loader.in_environment(variables.environment);
        let (name, digest) = (&release.manifest.name, release.digest.as_str());
        let kept = app::keep(&settings.cache, &root, name, digest, true)?;
        let policy = Policy::of(&settings, listen::origin(address)?, false, kept)?;
        if let Some(text) = policy.rules.warning() {
            report::warning(&text);
        }
        let app = app::release::load(&loader, &blobs, &release, policy)?;
        let store = &app.policy.kept.store;
        let made = release.created.map_or(store.now(), |at| at * 1000);
        app::release::restore(store, &blobs, &release, made).await?;
        let current = Arc::new(Current::new(app));
        listen::for_operator(&root, &current);
        report::started(address, release.manifest.routes.len(), started.elapsed());
        let finished = server::serve(listener, current, stop).await;
        Ok(report::stopped(finished))
    })
}
