//! Settles who asks, and tells the handler what proxies in front of this host may tell it.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use waystation_rules::forwarded::{
    Arrival, ForwardedError, HEADERS, Scheme, Settled, Trust, settle,
};

use super::admit::host;
use super::handle::cookies;
use crate::app::Policy;

/// Brings the facts of a request to [`settle`], and puts the outcome in place of what came.
///
/// # Errors
///
/// A [`ForwardedError`] is answered with 400.
pub(super) fn settled(
    headers: &mut HeaderMap,
    peer: IpAddr,
    host: &str,
    trust: &Trust,
) -> Result<Settled, ForwardedError> {
    let settled = read(headers, peer, host, trust)?;
    for name in HEADERS {
        headers.remove(name);
    }
    for (name, value) in settled.headers() {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(settled)
}

/// Who asks, of a request that was not admitted yet: the peer if that does not get clear.
pub fn client<B>(request: &Request<B>, peer: IpAddr, policy: &Policy) -> IpAddr {
    let settled = read(request.headers(), peer, &host(request), &policy.trust);
    settled.map_or(peer, |settled| settled.client)
}

/// The value of a cookie that the client sends.
pub fn cookie<B>(request: &Request<B>, name: &str) -> Option<String> {
    let mut cookies = cookies(request.headers()).into_iter();
    cookies.find_map(|(known, value)| (known == name).then_some(value))
}

fn read(
    headers: &HeaderMap,
    peer: IpAddr,
    host: &str,
    trust: &Trust,
) -> Result<Settled, ForwardedError> {
    let lines = |name| -> Vec<&[u8]> {
        headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    settle(
        &Arrival {
            peer,
            scheme: Scheme::Http,
            host,
            forwarded: &lines("forwarded"),
            x_forwarded_for: &lines("x-forwarded-for"),
            x_forwarded_host: &lines("x-forwarded-host"),
            x_forwarded_port: &lines("x-forwarded-port"),
            x_forwarded_proto: &lines("x-forwarded-proto"),
        },
        trust,
    )
}
