//! Settles which nodes a command is about, and what the app is called there.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use futures_util::future::join_all;
use waystation_rules::rollout::AppName;

use super::args::{self, Destination, OnNodes};
use crate::deploy::{Address, Client, Identity};
use crate::project::settings::{Certificate, Node, Settings};
use crate::project::{CargoToml, output, release};

/// The nodes that a command is about.
pub(super) struct Nodes {
    /// The app's folder.
    pub(super) root: PathBuf,
    /// What its `waystation.toml` says.
    pub(super) settings: Settings,
    /// What the app is called there.
    pub(super) app: AppName,
    /// At least one.
    pub(super) clients: Vec<Client>,
}

impl Nodes {
    /// Those that the command line names, else all of `[nodes]`.
    ///
    /// # Errors
    ///
    /// If there are none, or one of them leads nowhere.
    pub(super) fn of(args: &OnNodes) -> anyhow::Result<Self> {
        Self::of_app(&args.app.dir, &args.destination)
    }

    /// The same of the app in the folder `root`.
    pub(super) fn of_app(root: &Path, destination: &Destination) -> anyhow::Result<Self> {
        let settings = settings(root)?;
        let app = match &destination.name {
            Some(name) => AppName::try_from(name.clone())?,
            None => AppName::of_package(&package(root)?)?,
        };
        let named = settings.nodes.keys().cloned();
        let asked = if destination.nodes.is_empty() {
            named.collect()
        } else {
            destination.nodes.clone()
        };
        anyhow::ensure!(
            !asked.is_empty(),
            "no node is named\n\nhint: name one with `--to`, or all of them in `[nodes]` of waystation.toml"
        );
        let addresses = settings.nodes.iter();
        let addresses = addresses.map(|(name, node)| (name.clone(), node.address().to_owned()));
        let addresses = addresses.collect();
        let client = |text: &String| {
            let address = Address::parse(text, &addresses)?;
            let client = Client::new(address, token(text).as_deref())?;
            let identity = identity(&destination.identity, settings.nodes.get(text), root);
            anyhow::Ok(client.identified(identity))
        };
        let clients = asked.iter().map(client).collect::<Result<_, _>>()?;
        Ok(Self {
            root: root.to_owned(),
            settings,
            app,
            clients,
        })
    }

    /// Asks all of them at once. The error is that of every node that has one.
    ///
    /// # Errors
    ///
    /// If a node refuses, or cannot be asked.
    pub(super) async fn ask<T>(
        &self,
        ask: impl AsyncFn(&Client) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<T>> {
        let answers = join_all(self.clients.iter().map(|node| ask(node))).await;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer {
                Ok(answer) => done.push(answer),
                Err(error) => failed.push(format!("{error:#}")),
            }
        }
        anyhow::ensure!(failed.is_empty(), "{}", failed.join("\n\nerror: "));
        Ok(done)
    }
}

/// Of the folder, else of the latest build: CI may have the build alone.
fn settings(root: &Path) -> anyhow::Result<Settings> {
    if root.join(crate::project::settings::FILE).exists() {
        return Ok(Settings::read(root)?);
    }
    let output = output::folder(root);
    match release::latest(&output) {
        Ok(release) => Ok(release.settings(&crate::project::layout::Blobs::at(&output))?),
        Err(_) => Ok(Settings::default()), // it has not been built
    }
}

/// The name of the app's package, from its sources or from the latest build.
fn package(root: &Path) -> anyhow::Result<String> {
    if let Ok(release) = release::latest(&output::folder(root)) {
        return Ok(release.manifest.name);
    }
    let cargo_toml = CargoToml::read(root);
    Ok(cargo_toml
        .context("there is neither a build nor an app here; name the app with `--app`")?
        .name)
}

/// The certificates of the command line, else those that `[nodes]` says.
fn identity(asked: &args::Identity, node: Option<&Node>, root: &Path) -> Identity {
    let (cert, key) = (asked.client_cert.clone(), asked.client_key.clone());
    let own = cert.zip(key).map(|(cert, key)| Certificate { cert, key });
    Identity {
        authority: asked
            .ca
            .clone()
            .or_else(|| node.and_then(|node| node.authority(root))),
        own: own.or_else(|| node.and_then(|node| node.own(root))),
    }
}

/// `WAYSTATION_TOKEN_FRA` for the node `fra`, else `WAYSTATION_TOKEN`.
fn token(node: &str) -> Option<String> {
    let own = format!(
        "WAYSTATION_TOKEN_{}",
        node.to_ascii_uppercase().replace('-', "_")
    );
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set(&own).or_else(|| set("WAYSTATION_TOKEN"))
}
