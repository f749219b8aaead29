//! Decides who asks, over which scheme and of which host, when proxies may stand between (threat model, 6.4).
//!
//! In: the peer of the connection, what the headers of [`HEADERS`] say, and whom the operator [`Trust`]s.
//! Out: what is [`Settled`], with the values that these headers get; or why the request is refused.
//!
//! Anybody can send these headers, so they count only where a trusted proxy wrote them, and none of them ever reaches a handler as it
//! came. A chain of addresses is read from its right end, where the nearest proxy wrote: the client is the first that is not trusted.
//! Whatever stands left of it, the client may have made up. `X-Real-IP` cannot say who wrote it; it is set and never read.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

mod claim;
mod element;
mod trust;

use claim::Claim;
pub use trust::{Trust, TrustError};

/// The headers to take off each request and to set from [`Settled::headers`].
pub const HEADERS: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

/// What arrived. Each header is its lines, in order and as they came; none if it was not sent.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Of the connection.
    pub scheme: Scheme,
    /// The host that [`admit::check`](crate::admit::check) let pass.
    pub host: &'a str,
    /// `Forwarded` (RFC 7239).
    pub forwarded: &'a [&'a [u8]],
    /// `X-Forwarded-For`.
    pub x_forwarded_for: &'a [&'a [u8]],
    /// `X-Forwarded-Host`.
    pub x_forwarded_host: &'a [&'a [u8]],
    /// `X-Forwarded-Port`.
    pub x_forwarded_port: &'a [&'a [u8]],
    /// `X-Forwarded-Proto`.
    pub x_forwarded_proto: &'a [&'a [u8]],
}

/// How the client speaks to the proxy or host that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In cleartext.
    Http,
    /// Over TLS.
    Https,
}

/// What is known of a request, whoever stands between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Who asks.
    pub client: IpAddr,
    /// How.
    pub scheme: Scheme,
    /// Whom the client meant, with a port if it named one. It may be any host: where requests are sent to is never taken from here.
    pub host: String,
    /// Whether a trusted proxy named the host or kept it, and it is one of the operator's: then `request.url` may call this host so.
    pub is_vouched: bool,
    /// The port that the client spoke to.
    pub port: u16,
    /// Each proxy from the client's to the peer.
    proxies: Vec<IpAddr>,
}

/// Why a request is refused with 400: a trusted proxy passed on what cannot be its own word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForwardedError {
    /// Two lines, or a comma, where one value belongs.
    #[error("`{header}` has more than one value; a proxy in front should set it and pass none on")]
    ManyValues {
        /// The header.
        header: &'static str,
    },

    /// A host, port or scheme that is none.
    #[error("`{header}` is `{}`, which cannot be", .value.escape_debug())]
    Value {
        /// The header.
        header: &'static str,
        /// What came; unreadable bytes are replaced.
        value: String,
    },

    /// No list of RFC 7239's elements.
    #[error("`forwarded` cannot be read from `{}` on", .rest.escape_debug())]
    Syntax {
        /// From the fault on; unreadable bytes are replaced.
        rest: String,
    },

    /// `Forwarded` and `X-Forwarded-*` are from different hands.
    #[error(
        "`forwarded` and `{header}` disagree; a proxy in front should set one and remove the other"
    )]
    Disagree {
        /// The other header.
        header: &'static str,
    },
}

/// Settles who asks, how, and whom they meant.
///
/// Host, port and scheme count from a trusted peer only, and the host only if it is one of the operator's; else they are the
/// connection's own. A trusted peer that names no host has kept the client's `Host`. A chain that a proxy keeps to itself (`unknown`, `_name`) ends at that proxy.
///
/// # Errors
///
/// A [`ForwardedError`], never for what an untrusted peer sends.
pub fn settle(arrival: &Arrival<'_>, trust: &Trust) -> Result<Settled, ForwardedError> {
    let peer = arrival.peer.to_canonical();
    let mut claim = Claim::default();
    if trust.is_proxy(peer) {
        let extension = Claim::of_extensions(arrival, peer, trust)?;
        claim = Claim::of_forwarded(arrival, peer, trust)?.agreeing(extension)?;
        claim
            .host
            .get_or_insert_with(|| arrival.host.to_ascii_lowercase());
    }
    let mut chain = claim.chain.unwrap_or_default().into_iter();
    let client = chain.next().unwrap_or(peer);
    let scheme = claim.scheme.unwrap_or(arrival.scheme);
    let vouched = claim.host.filter(|host| trust.is_host(host));
    let is_vouched = vouched.is_some();
    let host = vouched.unwrap_or_else(|| arrival.host.to_owned());
    Ok(Settled {
        client,
        scheme,
        port: claim.port.or_else(|| port(&host)).unwrap_or(scheme.port()),
        host,
        is_vouched,
        proxies: chain.collect(),
    })
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn named(text: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }
}

impl Settled {
    /// What each of [`HEADERS`] is for the handler, all in printable ASCII.
    ///
    /// Each handler is told, so they share one allocation, and the client's address is formatted once.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let client = self.client.to_string();
        let mut text = String::with_capacity(192);
        let fields: [&dyn Fn(&mut String); 6] = [
            &|to| self.write_nodes(&client, to),
            &|to| self.write_addresses(&client, to),
            &|to| to.push_str(&self.host),
            &|to| to.push_str(&self.port.to_string()),
            &|to| to.push_str(self.scheme.as_str()),
            &|to| to.push_str(&client),
        ];
        let ranges = fields.map(|write| {
            let start = text.len();
            write(&mut text);
            start..text.len()
        });
        let text = Bytes::from(text);
        let values = ranges.map(|range| HeaderValue::from_maybe_shared(text.slice(range)));
        let named = HEADERS.map(HeaderName::from_static).into_iter().zip(values);
        named.filter_map(|(name, value)| Some((name, value.ok()?)))
    }

    /// As `Forwarded` has the chain; only the client's element says what it asked for.
    fn write_nodes(&self, client: &str, to: &mut String) {
        to.push_str("for=");
        write_node(&self.client, client, to);
        for part in [";host=\"", &self.host, "\";proto=", self.scheme.as_str()] {
            to.push_str(part);
        }
        for proxy in &self.proxies {
            to.push_str(", for=");
            write_node(proxy, &proxy.to_string(), to);
        }
    }

    /// As `X-Forwarded-For` has the chain.
    fn write_addresses(&self, client: &str, to: &mut String) {
        to.push_str(client);
        for proxy in &self.proxies {
            to.push_str(", ");
            to.push_str(&proxy.to_string());
        }
    }
}

/// An address as `Forwarded` has it (RFC 7239, 6).
fn write_node(address: &IpAddr, text: &str, to: &mut String) {
    let (before, after) = match address {
        IpAddr::V4(_) => ("", ""),
        IpAddr::V6(_) => ("\"[", "]\""),
    };
    for part in [before, text, after] {
        to.push_str(part);
    }
}

/// The port of a host that names one.
fn port(host: &str) -> Option<u16> {
    host.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;
