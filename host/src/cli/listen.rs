//! Settles where to listen: the command line over `waystation.toml` over the command's default.

use std::net::{SocketAddr, ToSocketAddrs as _};

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use http::uri::Authority;

use super::args::{self, Listen};
use crate::app::Current;
use crate::project::settings::{Certificate, Server};
use crate::server::{Tls, admin};

/// Row CL2.
const PORT: u16 = 3000;

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
pub(super) fn for_operator(root: &Path, current: &Arc<Current>) {
    match admin::bind(&admin::socket(root)) {
        Ok(listener) => drop(tokio::spawn(admin::serve(listener, Arc::clone(current)))),
        Err(error) => {
            tracing::warn!("`waystation revalidate` and `cache` do not reach this app: {error}")
        }
    }
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
pub(super) fn tls(asked: &args::Tls, root: &Path, set: &Server) -> anyhow::Result<Option<Arc<Tls>>> {
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
