//! The names of apps and of the hosts that they answer, and the host of a preview.

use std::borrow::{Borrow, Cow};
use std::fmt;

use serde::{Deserialize, Serialize};

/// What an app is called on a node: one label of a host name, so that it can be part of its previews' hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(String);

/// A host that an app answers: a name or an address without a port, in lower case; `*` for what no other app answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// A text that names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Of an app.
    #[error(
        "`{0}` is no name for an app: up to {LONGEST_APP} of `a-z`, `0-9` and single `-`, which is neither first nor last"
    )]
    App(String),

    /// Of a host.
    #[error(
        "`{0}` is no host: give a name such as `shop.example.com` without a port, or `*` for any"
    )]
    Host(String),
}

/// A label has 63 characters, and a preview's also holds `<12 digits>--`.
const LONGEST_APP: usize = 48;

/// How many digits of a release's name its preview host shows.
pub const PREFIX: usize = 12;

/// Where previews are, unless the operator says it: browsers find every name below it on their own machine.
pub const SUFFIX_DEFAULT: &str = "localhost";

impl AppName {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a package as an app's: `my_Shop` is `my-shop`.
    ///
    /// # Errors
    ///
    /// [`NameError::App`].
    pub fn of_package(name: &str) -> Result<Self, NameError> {
        Self::try_from(name.to_ascii_lowercase().replace('_', "-"))
    }
}

impl HostName {
    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is what no other app answers: `*`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

impl TryFrom<String> for AppName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let is_app = is_label(&text) && text.len() <= LONGEST_APP && !text.contains("--");
        match is_app && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Ok(Self(text)),
            false => Err(NameError::App(text)),
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let is_host = text == "*" || (text.len() <= 253 && text.split('.').all(is_label));
        match is_host {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(NameError::Host(text)),
        }
    }
}

impl From<AppName> for String {
    fn from(name: AppName) -> String {
        name.0
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> String {
        name.0
    }
}

/// A host is found by its text.
impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

pub(super) fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inside)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The host of an authority as [`HostName`]s are written: without its port and the root's dot, in lower case.
#[must_use]
pub fn host_of(authority: &str) -> Cow<'_, str> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

/// The host under which a staged release answers: `0123456789ab--shop.localhost`. One label, so that one certificate holds for all.
#[must_use]
pub fn preview_host(digest: &str, app: &AppName, suffix: &str) -> String {
    let prefix = digest.get(..PREFIX).unwrap_or(digest);
    format!("{prefix}--{app}.{suffix}")
}

/// What a preview's host names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preview<'a> {
    /// How the release's digest begins.
    pub prefix: &'a str,
    /// The app, which may be none.
    pub app: &'a str,
}

impl<'a> Preview<'a> {
    /// Reads a host of [`preview_host`]. None for any other host.
    #[must_use]
    pub fn of_host(host: &'a str, suffix: &str) -> Option<Self> {
        let label = host.strip_suffix(suffix)?.strip_suffix('.')?;
        let (prefix, app) = label.split_once("--")?;
        let is_prefix =
            prefix.len() == PREFIX && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_prefix.then_some(Self { prefix, app })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_app_is_one_label() {
        for name in ["shop", "my-shop", "a", "1"] {
            assert!(AppName::try_from(name.to_owned()).is_ok(), "{name}");
        }
        let long = "a".repeat(LONGEST_APP + 1);
        for name in [
            "", "-a", "a-", "a--b", "A", "a_b", "a.b", "../a", "é", &long,
        ] {
            assert!(AppName::try_from(name.to_owned()).is_err(), "{name}");
        }
        assert_eq!(AppName::of_package("my_Shop").unwrap().as_str(), "my-shop");
    }

    #[test]
    fn a_host_is_a_name_without_a_port() {
        for host in [
            "localhost",
            "Shop.example.com",
            "127.0.0.1",
            "*",
            "xn--caf-dma.example",
        ] {
            assert!(HostName::try_from(host.to_owned()).is_ok(), "{host}");
        }
        for host in ["", "a..b", "a:80", "*.example.com", "a b", "a/b", "-a.b"] {
            assert!(HostName::try_from(host.to_owned()).is_err(), "{host}");
        }
    }

    #[test]
    fn an_authority_is_read_as_hosts_are_written() {
        for (authority, host) in [
            ("shop.example.com", "shop.example.com"),
            ("Shop.Example.com:3000", "shop.example.com"),
            ("shop.example.com.", "shop.example.com"),
            ("shop.example.com.:80", "shop.example.com"),
            ("127.0.0.1:3000", "127.0.0.1"),
            ("[::1]:3000", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_of(authority), host, "{authority}");
        }
    }

    #[test]
    fn only_a_preview_s_host_is_read_as_one() {
        let found =
            |host| Preview::of_host(host, "localhost").map(|found| (found.prefix, found.app));
        assert_eq!(
            found("0123456789ab--shop.localhost"),
            Some(("0123456789ab", "shop"))
        );
        for host in [
            "shop.localhost",
            "0123456789ab--shop.example.com",
            "0123456789a--shop.localhost",
            "0123456789ag--shop.localhost",
            "0123456789ab--shoplocalhost",
            "localhost",
        ] {
            assert_eq!(found(host), None, "{host}");
        }
    }

    proptest! {
        #[test]
        fn a_preview_s_host_leads_back_and_is_a_host(digest in "[0-9a-f]{64}", app in "[a-z0-9]{1,48}") {
            let app = AppName::try_from(app).unwrap();
            let host = preview_host(&digest, &app, "preview.example.com");
            prop_assert!(HostName::try_from(host.clone()).is_ok());
            let found = Preview::of_host(&host, "preview.example.com").unwrap();
            prop_assert!(digest.starts_with(found.prefix));
            prop_assert_eq!(found.app, app.as_str());
        }
    }
}
