//! Finds a port to listen on.

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// How many ports after the first `dev` tries, as Next does (row CL2).
const TRIES: u16 = 10;

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: {error}\n\nhint: stop the program that has the port, or choose another with `--port`"
)]
pub struct Taken {
    address: SocketAddr,
    #[source]
    error: std::io::Error,
}

/// Listens on exactly this address (row CL5).
///
/// # Errors
///
/// [`Taken`] if that is not possible.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Taken> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Taken { address, error })
}

/// Listens on this address or on one of the next ten ports (row CL2).
///
/// # Errors
///
/// [`Taken`] for the first address if none of them is free.
pub async fn bind_near(address: SocketAddr) -> Result<TcpListener, Taken> {
    let first = match bind(address).await {
        Err(taken) if taken.error.kind() == std::io::ErrorKind::AddrInUse => taken,
        bound => return bound,
    };
    for port in (address.port()..=u16::MAX).skip(1).take(usize::from(TRIES)) {
        if let Ok(listener) = TcpListener::bind(SocketAddr::new(address.ip(), port)).await {
            return Ok(listener);
        }
    }
    Err(first)
}
