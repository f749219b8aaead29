//! TLS: shakes hands, with the certificate that fits the name a client asks for.
//!
//! In: a connection as it was accepted, and certificates as files in PEM. Out: the same connection in cleartext, of HTTP/2 or HTTP/1.1 as was
//! agreed. Connections keep what they began with; the next ones get the certificates of now.

mod certificates;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use certificates::Certificates;
pub use certificates::{TlsError, authorities, pair};

use crate::project::settings::Certificate;

/// How often the files are looked at. No watcher of the system's sees every way to replace one: renewals move links, and Kubernetes moves
/// whole folders.
const LOOK: Duration = Duration::from_secs(1);

/// What is read of a request that came in cleartext, and for how long, so that its client reads the answer before the end.
const DRAINED: u64 = 64 << 10;
const DRAINING: Duration = Duration::from_secs(1);

/// What a client that speaks HTTP without TLS is told.
const PLAIN: &str = "this port speaks TLS: ask for https:// instead of http://\n";

/// What it takes to speak TLS.
pub struct Tls {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
}

impl Tls {
    /// Reads the certificates. The first is for clients that ask for no name, or for one that none fits.
    ///
    /// # Errors
    ///
    /// A [`TlsError`] for the first that cannot be used.
    pub fn open(files: Vec<Certificate>) -> Result<Self, TlsError> {
        Self::for_clients_of(files, None, &[b"h2", b"http/1.1"])
    }

    /// The same for operators, who speak HTTP/1.1, and who may show a certificate that one of the `authorities` has signed. One that
    /// nobody of them has signed ends the connection.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and of the file with the authorities, which is read this once.
    pub fn for_operators(files: Certificate, authorities: Option<&Path>) -> Result<Self, TlsError> {
        Self::for_clients_of(vec![files], authorities, &[b"http/1.1"])
    }

    fn for_clients_of(
        files: Vec<Certificate>,
        authorities: Option<&Path>,
        protocols: &[&[u8]],
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificates = Arc::new(Certificates::open(files, Arc::clone(&provider))?);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Versions)?;
        let config = match authorities {
            None => config.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(certificates::authorities(file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = verifier.allow_unauthenticated().build();
                config.with_client_cert_verifier(verifier.map_err(|error| TlsError::Authority {
                    file: file.to_owned(),
                    error: rustls::Error::General(error.to_string()),
                })?)
            }
        };
        let mut config = config.with_cert_resolver(Arc::clone(&certificates) as _);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificates,
        })
    }

    /// Takes up what the files hold now. A certificate that cannot be used leaves the old one in its place and is logged.
    pub fn reload(&self) {
        let faults = self.certificates.reload();
        for fault in &faults {
            tracing::error!("{fault}\n\nnote: the certificate from before is still shown");
        }
        if faults.is_empty() {
            tracing::info!(target: "host", "certificates read again");
        }
    }

    /// Takes up what changes in the files, for ever. A change counts once two looks in a row have seen the same, so that a certificate is not
    /// read without its key.
    pub async fn follow(self: Arc<Self>) {
        let (mut taken, mut seen) = (self.stamps().await, Vec::new());
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.stamps().await;
            if now == seen && now != taken {
                self.reload();
                taken.clone_from(&now);
            }
            seen = now;
        }
    }

    async fn stamps(&self) -> Vec<Stamp> {
        let certificates = Arc::clone(&self.certificates);
        let stamps = tokio::task::spawn_blocking(move || {
            let files = certificates.files.iter();
            let files = files.flat_map(|files| [&files.cert, &files.key]);
            files.map(|file| stamp(file)).collect()
        });
        stamps.await.unwrap_or_default()
    }

    /// Whether a request for `host` came over a connection whose client asked for `name`, and was shown another certificate than the one
    /// that there is for that host: it means another server than it has reached (RFC 9110, 15.5.20).
    #[must_use]
    pub fn is_misdirected(&self, name: &str, host: &str) -> bool {
        !name.eq_ignore_ascii_case(host) && self.certificates.is_for_others(name, host)
    }

    /// Shakes hands. Nothing comes of a client that left, or that speaks HTTP without TLS, which is told so.
    ///
    /// # Errors
    ///
    /// The system's, and what the client did wrong.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let mut first = [0];
        match stream.peek(&mut first).await? {
            0 => Ok(None),
            _ if first[0].is_ascii_uppercase() => refuse(stream).await.map(|()| None),
            _ => self.acceptor.accept(stream).await.map(Some),
        }
    }
}

/// Tells one content of a file from another without reading it; none if it is not there.
type Stamp = Option<(u64, u64, SystemTime)>;

fn stamp(file: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.ino(), metadata.len(), metadata.modified().ok()?))
}

async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    let length = PLAIN.len();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{PLAIN}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(DRAINED);
    let mut nowhere = tokio::io::sink();
    let drained = tokio::io::copy(&mut rest, &mut nowhere);
    match tokio::time::timeout(DRAINING, drained).await {
        Ok(drained) => drained.map(drop),
        Err(_) => Ok(()), // it has had its time
    }
}
