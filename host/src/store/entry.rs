//! What is kept, and how it looks as bytes.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use waystation_rules::caching::{Life, Times};

/// The version of the bytes. Others count as absent.
const VERSION: u8 = 1;

/// Something kept: an answer of a route or of another server, or a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is kept under, whole.
    pub key: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// For people: a path, a URL, a name.
    pub label: String,
    /// 200 for a value.
    pub status: u16,
    /// None for a value.
    pub headers: HeaderMap,
    /// All of it.
    pub body: Bytes,
    /// With those that an answer has of itself.
    pub tags: Vec<String>,
    /// How long it was to live.
    pub life: Life,
    /// When it was made, and until when it is what.
    pub times: Times,
    /// Its headers as they are sent.
    pub prepared: Prepared,
}

/// The headers that are sent at one moment, copied for each request of then. They are no part of what an entry is.
#[derive(Debug, Default)]
pub struct Prepared(RwLock<Option<(Moment, HeaderMap)>>);

/// The age of an answer and how long it is fresh yet, in seconds.
type Moment = (u64, Option<i64>);

impl Prepared {
    /// A copy of those of a moment; `prepare` puts them together if they are not those of the request before.
    pub fn of(&self, moment: Moment, prepare: impl FnOnce() -> HeaderMap) -> HeaderMap {
        let prepared = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, headers)) = &*prepared
            && *of == moment
        {
            return headers.clone();
        }
        drop(prepared);
        let headers = prepare();
        let prepared = Some((moment, headers.clone()));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = prepared;
        headers
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The answer of a route.
    Answer,
    /// An answer to `fetch`.
    Fetch,
    /// A value of `cached`.
    Value,
}

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Of another version, or cut short.
    #[error("it is not an entry of this version")]
    Version,

    /// The part before the body is none.
    #[error("its head cannot be read: {0}")]
    Head(#[from] serde_json::Error),

    /// A header that HTTP does not allow.
    #[error("it has a header that is none")]
    Header,

    /// The body is not what was written.
    #[error("it was changed or is not whole")]
    Changed,
}

/// All but the body, as JSON.
#[derive(Serialize, Deserialize)]
struct Head {
    key: String,
    kind: Kind,
    label: String,
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    tags: Vec<String>,
    life: Life,
    times: Times,
}

impl Entry {
    /// Bytes it takes in memory, about.
    pub fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 64)
            .sum();
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 24).sum();
        let headers = 2 * headers; // as they are kept, and as they are sent
        size_of::<Self>() + self.key.len() + self.label.len() + headers + tags + self.body.len()
    }

    /// As bytes: the version, the digest of the rest, the length of the head (4 bytes, little-endian), the head as JSON, the body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            key: self.key.to_string(),
            kind: self.kind,
            label: self.label.clone(),
            status: self.status,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
                .collect(),
            tags: self.tags.clone(),
            life: self.life,
            times: self.times,
        };
        let head = serde_json::to_vec(&head).expect("text, numbers and lists are JSON");
        let mut rest = u32::try_from(head.len())
            .expect("a head has less than 4 GiB")
            .to_le_bytes()
            .to_vec();
        rest.extend(head);
        rest.extend_from_slice(&self.body);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(blake3::hash(&rest).as_bytes());
        bytes.extend(rest);
        bytes
    }

    /// Takes [`Self::to_bytes`] back.
    ///
    /// # Errors
    ///
    /// An [`EntryError`] if anything about them is not as it was written.
    pub fn from_bytes(bytes: &Bytes) -> Result<Self, EntryError> {
        let (version, rest) = bytes.split_first().ok_or(EntryError::Version)?;
        if *version != VERSION {
            return Err(EntryError::Version);
        }
        let (digest, rest) = rest
            .split_first_chunk::<{ blake3::OUT_LEN }>()
            .ok_or(EntryError::Version)?;
        if blake3::Hash::from_bytes(*digest) != blake3::hash(rest) {
            return Err(EntryError::Changed);
        }
        let (length, rest) = rest.split_first_chunk().ok_or(EntryError::Version)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (head, body) = rest.split_at_checked(length).ok_or(EntryError::Version)?;
        let head: Head = serde_json::from_slice(head)?;
        let mut headers = HeaderMap::with_capacity(head.headers.len());
        for (name, value) in head.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            match (name, HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => headers.append(name, value),
                _ => return Err(EntryError::Header),
            };
        }
        Ok(Self {
            key: head.key.into(),
            kind: head.kind,
            label: head.label,
            status: head.status,
            headers,
            body: bytes.slice_ref(body),
            tags: head.tags,
            life: head.life,
            times: head.times,
            prepared: Prepared::default(),
        })
    }
}
