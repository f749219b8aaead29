//! `waystation start`: serves what `build` made.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use waystation_rules::pattern::RoutePattern;
use waystation_rules::segment::Limits;
use waystation_rules::table::{Entry, Table};

use super::args::Start;
use super::{listen, report, signal};
use crate::app::{self, App, Current, Loader, Policy, Route, Source};
use crate::project::environment::{self, Mode};
use crate::project::{self, manifest, output, settings::Settings};
use crate::sandbox::Favour;
use crate::server;

pub(super) fn run(args: &Start) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let root = args
        .app
        .dir
        .canonicalize()
        .with_context(|| format!("there is no folder {}", args.app.dir.display()))?;
    let settings = Settings::read(&root)?;
    let address = listen::address(&args.listen, &settings.server, "0.0.0.0")?;
    let limits = settings.limits.over(Limits::default());
    let variables = environment::read(&root, &settings.env, Mode::Production)?;
    let output = output::folder(&root);
    let build = output::read(&output)?;

    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        let listener = server::bind(address).await?;
        let address = listener.local_addr()?;
        report::environment(&variables, &settings.env);
        let loader = Loader::open(&project::code_cache(&root), limits, Favour::Running)?;
        let loader = loader.in_environment(variables.environment);
        let load = |route: &manifest::Route| entry(&loader, &output, route);
        let routes = app::in_parallel(&build.routes, load);
        let routes = routes.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let table = Table::build(routes).map_err(report::conflicts)?;
        let policy = Policy::of(&settings, listen::origin(address)?, false)?;
        let current = Arc::new(Current::new(App { table, policy }));
        report::started(address, build.routes.len(), started.elapsed());
        let finished = server::serve(listener, current, stop).await;
        Ok(report::stopped(finished))
    })
}

/// A route of the build, ready to answer.
fn entry(loader: &Loader, output: &Path, route: &manifest::Route) -> anyhow::Result<Entry<Route>> {
    let wasm = output::read_component(output, &route.digest)?;
    let declared = route.config.as_ref();
    let guest = app::guest(
        loader,
        &Source {
            pattern: &route.pattern,
            wasm: &wasm,
            declared,
        },
    )
    .with_context(|| format!("{} cannot be served", route.file))?;
    Ok(Entry {
        pattern: RoutePattern::parse(route.pattern.trim_start_matches('/'))?,
        file: route.file.clone(),
        route: Route {
            pattern: route.pattern.as_str().into(),
            file: route.file.clone(),
            guest: Ok(guest),
        },
    })
}
