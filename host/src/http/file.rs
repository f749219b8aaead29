//! A file on disk, opened and read on threads that may wait for it.
//!
//! In: a path, then the bytes that are wanted. Out: what the file is, then a [`Body`] of its bytes.
//!
//! A small body is read at once; a longer one piece by piece, as the client takes it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Body, BodyError, whole};

/// Bytes of one read, and of the longest body that is read at once.
const PIECE: u64 = 64 << 10;

/// An open file.
pub struct OpenFile {
    file: Arc<File>,
    /// Its length when it was opened, in bytes.
    pub length: u64,
    /// Differs from any other content that the file had: its number, length and times.
    pub stamp: String,
}

impl OpenFile {
    /// Opens a file. Its path has to be one without links, so that a file that was replaced by a link is not followed out of its folder.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotFound`] if it is no file, or there is a link on the way; else what the system says.
    pub async fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        blocking(move || Self::open_here(&path)).await
    }

    fn open_here(path: &Path) -> io::Result<Self> {
        if path.canonicalize()? != *path {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = File::open(path)?;
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let stamp = format!(
            "{:x}-{:x}-{:x}.{:x}-{:x}.{:x}",
            facts.ino(),
            facts.len(),
            facts.mtime(),
            facts.mtime_nsec(),
            facts.ctime(),
            facts.ctime_nsec()
        );
        Ok(Self {
            file: Arc::new(file),
            length: facts.len(),
            stamp,
        })
    }

    /// A part of it as a body.
    ///
    /// # Errors
    ///
    /// What the system says of the first read; a later one ends the body before its end.
    pub async fn body(self, part: Range<u64>) -> io::Result<Body> {
        let mut reading = Reading {
            file: self.file,
            left: part,
            next: None,
        };
        let first = match reading.read() {
            None => return Ok(whole(Bytes::new())),
            Some(first) => joined(first.await)?,
        };
        reading.left.start += first.len() as u64;
        if reading.left.is_empty() {
            return Ok(whole(first));
        }
        Ok(Body::Stream(Box::pin(FileBody {
            first: Some(first),
            reading,
        })))
    }
}

/// The bytes of a file that are still to be read.
struct Reading {
    file: Arc<File>,
    left: Range<u64>,
    next: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Reading {
    /// Begins to read the next piece; none at the end.
    fn read(&self) -> Option<JoinHandle<io::Result<Bytes>>> {
        if self.left.is_empty() {
            return None;
        }
        let (file, at) = (Arc::clone(&self.file), self.left.start);
        let length = PIECE.min(self.left.end - at) as usize;
        Some(spawn_blocking(move || {
            let mut piece = vec![0; length];
            file.read_exact_at(&mut piece, at)?;
            Ok(piece.into())
        }))
    }
}

/// What is known of the first piece, and what follows it.
struct FileBody {
    first: Option<Bytes>,
    reading: Reading,
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let reading = &mut self.reading;
        if reading.next.is_none() {
            reading.next = reading.read();
        }
        let Some(next) = &mut reading.next else {
            return Poll::Ready(None);
        };
        let piece = joined(ready!(Pin::new(next).poll(cx)));
        reading.next = None;
        match piece {
            Ok(piece) => {
                reading.left.start += piece.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Err(error) => {
                reading.left.start = reading.left.end;
                Poll::Ready(Some(Err(error.into()))) // such as a file that was cut short meanwhile
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        SizeHint::with_exact(first + self.reading.left.end - self.reading.left.start)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    joined(spawn_blocking(work).await)
}

fn joined<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    done.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::path::PathBuf;

    use http_body::Body as _;

    use super::*;

    #[tokio::test]
    async fn a_small_body_is_whole_and_a_long_one_is_read_as_it_is_taken() {
        check(10, 0..10, "whole").await;
        check(10, 3..7, "whole").await;
        check(10, 0..0, "whole").await;
        check(PIECE, 0..PIECE, "whole").await;
        check(3 * PIECE + 1, 0..3 * PIECE + 1, "4 pieces").await;
        check(3 * PIECE, PIECE + 1..2 * PIECE + 2, "2 pieces").await;
    }

    #[tokio::test]
    async fn a_file_that_is_cut_short_meanwhile_ends_in_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, 3 * PIECE);
        let opened = OpenFile::open(&path).await.unwrap();
        let mut body = opened.body(0..3 * PIECE).await.unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(PIECE)
            .unwrap();
        let mut next = async || poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        assert!(next().await.unwrap().is_ok());
        assert!(next().await.unwrap().is_err());
        assert!(next().await.is_none());
    }

    #[tokio::test]
    async fn a_link_is_not_followed_and_a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, 1);
        let link = path.with_file_name("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for other in [link.as_path(), path.parent().unwrap()] {
            let error = OpenFile::open(other).await.err().unwrap();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }

    #[tokio::test]
    async fn another_content_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, 10);
        let stamp = async || OpenFile::open(&path).await.unwrap().stamp;
        let first = stamp().await;
        assert_eq!(first, stamp().await);
        file(&folder, 11);
        assert_ne!(first, stamp().await);
    }

    async fn check(length: u64, part: Range<u64>, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let opened = OpenFile::open(&file(&folder, length)).await.unwrap();
        assert_eq!(opened.length, length);
        let mut body = opened.body(part.clone()).await.unwrap();
        let is_whole = matches!(body, Body::Whole(_));
        assert_eq!(body.size_hint().exact(), Some(part.end - part.start));
        let (mut read, mut pieces) = (Vec::new(), 0);
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            read.extend(frame.unwrap().into_data().unwrap());
            pieces += 1;
        }
        let content = content(length);
        assert!(read == content[part.start as usize..part.end as usize]);
        let shape = match is_whole {
            true => "whole".to_owned(),
            false => format!("{pieces} pieces"),
        };
        assert_eq!(shape, expected);
    }

    fn file(folder: &tempfile::TempDir, length: u64) -> PathBuf {
        let path = folder.path().canonicalize().unwrap().join("file");
        std::fs::write(&path, content(length)).unwrap();
        path
    }

    fn content(length: u64) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }
}
