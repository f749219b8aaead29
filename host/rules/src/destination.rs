//! Reads the `destination` of a redirect or a rewrite and fills in what the rule's params hold (rows CF2 and CF3).
//!
//! In: the destination, such as `/post/:slug?from=:from#top` or `https://example.com/:path*`, once; then one request's [`Captures`]
//! and query.
//! Out: the URL to go to, or the [`DestinationError`] that says what to write instead.
//!
//! A param cannot lead a request astray: in the path it is what a path may hold, where a slash is one only if the source matched one; in
//! the query it is the value of its pair. The host is always as it was written: one that came out of a request would let the client
//! choose whom this host speaks to (threat model, R5). A path that a param turned into dot segments, and so into one above the
//! destination, is refused.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::admit;
use crate::path::{self, Normal, Path, PathError, normalise};
use crate::source::{Captured, Captures};
use crate::template::{Template, Unknown};

/// Where a rule leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// `https://example.com`; none for this host.
    origin: Option<String>,
    path: Template,
    /// Each pair's name as it was written, and its value.
    query: Vec<(String, Template)>,
    hash: Template,
}

/// Where a rewritten request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To another route of this app.
    Own {
        /// The path to route, within the base path.
        path: Path<'static>,
        /// The query, still encoded.
        query: Option<String>,
    },
    /// To another server, whose answer is passed on.
    Other {
        /// An absolute URL on the origin that the rule names.
        url: String,
    },
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// `docs` or `ftp://example.com`.
    #[error(
        "`{destination}` is neither a path nor an origin; write `/…`, `http://…` or `https://…`"
    )]
    Kind {
        /// The destination.
        destination: String,
    },

    /// `//example.com`.
    #[error(
        "`{destination}` is another host to a browser; write `https:{destination}`, or one slash for a path"
    )]
    TwoSlashes {
        /// The destination.
        destination: String,
    },

    /// `https://user@example.com` or `https://exa mple.com`.
    #[error("`{host}` is no host name with an optional port")]
    Host {
        /// Between `//` and the path.
        host: String,
    },

    /// `https://:tenant.example.com`.
    #[error("the host has a param, so a client could choose it; write a rule for each host")]
    ParamInHost,

    /// `/:slug` where the source has no `:slug`.
    #[error("`:{name}` is no param of this rule; it has {}, and `\\:` is a colon", listed(.known))]
    UnknownParam {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },

    /// `/new/(.*)`.
    #[error(
        "`{sign}` means nothing in a destination; name the param in the source and write `:name`, or `\\{sign}` for the character"
    )]
    Sign {
        /// `(`, `{`, `*` or another.
        sign: char,
    },

    /// `/a/../b`.
    #[error("`{path}` has a dot segment; write where it leads")]
    DotSegment {
        /// The path.
        path: String,
    },

    /// `/100%`.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// A request is refused with 400: its params would lead above the rule's destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has a dot segment that came out of the request and would lead elsewhere")]
pub struct Climb {
    /// The path as it was filled in.
    pub path: String,
}

impl Destination {
    /// Reads a destination whose rule has the params `known`.
    ///
    /// # Errors
    ///
    /// The first [`DestinationError`].
    pub fn parse(text: &str, known: &[String]) -> Result<Self, DestinationError> {
        let (text, hash) = split(text, '#');
        let (text, query) = split(text, '?');
        let (origin, path) = origin(text)?;
        let template = |text: &str| {
            Template::parse(text, known).map_err(|Unknown(name)| DestinationError::UnknownParam {
                name,
                known: known.to_vec(),
            })
        };
        if let Some(sign) = sign(path) {
            return Err(DestinationError::Sign { sign });
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = template(value)?.map(|text| Ok::<_, DestinationError>(encode(&text)))?;
            Ok((encode(name), value))
        });
        let destination = Self {
            origin,
            path: template(path)?.map(|text| path::spell(&text))?,
            query: query.collect::<Result<_, DestinationError>>()?,
            hash: template(hash)?.map(|text| Ok::<_, DestinationError>(encode(&text)))?,
        };
        let plain = destination.path.texts().collect::<Vec<_>>().join("x");
        if has_dot_segment(&plain) {
            return Err(DestinationError::DotSegment { path: plain });
        }
        Ok(destination)
    }

    /// Whether it is on another origin than this app.
    #[must_use]
    pub const fn is_external(&self) -> bool {
        self.origin.is_some()
    }

    /// The value of `Location` (row CF2). `base` is the base path, such as `/docs`, that goes before a path on this host, or nothing.
    ///
    /// Of the request's query, still encoded, each pair goes along whose name the destination does not have itself.
    ///
    /// # Errors
    ///
    /// A [`Climb`].
    pub fn location(
        &self,
        captures: &Captures,
        query: Option<&str>,
        base: &str,
    ) -> Result<String, Climb> {
        let path = self.path(captures)?;
        let hash = self.hash.fill(captures, Captured::in_path);
        let before = self.origin.as_deref().unwrap_or(base);
        let path = if path == "/" && self.origin.is_none() && !base.is_empty() {
            ""
        } else {
            &path
        };
        let mut location = format!("{before}{path}");
        if let Some(query) = merged(query, &self.pairs(captures)) {
            location += &format!("?{query}");
        }
        if !hash.is_empty() {
            location += &format!("#{hash}");
        }
        Ok(location)
    }

    /// Where a request goes that is rewritten (row CF3). A hash stays with the browser.
    ///
    /// The query is the request's with the destination's pairs in the place of those with the same names. If the destination's path and
    /// hash use no param, all of the params are added to it; one that may stand there often has a pair for each time.
    ///
    /// # Errors
    ///
    /// A [`Climb`].
    pub fn target(&self, captures: &Captures, query: Option<&str>) -> Result<Target, Climb> {
        let path = self.path(captures)?;
        let mut pairs = self.pairs(captures);
        if !captures
            .names()
            .any(|name| self.path.uses(name) || self.hash.uses(name))
        {
            for (name, value) in captures.all() {
                if pairs.iter().all(|(taken, _)| decoded(taken) != name) {
                    let values = value.pairs_in_query().into_iter();
                    pairs.extend(values.map(|value| (encode(name), value)));
                }
            }
        }
        let query = merged(query, &pairs);
        if let Some(origin) = &self.origin {
            let query = query.map_or_else(String::new, |query| format!("?{query}"));
            return Ok(Target::Other {
                url: format!("{origin}{path}{query}"),
            });
        }
        let bare = path
            .strip_suffix('/')
            .filter(|bare| !bare.is_empty())
            .unwrap_or(&path);
        match normalise(bare, false) {
            Ok(Normal::Serve(path)) => Ok(Target::Own {
                path: path.into_owned(),
                query,
            }),
            _ => Err(Climb { path }),
        }
    }

    /// The path filled in, with no two slashes in a row, so that it cannot become a host. A param that holds nothing takes the slash
    /// before it along.
    fn path(&self, captures: &Captures) -> Result<String, Climb> {
        let filled = self.path.fill(captures, Captured::in_path);
        let mut path = String::with_capacity(filled.len());
        for sign in filled.chars() {
            if sign != '/' || !path.ends_with('/') {
                path.push(sign);
            }
        }
        if self.path.ends_with_nothing(captures) && path.ends_with('/') && path != "/" {
            path.pop();
        }
        match has_dot_segment(&path) {
            true => Err(Climb { path }),
            false => Ok(path),
        }
    }

    fn pairs(&self, captures: &Captures) -> Vec<(String, String)> {
        let pairs = self.query.iter();
        let fill = |(name, value): &(String, Template)| {
            (name.clone(), value.fill(captures, Captured::in_query))
        };
        pairs.map(fill).collect()
    }
}

/// Splits a text at the first `sign` that no backslash precedes; the second part is empty if there is none.
fn split(text: &str, sign: char) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, found) in text.char_indices() {
        if found == sign && !is_escaped {
            return (&text[..at], &text[at + 1..]);
        }
        is_escaped = found == '\\' && !is_escaped;
    }
    (text, "")
}

/// The origin of a destination without query and hash, and its path, which starts with a slash.
pub(crate) fn origin(text: &str) -> Result<(Option<String>, &str), DestinationError> {
    let destination = || text.to_owned();
    if text.starts_with("//") {
        return Err(DestinationError::TwoSlashes {
            destination: destination(),
        });
    }
    if text.starts_with('/') {
        return Ok((None, text));
    }
    let Some((scheme, rest)) = text
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    else {
        return Err(DestinationError::Kind {
            destination: destination(),
        });
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_param = |after: &str| after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !host.starts_with('[') && host.split(':').skip(1).any(is_param) {
        return Err(DestinationError::ParamInHost);
    }
    if !admit::is_host(host) {
        return Err(DestinationError::Host {
            host: host.to_owned(),
        });
    }
    let origin = format!("{scheme}://{}", host.to_ascii_lowercase());
    Ok((Some(origin), if path.is_empty() { "/" } else { path }))
}

/// The first sign of a path that means something in a source and nothing here.
fn sign(path: &str) -> Option<char> {
    let mut before = ' ';
    let mut in_name = false;
    for sign in path.chars() {
        let is_escaped = before == '\\';
        let is_repeat = matches!(sign, '*' | '+') && in_name;
        if matches!(sign, '(' | ')' | '{' | '}' | '*' | '+') && !is_escaped && !is_repeat {
            return Some(sign);
        }
        in_name =
            !is_escaped && sign == ':' || in_name && (sign.is_ascii_alphanumeric() || sign == '_');
        before = if is_escaped { ' ' } else { sign };
    }
    None
}

fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Adds `own` pairs to a request's query, from which those with the same names go. None if nothing is left.
fn merged(query: Option<&str>, own: &[(String, String)]) -> Option<String> {
    let names: Vec<_> = own.iter().map(|(name, _)| decoded(name)).collect();
    let theirs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    let is_left =
        |pair: &&str| !names.contains(&decoded(pair.split('=').next().unwrap_or_default()));
    let own = own.iter().map(|(name, value)| format!("{name}={value}"));
    let pairs: Vec<_> = theirs.filter(is_left).map(encode).chain(own).collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

/// A name of a query's pair as a handler reads it.
fn decoded(name: &str) -> String {
    let mut pairs = form_urlencoded::parse(name.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}

/// Escapes what a query or a hash cannot hold; escapes that are there stay.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// What a browser escapes in a query, besides everything outside ASCII.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'')
    .add(b'`');

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names
            .iter()
            .map(|name| format!("`:{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests;
