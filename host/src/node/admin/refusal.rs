//! Words every refusal of the admin API, as JSON.

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use waystation_rules::rollout::{HostName, NameError, StepError};

use crate::deploy::ArriveError;
use crate::deploy::api::Refused;
use crate::node::error::NodeError;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No token, or one that nobody has, and no certificate.
    #[error(
        "this needs a token that the node knows\n\nhint: `waystation node token` makes one; pass it in `WAYSTATION_TOKEN`, or show a certificate if the node takes one"
    )]
    Unknown,

    /// Another app's business.
    #[error("this token is for another app")]
    OtherApp,

    /// Another app's host, perhaps.
    #[error(
        "this token may not have the app answer `{0}`\n\nhint: make one with `waystation node token --host {0}`"
    )]
    OtherHost(HostName),

    /// A name in the path.
    #[error(transparent)]
    Name(#[from] NameError),

    /// What was sent makes no sense.
    #[error("{0}")]
    Malformed(String),

    /// There is no such path.
    #[error("there is no such thing")]
    Nothing,

    /// A blob.
    #[error(transparent)]
    Arrive(#[from] ArriveError),

    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Malformed(rejection.body_text())
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::Malformed(rejection.body_text())
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        Self::Malformed(rejection.body_text())
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::OtherApp | Self::OtherHost(_) => StatusCode::FORBIDDEN,
            Self::Name(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Nothing => StatusCode::NOT_FOUND,
            Self::Arrive(error) => match error {
                ArriveError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                ArriveError::Elsewhere { .. } | ArriveError::Busy => StatusCode::CONFLICT,
                ArriveError::Changed(_) => StatusCode::UNPROCESSABLE_ENTITY,
                ArriveError::Write(_) => StatusCode::INSUFFICIENT_STORAGE,
            },
            Self::Node(error) => match error {
                NodeError::NoApp(_) | NodeError::Step(StepError::Unknown) => StatusCode::NOT_FOUND,
                NodeError::Step(_) | NodeError::HostTaken { .. } => StatusCode::CONFLICT,
                NodeError::Release(_) => StatusCode::UNPROCESSABLE_ENTITY,
                NodeError::Variable(_) => StatusCode::BAD_REQUEST,
                NodeError::Own(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!("{self}");
        }
        let faults = match &self {
            Self::Node(NodeError::Release(faults)) => {
                faults.iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        };
        let refused = Refused {
            error: self.to_string(),
            faults,
        };
        let mut response = (status, Json(refused)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// What a path that means nothing is answered.
pub(super) async fn no_such_thing() -> Refusal {
    Refusal::Nothing
}
