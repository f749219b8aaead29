//! Finds a port to listen on, or is handed one that listens already.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// How many ports after the first `dev` tries, as Next does (row CL2).
const TRIES: u16 = 10;

/// Why there is nothing to listen on. The cause stands in the message, so it is no `source()` too.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}\n\nhint: {}", self.hint())]
pub struct BindError {
    address: SocketAddr,
    error: std::io::Error,
}

impl BindError {
    fn is_taken(&self) -> bool {
        self.error.kind() == ErrorKind::AddrInUse
    }

    fn hint(&self) -> &'static str {
        if self.is_taken() {
            "stop the program that has the port, or choose another with `--port`"
        } else {
            "choose another address with `--hostname`, or another port with `--port`"
        }
    }
}

/// The socket that a service manager or an earlier process has handed on, listening already (`LISTEN_FDS` of systemd): connections that
/// nobody has accepted yet wait in it while one process takes the place of another.
///
/// # Errors
///
/// If there is one and it is no socket for TCP.
pub fn inherited() -> io::Result<Option<TcpListener>> {
    let mut handed = ListenFd::from_env();
    if 1 < handed.len() {
        tracing::warn!(
            "of {} sockets that were handed on, the first is used",
            handed.len()
        );
    }
    let Some(listener) = handed.take_tcp_listener(0)? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// Listens on exactly this address (row CL5).
///
/// # Errors
///
/// [`BindError`] if that is not possible.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| BindError { address, error })
}

/// Listens on this address or on one of the next ten ports (row CL2).
///
/// # Errors
///
/// [`BindError`] for the first address if none of them is free.
pub async fn bind_near(address: SocketAddr) -> Result<TcpListener, BindError> {
    let first = match bind(address).await {
        Err(error) if error.is_taken() => error,
        bound => return bound,
    };
    for port in (address.port()..=u16::MAX).skip(1).take(usize::from(TRIES)) {
        if let Ok(listener) = TcpListener::bind(SocketAddr::new(address.ip(), port)).await {
            return Ok(listener);
        }
    }
    Err(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_said_once_with_what_to_do() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        check(
            taken.local_addr().unwrap(),
            "stop the program that has the port, or choose another with `--port`",
        )
        .await;
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_not_called_taken() {
        check(
            "192.0.2.1:0".parse().unwrap(),
            "choose another address with `--hostname`, or another port with `--port`",
        )
        .await;
    }

    async fn check(address: SocketAddr, hint: &str) {
        let error = bind(address).await.unwrap_err();
        let cause = error.error.to_string();
        assert_eq!(
            format!("{:#}", anyhow::Error::from(error)),
            format!("cannot listen on {address}: {cause}\n\nhint: {hint}")
        );
    }
}
