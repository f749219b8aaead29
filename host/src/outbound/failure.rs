//! Names what went wrong on the network in the words of `wasi:http`.

use std::error::Error as StdError;
use std::io;

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error;
use waystation_rules::outbound::Refused;

/// The first cause that says something.
pub(super) fn named(error: &legacy::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(named) = name(current) {
            tracing::debug!("{error}: {current}");
            return named;
        }
        cause = current.source();
    }
    tracing::debug!("{error}: {:?}", error.source());
    match error.is_connect() {
        true => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        false => Error::HttpProtocolError,
    }
}

fn name(cause: &(dyn StdError + 'static)) -> Option<Error> {
    if let Some(error) = cause.downcast_ref::<Error>() {
        return match error {
            // The request's own body: too long, or its writer failed.
            Error::HttpRequestBodySize(limit) => Some(Error::HttpRequestBodySize(*limit)),
            _ => Some(Error::InternalError(Some(error.to_string()))),
        };
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
            _ => Error::TlsProtocolError,
        });
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>()
        && error.is_incomplete_message()
    {
        return Some(Error::ConnectionTerminated);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    if let Some(refused) = error.get_ref() {
        if let Some(refused) = refused.downcast_ref::<Refused>() {
            tracing::warn!("{refused}");
            return Some(Error::DestinationIpProhibited);
        }
        if let Some(named) = name(refused) {
            return Some(named);
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Error::ConnectionRefused),
        io::ErrorKind::TimedOut => Some(Error::ConnectionTimeout),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Some(Error::ConnectionTerminated)
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some(Error::DestinationIpUnroutable)
        }
        _ => None,
    }
}
