//! `waystation start`: serves what `build` made.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use waystation_rules::forwarded::Scheme;
use waystation_rules::segment::Limits;

use super::args::Start;
use super::{listen, report, service, signal};
use crate::app::{self, Current, Loader, Policy};
use crate::project::environment::{self, Mode};
use crate::project::layout::Blobs;
use crate::project::{self, output, release, settings::Settings};
use crate::sandbox;
use crate::server::{self, Listener};
use crate::telemetry::{self, Writing};

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
    settings.limits.check_routes(&release.manifest.names())?;
    let format = args.log_format.or(settings.log.format);
    telemetry::start_log(format.unwrap_or_default(), false, Writing::Apart);
    let address = listen::address(&args.listen, &settings.server, "0.0.0.0")?;
    if let Some(memory) = settings.server.guest_memory_mb {
        sandbox::bound_guests(memory);
    }
    let limits = settings.limits.of_app(Limits::default());
    let variables = environment::read(&root, &settings.env, Mode::Production)?;

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
        let loader = Loader::for_release(&project::code_cache(&root), limits, &release)?;
        let loader = loader.in_environment(variables.environment);
        let (name, digest) = (&release.manifest.name, release.digest.as_str());
        let kept = app::keep(&settings.cache, &root, name, digest, true)?;
        let mut policy = Policy::of(&settings, listen::origin(address)?, false, kept)?;
        if tls.is_some() {
            policy.scheme = Scheme::Https;
        }
        if let Some(text) = policy.rules.warning() {
            report::warning(&text);
        }
        let scheme = policy.scheme;
        let app = app::release::load(&loader, &blobs, &release, policy)?;
        let store = &app.policy.kept.store;
        let made = release
            .created
            .map_or(store.now(), |at| at.saturating_mul(1000));
        app::release::restore(store, &blobs, &release, made).await?;
        let current = Arc::new(Current::new(app));
        let operator = listen::for_operator(&root, &current, &stopping);
        if let Some(address) = args.status.or(settings.server.status) {
            listen::for_monitors(address, &current, &stopping);
        }
        service::reload_on_hangup(tls.clone())?;
        let routes = release.manifest.routes.len();
        report::started(scheme, address, routes, started.elapsed());
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
