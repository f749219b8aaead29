//! Makes an app of a release, as `start` and a node serve it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use waystation_rules::method::Methods;
use waystation_rules::pattern::RoutePattern;
use waystation_rules::proxy::{Proxies, Reach};
use waystation_rules::table::Entry;

use super::{App, File, Handler, Known, Loader, Policy, Proxy, Route, in_parallel, table, waiting};
use crate::project::files::FileKind;
use crate::project::layout::Blobs;
use crate::project::manifest::{self, Blob, Interface};
use crate::project::output;
use crate::project::release::Release;
use crate::sandbox::Facts;
use crate::store::{ReadBuilt, Store};

/// Gets everything in a release ready to answer, its kept answers aside. It blocks its thread and takes all cores while it compiles.
///
/// # Errors
///
/// If a blob that is read is not as it was built, a component cannot be served here, or the routes are in each other's way; each says which.
/// Components that were compiled here before are not read.
pub fn load(
    loader: &Loader,
    blobs: &Blobs,
    release: &Release,
    policy: Policy,
) -> anyhow::Result<App> {
    let manifest = &release.manifest;
    let routes = in_parallel(&manifest.routes, |route| entry(loader, blobs, route));
    let files = manifest.files.iter().map(|file| file_entry(blobs, file));
    let entries = routes.into_iter().chain(files);
    let proxies = in_parallel(&manifest.proxies, |asked| proxy(loader, blobs, asked));
    let table = table(entries.collect::<anyhow::Result<_>>()?)?;
    let proxies = Proxies::new(proxies.into_iter().collect::<anyhow::Result<_>>()?);
    Ok(App::new(table, proxies, policy))
}

/// How long a node that starts waits for what others say of its answers.
const PATIENCE: Duration = Duration::from_secs(1);

/// Keeps the answers of a release as if they had been made at `made`, in milliseconds since the epoch, unless newer ones are kept already.
/// Other nodes are heard first: what went out of date there while this one was away is not served by it, unless they cannot be reached.
///
/// # Errors
///
/// If one is not as it was built.
pub async fn restore(
    store: &Store,
    blobs: &Blobs,
    release: &Release,
    made: u64,
) -> anyhow::Result<()> {
    let routes = release.manifest.routes.iter();
    let mut answers = routes
        .flat_map(|route| route.kept.iter().flatten())
        .peekable();
    if answers.peek().is_some() {
        store.ready(PATIENCE).await;
    }
    let mut built = HashMap::new();
    for answer in answers {
        let entry = output::read_answer(blobs, answer, made)?;
        let kept = store.get(&entry.key).await;
        let kept = kept.map(|(kept, _)| kept.times.stored);
        if kept.is_none_or(|kept| kept <= entry.times.stored) {
            let read = read(blobs.clone(), answer.clone(), made);
            built.insert(Arc::clone(&entry.key), read);
        }
        if kept.is_none_or(|kept| kept < entry.times.stored) {
            store.put(entry).await;
        }
    }
    store.add_built(release.digest.as_str(), built);
    Ok(())
}

/// Reads an answer again, for when memory has forgotten it.
fn read(blobs: Blobs, answer: manifest::Answer, made: u64) -> ReadBuilt {
    Arc::new(move || {
        let read = output::read_answer(&blobs, &answer, made);
        read.inspect_err(|error| tracing::error!("{} is made anew: {error}", answer.path))
            .ok()
    })
}

/// A route, ready to answer.
fn entry(loader: &Loader, blobs: &Blobs, route: &manifest::Route) -> anyhow::Result<Entry<Route>> {
    let known = Known {
        pattern: &route.pattern,
        digest: &route.component.digest,
        declared: route.config.as_ref(),
        facts: Facts {
            methods: route.methods,
            lists_params: route.lists_params,
            keeps_contract: route.interface == Interface::Route,
        },
    };
    let guest = waiting(loader, &known, component(blobs, &route.component));
    let guest = guest.with_context(|| format!("{} cannot be served", route.file))?;
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

/// A file.
fn file_entry(blobs: &Blobs, file: &manifest::File) -> anyhow::Result<Entry<Route>> {
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
            handler: Handler::File(Box::new(File::released(blobs, file)?)),
        },
    })
}

/// A proxy, ready to be asked.
fn proxy(
    loader: &Loader,
    blobs: &Blobs,
    proxy: &manifest::Proxy,
) -> anyhow::Result<(Reach, Proxy)> {
    let manifest::Proxy { file, config, .. } = proxy;
    let load = || {
        let reach = Reach::of(file);
        let reach = match &config.matcher {
            Some(matcher) => reach.matching(matcher)?,
            None => reach,
        };
        let known = Known {
            pattern: file,
            digest: &proxy.component.digest,
            declared: Some(config),
            facts: Facts {
                methods: Methods::NONE,
                lists_params: false,
                keeps_contract: true,
            },
        };
        let guest = waiting(loader, &known, component(blobs, &proxy.component))?;
        anyhow::Ok((reach, Ok(guest)))
    };
    let (reach, guest) = load().with_context(|| format!("{file} cannot be asked"))?;
    let file = file.as_str().into();
    Ok((reach, Proxy { file, guest }))
}

/// Reads a component, when somebody wants to.
fn component(
    blobs: &Blobs,
    blob: &Blob,
) -> impl Fn() -> anyhow::Result<Vec<u8>> + Send + Sync + use<> {
    let (blobs, digest) = (blobs.clone(), blob.digest.clone());
    move || Ok(blobs.read(&digest)?)
}
