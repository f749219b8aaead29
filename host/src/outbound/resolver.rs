//! Looks a name up, and leaves out the addresses that may not be reached.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;
use waystation_rules::outbound::{Outbound, Refused};

/// The system's resolver under the operator's rules.
#[derive(Clone)]
pub(super) struct Resolver {
    allowed: Arc<Outbound>,
}

impl Resolver {
    pub(super) fn new(allowed: Arc<Outbound>) -> Self {
        Self { allowed }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            reachable(&allowed, name.as_str(), found.collect())
        })
    }
}

fn reachable(
    allowed: &Outbound,
    host: &str,
    found: Vec<SocketAddr>,
) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    let (good, bad): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| allowed.is_reachable(address.ip()));
    match bad.first() {
        Some(address) if good.is_empty() => {
            let refused = Refused::Address {
                host: host.to_owned(),
                address: address.ip(),
            };
            Err(io::Error::new(io::ErrorKind::PermissionDenied, refused))
        }
        _ => Ok(good.into_iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that has both kinds of address is reached at the public one only.
    #[test]
    fn addresses_are_judged_after_the_lookup() {
        let allowed = Outbound::new(&[], &["10.1.0.0/16".to_owned()], false).unwrap();
        let check = |found: &[&str], expected: &str| {
            let found = found
                .iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0));
            let shown = match reachable(&allowed, "a.test", found.collect()) {
                Ok(good) => good
                    .map(|address| address.ip().to_string())
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(error) => error.to_string(),
            };
            assert_eq!(shown, expected);
        };
        check(
            &["1.1.1.1", "127.0.0.1", "::1", "10.1.0.9"],
            "1.1.1.1 10.1.0.9",
        );
        check(&[], "");
        check(
            &["169.254.169.254", "::1"],
            "`a.test` leads to 169.254.169.254, which is not public; if it should, add the address to `addresses` of `[outbound]` in waystation.toml",
        );
    }
}
