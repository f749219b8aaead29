//! `waystation dev`: serves an app and rebuilds what changes.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use waystation_rules::reload::Scope;
use waystation_rules::segment::Limits;

use super::args::Dev;
use super::progress::Bar;
use super::{listen, report, signal};
use crate::app::{self, Current, Loader, Policy};
use crate::build::{Cancel, Options, Profile, toolchain};
use crate::dev::{Files, News, Session, follow};
use crate::project::environment::{self, Mode};
use crate::project::{self, Project, schema, settings::Settings};
use crate::sandbox::{self, Favour};
use crate::server;

pub(super) fn run(args: &Dev) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let project = Project::open(&args.app.dir)?;
    let settings = Settings::read(&project.root)?;
    let asked = listen::address(&args.listen, &settings.server, "127.0.0.1")?;
    if let Some(memory) = settings.server.guest_memory_mb {
        sandbox::bound_guests(memory);
    }
    let limits = settings.limits.of_app(Limits::default());
    let variables = environment::read(&project.root, &settings.env, Mode::Development)?;
    schema::write(&project.root)?;
    report::banner("dev", &project.root);

    super::runtime()?.block_on(async {
        let stop = signal::stop()?;
        let listener = server::bind_near(asked).await?;
        let address = listener.local_addr()?;
        report::listening(address, asked.port());
        report::environment(&variables, &settings.env);
        let toolchain = toolchain::prepare(&project.root, &report::step)?;
        let loader = Loader::open(
            &project::code_cache(&project.root),
            limits,
            Favour::Compiling,
        )?;
        let loader = loader.in_environment(variables.environment);
        let kept = app::keep(
            &settings.cache,
            &project.root,
            &project.name,
            "",
            args.cache,
        )?;
        let policy = Policy {
            leaks: args.find_leaks.then(Arc::default),
            ..Policy::of(&settings, listen::origin(address)?, true, kept)?
        };
        if let Some(text) = policy.rules.warning() {
            report::warning(&text);
        }
        let options = Options {
            profile: Profile::Dev,
            target_dir: None,
        };
        let mut files = Files::of(&project);
        let root = project.root.clone();
        let mut session = Session::new(project, toolchain, options, loader, policy, settings);

        let mut stop = std::pin::pin!(stop);
        let cancel = Cancel::default();
        let bar = Bar::new();
        let first = tokio::select! {
            built = session.build(Scope::Everything, &cancel, bar.reader()) => built,
            () = &mut stop => return Ok(ExitCode::SUCCESS),
        };
        drop(bar);
        match first {
            Ok(built) => {
                report::said(&session.adopt(built));
                report::ready(session.len(), began.elapsed());
            }
            Err(error) => {
                files.mark_first_refused();
                report::news(&News::Refused {
                    error: &error,
                    served: session.len(),
                });
            }
        }
        let current = Arc::new(Current::new(session.app()?));
        drop(listen::for_operator(
            &root,
            &current,
            &CancellationToken::new(),
        ));
        let following = tokio::spawn(follow(session, files, Arc::clone(&current), |news| {
            report::news(&news)
        }));
        let finished = server::serve(listener, current, stop).await;
        following.abort();
        Ok(report::stopped(finished))
    })
}
