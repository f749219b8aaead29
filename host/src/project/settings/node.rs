//! `[nodes]`: where an app is deployed to.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::Certificate;

/// Where a node is: `"https://fra.example.com:4000"`, the path of a socket, or a table of the address and of certificates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a node is its address, or a table of `address` and of `ca`, `cert` and `key`"
)]
pub enum Node {
    /// Its address alone.
    Address(String),
    /// Its address, and whom it and its deployers trust.
    Certified(Certified),
}

/// A node with certificates. Paths count from the app's folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certified {
    /// Such as `https://fra.example.com:4000`.
    pub address: String,
    /// A file in PEM: who has signed the node's certificate, if it is nobody whom the system trusts.
    pub ca: Option<PathBuf>,
    /// A file in PEM: the certificate by which the node knows the deployer.
    pub cert: Option<PathBuf>,
    /// A file in PEM: its key.
    pub key: Option<PathBuf>,
}

impl Node {
    /// Its address.
    #[must_use]
    pub fn address(&self) -> &str {
        match self {
            Self::Address(address) => address,
            Self::Certified(node) => &node.address,
        }
    }

    /// Who has to have signed its certificate, found from the app's folder.
    #[must_use]
    pub fn authority(&self, root: &Path) -> Option<PathBuf> {
        match self {
            Self::Address(_) => None,
            Self::Certified(node) => Some(root.join(node.ca.as_ref()?)),
        }
    }

    /// The deployer's certificate, found from the app's folder. One goes with its key, which [`Settings`](super::Settings) sees to.
    #[must_use]
    pub fn own(&self, root: &Path) -> Option<Certificate> {
        match self {
            Self::Address(_) => None,
            Self::Certified(node) => {
                let pair = node.cert.clone().zip(node.key.clone());
                pair.map(|(cert, key)| Certificate { cert, key }.below(root))
            }
        }
    }

    /// Whether a certificate or its key is without the other.
    pub(super) fn is_half(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Certified(node) => node.cert.is_some() != node.key.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_node_is_an_address_or_a_table() {
        check(
            "fra = \"https://a:1\"",
            "https://a:1 by None, signed by None",
        );
        check(
            "fra = { address = \"https://a:1\", ca = \"ca.pem\" }",
            "https://a:1 by None, signed by Some(\"/app/ca.pem\")",
        );
        check(
            "fra = { address = \"https://a:1\", cert = \"/c.pem\", key = \"k\" }",
            "https://a:1 by Some(\"/c.pem\"), signed by None",
        );
    }

    #[test]
    fn a_table_that_makes_no_sense_is_told_what_it_could_be() {
        check(
            "fra = { address = \"https://a:1\", cert = \"c\" }",
            "`nodes.fra` has one of `cert` and `key`; give both, or neither\n  --> waystation.toml:2:7",
        );
        check(
            "fra = { addres = \"https://a:1\" }",
            "a node is its address, or a table of `address` and of `ca`, `cert` and `key`\n  --> waystation.toml:2:7",
        );
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let told = match Settings::parse(&format!("[nodes]\n{line}\n")) {
            Ok(settings) => {
                let (node, root) = (&settings.nodes["fra"], Path::new("/app"));
                let (own, authority) = (node.own(root), node.authority(root));
                let cert = own.map(|own| own.cert);
                format!("{} by {cert:?}, signed by {authority:?}", node.address())
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }
}
