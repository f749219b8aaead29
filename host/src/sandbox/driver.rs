//! Drives a guest from its request to the last byte of its answer, in the future and the body that hyper polls.

mod call;
mod effects;
mod head;
mod params;
mod streaming;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::WasiBody;
use waystation_rules::caching::Reads;

use super::cpu::Cpu;
use super::fault::Fault;
use super::guest::Guest;
use super::lease::Lease;
use super::outgoing::Asks;
use super::pace::{Pace, give_on};
use super::places::Place;
use crate::http::Response;
use crate::telemetry::AppCounts;

pub use call::{Call, Onward};
pub use effects::Effects;
pub use params::static_params;

/// What a guest answered.
pub struct Answer {
    /// The response as the guest wants it.
    pub response: Response,
    /// What else it wants done.
    pub effects: Effects,
    /// What of the request it had read when the head was there.
    pub reads: Reads,
    /// Of a proxy that does not answer: how the request goes on. The response is then only headers for whoever answers.
    pub onward: Option<Box<Onward>>,
}

/// Asks a guest, which may ask others through `asks`. The head is there when this returns; the body may still be written while it is sent,
/// and what the guest does after that is a task of [`Asks::background`].
///
/// # Errors
///
/// The [`Fault`] that kept the guest from sending a head.
pub async fn run(guest: &Arc<Guest>, call: Call, asks: Asks) -> Result<Answer, Fault> {
    let background = &asks.background.clone();
    let turn = turn(guest).await?;
    let ready = guest.ready().await?;
    let slot = Slot::default();
    let counts = Arc::clone(asks.own.counts());
    let making = asks.making.clone();
    let path = call.request.uri().path_and_query();
    let lease = guest.lease(ready, &call.request_id, path, asks);
    let execution = Execution::of(guest, &lease);
    let label = Label {
        guest: Arc::clone(guest),
        counts,
        request_id: call.request_id.clone(),
    };
    let future = call::drive(turn, Arc::clone(guest), lease, call, slot.clone());
    let mut driver = Driver {
        future: Some(Box::pin(future)),
        execution,
        label,
    };

    let limit = guest.config.max_duration;
    let head = poll_fn(|cx| driver.poll_head(cx, &slot));
    let head = match timeout(limit, head).await {
        Ok(Ok(head)) => head,
        Ok(Err(fault)) => {
            driver.finish_in(background); // a handler that failed may have left work too
            return Err(fault);
        }
        Err(_) => return Err(Fault::WallTime(limit)),
    };
    let (parts, body) = head.response.into_parts();
    let body = match body {
        Contents::Whole(bytes) => {
            driver.finish_in(background);
            crate::http::Body::Whole(match making {
                None => guest.charged(bytes)?,
                Some(_) => bytes, // what is kept has a limit of its own
            })
        }
        Contents::Streaming(contents) => {
            streaming::body(driver, contents, making, background).await?
        }
    };
    Ok(Answer {
        response: http::Response::from_parts(parts, body),
        effects: head.effects,
        reads: head.reads,
        onward: head.onward,
    })
}

/// What a request has while it runs.
struct Turn {
    /// One of its route's.
    _turn: OwnedSemaphorePermit,
    /// One of the places that bound how many guests run at once.
    _place: Place,
}

/// The turn of a request. It waits first for its route's, so that those who wait for that take nothing from others. No more wait than may run of
/// the route: one more would wait in vain.
///
/// # Errors
///
/// [`Fault::RouteBusy`] or [`Fault::Busy`].
async fn turn(guest: &Guest) -> Result<Turn, Fault> {
    let limits = &guest.limits;
    let latest = Instant::now() + limits.queue_wait;
    let of_route = Arc::clone(&guest.turns);
    let turn = match Arc::clone(&of_route).try_acquire_owned() {
        Ok(turn) => Some(turn),
        Err(_) => waits(guest, latest, of_route.acquire_owned())
            .await
            .and_then(Result::ok),
    };
    let turn = turn.ok_or(Fault::RouteBusy(limits.route_concurrency))?;
    let place = match guest.share.try_take() {
        Some(place) => Some(place),
        None => waits(guest, latest, guest.share.take()).await,
    };
    let place = place.ok_or(Fault::Busy(limits.concurrency))?;
    Ok(Turn {
        _turn: turn,
        _place: place,
    })
}

/// What comes in time; none if it does not, or as many wait already as may.
async fn waits<T>(guest: &Guest, latest: Instant, comes: impl Future<Output = T>) -> Option<T> {
    let _one_of_those = guest.queue.try_acquire().ok()?;
    timeout_at(latest, comes).await.ok()
}

/// A response head, and where its body comes from.
struct Head {
    response: http::Response<Contents>,
    effects: Effects,
    reads: Reads,
    onward: Option<Box<Onward>>,
}

enum Contents {
    Whole(bytes::Bytes),
    Streaming(Streamed),
}

/// A body that its guest is still writing.
struct Streamed {
    body: WasiBody,
    /// Tells the guest that the body was sent; that it was not, if this is dropped.
    sent: oneshot::Sender<()>,
    /// The guest has work for when the body is over, so it outlives a client that leaves.
    has_more: bool,
}

impl Contents {
    fn is_streaming(&self) -> bool {
        matches!(self, Self::Streaming(_))
    }
}

/// Where the guest's future leaves the head for the one who polls it.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Result<Head, Fault>>>>);

impl Slot {
    fn put(&self, head: Result<Head, Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
    }

    fn take(&self) -> Option<Result<Head, Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// The guest's future, polled on its CPU budget. Dropping it cancels the guest.
struct Driver {
    future: Option<Running>,
    execution: Execution,
    label: Label,
}

/// How a guest's future is polled: on its CPU budget, and in its turn if it executes for long.
struct Execution {
    cpu: Arc<Cpu>,
    pace: Pace,
}

impl Execution {
    fn of(guest: &Guest, lease: &Lease) -> Self {
        Self {
            cpu: Arc::clone(&lease.store.data().cpu),
            pace: guest.habit.pace(),
        }
    }

    fn poll<F: Future + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        guest: &Guest,
        future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        let processor = ready!(self.pace.poll_processor(cx, &guest.share.processors));
        let before = self.cpu.used();
        let polled = self.cpu.count(|| future.poll(cx));
        let ran = self.cpu.used().saturating_sub(before);
        self.pace.ran(ran, &guest.habit);
        if let Some(processor) = processor {
            give_on(processor);
        }
        if polled.is_ready() {
            self.pace.finished(&guest.habit);
        }
        polled
    }

    /// Gives up its turn. Whoever stops polling for now has to say so.
    fn leave(&mut self) {
        self.pace.leave();
    }
}

/// The route and the request, for the log, and where its faults are counted.
struct Label {
    guest: Arc<Guest>,
    counts: Arc<AppCounts>,
    request_id: String,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(Ok(()));
        };
        let polled = self.execution.poll(cx, &self.label.guest, future.as_mut());
        if polled.is_ready() {
            self.future = None;
        }
        polled
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, slot: &Slot) -> Poll<Result<Head, Fault>> {
        let polled = self.poll(cx);
        let head = self.head(polled, slot);
        if head.is_ready() {
            self.execution.leave();
        }
        head
    }

    fn head(&mut self, polled: Poll<Result<(), Fault>>, slot: &Slot) -> Poll<Result<Head, Fault>> {
        match (slot.take(), polled) {
            // A guest that stops at once after its head has not written its body; there is still time for another answer.
            (Some(Ok(Head { response, .. })), Poll::Ready(Err(fault)))
                if response.body().is_streaming() =>
            {
                Poll::Ready(Err(fault))
            }
            (Some(head), Poll::Ready(Err(fault))) => {
                self.label.after(&fault);
                Poll::Ready(head)
            }
            (Some(head), _) => Poll::Ready(head),
            (None, Poll::Ready(Ok(()))) => {
                Poll::Ready(Err(Fault::Answer("it returned without an answer".into())))
            }
            (None, Poll::Ready(Err(fault))) => Poll::Ready(Err(fault)),
            (None, Poll::Pending) => Poll::Pending,
        }
    }

    /// Lets work that outlives the answer go on, for as long as the answer might have taken. Without such work nothing is spent on it.
    fn finish_in(mut self, background: &TaskTracker) {
        if self.future.is_none() {
            return;
        }
        let limit = self.label.guest.config.max_duration;
        background.spawn(async move {
            let rest = tokio::time::timeout(limit, poll_fn(|cx| self.poll(cx)));
            match rest.await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => self.label.after(&fault),
                Err(_) => self.label.after(&Fault::AfterTime(limit)),
            }
        });
    }
}

impl Label {
    /// What stops a guest once its head is sent is seen nowhere else.
    fn count(&self, fault: &Fault) {
        if let Some(stop) = fault.stop() {
            self.counts.route(self.guest.route()).stopped(stop);
        }
    }

    fn after(&self, fault: &Fault) {
        self.count(fault);
        tracing::error!(
            "{} {}: stopped after its answer: {fault}",
            self.guest.route(),
            self.request_id
        );
    }

    fn cut_short(&self, fault: &Fault) {
        self.count(fault);
        tracing::error!(
            "{} {}: the answer was cut short: {fault}",
            self.guest.route(),
            self.request_id
        );
    }
}
