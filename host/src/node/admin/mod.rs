//! The admin API: HTTP on a listener of its own, described by `openapi.json`.
//!
//! On a Unix socket whoever can open it may do everything: it is the node's own user. Over TCP each request needs a token.

mod access;
mod refusal;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::{TcpListener, UnixListener};

use super::Node;
use access::Guard;

/// What the API is, for programs.
const OPENAPI: &str = include_str!("openapi.json");

/// Where a node is asked.
pub enum Admin {
    /// On this machine, by its own user.
    Socket(UnixListener, PathBuf),
    /// By the bearers of tokens.
    Tcp(TcpListener),
}

impl Admin {
    /// Where that is, as a deployer types it.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Socket(_, path) => path.display().to_string(),
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("http://{address}"),
                Err(_) => "http://?".to_owned(),
            },
        }
    }
}

/// Listens at `unix:PATH` or at an address such as `127.0.0.1:4000`.
///
/// # Errors
///
/// If that is neither, or is taken.
pub async fn bind(text: &str) -> anyhow::Result<Admin> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        let listener = crate::server::admin::bind(&path);
        let listener = listener.with_context(|| format!("cannot listen on {text}"))?;
        return Ok(Admin::Socket(listener, path));
    }
    let address = text.parse::<SocketAddr>();
    let address = address.with_context(|| {
        format!("`{text}` is neither `unix:PATH` nor an address such as `127.0.0.1:4000`")
    })?;
    let listener = TcpListener::bind(address).await;
    Ok(Admin::Tcp(
        listener.with_context(|| format!("cannot listen on {text}"))?,
    ))
}

/// Answers operators and deployers until it is dropped.
///
/// # Errors
///
/// The system's.
pub async fn serve(admin: Admin, node: Arc<Node>) -> io::Result<()> {
    match admin {
        Admin::Socket(listener, _) => {
            let routes = guarded(node, Guard::Socket);
            axum::serve(listener, routes).await
        }
        Admin::Tcp(listener) => {
            let routes = guarded(node, Guard::Token);
            axum::serve(listener, routes).await
        }
    }
}

/// The routes behind their guard, and those that need none.
fn guarded(node: Arc<Node>, guard: Guard) -> Router {
    let layer = from_fn_with_state((Arc::clone(&node), guard), access::check);
    let routes = routes::guarded().route_layer(layer);
    routes
        .merge(routes::open())
        .fallback(refusal::no_such_thing)
        .with_state(node)
}

#[cfg(test)]
mod tests;
