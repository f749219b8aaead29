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
    /// Whoever has a token.
    Token,
}

/// Notes in the request what its sender may do, or refuses it.
pub(super) async fn check(
    State((node, guard)): State<(Arc<Node>, Guard)>,
    mut request: Request,
    next: Next,
) -> Response {
    let access = match guard {
        Guard::Socket => Ok(Some(Access::everything("socket"))),
        Guard::Token => {
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
