//! Where a node is asked: the path of its socket, or a URL.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use http::Uri;

/// Where a node is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A socket on this machine: `unix:/var/lib/waystation/admin.sock`, or a path.
    Socket(PathBuf),
    /// `https://fra.example.com:4000`, or `http://127.0.0.1:4000`.
    Url(Uri),
}

/// A text that leads to no node.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a path, a URL or a name.
    #[error(
        "`{text}` is no node: give the path of its socket, a URL such as `https://fra.example.com:4000`, or a name of `[nodes]` in waystation.toml{}",
        known(names)
    )]
    Unknown {
        /// As it was given.
        text: String,
        /// Those that there are.
        names: Vec<String>,
    },

    /// The token would be read on the way.
    #[error(
        "`{0}` would send the token for all to read\n\nhint: use `https://`, or a tunnel to this machine: `ssh -L 4000:127.0.0.1:4000 ..`"
    )]
    Cleartext(String),
}

fn known(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", which has {}", names.join(", ")),
    }
}

impl Address {
    /// Reads an address, or finds the name of one.
    ///
    /// # Errors
    ///
    /// An [`AddressError`].
    pub fn parse(text: &str, named: &BTreeMap<String, String>) -> Result<Self, AddressError> {
        let named_text = named.get(text).map_or(text, String::as_str);
        if let Some(path) = named_text.strip_prefix("unix:") {
            return Ok(Self::Socket(path.into()));
        }
        if named_text.contains('/') && !named_text.contains("://") {
            return Ok(Self::Socket(named_text.into()));
        }
        let is_url = |uri: &Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
        };
        match named_text.parse::<Uri>().ok().filter(is_url) {
            Some(uri) if is_readable(&uri) => Err(AddressError::Cleartext(named_text.to_owned())),
            Some(uri) => Ok(Self::Url(uri)),
            None => Err(AddressError::Unknown {
                text: text.to_owned(),
                names: named.keys().cloned().collect(),
            }),
        }
    }
}

/// Whether others on the way can read what is sent.
fn is_readable(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("http") && !is_here
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(out, "{}", path.display()),
            Self::Url(uri) => out.write_str(uri.to_string().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_socket_a_url_or_a_name() {
        check("/run/a.sock", "/run/a.sock");
        check("unix:a.sock", "a.sock");
        check("./a.sock", "./a.sock");
        check("https://a.example:4000", "https://a.example:4000");
        check("http://127.0.0.1:4000", "http://127.0.0.1:4000");
        check("http://[::1]:4000", "http://[::1]:4000");
        check("fra", "https://fra.example.com:4000");
        check("here", "/run/here.sock");
    }

    #[test]
    fn what_leads_nowhere_is_told_with_the_names_there_are() {
        let words = "`ber` is no node: give the path of its socket, a URL such as `https://fra.example.com:4000`, \
                     or a name of `[nodes]` in waystation.toml, which has fra, here";
        check("ber", words);
    }

    #[test]
    fn a_token_is_not_sent_in_cleartext() {
        let error = Address::parse("http://10.0.0.1:4000", &BTreeMap::new()).unwrap_err();
        assert!(matches!(error, AddressError::Cleartext(_)), "{error}");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let named = [
            ("fra", "https://fra.example.com:4000"),
            ("here", "unix:/run/here.sock"),
        ];
        let named = named.map(|(name, address)| (name.to_owned(), address.to_owned()));
        let shown = match Address::parse(text, &named.into()) {
            Ok(address) => address.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }
}
