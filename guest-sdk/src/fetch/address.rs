//! Where a request goes.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What is encoded of a path, and of a query (URL Standard, 1.3). What is encoded already stays so.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\'');

/// The host that stands for the app itself, and the one for the store; the host program knows them too.
const SELF: &str = "self";
const STORE: &str = "store.self";

/// A server and a path there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_tls: bool,
    pub(super) authority: String,
    /// The path and the query in ASCII, without a fragment; it starts with a slash.
    pub(super) target: String,
}

impl Address {
    /// An absolute URL, or a path of the app itself.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let url = url.split('#').next().unwrap_or_default();
        if url.starts_with('/') && !url.starts_with("//") {
            return Some(Self {
                is_tls: false,
                authority: SELF.to_owned(),
                target: encoded(url),
            });
        }
        let (scheme, rest) = url.split_once("://")?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.is_empty() || is_own(authority) {
            return None;
        }
        let target = match target.strip_prefix('/') {
            Some(_) => encoded(target),
            None => encoded(&format!("/{target}")),
        };
        Some(Self {
            is_tls,
            authority: authority.to_owned(),
            target,
        })
    }

    /// A path of the store.
    pub(super) fn store(target: String) -> Self {
        Self {
            is_tls: false,
            authority: STORE.to_owned(),
            target,
        }
    }

    /// Where a `Location` leads from here (RFC 3986, 5.2).
    pub(super) fn join(&self, location: &str) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        if has_scheme(location) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{}:{location}", self.scheme()));
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let target = match location.chars().next() {
            None => self.target.clone(),
            Some('/') => without_dots(location),
            Some('?') => format!("{path}{location}"),
            Some(_) => {
                let folder = path.rfind('/').map_or("", |end| &path[..end]);
                without_dots(&format!("{folder}/{location}"))
            }
        };
        Some(Self {
            target: encoded(&target),
            ..self.clone()
        })
    }

    /// Whether both are on one server.
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        (self.is_tls, &self.authority) == (other.is_tls, &other.authority)
    }

    pub(super) const fn scheme(&self) -> &'static str {
        match self.is_tls {
            true => "https",
            false => "http",
        }
    }
}

/// A target as a browser sends it.
fn encoded(target: &str) -> String {
    let path = |path| utf8_percent_encode(path, PATH);
    match target.split_once('?') {
        None => path(target).to_string(),
        Some((before, query)) => {
            format!("{}?{}", path(before), utf8_percent_encode(query, QUERY))
        }
    }
}

/// Whether it is a name that only the SDK itself uses.
fn is_own(authority: &str) -> bool {
    [SELF, STORE]
        .iter()
        .any(|own| authority.eq_ignore_ascii_case(own))
}

fn has_scheme(location: &str) -> bool {
    let end = location.find([':', '/', '?']).unwrap_or(location.len());
    location[end..].starts_with(':')
}

/// Takes `.` and `..` out of a path (RFC 3986, 5.2.4); the query stays.
fn without_dots(target: &str) -> String {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    let path = format!("/{}", kept.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.authority != SELF {
            write!(f, "{}://{}", self.scheme(), self.authority)?;
        }
        f.write_str(&self.target)
    }
}
