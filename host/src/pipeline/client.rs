//! Settles who asks, and tells the handler what proxies in front of this host may tell it.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use waystation_rules::forwarded::{
    Arrival, ForwardedError, HEADERS, Scheme, Settled, Trust, settle,
};

/// Brings the facts of a request to [`settle`], and takes off what proxies said.
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
    let is_told = headers.keys().any(|name| HEADERS.contains(&name.as_str()));
    let lines = |name| -> Vec<&[u8]> {
        let values = is_told.then(|| headers.get_all(name).iter());
        let values = values.into_iter().flatten();
        values.map(HeaderValue::as_bytes).collect()
    };
    let settled = settle(
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
    )?;
    if is_told {
        for name in HEADERS {
            headers.remove(name);
        }
    }
    Ok(settled)
}

/// Says what was settled, to a handler, a proxy, a rule or another server.
pub(super) fn tell(settled: &Settled, headers: &mut HeaderMap) {
    for (name, value) in settled.headers() {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
