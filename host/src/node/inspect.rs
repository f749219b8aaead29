//! Finds what is wrong with a release before anything of it is compiled or run: every fault of it at once, each with its place.

use std::collections::BTreeSet;
use std::path::Path;

use waystation_rules::rollout::AppName;
use waystation_rules::segment::{AppLimits, Excess, SegmentError, SegmentErrors};

use super::policy::Policy;
use super::signature::SignatureError;
use crate::build::inspect::{self, InspectError};
use crate::project::digest::Digest;
use crate::project::layout::{Blobs, TITLE};
use crate::project::manifest::{Blob, Route};
use crate::project::output::OutputError;
use crate::project::release::{self, COMPONENT_TYPE, Release};
use crate::project::settings::{Settings, SettingsError};

/// Bytes of one component.
const MOST_COMPONENT: u64 = 50 << 20;
/// Bytes of all that is in a release.
pub(super) const MOST_RELEASE: u64 = 1 << 30;

/// What is wrong with a release.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What should say what is in it does not.
    #[error("the release makes no sense: {0}")]
    Manifest(String),

    /// A part that was not sent.
    #[error("{0} is not here; send it first")]
    Missing(String),

    /// A part that is not what its digest says.
    #[error("{0} is not what was built")]
    Changed(String),

    /// A part that cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(String),

    /// A part that is too long.
    #[error("{title} has {bytes} bytes, and {most} is the most")]
    TooLong {
        /// Which.
        title: String,
        /// What it has.
        bytes: u64,
        /// What it may have.
        most: u64,
    },

    /// A name that would be a place elsewhere.
    #[error("`{0}` leads out of the app's folder")]
    Climbs(String),

    /// A part that is no component that can be served.
    #[error("{title}: {error}")]
    Component {
        /// Which.
        title: String,
        /// What it is instead.
        error: InspectError,
    },

    /// An interface that a component needs.
    #[error("{title} needs `{import}`, which this node does not give")]
    Import {
        /// Which component.
        title: String,
        /// Which interface.
        import: String,
    },

    /// Its `waystation.toml`.
    #[error(transparent)]
    Settings(#[from] SettingsError),

    /// Ranges that only this node's operator may open.
    #[error(
        "`outbound.addresses` of waystation.toml opens {0}, and this node opens no private addresses (`--allow-private-addresses`)"
    )]
    Addresses(String),

    /// A limit beyond the node's cap.
    #[error(transparent)]
    Excess(Excess),

    /// A constant beyond the node's cap, or the release's own limits.
    #[error(
        "`{name}` of {file} asks for {asked} {unit}, and {allowed} is the most that the release has here"
    )]
    Constant {
        /// Whose.
        file: String,
        /// Which.
        name: &'static str,
        /// Of what follows.
        unit: &'static str,
        /// What it asks for.
        asked: u64,
        /// What it may.
        allowed: u64,
    },

    /// Constants that cannot be.
    #[error("{file}: {error}")]
    Segment {
        /// Whose.
        file: String,
        /// Why.
        error: SegmentError,
    },

    /// A store beyond the node's cap.
    #[error("`cache.{key}` of waystation.toml is {asked}, and this node gives {most} at most")]
    Kept {
        /// As waystation.toml calls it.
        key: &'static str,
        /// MiB.
        asked: u32,
        /// MiB.
        most: u32,
    },

    /// A Redis that the operator does not let it have.
    #[error(
        "`cache.redis` of waystation.toml names a Redis, and this node's operator lets no release have one"
    )]
    Redis,

    /// Nobody whom the node trusts has signed it.
    #[error(transparent)]
    Signature(#[from] SignatureError),

    /// It cannot be made ready.
    #[error("{0}")]
    Load(String),

    /// A path that does not answer as it has to.
    #[error("GET {path} {what}")]
    Check {
        /// Which.
        path: String,
        /// What it did.
        what: String,
    },
}

/// Opens a release and its settings, once nothing is wrong with them. It reads all of it.
///
/// # Errors
///
/// Every [`Fault`] there is.
pub(super) fn open(
    blobs: &Blobs,
    app: &AppName,
    digest: &Digest,
    signature: Option<&str>,
    policy: &Policy,
) -> Result<(Release, Settings), Vec<Fault>> {
    let release = release::open(blobs, digest).map_err(|error| vec![of(error, "the release")])?;
    let mut faults = parts(blobs, &release, policy);
    faults.extend(names(&release));
    if let Err(error) = policy.keys.check_file(blobs.path(digest), signature) {
        faults.push(error.into());
    }
    let settings = release.settings(blobs);
    match settings.map_err(|error| of(error, "waystation.toml")) {
        Ok(settings) => {
            let addresses = settings.outbound.addresses.join(", ");
            if !policy.allows_private_addresses && !addresses.is_empty() {
                faults.push(Fault::Addresses(addresses));
            }
            let cap = policy.cap.of(app);
            faults.extend(cap.faults(&settings));
            faults.extend(constants(&release, &cap.limits(&settings)));
            match faults.is_empty() {
                true => Ok((release, settings)),
                false => Err(faults),
            }
        }
        Err(fault @ Fault::Settings(_)) => {
            faults.push(fault);
            Err(faults)
        }
        Err(_) => Err(faults), // among the parts already
    }
}

/// Looks at each blob.
fn parts(blobs: &Blobs, release: &Release, policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if MOST_RELEASE < release.bytes() {
        faults.push(Fault::TooLong {
            title: "the release".to_owned(),
            bytes: release.bytes(),
            most: MOST_RELEASE,
        });
    }
    let components: BTreeSet<_> = release.components().map(|blob| &blob.digest).collect();
    for part in release.blobs() {
        let title = part.annotations.get(TITLE);
        let title = title.map_or("the manifest", String::as_str);
        // What runs is what the manifest names, whatever its layer calls itself.
        let is_component = part.media_type == COMPONENT_TYPE || components.contains(&part.digest);
        let blob = Blob {
            digest: part.digest.clone(),
            bytes: part.size,
        };
        if is_component && MOST_COMPONENT < part.size {
            faults.push(Fault::TooLong {
                title: title.to_owned(),
                bytes: part.size,
                most: MOST_COMPONENT,
            });
            continue;
        }
        let content = blobs.find(&blob).and_then(|_| blobs.read(&part.digest));
        match content {
            Ok(content) if is_component => {
                faults.extend(component(title, &content, policy, release));
            }
            Ok(_) => {}
            Err(error) => faults.push(of(error, title)),
        }
    }
    faults
}

/// What is wrong with a component: what it is instead, or each interface that it needs and does not get.
fn component(title: &str, content: &[u8], policy: &Policy, release: &Release) -> Vec<Fault> {
    match inspect::inspect(content) {
        Ok(inspected) => {
            let digest = Digest::of(content);
            let mut routes = release.manifest.routes.iter();
            let is_other = |route: &Route| {
                route.component.digest == digest
                    && (route.interface != inspected.interface
                        || route.methods != inspected.methods
                        || route.lists_params != inspected.lists_params())
            };
            if let Some(route) = routes.find(|route| is_other(route)) {
                return vec![Fault::Manifest(format!(
                    "{} is not the component that the manifest describes",
                    route.file
                ))];
            }
            let refused = inspected.imports.into_iter();
            let refused = refused.filter(|import| !policy.gives(import));
            let fault = |import| Fault::Import {
                title: title.to_owned(),
                import,
            };
            refused.map(fault).collect()
        }
        Err(error) => vec![Fault::Component {
            title: title.to_owned(),
            error,
        }],
    }
}

/// What the modules' constants ask for beyond the limits.
fn constants(release: &Release, limits: &AppLimits) -> impl Iterator<Item = Fault> {
    let manifest = &release.manifest;
    let routes = manifest.routes.iter();
    let routes =
        routes.filter_map(|route| Some((&route.pattern, &route.file, route.config.as_ref()?)));
    let proxies = manifest.proxies.iter();
    let proxies = proxies.map(|proxy| (&proxy.file, &proxy.file, &proxy.config));
    let declared = routes.chain(proxies);
    declared.flat_map(|(name, file, declared)| {
        let errors = declared.settle(limits.of(name)).err();
        let errors = errors.into_iter().flat_map(|SegmentErrors(errors)| errors);
        errors.map(|error| {
            let file = file.clone();
            match error {
                SegmentError::OverLimit {
                    name,
                    unit,
                    asked,
                    allowed,
                } => Fault::Constant {
                    file,
                    name,
                    unit,
                    asked,
                    allowed,
                },
                error => Fault::Segment { file, error },
            }
        })
    })
}

/// The names in the manifest are for people and logs; one that climbs was made to mislead them.
fn names(release: &Release) -> impl Iterator<Item = Fault> {
    let manifest = &release.manifest;
    let routes = manifest.routes.iter().map(|route| &route.file);
    let proxies = manifest.proxies.iter().map(|proxy| &proxy.file);
    let files = manifest.files.iter().map(|file| &file.file);
    let all = routes.chain(proxies).chain(files);
    let climbing = all.filter(|file| {
        Path::new(file).is_absolute() || file.split(['/', '\\']).any(|part| part == "..")
    });
    climbing.map(|file| Fault::Climbs(file.clone()))
}

/// The same in a deployer's words, who does not know the node's folders.
fn of(error: OutputError, title: &str) -> Fault {
    let title = title.to_owned();
    match error {
        OutputError::Gone { .. } | OutputError::Missing { .. } => Fault::Missing(title),
        OutputError::Changed { .. } => Fault::Changed(title),
        OutputError::Manifest { message, .. } => Fault::Manifest(message),
        OutputError::Settings(error) => Fault::Settings(error),
        other => {
            tracing::error!("a release cannot be read: {other}");
            Fault::Unreadable(title)
        }
    }
}
