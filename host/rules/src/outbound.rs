//! Decides which servers a handler may ask (threat model, 6.3).
//!
//! In: what the operator allows, where a request is to go, and what addresses the name there has.
//! Out: the [`Target`] to connect to, or why not.
//!
//! Nothing is allowed unless the operator lists it. A listed name says nothing of where it leads: its addresses are judged apart, after
//! they were looked up, so that a name cannot be made to lead into the operator's own network.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;
use ipnet::IpNet;
use url::Host;

use crate::forwarded::{Scheme, Trust};

mod address;
mod listed;
mod patience;

use listed::Listed;
pub use listed::OutboundError;
pub use patience::Patience;

/// The host that stands for the app itself: a relative URL in a handler is sent to `http://self/...` and never leaves the process.
pub const SELF: &str = "self";

/// Ports where other protocols listen that could take a request for their own (Fetch standard, "port blocking").
const BAD_PORTS: [u16; 82] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

/// Whether a request with this method may go out: all but those that ask a server to be something else (Fetch standard, "forbidden
/// method").
#[must_use]
pub fn is_method(name: &str) -> bool {
    !["CONNECT", "TRACE", "TRACK"]
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether a URL is the app's own: a relative one, one on its origin, or on a host that the operator lists, as a trusted proxy may say it.
/// Each is the operator's, never a client's word (threat model, R5).
#[must_use]
pub fn is_own(url: &Uri, scheme: Scheme, origin: &Authority, trust: &Trust) -> bool {
    let is_own = |authority: &Authority| match url.scheme_str() {
        Some("http") if authority == SELF => true,
        Some("http" | "https") if trust.lists(authority.as_str()) => true,
        asked => authority == origin && asked == Some(scheme.as_str()),
    };
    url.authority().is_some_and(is_own)
}

/// What the operator allows: nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbound {
    listed: Vec<Listed>,
    addresses: Vec<IpNet>,
    allows_loopback: bool,
}

/// A server to connect to, as every later step sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether over TLS.
    pub is_tls: bool,
    /// A name in lower case and ASCII, or an address in its one spelling.
    pub host: Host<String>,
    /// The port.
    pub port: u16,
}

/// Why a request does not go out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `ftp://a.example`, or no host.
    #[error(
        "`{url}` is no address of a web server; write one such as `https://api.example.com/items`"
    )]
    Url {
        /// As it was asked.
        url: String,
    },

    /// `https://user:word@a.example`.
    #[error(
        "the URL of a request holds a name and a password; send an `authorization` header instead"
    )]
    Credentials,

    /// Port 25 and others.
    #[error("port {0} belongs to another protocol, and no web server is asked there")]
    Port(u16),

    /// Not on the operator's list.
    #[error("`{0}` is not allowed; add it to `hosts` of `[outbound]` in waystation.toml")]
    NotListed(Target),

    /// A listed name, or an address, within the operator's own network.
    #[error(
        "`{host}` leads to {address}, which is not public; if it should, add the address to `addresses` of `[outbound]` in waystation.toml"
    )]
    Address {
        /// The name that was asked.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
}

impl Outbound {
    /// Reads `hosts`, such as `https://api.example.com`, and `addresses`, which may be reached though they are not public.
    ///
    /// `allows_loopback`: this machine itself may be reached too, as in development.
    ///
    /// # Errors
    ///
    /// The first [`OutboundError`].
    pub fn new(
        hosts: &[String],
        addresses: &[String],
        allows_loopback: bool,
    ) -> Result<Self, OutboundError> {
        Ok(Self {
            listed: listed::hosts(hosts)?,
            addresses: listed::addresses(addresses)?,
            allows_loopback,
        })
    }

    /// Whether a handler may ask the server of an absolute URL.
    ///
    /// # Errors
    ///
    /// A [`Refused`].
    pub fn admit(&self, url: &str) -> Result<Target, Refused> {
        let target = Target::of(url)?;
        match self.listed.iter().any(|listed| listed.holds(&target)) {
            true => self.reach(target),
            false => Err(Refused::NotListed(target)),
        }
    }

    /// The same for a URL that the operator wrote, which needs no listing.
    ///
    /// # Errors
    ///
    /// A [`Refused`], but for [`Refused::NotListed`].
    pub fn admit_own(&self, url: &str) -> Result<Target, Refused> {
        self.reach(Target::of(url)?)
    }

    /// Whether a connection may go to an address that `host` has.
    #[must_use]
    pub fn is_reachable(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address::is_public(address)
            || (self.allows_loopback && address.is_loopback())
            || self.addresses.iter().any(|range| range.contains(&address))
    }

    /// An address in a URL is never looked up, so it is judged here.
    fn reach(&self, target: Target) -> Result<Target, Refused> {
        let address = match target.host {
            Host::Domain(_) => return Ok(target),
            Host::Ipv4(address) => IpAddr::from(address),
            Host::Ipv6(address) => IpAddr::from(address),
        };
        match self.is_reachable(address) {
            true => Ok(target),
            false => Err(Refused::Address {
                host: target.host.to_string(),
                address,
            }),
        }
    }
}

impl Target {
    /// The server of an absolute URL, as a browser reads it (WHATWG URL): `http://0x7f.1` is `127.0.0.1`.
    fn of(url: &str) -> Result<Self, Refused> {
        let wrong = || Refused::Url {
            url: url.to_owned(),
        };
        let parsed = url::Url::parse(url).map_err(|_| wrong())?;
        let is_tls = match parsed.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(wrong()),
        };
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(Refused::Credentials);
        }
        let port = parsed.port_or_known_default().ok_or_else(wrong)?;
        if BAD_PORTS.contains(&port) {
            return Err(Refused::Port(port));
        }
        Ok(Self {
            is_tls,
            host: parsed.host().ok_or_else(wrong)?.to_owned(),
            port,
        })
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self.is_tls {
            true => "https",
            false => "http",
        }
    }

    /// The host, and the port if it is not the scheme's own: `api.example.com`, `[::1]:8080`.
    #[must_use]
    pub fn authority(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests;
