//! Named lifetimes: Next's, and those of `waystation.toml` (row CC4).

use std::collections::BTreeMap;

use super::{Lapsing, Life};

/// A named lifetime, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Until it is stale.
    pub revalidate: u32,
    /// Until it expires; none for never.
    pub expire: Option<u32>,
}

/// What Next names.
const OF_NEXT: [(&str, Profile); 7] = [
    ("default", profile(900, None)),
    ("seconds", profile(1, Some(60))),
    ("minutes", profile(60, Some(3600))),
    ("hours", profile(3600, Some(86_400))),
    ("days", profile(86_400, Some(604_800))),
    ("weeks", profile(604_800, Some(2_592_000))),
    ("max", profile(2_592_000, Some(31_536_000))),
];

const fn profile(revalidate: u32, expire: Option<u32>) -> Profile {
    Profile { revalidate, expire }
}

/// Every lifetime that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, Profile>);

impl Profiles {
    /// Next's, and the operator's own in place of them or beside them.
    #[must_use]
    pub fn new(own: impl IntoIterator<Item = (String, Profile)>) -> Self {
        let of_next = OF_NEXT.map(|(name, profile)| (name.to_owned(), profile));
        Self(of_next.into_iter().chain(own).collect())
    }

    /// How long the named one is.
    #[must_use]
    pub fn life(&self, name: &str) -> Option<Life> {
        self.0.get(name).map(|profile| Life {
            revalidate: Some(profile.revalidate),
            expire: profile.expire,
        })
    }

    /// What `revalidate_tag(tag, name)` does: stale now, expired when the profile says so; `max` is stale alone (rows V1 and V4).
    #[must_use]
    pub fn lapsing(&self, name: &str) -> Option<Lapsing> {
        let profile = self.0.get(name)?;
        Some(match (name, profile.expire) {
            ("max", _) | (_, None) => Lapsing::Stale,
            (_, Some(seconds)) => Lapsing::Expire(seconds),
        })
    }

    /// The names, for a message.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Default for Profiles {
    fn default() -> Self {
        Self::new([])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_s_own_stand_beside_next_s() {
        let profiles = Profiles::new([("biweekly".to_owned(), profile(60, Some(120)))]);
        let life = |name| {
            profiles
                .life(name)
                .map(|life| (life.revalidate, life.expire))
        };
        assert_eq!(life("hours"), Some((Some(3600), Some(86_400)))); // CC4
        assert_eq!(life("default"), Some((Some(900), None)));
        assert_eq!(life("biweekly"), Some((Some(60), Some(120))));
        assert_eq!(life("nope"), None); // V3
        assert_eq!(profiles.lapsing("max"), Some(Lapsing::Stale)); // V1
        assert_eq!(profiles.lapsing("biweekly"), Some(Lapsing::Expire(120)));
        assert_eq!(profiles.lapsing("nope"), None);
    }
}
