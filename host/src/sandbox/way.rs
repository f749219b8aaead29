//! How a request of a guest goes to whom it is for.
//!
//! In: a request that is admitted. Out: the answer, when it is its turn; none if its call has made too many.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use wasmtime_wasi_http::{Error, WasiBody};
use waystation_rules::outbound::{Patience, Target};

use super::nested;
use super::outgoing::{Asker, Asks};
use super::requests::Requests;
use crate::http::Upload;
use crate::telemetry::Asked;

/// An answer as the guest gets it.
pub(super) type Received = http::Response<WasiBody>;

/// How a request goes to whom it is for, and may go again.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) asks: Asks,
    /// None for the app itself.
    pub(super) target: Option<Target>,
    /// Those that it is one of.
    pub(super) requests: Arc<Requests>,
    pub(super) patience: Patience,
}

impl Way {
    /// Sends it when it is its turn.
    pub(super) async fn send(self, request: http::Request<WasiBody>) -> Result<Received, Error> {
        let (requests, patience) = (self.requests, self.patience);
        let turn = Some(requests.turn().await?);
        let (own, asker) = (self.asks.own, self.asks.asker);
        if let Some(target) = self.target {
            let sent = own.client().send(&target, request, patience, turn);
            let sent = sent.await;
            own.counts().asked(match &sent {
                Ok(_) => Asked::Answered,
                Err(_) => Asked::Failed,
            });
            let answer = sent.map_err(|error| requests.look(error, patience))?;
            return Ok(answer.map(|body| {
                body.map_err(move |error| requests.look(error, patience))
                    .boxed_unsync()
            }));
        }
        let asker = Asker {
            depth: asker.depth + 1,
            above: Some(Arc::clone(&requests)),
            ..asker
        };
        let asked = own.ask(request.map(Upload::of_guest), asker, self.asks.background);
        let answer = tokio::time::timeout(patience.head, nested::ask(asked, turn));
        let answer = answer.await.map_err(|_| Error::HttpResponseTimeout);
        answer.map_err(|error| requests.look(error, patience))?
    }
}
