//! Which app follows which tag, as an operator types it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use waystation_rules::rollout::{AppName, HostName, NameError};

use crate::deploy::registry::{Reference, ReferenceError};

/// An app that serves what a tag names: `shop=ghcr.io/me/shop:live`, or `shop@shop.example.com=ghcr.io/me/shop:live`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    pub(super) app: AppName,
    /// What the app answers; what it answered before if it is not said.
    pub(super) hosts: Option<Vec<HostName>>,
    pub(super) reference: Reference,
}

/// A text that says not what is followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// There is no app, or no tag.
    #[error("`{0}` does not say which app follows what, as `shop=ghcr.io/me/shop:live` does")]
    Shape(String),

    /// Of an app or a host.
    #[error(transparent)]
    Name(#[from] NameError),

    /// Of a release.
    #[error(transparent)]
    Reference(#[from] ReferenceError),

    /// One app cannot serve two.
    #[error("`{0}` follows two tags, and an app serves one release")]
    Twice(AppName),
}

impl FromStr for Follow {
    type Err = FollowError;

    fn from_str(text: &str) -> Result<Self, FollowError> {
        let shape = || FollowError::Shape(text.to_owned());
        let (app, reference) = text.split_once('=').ok_or_else(shape)?;
        let (app, hosts) = match app.split_once('@') {
            Some((app, hosts)) => (app, Some(hosts)),
            None => (app, None),
        };
        let named = |hosts: &str| {
            let hosts = hosts
                .split(',')
                .map(|host| HostName::try_from(host.to_owned()));
            hosts.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            app: app.to_owned().try_into()?,
            hosts: hosts.map(named).transpose()?,
            reference: reference.parse()?,
        })
    }
}

impl fmt::Display for Follow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} from {}", self.app, self.reference)
    }
}

/// Whether each app follows one tag at most.
///
/// # Errors
///
/// [`FollowError::Twice`].
pub fn check_follows(follows: &[Follow]) -> Result<(), FollowError> {
    let mut seen = BTreeSet::new();
    match follows.iter().find(|follow| !seen.insert(&follow.app)) {
        Some(twice) => Err(FollowError::Twice(twice.app.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_followed_is_an_app_its_hosts_and_a_tag() {
        check("shop=ghcr.io/me/shop:live", "shop [] ghcr.io/me/shop:live");
        check("shop@*=localhost:5000/a", "shop [*] localhost:5000/a");
        check(
            "shop@a.example,B.example=ghcr.io/me/shop",
            "shop [a.example b.example] ghcr.io/me/shop",
        );
        check(
            "ghcr.io/me/shop:live",
            "`ghcr.io/me/shop:live` does not say which app",
        );
        check("Shop=ghcr.io/me/shop", "`Shop` is no name for an app");
        check("shop@a:80=ghcr.io/me/shop", "`a:80` is no host");
        check(
            "shop=shop:live",
            "`shop:live` does not begin with a registry",
        );
    }

    #[test]
    fn an_app_follows_one_tag() {
        let follow = |text: &str| text.parse::<Follow>().unwrap();
        let one = follow("shop=ghcr.io/me/shop:live");
        let two = follow("blog=ghcr.io/me/shop:live");
        assert_eq!(check_follows(&[one.clone(), two]), Ok(()));
        assert!(check_follows(&[one.clone(), one]).is_err());
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match text.parse::<Follow>() {
            Ok(Follow {
                app,
                hosts,
                reference,
            }) => {
                let hosts = hosts.unwrap_or_default();
                let hosts: Vec<_> = hosts.iter().map(|host| host.as_str()).collect();
                format!("{app} [{}] {reference}", hosts.join(" "))
            }
            Err(error) => error.to_string(),
        };
        assert!(shown.starts_with(expected), "{shown}");
    }
}
