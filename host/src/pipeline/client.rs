//! Settles who asks, and tells the handler what proxies in front of this host may tell it.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Request};
use waystation_rules::forwarded::{Arrival, ForwardedError, HEADERS, Settled, Trust, settle};

use super::admit::host;
use super::handle::cookies;
use crate::app::Policy;
use crate::sandbox::Asker;

/// Brings the facts of a request to [`settle`], and takes off what proxies said.
///
/// # Errors
///
/// A [`ForwardedError`] is answered with 400.
pub(super) fn settled<B>(
    request: &mut Request<B>,
    asker: &Asker,
    trust: &Trust,
) -> Result<Settled, ForwardedError> {
    if !is_told(request.headers()) {
        return settle(&untold(request, asker), trusted(asker, trust));
    }
    let settled = read(request, asker, trust)?;
    for name in HEADERS {
        request.headers_mut().remove(name);
    }
    Ok(settled)
}

/// Says what was settled, to a handler, a proxy, a rule or another server.
pub(super) fn tell(settled: &Settled, headers: &mut HeaderMap) {
    headers.reserve(HEADERS.len());
    for (name, value) in settled.headers() {
        headers.insert(name, value);
    }
}

/// Who asks, of a request that was not admitted yet: the peer if that does not get clear.
pub fn client<B>(request: &Request<B>, asker: &Asker, policy: &Policy) -> std::net::IpAddr {
    let settled = read(request, asker, &policy.trust);
    settled.map_or(asker.client, |settled| settled.client)
}

/// The value of a cookie that the client sends.
pub fn cookie<B>(request: &Request<B>, name: &str) -> Option<String> {
    let mut cookies = cookies(request.headers()).into_iter();
    cookies.find_map(|(known, value)| (known == name).then_some(value))
}

/// Whether somebody on the way has said anything, as few have.
fn is_told(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| HEADERS.contains(&name.as_str()))
}

fn read<B>(request: &Request<B>, asker: &Asker, trust: &Trust) -> Result<Settled, ForwardedError> {
    let headers = request.headers();
    let lines = |name| -> Vec<&[u8]> {
        let values = headers.get_all(name).iter();
        values.map(HeaderValue::as_bytes).collect()
    };
    let arrival = Arrival {
        forwarded: &lines("forwarded"),
        x_forwarded_for: &lines("x-forwarded-for"),
        x_forwarded_host: &lines("x-forwarded-host"),
        x_forwarded_port: &lines("x-forwarded-port"),
        x_forwarded_proto: &lines("x-forwarded-proto"),
        ..untold(request, asker)
    };
    settle(&arrival, trusted(asker, trust))
}

/// A request of which nobody on the way has said anything.
fn untold<'a, B>(request: &'a Request<B>, asker: &Asker) -> Arrival<'a> {
    Arrival {
        peer: asker.client,
        scheme: asker.scheme,
        host: host(request),
        forwarded: &[],
        x_forwarded_for: &[],
        x_forwarded_host: &[],
        x_forwarded_port: &[],
        x_forwarded_proto: &[],
    }
}

/// Who is believed: nobody where a handler asks, whose client is settled and may have an address as proxies have.
fn trusted<'a>(asker: &Asker, trust: &'a Trust) -> &'a Trust {
    static NOBODY: LazyLock<Trust> = LazyLock::new(Trust::default);
    match asker.depth {
        0 => trust,
        _ => &NOBODY,
    }
}
