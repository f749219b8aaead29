//! Whom a deployer takes for a node, and by what the node knows the deployer, where that is not left to the system and to tokens.

use std::path::PathBuf;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;

use crate::project::settings::Certificate;
use crate::server::{self, TlsError};

/// The certificates of a deployer, as files in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Who has signed the node's certificate; whom the system trusts if it is not said.
    pub authority: Option<PathBuf>,
    /// The deployer's own.
    pub own: Option<Certificate>,
}

impl Identity {
    /// The same as TLS takes it.
    pub(super) fn config(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Versions)?;
        let config = match &self.authority {
            Some(file) => config.with_root_certificates(server::authorities(file)?),
            None => config
                .try_with_platform_verifier()
                .map_err(TlsError::Versions)?,
        };
        match &self.own {
            None => Ok(config.with_no_client_auth()),
            Some(files) => {
                let (chain, key) = server::pair(files)?;
                let config = config.with_client_auth_cert(chain, key);
                config.map_err(|error| TlsError::Pair {
                    files: files.clone(),
                    error,
                })
            }
        }
    }
}
