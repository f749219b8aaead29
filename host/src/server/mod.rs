//! Takes connections and hands their requests to the pipeline.
//!
//! In: a listener, what answers, and the signal to stop. Out: nothing; it returns when the last connection is done.

pub mod admin;
mod connection;
mod listen;
mod pieces;
mod sniff;
mod stall;
pub mod status;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::Current;
use crate::http::{Response, Upload};
use crate::pipeline;
use crate::sandbox::Asker;
use connection::Life;

pub use listen::{BindError, bind, bind_near, inherited};
pub use tls::{Tls, TlsError, authorities, pair};

/// Where connections come from, and whether they are under TLS.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Speaks TLS with each connection.
    #[must_use]
    pub fn over(tcp: TcpListener, tls: Arc<Tls>) -> Self {
        Self {
            tcp,
            tls: Some(tls),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

/// How long connections may go on after the signal to stop.
pub const DRAIN: Duration = Duration::from_secs(30);

/// What answers the requests of a listener: one app, or the apps of a node.
pub trait Answers: Send + Sync + 'static {
    /// Bytes of a request's header section.
    fn header_bytes(&self) -> usize;

    /// Answers a request that `asker` makes. Work that a guest does after its answer goes to `background`. The future has to be small: a
    /// connection has room for it, and hyper moves it.
    fn respond(
        &self,
        asker: Asker,
        request: http::Request<Upload>,
        background: TaskTracker,
    ) -> impl Future<Output = Response> + Send + use<Self>;
}

impl Answers for Current {
    fn header_bytes(&self) -> usize {
        self.app().policy.limits.all.header_bytes
    }

    fn respond(
        &self,
        asker: Asker,
        request: http::Request<Upload>,
        background: TaskTracker,
    ) -> impl Future<Output = Response> + Send + use<> {
        pipeline::respond(self.app(), asker, request, background)
    }
}

/// Serves until `stop` resolves, then lets what is running finish for [`DRAIN`]: requests, and what guests do after their answers (row A4).
///
/// Returns whether everything finished in that time.
pub async fn serve(
    listener: impl Into<Listener>,
    answers: Arc<impl Answers>,
    stop: impl Future<Output = ()>,
) -> bool {
    let Listener { tcp, tls } = listener.into();
    let (connections, _) = watch::channel(());
    let stopping = CancellationToken::new();
    let background = TaskTracker::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = tcp.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let life = Life {
                    ending: connections.subscribe(),
                    stopping: stopping.clone(),
                    background: background.clone(),
                };
                let (tls, answers) = (tls.clone(), Arc::clone(&answers));
                tokio::spawn(connection::serve(stream, peer, tls, answers, life));
            }
            // Out of descriptors or a client that left at once: neither may end the server.
            Err(error) => {
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    drop(tcp);
    stopping.cancel();
    let finished = async {
        connections.send_replace(());
        connections.closed().await; // each has a receiver to its end
        background.close(); // nobody is left to add to it
        background.wait().await;
    };
    tokio::time::timeout(DRAIN, finished).await.is_ok()
}
