//! Lets in who may ask.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;
use crate::node::Node;
use crate::node::tokens::{self, Access};

/// Who gets through a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Whoever can open the socket.
    Socket,
    /// Whoever has a token, or has shown a certificate to the listener's liking.
    Token,
}

/// The sender of a request has shown a certificate that somebody has signed whom the operator trusts; the log calls them so.
#[derive(Clone, Debug)]
pub(super) struct Certified(pub(super) Arc<str>);

/// Notes in the request what its sender may do, or refuses it.
pub(super) async fn check(
    State((node, guard)): State<(Arc<Node>, Guard)>,
    mut request: Request,
    next: Next,
) -> Response {
    let certified = request.extensions().get::<Certified>();
    let access = match (guard, certified) {
        (Guard::Socket, _) => Ok(Some(Access::everything("socket"))),
        (Guard::Token, Some(Certified(name))) => Ok(Some(Access::everything(name))),
        (Guard::Token, None) => {
            let bearer = request.headers().get(AUTHORIZATION);
            let bearer = bearer.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            bearer.map_or(Ok(None), |token| tokens::bearer(node.data.root(), token))
        }
    };
    match access {
        Ok(Some(access)) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        Ok(None) => Refusal::Unknown.into_response(),
        Err(error) => Refusal::Node(error.into()).into_response(),
    }
}
