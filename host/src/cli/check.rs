//! `waystation check`: builds every route as `dev` does and says what is wrong.

use std::process::ExitCode;
use std::time::Instant;

use super::args::Check;
use super::report;
use crate::build::{self, BuiltRoute, Profile};
use crate::project::environment::{self, Mode};
use crate::project::routes::{RouteKind, discover_all};
use crate::project::{Project, schema, settings::Settings};
use waystation_rules::segment::Limits;

pub(super) fn run(args: &Check) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let project = Project::open(&args.app.dir)?;
    let settings = Settings::read(&project.root)?;
    settings
        .limits
        .check_routes(&discover_all(&project)?.names())?;
    let limits = settings.limits.of_app(Limits::default());
    let variables = environment::read(&project.root, &settings.env, Mode::Development)?;
    schema::write(&project.root)?;
    report::environment(&variables, &settings.env);
    let Some(built) = super::build::routes(&project, Profile::Dev)? else {
        return Ok(ExitCode::FAILURE);
    };
    let refused = built.built.iter().filter_map(|route| {
        let section = route.inspected.section.as_ref()?;
        let faults = section
            .config
            .settle(limits.of(&route.source.name()))
            .err()?;
        Some(build::told(
            &project.root,
            &route.source.file,
            &faults.into(),
        ))
    });
    let refused = refused.collect::<Vec<_>>();
    anyhow::ensure!(refused.is_empty(), "{}", refused.join("\n\nerror: "));
    let is_route = |route: &&BuiltRoute| route.source.kind != RouteKind::Proxy;
    let routes = built.built.iter().filter(is_route).count();
    report::checked(routes, began.elapsed());
    Ok(ExitCode::SUCCESS)
}
