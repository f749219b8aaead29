//! Settles who asks, and tells the handler what proxies in front of this host may tell it.

use http::{HeaderMap, HeaderName, HeaderValue};
use waystation_rules::forwarded::{Arrival, ForwardedError, HEADERS, Settled, Trust, settle};

use crate::sandbox::Asker;

/// Brings the facts of a request to [`settle`], and takes off what proxies said.
///
/// # Errors
///
/// A [`ForwardedError`] is answered with 400.
pub(super) fn settled(
    headers: &mut HeaderMap,
    asker: Asker,
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
            peer: asker.client,
            scheme: asker.scheme,
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
