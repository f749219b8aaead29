//! What the operator writes into `[outbound]`.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Host;

use super::Target;

/// An entry of `hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    is_tls: bool,
    host: Name,
    /// None for any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// `*`
    Any,
    /// `*.example.com`: what stands below it, with the dot: `.example.com`.
    Below(String),
    Exactly(Host<String>),
}

/// Why `[outbound]` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// `api.example.com` or `https://api.example.com/items`.
    #[error(
        "`outbound.hosts[{index}]`: `{text}` is no server; write one such as `https://api.example.com`, `https://*.example.com` or `http://localhost:*`"
    )]
    Host {
        /// Which, from 0.
        index: usize,
        /// As it was written.
        text: String,
    },

    /// `internal.example.com`.
    #[error(
        "`outbound.addresses[{index}]`: `{text}` is no range of addresses; write one such as `10.0.0.0/8` or `127.0.0.1`"
    )]
    Address {
        /// Which, from 0.
        index: usize,
        /// As it was written.
        text: String,
    },
}

pub(super) fn hosts(texts: &[String]) -> Result<Vec<Listed>, OutboundError> {
    let read = |(index, text): (usize, &String)| {
        Listed::parse(text).ok_or_else(|| OutboundError::Host {
            index,
            text: text.clone(),
        })
    };
    texts.iter().enumerate().map(read).collect()
}

pub(super) fn addresses(texts: &[String]) -> Result<Vec<IpNet>, OutboundError> {
    let read = |(index, text): (usize, &String)| {
        let address = |_| text.parse::<IpAddr>().map(IpNet::from);
        text.parse()
            .or_else(address)
            .map_err(|_| OutboundError::Address {
                index,
                text: text.clone(),
            })
    };
    texts.iter().enumerate().map(read).collect()
}

impl Listed {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return None;
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, "*")) => (host, None),
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (rest, Some(if is_tls { 443 } else { 80 })),
        };
        let host = match host.strip_prefix('*') {
            Some("") => Name::Any,
            Some(below) => {
                let name = Host::parse(below.strip_prefix('.')?).ok()?;
                Name::Below(match name {
                    Host::Domain(name) => format!(".{name}"),
                    _ => return None,
                })
            }
            None => Name::Exactly(Host::parse(host).ok()?),
        };
        Some(Self { is_tls, host, port })
    }

    pub(super) fn holds(&self, target: &Target) -> bool {
        self.is_tls == target.is_tls
            && self.port.is_none_or(|port| port == target.port)
            && match (&self.host, &target.host) {
                (Name::Any, _) => true,
                (Name::Below(name), Host::Domain(host)) => {
                    host.len() > name.len() && host.ends_with(name.as_str())
                }
                (Name::Below(_), _) => false,
                (Name::Exactly(name), host) => name == host,
            }
    }
}
