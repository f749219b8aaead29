//! The certificates of a host, and which of them a client is shown.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::project::settings::Certificate;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or holds no PEM of its kind.
    #[error("{}: {}", file.display(), words(error))]
    Pem {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },

    /// The key is another certificate's, or of a kind that TLS does not know.
    #[error("{} and {} do not fit: {error}", files.cert.display(), files.key.display())]
    Pair {
        /// Which.
        files: Certificate,
        /// What is wrong.
        error: rustls::Error,
    },

    /// A certificate that cannot vouch for others.
    #[error("{}: {error}", file.display())]
    Authority {
        /// Where it stands.
        file: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },

    /// There is no certificate to show.
    #[error("TLS takes a certificate, and there is none")]
    None,

    /// The TLS library was built without the protocol's versions: a fault of the build.
    #[error("{0}")]
    Versions(rustls::Error),
}

/// The certificates, each where its files stand.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) files: Vec<Certificate>,
    shown: RwLock<Vec<Arc<CertifiedKey>>>,
    provider: Arc<CryptoProvider>,
}

impl Certificates {
    pub(super) fn open(
        files: Vec<Certificate>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        if files.is_empty() {
            return Err(TlsError::None);
        }
        let shown = files.iter().map(|files| read(files, &provider));
        let shown = RwLock::new(shown.collect::<Result<_, _>>()?);
        Ok(Self {
            files,
            shown,
            provider,
        })
    }

    /// Reads each anew. What cannot be used stays as it was, and is returned.
    pub(super) fn reload(&self) -> Vec<TlsError> {
        let read = self.files.iter().map(|files| read(files, &self.provider));
        let read: Vec<_> = read.collect();
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let mut faults = Vec::new();
        for (shown, read) in shown.iter_mut().zip(read) {
            match read {
                Ok(read) => *shown = read,
                Err(fault) => faults.push(fault),
            }
        }
        faults
    }

    /// The first that is for this name, or else the first.
    fn of(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let named = name.and_then(|name| named(&shown, name));
        named.or(shown.first()).cloned()
    }

    /// Whether there is a certificate for `host`, and one who asked for `name` was shown another that is not.
    pub(super) fn is_for_others(&self, name: &str, host: &str) -> bool {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let Ok(host_name) = ServerName::try_from(host) else {
            return false;
        };
        let asked = named(&shown, name).or(shown.first());
        // One certificate for both, as a client that uses a connection again sees it, is looked at before all the others.
        asked.is_some_and(|asked| !is_for(asked, &host_name)) && named(&shown, host).is_some()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.of(hello.server_name())
    }
}

/// The first certificate that is for this name.
fn named<'a>(shown: &'a [Arc<CertifiedKey>], name: &str) -> Option<&'a Arc<CertifiedKey>> {
    let name = ServerName::try_from(name).ok()?;
    shown.iter().find(|own| is_for(own, &name))
}

/// As a client will judge it, wildcards and all.
fn is_for(own: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = own.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

fn read(files: &Certificate, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
    let (chain, key) = pair(files)?;
    let pair = |error| TlsError::Pair {
        files: files.clone(),
        error,
    };
    let own = CertifiedKey::from_der(chain, key, provider).map_err(pair)?;
    let parsed = own.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.map_err(pair)?;
    Ok(Arc::new(own))
}

/// A certificate with its chain, and its key, as their files hold them.
///
/// # Errors
///
/// [`TlsError::Pem`].
pub fn pair(
    files: &Certificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let key = PrivateKeyDer::from_pem_file(&files.key);
    Ok((
        chain(&files.cert)?,
        key.map_err(|error| pem(&files.key, error))?,
    ))
}

/// Those who vouch for others, as a file holds them.
///
/// # Errors
///
/// [`TlsError::Pem`] and [`TlsError::Authority`].
pub fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(file)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Authority {
                file: file.to_owned(),
                error,
            })?;
    }
    Ok(roots)
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| pem(file, error))?;
    match chain.is_empty() {
        true => Err(pem(file, pem::Error::NoItemsFound)),
        false => Ok(chain),
    }
}

fn pem(file: &Path, error: pem::Error) -> TlsError {
    TlsError::Pem {
        file: file.to_owned(),
        error,
    }
}

fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "holds nothing of its kind in PEM".to_owned(),
        pem::Error::MissingSectionEnd { .. } => "ends in the middle".to_owned(),
        error => format!("is no PEM: {error}"),
    }
}

#[cfg(test)]
mod tests;
