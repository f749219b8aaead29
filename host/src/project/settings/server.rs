//! `[server]` and `[log]`: where `start` listens, with which certificates, and for whom it writes its log.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::telemetry::Format;

/// `[server]`: where to listen. The command line and the environment win over it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// An address or a name, such as `127.0.0.1`.
    pub host: Option<String>,
    /// 0 for any free one.
    pub port: Option<u16>,
    /// An address of its own, such as `127.0.0.1:9464`, on which `start` answers monitors: `/healthz`, `/readyz` and `/metrics`.
    pub status: Option<SocketAddr>,
    /// MiB of memory that all guests may take together; five eighths of the machine's if it is not said.
    pub guest_memory_mb: Option<NonZeroU32>,
    /// `[[server.tls]]`: the certificates of `start`, which then speaks TLS alone. A client is shown the one for the host name it asks for, or the first.
    pub tls: Vec<Certificate>,
}

/// `[[server.tls]]`: a certificate for one or more host names. Paths count from the app's folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// A file in PEM: the certificate, then those of its chain.
    pub cert: PathBuf,
    /// A file in PEM: its key.
    pub key: PathBuf,
}

/// `[log]`: for whom `start` writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `json` for a JSON object a line, one for each request among them.
    pub format: Option<Format>,
}

impl Certificate {
    /// The same files, found from the app's folder.
    #[must_use]
    pub fn below(&self, root: &Path) -> Self {
        Self {
            cert: root.join(&self.cert),
            key: root.join(&self.key),
        }
    }
}
