//! The admin API: HTTP on a listener of its own, described by `openapi.json`.
//!
//! On a Unix socket whoever can open it may do everything: it is the node's own user. Over TCP each request needs a token, or
//! over TLS a certificate that the operator trusts.

mod access;
mod listen;
mod refusal;
mod routes;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use super::Node;
use access::Guard;

pub use listen::{Admin, Reach};

/// What the API is, for programs.
const OPENAPI: &str = include_str!("openapi.json");

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
