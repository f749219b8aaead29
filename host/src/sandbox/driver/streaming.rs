//! A body that its guest is still writing while hyper sends it.
//!
//! A client that stops reading stops hyper from asking, so the end of a stream's time is watched by a task of its own: it cancels the
//! guest, and the body fails when it is asked again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use wasmtime_wasi_http::WasiBody;
use waystation_rules::caching::{READS_TRAILER, Reads};

use super::{Driver, Streamed};
use crate::http::{Body, BodyError};
use crate::sandbox::fault::Fault;
use crate::sandbox::making::Making;

/// What is ready at once up to here goes out in one piece with its length.
const AT_ONCE: usize = 64 << 10;

/// Turns a guest's body into one for hyper: whole if the guest has written all of it already.
///
/// # Errors
///
/// The [`Fault`] that ended the body before its first byte: there is still time for another answer.
pub(super) async fn body(
    driver: Driver,
    streamed: Streamed,
    making: Option<Arc<Making>>,
    background: &TaskTracker,
) -> Result<Body, Fault> {
    let limit = driver.label.guest.limits.stream_duration;
    let mut body = Streaming {
        driver: Arc::new(Mutex::new(Some(driver))),
        inner: streamed.body,
        sent: Some(streamed.sent),
        ready: VecDeque::new(),
        is_over: false,
        has_more: streamed.has_more,
        making,
        limit,
        watch: None,
        background: background.clone(),
    };
    let is_whole = poll_fn(|cx| Poll::Ready(body.take_ready(cx))).await?;
    body.leave(); // nobody may ask for it for long
    if is_whole && body.ready.len() < 2 {
        let frame = body.ready.pop_front();
        let bytes = frame.and_then(|frame| frame.ok()?.into_data().ok());
        return Ok(Body::Whole(bytes.unwrap_or_default())); // dropping `body` lets the guest finish
    }
    body.watch = Some(watch(&body.driver, limit));
    Ok(Body::Stream(Box::pin(body)))
}

/// Absent once the guest was cancelled because its time was over.
type Shared = Arc<Mutex<Option<Driver>>>;

/// Cancels the guest when its time is over.
fn watch(driver: &Shared, limit: Duration) -> AbortHandle {
    let driver = Arc::downgrade(driver);
    let watch = async move {
        tokio::time::sleep(limit).await;
        let driver = driver.upgrade().and_then(|driver| lock(&driver).take());
        if let Some(driver) = driver {
            driver.label.cut_short(&Fault::StreamTime(limit));
        }
    };
    tokio::spawn(watch).abort_handle()
}

fn lock(driver: &Shared) -> MutexGuard<'_, Option<Driver>> {
    driver.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Streaming {
    driver: Shared,
    inner: WasiBody,
    /// Tells the guest what became of the body.
    sent: Option<oneshot::Sender<()>>,
    /// Frames that were there before hyper asked.
    ready: VecDeque<Result<Frame<Bytes>, BodyError>>,
    /// The guest has ended its body: what it still does outlives the client.
    is_over: bool,
    /// So does what it has left for later.
    has_more: bool,
    /// What the body goes into, if it is to be kept.
    making: Option<Arc<Making>>,
    limit: Duration,
    /// None for what is whole before it is sent.
    watch: Option<AbortHandle>,
    background: TaskTracker,
}

impl Streaming {
    /// Takes what the guest has written so far; true if that is all of it, without trailers.
    fn take_ready(&mut self, cx: &mut Context<'_>) -> Result<bool, Fault> {
        let mut length = 0;
        while length <= AT_ONCE {
            match self.poll_guest(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let is_data = frame.is_data();
                    length += frame.data_ref().map_or(0, Bytes::len);
                    self.ready.push_back(Ok(frame));
                    if !is_data {
                        return Ok(false);
                    }
                }
                Poll::Ready(Some(Err(fault))) if length == 0 => return Err(fault),
                Poll::Ready(Some(Err(fault))) => {
                    let error = self.cut_short(fault);
                    self.ready.push_back(Err(error));
                    return Ok(false);
                }
                Poll::Ready(None) => return Ok(true),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Lets others have the processor that the guest waits for.
    fn leave(&self) {
        if let Some(driver) = &mut *lock(&self.driver) {
            driver.execution.leave();
        }
    }

    /// The next frame. Whoever has it may not ask for another one for long.
    fn poll_guest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let frame = ready!(self.run_guest(cx));
        self.leave();
        Poll::Ready(frame)
    }

    /// Runs the guest on, then takes a frame if there is one. What either waits for wakes the same task.
    fn run_guest(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match &mut *lock(&self.driver) {
            None => return Poll::Ready(Some(Err(Fault::StreamTime(self.limit)))),
            Some(driver) => {
                if let Poll::Ready(Err(fault)) = driver.poll(cx) {
                    return Poll::Ready(Some(Err(fault)));
                }
            }
        }
        loop {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(frame) = self.told(frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(failed(&error)))),
                None => {
                    self.is_over = true;
                    if let Some(sent) = self.sent.take() {
                        let _nobody_asks = sent.send(());
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// Takes out of the trailers what they tell the host alone; nothing if that was all.
    fn told(&self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let mut trailers = match frame.into_trailers() {
            Ok(trailers) => trailers,
            Err(data) => return Some(data),
        };
        if let Some(words) = trailers.remove(READS_TRAILER)
            && let Some(making) = &self.making
        {
            making.read(Reads::of_words(words.to_str().unwrap_or_default()));
        }
        (!trailers.is_empty()).then(|| Frame::trailers(trailers))
    }

    /// Cancels the guest and ends the body early, so that the client sees it is not whole.
    fn cut_short(&mut self, fault: Fault) -> BodyError {
        if let Some(driver) = lock(&self.driver).take() {
            driver.label.cut_short(&fault);
        }
        Box::new(fault)
    }
}

/// A guest passes on what it reads, so what is wrong with the request's body may come out here.
fn failed(error: &wasmtime_wasi_http::Error) -> Fault {
    match error {
        wasmtime_wasi_http::Error::HttpRequestBodySize(_) => Fault::Handler {
            status: 413,
            message: "the body is longer than this route takes (BODY_LIMIT)".into(),
            reads: Reads::NONE,
        },
        error => Fault::Answer(format!("its body failed: {error}")),
    }
}

impl http_body::Body for Streaming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = ready!(self.poll_guest(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(|fault| self.cut_short(fault))))
    }

    fn is_end_stream(&self) -> bool {
        self.ready.is_empty() && self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        if self.ready.is_empty() {
            self.inner.size_hint()
        } else {
            SizeHint::default()
        }
    }
}

impl Drop for Streaming {
    /// A guest whose body is over may finish its work; so may one that has left work for later, and learns that its client has gone. Any
    /// other whose client has left is cancelled where it stands.
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        let driver = lock(&self.driver).take();
        if let (true, Some(driver)) = (self.is_over || self.has_more, driver) {
            driver.finish_in(&self.background);
        }
    }
}
