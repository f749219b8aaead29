//! `waystation node`: serves apps by host name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::FutureExt as _;
use waystation_rules::forwarded::Scheme;
use waystation_rules::rollout::{AppName, HostName, Judge, Pace};

use super::args::{self, NodeCommand};
use super::{listen, report, service, signal};
use crate::app::Bounds;
use crate::node::{self, Admin, Cap, Keys, Node, Policy};
use crate::project::settings::Server;
use crate::sandbox;
use crate::server::{self, Listener};
use crate::telemetry::{self, Writing};

/// Between two looks at a registry that is away.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

pub(super) fn run(args: args::Node) -> anyhow::Result<ExitCode> {
    if let Some(NodeCommand::Token(args)) = args.command {
        return token(args);
    }
    let started = Instant::now();
    let data = args
        .data
        .clone()
        .context("`--data` says where the node keeps its releases")?;
    let policy = policy(&args, &data)?;
    node::check_follows(&args.follows)?;
    let scheme = policy.scheme;
    telemetry::start_log(args.log_format, false, Writing::Apart);

    super::runtime()?.block_on(async {
        let stop = signal::stop()?.inspect(|()| service::stopping());
        let listener = match server::inherited().context("the socket that was handed on")? {
            Some(listener) => listener,
            None => server::bind(args.listen).await?,
        };
        let address = listener.local_addr()?;
        let tls = listen::tls(&args.tls, &data, &Server::default())?;
        let opened = tokio::task::spawn_blocking({
            let data = data.clone();
            move || Node::open(&data, address.port(), policy)
        });
        let node = Arc::new(opened.await??);
        let own = [format!("unix:{}", node::socket(&data).display())];
        let asked = if args.admin.is_empty() {
            &own[..]
        } else {
            &args.admin
        };
        let reach = listen::for_operators_of_node(&args.operators)?;
        let mut addresses = Vec::new();
        for text in asked {
            let admin = Admin::bind(text, &reach).await?;
            addresses.push(admin.address());
            tokio::spawn(admin.serve(Arc::clone(&node)));
        }
        let (apps, active) = node.apps();
        service::reload_on_hangup(tls.iter().chain(&reach.tls).cloned())?;
        report::node(
            scheme,
            address,
            (apps, active),
            (&addresses, &args.follows),
            started.elapsed(),
        );
        let listener = match tls {
            Some(tls) => Listener::over(listener, tls),
            None => listener.into(),
        };
        let pace = Pace {
            interval: Duration::from_secs(args.follow_interval),
            longest: LONGEST_PAUSE,
        };
        for what in args.follows {
            tokio::spawn(node::follow(Arc::clone(&node), what, pace));
        }
        service::ready();
        let finished = server::serve(listener, node, stop).await;
        Ok(report::stopped(finished))
    })
}

fn policy(args: &args::Node, data: &Path) -> anyhow::Result<Policy> {
    let keys: PathBuf = args.trusted.clone().unwrap_or_else(|| data.join("keys"));
    if let Some(memory) = args.bounds.guest_memory {
        sandbox::bound_guests(memory);
    }
    let cap = args.bounds.cap.as_deref().map(Cap::read);
    let compiler = Bounds {
        memory: args.bounds.compile_memory.get(),
        time: Duration::from_secs(args.bounds.compile_time.get().into()),
    };
    Ok(Policy {
        denied: args.deny_import.clone(),
        allows_private_addresses: args.allow_private_addresses,
        cap: cap.transpose()?.unwrap_or_default(),
        keys: Keys::read(&keys)?,
        scheme: match args.tls.certs.is_empty() {
            true => Scheme::Http,
            false => Scheme::Https,
        },
        region: args.region.clone(),
        preview_suffix: args.preview_suffix.clone(),
        keep: args.keep.get(),
        judge: Judge {
            time: Duration::from_secs(args.watch),
            percent: args.may_fail,
        },
        compile_time: compiler.time * 10, // each component has its own bound, twice that by the clock
        compiler,
    })
}

/// The token is data: it goes to standard output, and nowhere else.
fn token(args: args::Token) -> anyhow::Result<ExitCode> {
    if args.revoke {
        let was_there = node::revoke_token(&args.data, &args.name)?;
        anyhow::ensure!(was_there, "there is no token called `{}`", args.name);
        report::step(&format!("`{}` counts no more", args.name));
        return Ok(ExitCode::SUCCESS);
    }
    let app = args.app.map(AppName::try_from).transpose()?;
    let hosts = args
        .hosts
        .into_iter()
        .map(HostName::try_from)
        .collect::<Result<_, _>>()?;
    let token = node::make_token(&args.data, &args.name, app, hosts)?;
    report::step("keep it: it is not shown again; `deploy` takes it from WAYSTATION_TOKEN");
    Ok(report::data(&format!("{token}\n")))
}
