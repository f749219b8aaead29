//! An app as it was just built, ready to answer: what `test` serves, and what `build` makes answers of.

use std::sync::Arc;

use waystation_rules::proxy::{Proxies, Reach};
use waystation_rules::table::Entry;

use crate::app::{self, App, Known, Loader, Policy, Proxy, Route};
use crate::build::{self, BuiltRoute};
use crate::project::Project;
use crate::project::files::FileSource;
use crate::project::manifest::Interface;
use crate::project::routes::RouteKind;
use crate::sandbox::{Facts, Guest};

/// The app of these routes and files.
pub(super) fn app(
    project: &Project,
    loader: &Loader,
    built: &[BuiltRoute],
    files: &[FileSource],
    policy: Policy,
) -> anyhow::Result<App> {
    let is_proxy = |built: &&BuiltRoute| built.source.kind == RouteKind::Proxy;
    let (proxies, routes): (Vec<_>, Vec<_>) = built.iter().partition(is_proxy);
    let routes = app::in_parallel(&routes, |route| entry(project, loader, route));
    let files = files.iter().map(|file| Ok(Route::of_file(file)));
    let routes = routes.into_iter().chain(files);
    let routes = routes.collect::<anyhow::Result<Vec<_>>>()?;
    let proxies = app::in_parallel(&proxies, |asked| proxy(project, loader, asked));
    let proxies = Proxies::new(proxies.into_iter().collect::<anyhow::Result<_>>()?);
    Ok(App::new(app::table(routes)?, proxies, policy))
}

fn entry(project: &Project, loader: &Loader, route: &BuiltRoute) -> anyhow::Result<Entry<Route>> {
    let guest = guest(project, loader, route)?;
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

fn proxy(project: &Project, loader: &Loader, built: &BuiltRoute) -> anyhow::Result<(Reach, Proxy)> {
    let guest = guest(project, loader, built)?;
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

/// Gets a built route ready to answer.
fn guest(project: &Project, loader: &Loader, route: &BuiltRoute) -> anyhow::Result<Arc<Guest>> {
    let known = Known {
        pattern: &route.source.name(),
        digest: &route.digest,
        declared: route.declared(),
        facts: Facts {
            methods: route.inspected.methods,
            lists_params: route.inspected.lists_params(),
            keeps_contract: matches!(
                route.inspected.interface,
                Interface::Route | Interface::Proxy
            ),
        },
    };
    let wasm = route.component.clone();
    app::waiting(loader, &known, move || Ok(wasm.clone()))
        .map_err(|error| anyhow::Error::msg(build::told(&project.root, &route.source.file, &error)))
}
