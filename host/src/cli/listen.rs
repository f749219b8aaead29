//! Settles where to listen: the command line over `waystation.toml` over the command's default.

use std::net::{SocketAddr, ToSocketAddrs as _};

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::uri::Authority;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::{self, Listen};
use crate::app::Current;
use crate::node::Reach;
use crate::project::settings::{Certificate, Server};
use crate::server::{self, Tls, admin, status};

/// Row CL2.
const PORT: u16 = 3000;

/// How often an address that is taken is tried again.
const WAIT: Duration = Duration::from_secs(1);

/// The address to listen on.
///
/// # Errors
///
/// If the name has no address.
pub(super) fn address(
    asked: &Listen,
    set: &Server,
    default_host: &str,
) -> anyhow::Result<SocketAddr> {
    let host = asked
        .hostname
        .as_deref()
        .or(set.host.as_deref())
        .unwrap_or(default_host);
    let port = asked.port.or(set.port).unwrap_or(PORT);
    let mut addresses = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("`{host}` is no address to listen on"))?;
    addresses
        .next()
        .with_context(|| format!("`{host}` has no address"))
}

/// Listens for the operator of the app in `root` beside everything else. An app whose folder cannot be written to goes on without.
///
/// The task is over, and the place free for the next process, soon after `stopping`.
pub(super) fn for_operator(
    root: &Path,
    current: &Arc<Current>,
    stopping: &CancellationToken,
) -> JoinHandle<()> {
    let (root, current, stopping) = (root.to_owned(), Arc::clone(current), stopping.clone());
    tokio::spawn(async move {
        if let Err(error) = admin::serve_in(&root, &current, &stopping).await {
            tracing::warn!("`waystation revalidate` and `cache` do not reach this app: {error}");
        }
    })
}

/// Listens for monitors, likewise. One that has to wait for another process to end waits beside everything else.
pub(super) fn for_monitors(
    address: SocketAddr,
    current: &Arc<Current>,
    stopping: &CancellationToken,
) {
    let (current, stopping) = (Arc::clone(current), stopping.clone());
    tokio::spawn(async move {
        let mut was_told = false;
        let listener = loop {
            match server::bind(address).await {
                Ok(listener) => break listener,
                Err(error) if !std::mem::replace(&mut was_told, true) => {
                    tracing::warn!("monitors do not reach this app yet: {error}");
                }
                Err(_) => {}
            }
            tokio::time::sleep(WAIT).await;
        };
        tracing::info!(target: "host", "monitors are answered on {}", named(&listener));
        status::serve(listener, current, stopping).await;
    });
}

fn named(listener: &TcpListener) -> String {
    let address = listener.local_addr();
    address.map_or_else(
        |error| error.to_string(),
        |address| format!("http://{address}"),
    )
}

/// What `request.url` calls this host (row Q2): `localhost` for a loopback or unspecified address.
pub(super) fn origin(address: SocketAddr) -> anyhow::Result<Authority> {
    let ip = address.ip();
    let authority = match ip.is_loopback() || ip.is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    Ok(authority.parse()?)
}

/// The certificates to speak TLS with, which new ones take the place of when the files change; nothing if there are none.
///
/// # Errors
///
/// If one cannot be used.
pub(super) fn tls(
    asked: &args::Tls,
    root: &Path,
    set: &Server,
) -> anyhow::Result<Option<Arc<Tls>>> {
    let (certs, keys) = (&asked.certs, &asked.keys);
    anyhow::ensure!(
        certs.len() == keys.len(),
        "`--cert` and `--key` go in pairs, and there are {} and {}",
        certs.len(),
        keys.len()
    );
    let asked = certs.iter().cloned().zip(keys.iter().cloned());
    let mut files: Vec<_> = asked.map(|(cert, key)| Certificate { cert, key }).collect();
    if files.is_empty() {
        files = set.tls.iter().map(|set| set.below(root)).collect();
    }
    if files.is_empty() {
        return Ok(None);
    }
    let tls = Arc::new(Tls::open(files)?);
    tokio::spawn(Arc::clone(&tls).follow());
    Ok(Some(tls))
}

/// How operators reach a node from other machines.
///
/// # Errors
///
/// If a certificate cannot be used.
pub(super) fn for_operators_of_node(asked: &args::Operators) -> anyhow::Result<Reach> {
    let (cert, key) = (asked.admin_cert.clone(), asked.admin_key.clone());
    let tls = match cert.zip(key) {
        None => None,
        Some((cert, key)) => {
            let files = Certificate { cert, key };
            let tls = Arc::new(Tls::for_operators(files, asked.admin_client_ca.as_deref())?);
            tokio::spawn(Arc::clone(&tls).follow());
            Some(tls)
        }
    };
    Ok(Reach {
        tls,
        in_cleartext: asked.admin_cleartext,
    })
}
