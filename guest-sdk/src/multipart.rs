//! A form with files, read as it arrives.
//!
//! In: a body and its boundary. Out: one [`Field`] after the other, each in chunks.
//!
//! The reader of `multer` takes all that its stream has ready, so the stream is fed by hand: a piece of the body goes in when the reader has
//! used up the one before. That bounds memory, and an error of the body, such as 413, never passes through the reader.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::body::Body;
use crate::disposition::Disposition;
use crate::error::{Error, Result};

/// Bytes that the reader gets at a time.
const PIECE: usize = 16 * 1024;

/// Bytes that may come before a field's content: what stands before the first boundary, or a boundary with headers. One piece more may pass.
const HEAD_LIMIT: usize = 16 * 1024;

/// The fields of a form; more are a mistake or an attack.
pub(crate) const FIELD_LIMIT: usize = 1_000;

/// Bytes of a field's name.
pub(crate) const NAME_LIMIT: usize = 1_000;

/// A form as `multipart/form-data`, read as it arrives (row Q11): of a file of 100 MB, a few pieces of 16 KiB are held at once.
///
/// It has at most 1,000 fields, with names of at most 1,000 bytes. How long it may be in all is the route's `BODY_LIMIT`,
/// which the operator may hold lower.
///
/// ```
/// use waystation::{Request, Result};
///
/// pub async fn post(request: Request) -> Result<String> {
///     let mut bytes = 0;
///     let mut form = request.multipart()?;
///     while let Some(mut field) = form.next_field().await? {
///         while let Some(chunk) = field.chunk().await? {
///             bytes += chunk.len();
///         }
///     }
///     Ok(format!("{bytes} bytes"))
/// }
/// ```
#[derive(Debug)]
pub struct Multipart {
    fields: multer::Multipart<'static>,
    /// The field whose content comes next.
    open: Option<multer::Field<'static>>,
    feeder: Feeder,
    count: usize,
}

/// One field of a [`Multipart`]; with a file name, it is a file.
///
/// ```
/// use waystation::{Request, Result};
///
/// pub async fn post(request: Request) -> Result<String> {
///     let mut form = request.multipart()?;
///     let Some(field) = form.next_field().await? else {
///         return Ok("an empty form".to_owned());
///     };
///     Ok(format!("{} is {}", field.name().to_owned(), field.text().await?))
/// }
/// ```
#[derive(Debug)]
pub struct Field<'a> {
    form: &'a mut Multipart,
    disposition: Disposition,
    content_type: Option<String>,
}

impl Multipart {
    pub(crate) fn new(body: Body, content_type: &str) -> Result<Self> {
        let boundary = multer::parse_boundary(content_type)
            .map_err(|error| bad_request("`Content-Type` has no boundary").because(error))?;
        if !(1..=70).contains(&boundary.len()) {
            return Err(bad_request("a boundary has 1 to 70 characters"));
        }
        let (sender, receiver) = mpsc::channel();
        Ok(Self {
            fields: multer::Multipart::new(Fed(receiver), boundary),
            open: None,
            feeder: Feeder {
                body,
                chunk: Bytes::new(),
                sender: Some(sender),
            },
            count: 0,
        })
    }

    /// Waits for the next field; `None` after the last. What was not read of the one before is passed over.
    ///
    /// # Errors
    ///
    /// Status 400 if the form is malformed, ended early, or a field has no name or one that is too long; 413 if there are too many
    /// fields, or the body is longer than the route's `BODY_LIMIT`.
    pub async fn next_field(&mut self) -> Result<Option<Field<'_>>> {
        while self.chunk().await?.is_some() {}
        let Some(field) = self.open_next().await? else {
            return Ok(None);
        };
        self.count += 1;
        if FIELD_LIMIT < self.count {
            return Err(too_many_fields());
        }
        let header = |name| field.headers().get(name);
        let disposition = header(CONTENT_DISPOSITION)
            .and_then(|value| Disposition::parse(value.as_bytes()))
            .ok_or_else(|| {
                bad_request(format!(
                    "field {} of the form has no clear name",
                    self.count
                ))
            })?;
        named(&disposition.name)?;
        let content_type = header(CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        self.open = Some(field);
        Ok(Some(Field {
            form: self,
            disposition,
            content_type,
        }))
    }

    async fn open_next(&mut self) -> Result<Option<multer::Field<'static>>> {
        let mut before = 0;
        loop {
            let mut cx = Context::from_waker(Waker::noop());
            match self.fields.poll_next_field(&mut cx) {
                Poll::Ready(field) => return field.map_err(malformed),
                Poll::Pending if HEAD_LIMIT < before => {
                    return Err(bad_request(format!(
                        "a field of the form begins with more than {HEAD_LIMIT} bytes of headers"
                    )));
                }
                Poll::Pending => before += self.feeder.feed().await?,
            }
        }
    }

    /// The next chunk of the open field, never an empty one; `None` at its end.
    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        while let Some(field) = &mut self.open {
            let mut cx = Context::from_waker(Waker::noop());
            match Pin::new(field).poll_next(&mut cx) {
                Poll::Pending => _ = self.feeder.feed().await?,
                Poll::Ready(None) => self.open = None,
                Poll::Ready(Some(chunk)) => match chunk.map_err(malformed)? {
                    chunk if chunk.is_empty() => {}
                    chunk => return Ok(Some(chunk)),
                },
            }
        }
        Ok(None)
    }
}

impl Field<'_> {
    /// The name, which several fields may have.
    pub fn name(&self) -> &str {
        &self.disposition.name
    }

    /// The file's name as the client gave it; never use it as a path. `None` for what is no file, empty where no file was chosen.
    ///
    /// ```
    /// use waystation::{Request, Result};
    ///
    /// pub async fn post(request: Request) -> Result<String> {
    ///     let mut form = request.multipart()?;
    ///     let mut files = 0;
    ///     while let Some(field) = form.next_field().await? {
    ///         files += usize::from(field.file_name().is_some());
    ///     }
    ///     Ok(format!("{files} files"))
    /// }
    /// ```
    pub fn file_name(&self) -> Option<&str> {
        self.disposition.file_name.as_deref()
    }

    /// The type that the client claims, such as `image/png`.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Waits for the next bytes of the content, some 16 KiB at most; `None` at its end.
    ///
    /// # Errors
    ///
    /// Status 400 if the form ended early, 413 if the body is longer than the route's `BODY_LIMIT`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.form.chunk().await
    }

    /// Waits for the rest of the content.
    ///
    /// # Errors
    ///
    /// As for [`chunk`](Self::chunk).
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }

    /// Waits for the rest of the content, as text.
    ///
    /// # Errors
    ///
    /// Status 400 if it is not UTF-8; otherwise as for [`chunk`](Self::chunk).
    pub async fn text(self) -> Result<String> {
        let name = self.name().to_owned();
        String::from_utf8(self.bytes().await?.into()).map_err(|error| {
            bad_request(format!("the form's field `{name}` is not UTF-8")).because(error)
        })
    }
}

/// Gives the reader one piece of the body at a time.
#[derive(Debug)]
struct Feeder {
    body: Body,
    /// What is left of a chunk that is longer than a piece.
    chunk: Bytes,
    /// `None` once the body has ended, which is how the reader learns of it.
    sender: Option<Sender<Bytes>>,
}

impl Feeder {
    /// Waits for the next piece and hands it over: its length, or 0 at the end.
    async fn feed(&mut self) -> Result<usize> {
        while self.chunk.is_empty() {
            match self.body.chunk().await {
                Some(chunk) => self.chunk = chunk?,
                None if self.sender.take().is_some() => return Ok(0),
                None => return Err(bad_request("the form ended early")),
            }
        }
        let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
        let length = piece.len();
        if let Some(sender) = &self.sender {
            sender.send(piece)?;
        }
        Ok(length)
    }
}

/// The reader's end: nothing is ready until it is fed, and no waker is kept, as whoever feeds asks again.
struct Fed(Receiver<Bytes>);

impl Stream for Fed {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.try_recv() {
            Ok(piece) => Poll::Ready(Some(Ok(piece))),
            Err(TryRecvError::Empty) => Poll::Pending,
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
        }
    }
}

/// Refuses a field's name that is too long.
pub(crate) fn named(name: &str) -> Result<()> {
    match name.len() {
        ..=NAME_LIMIT => Ok(()),
        _ => Err(bad_request(format!(
            "a field of the form has a name of more than {NAME_LIMIT} bytes"
        ))),
    }
}

pub(crate) fn too_many_fields() -> Error {
    Error::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the form has more than {FIELD_LIMIT} fields"),
    )
}

fn malformed(error: multer::Error) -> Error {
    bad_request("the body is not well-formed multipart/form-data").because(error)
}

fn bad_request(message: impl Into<String>) -> Error {
    Error::new(StatusCode::BAD_REQUEST, message)
}

#[cfg(test)]
mod tests;
