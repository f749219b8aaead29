//! Who may ask a node over the network: the bearers of tokens, of which the node keeps only the hashes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use waystation_rules::rollout::{AppName, HostName};

use crate::project::atomic;

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// What the log calls them.
    pub(super) name: String,
    /// With this app alone; with any if there is none.
    app: Option<AppName>,
    /// The hosts that they may have the app answer; any if they may do anything.
    hosts: Vec<HostName>,
}

impl Access {
    /// The node's own user, who has its files anyway.
    pub(super) fn everything(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            app: None,
            hosts: Vec::new(),
        }
    }

    /// Whether they may do something with an app.
    pub(super) fn allows(&self, app: &AppName) -> bool {
        self.app.as_ref().is_none_or(|own| own == app)
    }

    /// The first of these hosts that they may not have an app answer.
    pub(super) fn forbidden<'a>(&self, hosts: &'a [HostName]) -> Option<&'a HostName> {
        let allows = |host| self.app.is_none() || self.hosts.contains(host);
        hosts.iter().find(|host| !allows(host))
    }
}

/// A token as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    name: String,
    /// The BLAKE3 hash of the token: it is random and long, so nothing slower is needed.
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<AppName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<HostName>,
}

/// Makes a token, which is shown this once, and keeps its hash. A running node takes it at once.
///
/// # Errors
///
/// If another one has the name, or it cannot be kept.
pub fn make(
    data: &Path,
    name: &str,
    app: Option<AppName>,
    hosts: Vec<HostName>,
) -> anyhow::Result<String> {
    let mut kept = read(data)?;
    let is_taken = kept.iter().any(|kept| kept.name == name);
    anyhow::ensure!(!is_taken, "there is a token called `{name}` already");
    let mut secret = [0_u8; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let token = format!("wst_{}", blake3::Hash::from_bytes(secret).to_hex());
    kept.push(Kept {
        name: name.to_owned(),
        hash: hash(&token).to_string(),
        app,
        hosts,
    });
    write(data, &kept)?;
    Ok(token)
}

/// Has a token count no more. A running node forgets it at once. Says whether there was one.
///
/// # Errors
///
/// If that cannot be written.
pub fn revoke(data: &Path, name: &str) -> anyhow::Result<bool> {
    let mut kept = read(data)?;
    let before = kept.len();
    kept.retain(|kept| kept.name != name);
    write(data, &kept)?;
    Ok(kept.len() < before)
}

/// What the bearer of a token may do. It takes as long whichever token it is, and however much of it is right.
///
/// # Errors
///
/// If the tokens cannot be read.
pub(super) fn bearer(data: &Path, token: &str) -> anyhow::Result<Option<Access>> {
    let shown = hash(token);
    let kept = read(data)?;
    let (mut is_one, mut which) = (Choice::from(0), 0_u32);
    for (at, kept) in (0..).zip(&kept) {
        let is_this = shown.as_bytes().ct_eq(kept.hash.as_bytes());
        which.conditional_assign(&at, is_this);
        is_one |= is_this;
    }
    let found = kept.into_iter().nth(which as usize);
    Ok(found.filter(|_| is_one.into()).map(|kept| Access {
        name: kept.name,
        app: kept.app,
        hosts: kept.hosts,
    }))
}

fn hash(token: &str) -> impl AsRef<str> + std::ops::Deref<Target = str> {
    blake3::hash(token.as_bytes()).to_hex()
}

fn file(data: &Path) -> PathBuf {
    data.join("tokens.json")
}

fn read(data: &Path) -> anyhow::Result<Vec<Kept>> {
    match fs::read(file(data)) {
        Ok(text) => serde_json::from_slice(&text).context("the node's tokens make no sense"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context("the node's tokens cannot be read"),
    }
}

fn write(data: &Path, kept: &[Kept]) -> anyhow::Result<()> {
    super::data::make_private(data)?;
    let written = atomic::write(&file(data), &serde_json::to_vec_pretty(kept)?);
    written.context("the node's tokens cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_until_it_is_revoked() {
        let data = tempfile::tempdir().unwrap();
        let shop: AppName = "shop".to_owned().try_into().unwrap();
        let one = make(data.path(), "ci", None, Vec::new()).unwrap();
        let two = make(data.path(), "shop", Some(shop), Vec::new()).unwrap();
        assert!(make(data.path(), "ci", None, Vec::new()).is_err());
        let kept = fs::read_to_string(file(data.path())).unwrap();
        assert!(!kept.contains(&one) && !kept.contains(&one[4..]), "{kept}");

        let name = |token: &str| {
            bearer(data.path(), token)
                .unwrap()
                .map(|access| access.name)
        };
        assert_eq!(name(&one).as_deref(), Some("ci"));
        assert_eq!(name(&two).as_deref(), Some("shop"));
        for wrong in ["", "wst_", &one[..one.len() - 1], &format!("{one}0")] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
        assert!(revoke(data.path(), "ci").unwrap());
        assert!(!revoke(data.path(), "ci").unwrap());
        assert_eq!(name(&one), None);
        assert_eq!(name(&two).as_deref(), Some("shop"));
    }

    #[test]
    fn a_token_for_one_app_is_for_its_hosts_too() {
        let data = tempfile::tempdir().unwrap();
        let app = |name: &str| AppName::try_from(name.to_owned()).unwrap();
        let host = |name: &str| HostName::try_from(name.to_owned()).unwrap();
        let hosts = vec![host("shop.example")];
        let token = make(data.path(), "shop", Some(app("shop")), hosts).unwrap();
        let access = bearer(data.path(), &token).unwrap().unwrap();
        assert!(access.allows(&app("shop")) && !access.allows(&app("blog")));
        assert_eq!(access.forbidden(&[host("shop.example")]), None);
        let others = [host("shop.example"), host("blog.example")];
        assert_eq!(access.forbidden(&others), Some(&others[1]));
        assert_eq!(Access::everything("socket").forbidden(&others), None);
    }
}
