//! `waystation test`: serves an app as `start` would, and runs its tests meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use waystation_rules::proxy::{Proxies, Reach};
use waystation_rules::segment::Limits;
use waystation_rules::table::{Entry, Table};

use super::{args, listen, report, signal};
use crate::app::{self, App, Current, Loader, Policy, Proxy, Route};
use crate::build::cargo::CargoError;
use crate::build::{self, BuiltRoute, Cancel, Profile, toolchain};
use crate::project::environment::{self, Mode};
use crate::project::routes::{self, RouteKind};
use crate::project::{self, Project, settings::Settings};
use crate::sandbox::Favour;
use crate::server;

/// What names the served app to its tests; the SDK's `TestRequest::send` reads it.
const URL: &str = "WAYSTATION_URL";

pub(super) fn run(args: &args::Test) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.app.dir)?;
    let settings = Settings::read(&project.root)?;
    let variables = environment::read(&project.root, &settings.env, Mode::Test)?;
    report::banner("test", &project.root);
    report::environment(&variables, &settings.env);
    let Some(build) = super::build::routes(&project, Profile::Dev)? else {
        return Ok(ExitCode::FAILURE);
    };
    let limits = settings.limits.over(Limits::default());
    let loader = Loader::open(
        &project::code_cache(&project.root),
        limits,
        Favour::Compiling,
    )?;
    let loader = loader.in_environment(variables.environment.clone());

    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        let listener = server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let is_proxy = |built: &BuiltRoute| built.source.kind == RouteKind::Proxy;
        let (proxies, routes): (Vec<_>, Vec<_>) = build.built.into_iter().partition(is_proxy);
        let routes = app::in_parallel(&routes, |route| entry(&project, &loader, route));
        let files = routes::discover_all(&project)?.files;
        let files = files.iter().map(|file| Ok(Route::of_file(file)));
        let routes = routes
            .into_iter()
            .chain(files)
            .collect::<anyhow::Result<Vec<_>>>()?;
        let proxies = app::in_parallel(&proxies, |asked| proxy(&project, &loader, asked));
        let proxies = proxies.into_iter().collect::<anyhow::Result<_>>()?;
        let current = Arc::new(Current::new(App {
            table: Table::build(routes).map_err(report::conflicts)?,
            proxies: Proxies::new(proxies),
            policy: Policy::of(&settings, listen::origin(address)?, false)?,
        }));
        let url = format!("http://{address}");
        report::serving_tests(&url);
        tokio::spawn(server::serve(listener, current, std::future::pending()));

        let cancel = Cancel::default();
        let _stop = cancel.on_drop();
        let toolchain = toolchain::prepare(&project.root, &report::step)?;
        let tests = tokio::task::spawn_blocking({
            let (cancel, arguments) = (cancel.clone(), args.arguments.clone());
            move || {
                let seen = variables.environment.values().iter();
                let seen = seen.map(|(name, value)| (name.as_str(), value.as_str()));
                let seen = seen.chain([(URL, url.as_str())]);
                build::test::run(&project.root, &toolchain, &arguments, seen, &cancel)
            }
        });
        let passed = tokio::select! {
            passed = tests => passed?,
            () = stop => Err(CargoError::Cancelled),
        };
        Ok(match passed? {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    })
}

/// A built route, ready to answer.
fn entry(project: &Project, loader: &Loader, route: &BuiltRoute) -> anyhow::Result<Entry<Route>> {
    let guest = super::build::guest(project, loader, route)?;
    Ok(Entry {
        pattern: route.source.pattern.clone(),
        file: route.source.file.clone(),
        route: Route {
            pattern: route.source.pattern.to_string().into(),
            file: route.source.file.clone(),
            handler: Ok(guest).into(),
        },
    })
}

/// A built proxy, ready to be asked.
fn proxy(project: &Project, loader: &Loader, built: &BuiltRoute) -> anyhow::Result<(Reach, Proxy)> {
    let guest = super::build::guest(project, loader, built)?;
    let file = &built.source.file;
    let reach = Reach::of(file);
    let matcher = built
        .declared()
        .and_then(|declared| declared.matcher.as_deref());
    let reach = matcher.map_or(Ok(reach.clone()), |matcher| reach.matching(matcher))?;
    let file = file.as_str().into();
    Ok((
        reach,
        Proxy {
            file,
            guest: Ok(guest),
        },
    ))
}
