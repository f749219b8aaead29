//! Answers with a file that is sent as it is: `public/`, and metadata files.
//!
//! In: the file, the method and headers that ask for it. Out: the answer, whole, in part, or without a body. What is sent is decided in
//! `waystation_rules::file`; what of it is read waits on a thread of its own.
//!
//! tower-http's file service is not used: it has no `If-Range`, so a download that is resumed after a deployment would be made of two files;
//! it names contents by length and time, which differ from node to node; and it finds files by a parser of paths of its own.

use std::io;

use headers::{ContentRange, ETag, HeaderMapExt as _};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use waystation_rules::compression;
use waystation_rules::file::{Answer, answer, choose};

use super::failure::Refusal;
use crate::app::{Content, File};
use crate::http::{OpenFile, Response, empty};

/// Answers with `file`. If answers are compressed (`is_compressed`), one that the client has already says what the whole one would have said.
///
/// # Errors
///
/// 405 for a method other than GET and HEAD, 404 if a file is gone that may change, 412 and 416 as RFC 9110 has them, 500 if it cannot be
/// read.
pub(super) async fn respond(
    file: &File,
    method: &Method,
    asked: &HeaderMap,
    is_compressed: bool,
) -> Result<Response, Refusal> {
    let is_get = method == Method::GET;
    if !is_get && method != Method::HEAD {
        return Err(Refusal::FileMethod);
    }
    let there: Vec<_> = file.encoded.iter().map(|(encoding, _)| *encoding).collect();
    let encoding = choose(asked, &there);
    let encoded = file
        .encoded
        .iter()
        .find(|(there, _)| Some(*there) == encoding);
    let content = encoded.map_or(&file.plain, |(_, content)| content);
    let (tag, length, opened) = look(content).await?;

    let answer = answer(asked, is_get, &tag, length);
    let mut response = Response::new(empty());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, file.cache_control.clone());
    headers.typed_insert(tag);
    if !there.is_empty() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let part = match answer {
        Answer::NotModified => {
            if is_compressed && encoding.is_none() {
                let mut whole = headers.clone();
                whole.insert(CONTENT_TYPE, file.content_type.clone());
                let sent = compression::choose(asked, 200, &whole, Some(length));
                compression::describe(sent, 304, headers);
            }
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Answer::Failed => return Err(Refusal::Precondition),
        Answer::Unsatisfiable => return Err(Refusal::Range(length)),
        Answer::Whole => 0..length,
        Answer::Part { first, last } => first..last + 1,
    };
    headers.insert(CONTENT_TYPE, file.content_type.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.token()));
    }
    if let Answer::Part { first, last } = answer {
        if let Ok(range) = ContentRange::bytes(first..=last, length) {
            headers.typed_insert(range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    if is_get {
        let opened = match opened {
            Some(opened) => opened,
            None => OpenFile::open(&content.path).await.map_err(Refusal::File)?,
        };
        *response.body_mut() = opened.body(part).await.map_err(Refusal::File)?;
    }
    Ok(response)
}

/// What the content is called, and its length. A file that may change stays open from here on, so that both are those of what is sent.
async fn look(content: &Content) -> Result<(ETag, u64, Option<OpenFile>), Refusal> {
    if let Some((tag, length)) = &content.fixed {
        return Ok((tag.clone(), *length, None));
    }
    let opened = match OpenFile::open(&content.path).await {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Refusal::NotFound),
        Err(error) => return Err(Refusal::File(error)),
    };
    let tag = format!("\"{}\"", opened.stamp).parse();
    let tag = tag.map_err(|_| Refusal::File(io::ErrorKind::InvalidData.into()))?;
    Ok((tag, opened.length, Some(opened)))
}
