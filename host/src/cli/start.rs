//! `waystation start`: serves what `build` made.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use waystation_rules::forwarded::Scheme;
use waystation_rules::pattern::RoutePattern;
use waystation_rules::proxy::{Proxies, Reach};
use waystation_rules::segment::{Declared, Limits};
use waystation_rules::table::{Entry, Table};

use super::args::Start;
use super::{listen, report, service, signal};
use crate::app::{self, App, Current, File, Handler, Loader, Policy, Proxy, Route, Source};
use crate::project::digest::Digest;
use crate::project::environment::{self, Mode};
use crate::project::files::FileKind;
use crate::project::{self, manifest, output, settings::Settings};
use crate::sandbox::{Favour, Guest};
use crate::server::{self, Listener};
use crate::store::Store;
use crate::telemetry;

pub(super) fn run(args: &Start) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let root = args
        .app
        .dir
        .canonicalize()
        .with_context(|| format!("there is no folder {}", args.app.dir.display()))?;
    let settings = Settings::read(&root)?;
    let format = args.log_format.or(settings.log.format);
    telemetry::start_log(format.unwrap_or_default(), false);
    let address = listen::address(&args.listen, &settings.server, "0.0.0.0")?;
    let limits = settings.limits.over(Limits::default());
    let variables = environment::read(&root, &settings.env, Mode::Production)?;
    let output = output::folder(&root);
    let build = output::read(&output)?;

    super::runtime()?.block_on(async {
        let stopping = CancellationToken::new();
        let stop = signal::stop()?;
        let stop = stop.then({
            let stopping = stopping.clone();
            async move |()| {
                service::stopping();
                stopping.cancel();
            }
        });
        let listener = match server::inherited().context("the socket that was handed on")? {
            Some(listener) => listener,
            None => server::bind(address).await?,
        };
        let address = listener.local_addr()?;
        let tls = listen::tls(&args.tls, &root, &settings.server)?;
        report::environment(&variables, &settings.env);
        let loader = Loader::open(&project::code_cache(&root), limits, Favour::Running)?;
        let loader = loader.in_environment(variables.environment);
        let load = |route: &manifest::Route| entry(&loader, &output, route);
        let routes = app::in_parallel(&build.routes, load);
        let files = build.files.iter().map(|file| file_entry(&output, file));
        let entries = routes.into_iter().chain(files);
        let entries = entries.collect::<anyhow::Result<Vec<_>>>()?;
        let table = Table::build(entries).map_err(report::conflicts)?;
        let load = |asked: &manifest::Proxy| proxy(&loader, &output, asked);
        let proxies = app::in_parallel(&build.proxies, load);
        let proxies = Proxies::new(proxies.into_iter().collect::<anyhow::Result<_>>()?);
        let kept = app::keep(&settings.cache, &root, &build.name, &release(&build), true)?;
        let mut policy = Policy::of(&settings, listen::origin(address)?, false, kept)?;
        if tls.is_some() {
            policy.scheme = Scheme::Https;
        }
        if let Some(text) = policy.rules.warning() {
            report::warning(&text);
        }
        restore(&policy.kept.store, &output, &build).await?;
        let scheme = policy.scheme;
        let current = Arc::new(Current::new(App::new(table, proxies, policy)));
        let operator = listen::for_operator(&root, &current, &stopping);
        if let Some(address) = args.status.or(settings.server.status) {
            listen::for_monitors(address, &current, &stopping);
        }
        service::reload_on_hangup(tls.clone())?;
        report::started(scheme, address, build.routes.len(), started.elapsed());
        let listener = match tls {
            Some(tls) => Listener::over(listener, tls),
            None => listener.into(),
        };
        service::ready();
        let finished = server::serve(listener, current, stop).await;
        operator.await?;
        Ok(report::stopped(finished))
    })
}

/// Keeps the answers that were made by the build, unless newer ones are kept already.
async fn restore(store: &Store, output: &Path, build: &manifest::Manifest) -> anyhow::Result<()> {
    for answer in build
        .routes
        .iter()
        .flat_map(|route| route.kept.iter().flatten())
    {
        let entry = output::read_answer(output, answer)?;
        let kept = store.get(&entry.key).await;
        if kept.is_none_or(|(kept, _)| kept.times.stored < entry.times.stored) {
            store.put(entry).await;
        }
    }
    Ok(())
}

/// Names all code of a build.
fn release(build: &manifest::Manifest) -> String {
    let routes = build.routes.iter().map(|route| &route.digest);
    let proxies = build.proxies.iter().map(|proxy| &proxy.digest);
    let digests: String = routes.chain(proxies).map(Digest::as_str).collect();
    Digest::of(digests.as_bytes()).as_str().to_owned()
}

/// A route of the build, ready to answer.
fn entry(loader: &Loader, output: &Path, route: &manifest::Route) -> anyhow::Result<Entry<Route>> {
    let guest = guest(
        loader,
        output,
        &route.digest,
        &route.pattern,
        route.config.as_ref(),
    )
    .with_context(|| format!("{} cannot be served", route.file))?;
    match &route.kept {
        Some(answers) => guest.set_listed(answers.iter().map(|answer| answer.params.clone())),
        None => guest.set_all_dynamic(), // the build found out
    }
    Ok(Entry {
        pattern: RoutePattern::parse(route.pattern.trim_start_matches('/'))?,
        file: route.file.clone(),
        route: Route {
            pattern: route.pattern.as_str().into(),
            file: route.file.clone(),
            handler: Handler::Guest(guest),
        },
    })
}

/// A file of the build.
fn file_entry(output: &Path, file: &manifest::File) -> anyhow::Result<Entry<Route>> {
    let path = file.pattern.trim_start_matches('/');
    Ok(Entry {
        pattern: match file.kind {
            FileKind::Public => RoutePattern::of_file(path),
            FileKind::Metadata => RoutePattern::parse(path)?,
        },
        file: file.file.clone(),
        route: Route {
            pattern: file.pattern.as_str().into(),
            file: file.file.clone(),
            handler: Handler::File(Box::new(File::built(output, file)?)),
        },
    })
}

/// A proxy of the build, ready to be asked.
fn proxy(
    loader: &Loader,
    output: &Path,
    proxy: &manifest::Proxy,
) -> anyhow::Result<(Reach, Proxy)> {
    let manifest::Proxy {
        file,
        digest,
        config,
        ..
    } = proxy;
    let load = || {
        let reach = Reach::of(file);
        let reach = match &config.matcher {
            Some(matcher) => reach.matching(matcher)?,
            None => reach,
        };
        let guest = guest(loader, output, digest, file, Some(config))?;
        anyhow::Ok((reach, Ok(guest)))
    };
    let (reach, guest) = load().with_context(|| format!("{file} cannot be asked"))?;
    let file = file.as_str().into();
    Ok((reach, Proxy { file, guest }))
}

/// A component of the build; `pattern` is what the log calls it.
fn guest(
    loader: &Loader,
    output: &Path,
    digest: &Digest,
    pattern: &str,
    declared: Option<&Declared>,
) -> anyhow::Result<Arc<Guest>> {
    let wasm = output::read_component(output, digest)?;
    app::guest(
        loader,
        &Source {
            pattern,
            wasm: &wasm,
            digest,
            declared,
        },
    )
}
