//! Whom the operator trusts.

use std::net::IpAddr;

use ipnet::IpNet;

use super::port;
use crate::admit;

/// Whom the operator trusts to say who asks; nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    proxies: Vec<IpNet>,
    /// In lower case, some with a port.
    hosts: Vec<String>,
}

/// Why `trusted_proxies` or `hosts` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// `10.0.0.0/99` or `proxy.example.com`.
    #[error(
        "`trusted_proxies[{index}]`: `{text}` is no range of addresses; write one such as `10.0.0.0/8`, `127.0.0.1` or `fd00::/8`"
    )]
    Proxy {
        /// Which, from 0.
        index: usize,
        /// As it was written.
        text: String,
    },

    /// `https://example.com` or `*.example.com`.
    #[error(
        "`hosts[{index}]`: `{text}` is no host name; write one such as `example.com`, with a port if only that one counts"
    )]
    Host {
        /// Which, from 0.
        index: usize,
        /// As it was written.
        text: String,
    },
}

impl Trust {
    /// Reads `trusted_proxies`, as ranges or single addresses, and `hosts`, which a proxy may say or keep as whom the client meant.
    ///
    /// # Errors
    ///
    /// The first [`TrustError`].
    pub fn new(proxies: &[String], hosts: &[String]) -> Result<Self, TrustError> {
        let range = |(index, text): (usize, &String)| {
            let address = |_| text.parse::<IpAddr>().map(IpNet::from);
            text.parse()
                .or_else(address)
                .map_err(|_| TrustError::Proxy {
                    index,
                    text: text.clone(),
                })
        };
        let host = |(index, text): (usize, &String)| match admit::is_host(text) {
            true => Ok(text.to_ascii_lowercase()),
            false => Err(TrustError::Host {
                index,
                text: text.clone(),
            }),
        };
        Ok(Self {
            proxies: proxies
                .iter()
                .enumerate()
                .map(range)
                .collect::<Result<_, _>>()?,
            hosts: hosts
                .iter()
                .enumerate()
                .map(host)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether an address is a trusted proxy's.
    #[must_use]
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|range| range.contains(&address))
    }

    /// Whether `hosts` lists a host as it stands here, with its port if it has one.
    #[must_use]
    pub fn lists(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether a host is one of the operator's: with any port, if that has none.
    pub(super) fn is_host(&self, host: &str) -> bool {
        let name = port(host).map_or(host, |port| {
            host.strip_suffix(&format!(":{port}")).unwrap_or(host)
        });
        self.hosts
            .iter()
            .any(|known| known == host || known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_trust_is_a_range_or_an_address() {
        let trust = |proxies: &[&str], hosts: &[&str]| {
            let owned = |texts: &[&str]| {
                texts
                    .iter()
                    .map(|text| (*text).to_owned())
                    .collect::<Vec<_>>()
            };
            Trust::new(&owned(proxies), &owned(hosts))
                .map_or_else(|error| error.to_string(), |_| "trusted".to_owned())
        };
        assert_eq!(
            trust(
                &["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8"],
                &["a.example", "b.example:80", "[::1]"]
            ),
            "trusted"
        );
        let range =
            "is no range of addresses; write one such as `10.0.0.0/8`, `127.0.0.1` or `fd00::/8`";
        assert_eq!(
            trust(&["::1", "10.0.0.0/33"], &[]),
            format!("`trusted_proxies[1]`: `10.0.0.0/33` {range}")
        );
        assert_eq!(
            trust(&["proxy.example"], &[]),
            format!("`trusted_proxies[0]`: `proxy.example` {range}")
        );
        let host =
            "is no host name; write one such as `example.com`, with a port if only that one counts";
        assert_eq!(
            trust(&[], &["https://a.example"]),
            format!("`hosts[0]`: `https://a.example` {host}")
        );
        assert_eq!(
            trust(&[], &["*.example"]),
            format!("`hosts[0]`: `*.example` {host}")
        );
    }
}
