//! `waystation test`: serves an app as `start` would, and runs its tests meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use waystation_rules::segment::Limits;

use super::{args, built, listen, report, signal};
use crate::app::{self, Current, Loader, Policy};
use crate::build::cargo::CargoError;
use crate::build::{self, Cancel, Profile, toolchain};
use crate::project::environment::{self, Mode};
use crate::project::routes;
use crate::project::{self, Project, settings::Settings};
use crate::sandbox::Favour;
use crate::server;

/// What names the served app to its tests; the SDK's `TestRequest::send` reads it.
const URL: &str = "WAYSTATION_URL";
/// What shows that a request is one of its tests'.
const SECRET: &str = "WAYSTATION_TEST_SECRET";

pub(super) fn run(args: &args::Test) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.app.dir)?;
    let settings = Settings::read(&project.root)?;
    let variables = environment::read(&project.root, &settings.env, Mode::Test)?;
    let discovered = routes::discover_all(&project)?;
    settings.limits.check_routes(&discovered.names())?;
    report::banner("test", &project.root);
    report::environment(&variables, &settings.env);
    let Some(build) = super::build::routes(&project, Profile::Dev)? else {
        return Ok(ExitCode::FAILURE);
    };
    let limits = settings.limits.of_app(Limits::default());
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
        let kept = app::keep_for_now(&settings.cache, &project.name);
        let secret = secret()?;
        let policy = Policy {
            test_secret: Some(secret.as_str().into()),
            ..Policy::of(&settings, listen::origin(address)?, false, kept)?
        };
        let app = built::app(&project, &loader, &build.built, &discovered.files, policy)?;
        let current = Arc::new(Current::new(app));
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
                let seen = seen.chain([(URL, url.as_str()), (SECRET, secret.as_str())]);
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

fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
