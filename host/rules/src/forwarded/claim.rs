//! What trusted proxies say about a request.

use std::net::IpAddr;

use super::element::{self, Element};
use super::{Arrival, ForwardedError, Scheme, Trust};
use crate::admit;

/// What trusted proxies say; nothing of what they do not.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// The client, then each proxy from it to the peer.
    pub(super) chain: Option<Vec<IpAddr>>,
    pub(super) scheme: Option<Scheme>,
    /// In lower case; anybody's.
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
}

impl Claim {
    /// Of `X-Forwarded-*`.
    pub(super) fn of_extensions(
        arrival: &Arrival<'_>,
        peer: IpAddr,
        trust: &Trust,
    ) -> Result<Self, ForwardedError> {
        let lines = arrival.x_forwarded_for.iter();
        let hops = lines.flat_map(|line| line.split(|byte| *byte == b','));
        let hops: Vec<_> = hops
            .map(<[u8]>::trim_ascii)
            .filter(|hop| !hop.is_empty())
            .collect();
        let (mut client, mut chain) = (peer, vec![peer]);
        for hop in hops.iter().rev() {
            let address = std::str::from_utf8(hop).ok().and_then(element::address);
            let (true, Some(address)) = (trust.is_proxy(client), address) else {
                break;
            };
            chain.push(address);
            client = address;
        }
        chain.reverse();
        let scheme = single("x-forwarded-proto", arrival.x_forwarded_proto)?;
        let host = single("x-forwarded-host", arrival.x_forwarded_host)?;
        let port = single("x-forwarded-port", arrival.x_forwarded_port)?;
        Ok(Self {
            chain: (!hops.is_empty()).then_some(chain),
            scheme: scheme
                .map(|text| scheme_of("x-forwarded-proto", &text))
                .transpose()?,
            host: host
                .map(|text| host_of("x-forwarded-host", &text))
                .transpose()?,
            port: port
                .map(|text| port_of("x-forwarded-port", &text))
                .transpose()?,
        })
    }

    /// Of `Forwarded`. Host and scheme are those of the element that is nearest to the client, of those that trusted proxies wrote.
    pub(super) fn of_forwarded(
        arrival: &Arrival<'_>,
        peer: IpAddr,
        trust: &Trust,
    ) -> Result<Self, ForwardedError> {
        let lines = arrival.forwarded.iter().map(|line| element::all(line));
        let elements = lines.collect::<Result<Vec<_>, _>>()?.concat();
        let mut claim = Self::default();
        let (mut client, mut chain) = (peer, vec![peer]);
        for element in elements.iter().rev() {
            if !trust.is_proxy(client) {
                break;
            }
            let Element {
                before,
                host,
                scheme,
            } = element;
            if let Some(host) = host {
                claim.host = Some(host_of("forwarded", host)?);
            }
            if let Some(scheme) = scheme {
                claim.scheme = Some(scheme_of("forwarded", scheme)?);
            }
            let Some(address) = before.as_deref().and_then(element::address) else {
                break;
            };
            chain.push(address);
            client = address;
        }
        chain.reverse();
        claim.chain = (!elements.is_empty()).then_some(chain);
        Ok(claim)
    }

    /// Both claims in one: a proxy that writes one kind of header and passes the other on would let the client choose. So where there are
    /// both kinds, a host or a scheme counts only if both name it.
    pub(super) fn agreeing(self, other: Self) -> Result<Self, ForwardedError> {
        if self.is_made() && other.is_made() {
            let one_sided = [
                (
                    self.scheme.is_some() != other.scheme.is_some(),
                    "x-forwarded-proto",
                ),
                (
                    self.host.is_some() != other.host.is_some(),
                    "x-forwarded-host",
                ),
            ];
            if let Some((_, header)) = one_sided
                .into_iter()
                .find(|(is_one_sided, _)| *is_one_sided)
            {
                return Err(ForwardedError::Disagree { header });
            }
        }
        Ok(Self {
            chain: one_of(self.chain, other.chain, "x-forwarded-for")?,
            scheme: one_of(self.scheme, other.scheme, "x-forwarded-proto")?,
            host: one_of(self.host, other.host, "x-forwarded-host")?,
            port: one_of(self.port, other.port, "x-forwarded-port")?,
        })
    }

    fn is_made(&self) -> bool {
        self.chain.is_some() || self.scheme.is_some() || self.host.is_some() || self.port.is_some()
    }
}

fn one_of<T: PartialEq>(
    ours: Option<T>,
    other: Option<T>,
    header: &'static str,
) -> Result<Option<T>, ForwardedError> {
    match (ours, other) {
        (Some(ours), Some(other)) if ours != other => Err(ForwardedError::Disagree { header }),
        (ours, other) => Ok(ours.or(other)),
    }
}

/// The one value of a header that is no list.
fn single(header: &'static str, lines: &[&[u8]]) -> Result<Option<String>, ForwardedError> {
    match lines {
        [] => Ok(None),
        [line] if !line.contains(&b',') => Ok(Some(
            String::from_utf8_lossy(line.trim_ascii()).into_owned(),
        )),
        _ => Err(ForwardedError::ManyValues { header }),
    }
}

fn scheme_of(header: &'static str, text: &str) -> Result<Scheme, ForwardedError> {
    Scheme::named(text).ok_or_else(|| value(header, text))
}

fn host_of(header: &'static str, text: &str) -> Result<String, ForwardedError> {
    match admit::is_host(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(value(header, text)),
    }
}

fn port_of(header: &'static str, text: &str) -> Result<u16, ForwardedError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or_else(|| value(header, text))
}

fn value(header: &'static str, text: &str) -> ForwardedError {
    ForwardedError::Value {
        header,
        value: text.to_owned(),
    }
}
